"""The first spec of a newcomer: written for the machine at hand, commented so that it teaches."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from components.cluster.topology import Topology

READABLE: Final = (".onnx", ".xml", ".pb", ".tflite", ".pdmodel")

TEXT: Final = """\
# A stack for inferstack. What each field means: `inferstack schema`, or an editor that knows yaml-language-server.
apiVersion: inferstack/v1
name: {name}

# This machine: {machine}.
cluster: {{provider: local}}

models:
  - name: {model_name}
    source: {source}          # a file, a SavedModel folder, or https://...
    # sha256: ...               pins the source; `inferstack models` prints the digest
    convert:
      precision: fp32           # fp16 halves the file; int8 needs `calibration: samples.npz`

serving:
  # One instance a NUMA node over all its cores: the lowest latency of a single request.
  - name: {model_name}-latency
    platform: openvino
    model: {model_name}
    layout: latency
    exclusive: false            # may share its cores with the other group; measured one after the other
  # Many small pinned instances: the most requests a second.
  - name: {model_name}-throughput
    platform: openvino
    model: {model_name}
    layout: throughput
    exclusive: false

benchmarks:
  - name: layouts
    targets: [{model_name}-latency, {model_name}-throughput]
    # data: samples.npz         arrays named as the model's inputs, and labels `y`; made up when absent
    load:
      - {{clients: 1, duration: 5s}}                            # latency, one request at a time
      - {{clients: {clients}, duration: 5s}}                            # throughput
      - {{rate: 50/s, arrivals: poisson, duration: 10s}}        # what users do
    objective: {{p99: 50ms, errors: 0%}}
"""


def first_spec(topology: Topology, *, folder: Path, name: str | None, model: str | None) -> str:
    """A valid spec for `topology` that serves `model`, or the first model file found in `folder`."""
    source = model or next((p.name for p in sorted(folder.iterdir()) if p.suffix in READABLE), "model.onnx")
    cores = sum(len(node.cores) for node in topology.nodes)
    nodes = sum(1 for node in topology.nodes if node.cores)
    return TEXT.format(
        name=name or as_name(folder.name) or "stack",
        machine=f"{cores} core{'s' if cores != 1 else ''} on {nodes} NUMA node{'s' if nodes != 1 else ''}",
        model_name=as_name(Path(source).stem) or "model",
        source=source,
        clients=max(2, 2 * cores),
    )


def as_name(text: str) -> str:
    """A text as a name of the spec: lower-case letters, digits and hyphens; empty if nothing is left."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].strip("-")
