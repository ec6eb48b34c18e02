"""Plans of specs for a cluster that does not answer, and of small ones for GKE: what is declared for models and pods."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components import codec
from components.models.order import Order
from schemas.load import load
from stack import workspace
from stack.engines.embedded import EmbeddedEngine
from stack.plan import Change, Plan
from stack.program import PROJECT, build

KUBERNETES = "{provider: kubernetes, kubeconfig: nowhere}"
GKE = (
    "{provider: gke, project: p, location: europe-west4-a, nodePools: "
    "[{name: main, machineType: n2-standard-8, nodes: 2, cpuManager: static}]}"
)
S3 = "{type: s3, bucket: models, endpoint: 'http://minio:9000', credentials: keys}"
DIGEST = "a" * 64


def a_plan(
    folder: Path, *, model: str, cluster: str = GKE, store: str = "", group: str = "platform: ovms", more: str = ""
) -> Plan:
    """The plan of a stack with one model, all but whose name is given, and one group that serves it."""
    (folder / "stack.yaml").write_text(
        "apiVersion: inferstack/v1\nname: demo\n"
        f"cluster: {cluster}\n{f'store: {store}' if store else ''}\n"
        f"models: [{{name: digits, {model}}}]\n"
        f"serving: [{{name: one, model: digits, instances: {{count: 1, cores: 1}}, {group}}}]\n{more}"
    )
    site = workspace.Workspace(folder / ".inferstack").site("demo")
    program = build(load(folder / "stack.yaml"), site)
    return EmbeddedEngine(PROJECT, site.stack, site.state).preview(program.run, program.origins, notes=program.notes)


def the_change(plan: Plan, kind: str, name: str = "") -> Change:
    return next(one for one in plan.changes if one.type.endswith(f":{kind}") and name in one.name)


def inputs(change: Change) -> dict[str, Any]:
    """What a change makes, by key."""
    return {one.path: one.new for one in change.properties}


@pytest.mark.parametrize(
    ("cluster", "store", "source", "asked"),
    [
        (GKE, "{type: gcs}", "gs://raw/a/m.onnx", ("https://storage.googleapis.com/raw/a/m.onnx", "gcs")),
        (KUBERNETES, S3, "s3://raw/a/m.onnx", ("http://minio:9000/raw/a/m.onnx", "s3")),
    ],
    ids=["gcs", "s3"],
)
def test_a_job_fetches_the_source_from_a_bucket_with_the_store_s_identity(
    tmp_path: Path, cluster: str, store: str, source: str, asked: tuple[str, str]
) -> None:
    model = f"source: '{source}', sha256: {DIGEST}, convert: {{where: cluster}}"
    made = inputs(the_change(a_plan(tmp_path, model=model, cluster=cluster, store=store), "Job"))
    (container,) = made["spec"]["template"]["spec"]["containers"]
    conversion = codec.decode(Order, json.loads(container["args"][0])).conversion
    assert conversion is not None
    assert (conversion.source.url, conversion.source.auth) == asked
    assert (conversion.source.shown, conversion.source.sha256) == (source, DIGEST)
