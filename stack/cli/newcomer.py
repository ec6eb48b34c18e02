"""The first spec of a newcomer: written for the machine at hand, commented so that it teaches."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Final

import schemas
from components.cluster.topology import Topology
from schemas.words import counted

SCHEMA: Final = Path(schemas.__file__).parent / "stack.schema.json"
WORDS_OF_YAML: Final = ("no", "on", "off", "yes", "true", "false", "null")
READABLE: Final = (".onnx", ".xml", ".pb", ".tflite", ".pdmodel")

TEXT: Final = """\
# yaml-language-server: $schema={schema}
# A stack for inferstack. Editors that know yaml-language-server complete it and say what each field means.
apiVersion: inferstack/v1
name: {name}

# This machine: {machine}.
cluster: {{provider: local}}

models:
  - name: {model}
    source: {source}          # a file, a SavedModel folder, or https://...
    # sha256: ...               pins the source; `{digest}` prints it
    convert:
      precision: fp32           # fp16 halves the file; int8 needs `calibration: samples.npz`

serving:
  # One instance a NUMA node over all its cores: the lowest latency of a single request.
  - name: {model_name}-latency
    platform: openvino
    model: {model}
    layout: latency
    exclusive: false            # may share its cores with other groups; they are measured one after the other
  # Many small pinned instances: the most requests a second.
  - name: {model_name}-throughput
    platform: openvino
    model: {model}
    layout: throughput
    exclusive: false
  # A single core, which costs least.
  - name: {model_name}-one-core
    platform: openvino
    model: {model}
    instances: {{count: 1, cores: 1}}
    exclusive: false

benchmarks:
  - name: layouts
    targets: [{model_name}-latency, {model_name}-throughput, {model_name}-one-core]
    # data: samples.npz         arrays named as the model's inputs, and labels `y`; made up when absent
    load:
      - {{clients: 1, duration: 5s}}                            # latency, one request at a time
      - {{clients: {clients}, duration: 5s}}                            # throughput
      - {{rate: 100/s, arrivals: poisson, duration: 10s}}       # what users do; 1,000 requests for a p99
    objective: {{p99: 50ms, errors: 0%}}
"""


def first_spec(topology: Topology, *, source: str, name: str) -> str:
    """A valid spec for `topology` that serves the model at `source` (as the spec's file will say it)."""
    cores = sum(len(node.cores) for node in topology.nodes)
    nodes = sum(1 for node in topology.nodes if node.cores)
    model = as_name(Path(source).stem)[:40].rstrip("-") or "model"
    return TEXT.format(
        schema=SCHEMA,
        name=scalar(as_name(name) or "stack"),
        machine=f"{counted(cores, 'core')} on {counted(nodes, 'NUMA node')}",
        model=scalar(model),
        model_name=model,
        source=scalar(source),
        digest="cat model.xml model.bin | sha256sum" if source.endswith(".xml") else "sha256sum FILE",
        clients=max(2, 2 * cores),
    )


def scalar(text: str) -> str:
    """A text as YAML reads it back: in quotes where it could be a number, a date, a truth value or more than a word."""
    plain = re.fullmatch(r"[A-Za-z./_][\w./:+-]*\w", text) and text not in WORDS_OF_YAML
    return text if plain else json.dumps(text)


def source_of(model: str, folder: Path) -> str:
    """A model as a spec in `folder` names it: paths are taken from there, URLs stay."""
    return model if is_url(model) else os.path.relpath(model, folder)


def is_url(source: str) -> bool:
    """Whether a source is fetched instead of read."""
    return "://" in source


def found_models(folder: Path) -> tuple[str, ...]:
    """The model files of a folder, by name."""
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    return tuple(name for name in names if name.endswith(READABLE))


def as_name(text: str) -> str:
    """A text as a name of the spec: lower-case letters, digits and hyphens; empty if nothing is left."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].strip("-")
