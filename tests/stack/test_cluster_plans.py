"""Plans for clusters that do not answer, and for small ones of GKE: what is declared for models and pods."""

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
from tests.components.models.model_builders import an_onnx

KUBERNETES = "{provider: kubernetes, kubeconfig: nowhere}"
GKE = (
    "{provider: gke, project: my-project, location: europe-west4-a, nodePools: "
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


def pod_of(plan: Plan) -> Any:
    """The spec of the group's pods."""
    return inputs(the_change(plan, "Deployment"))["spec"]["template"]["spec"]


AS_THE_POD = {"name": "GOOGLE_APPLICATION_CREDENTIALS"}


def test_servers_on_gke_read_a_bucket_as_the_account_that_gets_the_right_to(tmp_path: Path) -> None:
    plan = a_plan(tmp_path, model="source: gs://theirs/digits")
    pod = pod_of(plan)
    assert pod["serviceAccountName"] == "models"
    assert AS_THE_POD in pod["containers"][0]["env"]
    assert "metadata" in inputs(the_change(plan, "ServiceAccount", "models"))  # With an address not known before.
    right = inputs(the_change(plan, "BucketIAMMember", "theirs"))
    assert (right["bucket"], right["role"]) == ("theirs", "roles/storage.objectViewer")
    assert any(note.startswith("digits: pods read gs://theirs; the stack gives them the right") for note in plan.notes)


def test_the_stack_s_own_bucket_needs_no_second_right(tmp_path: Path) -> None:
    plan = a_plan(tmp_path, model="source: gs://my-project-demo-models/digits")
    assert [one.name for one in plan.changes if one.type.endswith(":BucketIAMMember")] == ["demo-models-use"]


def test_models_in_a_volume_leave_servers_their_identity_for_buckets(tmp_path: Path) -> None:
    plan = a_plan(tmp_path, model="source: gs://theirs/digits", store="{type: pvc}")
    assert pod_of(plan)["serviceAccountName"] == "models"
    assert not any(one.type.endswith(":PersistentVolumeClaim") for one in plan.changes)


def test_an_account_that_the_spec_names_reads_with_rights_of_its_own(tmp_path: Path) -> None:
    store = "{type: gcs, bucket: ours, account: reader@p.iam.gserviceaccount.com}"
    for cluster in (GKE, KUBERNETES):
        plan = a_plan(tmp_path, model="source: gs://theirs/digits", cluster=cluster, store=store)
        account = inputs(the_change(plan, "ServiceAccount", "models"))
        assert list(account["metadata"]["annotations"].values()) == ["reader@p.iam.gserviceaccount.com"]
        assert not any("theirs" in one.name for one in plan.changes)
        said = "digits: pods read gs://theirs as reader@p.iam.gserviceaccount.com, which the stack gives no rights"
        assert said in plan.notes


def test_servers_ask_the_store_s_service_for_a_bucket_of_s3(tmp_path: Path) -> None:
    for group in ("platform: ovms", "platform: kserve, runtime: ovms"):
        plan = a_plan(tmp_path, model="source: s3://raw/digits", cluster=KUBERNETES, store=S3, group=group)
        if "kserve" in group:
            container = inputs(the_change(plan, "InferenceService"))["spec"]["predictor"]["model"]
        else:
            (container,) = pod_of(plan)["containers"]
        assert {"name": "S3_ENDPOINT", "value": "http://minio:9000"} in container["env"]
        assert {"name": "AWS_REGION", "value": "us-east-1"} in container["env"]
        assert container["envFrom"] == [{"secretRef": {"name": "keys"}}]


@pytest.mark.parametrize("scheme", ["gs", "s3", "az"])
def test_a_plan_says_whose_buckets_are_read_without_any_rights(tmp_path: Path, scheme: str) -> None:
    plan = a_plan(tmp_path, model=f"source: {scheme}://theirs/digits", cluster=KUBERNETES)
    (note,) = [note for note in plan.notes if note.startswith(f"digits: pods read {scheme}://theirs ")]
    assert "as nobody" in note


def test_a_quota_of_gke_is_declared_and_caps_the_jobs_that_make_models(tmp_path: Path) -> None:
    model = f"source: 'https://example.com/m.onnx', sha256: {DIGEST}"
    plan = a_plan(tmp_path, model=model, cluster=GKE.replace("gke,", "gke, quota: {memory: 4GiB},"))
    assert inputs(the_change(plan, "ResourceQuota"))["spec"]["hard"]["limits.memory"] == str(4 * 2**30)
    (container,) = inputs(the_change(plan, "Job"))["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"] == {"memory": "2Gi"}
    assert any("quota: leaves 2048 MiB" in note for note in plan.notes)


def test_a_model_that_is_made_here_is_sent_before_its_pods_come(tmp_path: Path) -> None:
    an_onnx(tmp_path / "m.onnx")
    plan = a_plan(tmp_path, model="source: m.onnx", store="{type: pvc}", group="platform: openvino")
    assert [the_change(plan, kind).op for kind in ("Model", "Upload", "Deployment")] == ["create"] * 3


def test_a_volume_for_one_node_is_told_where_pods_may_be_put_on_several(tmp_path: Path) -> None:
    model = f"source: 'https://example.com/m.onnx', sha256: {DIGEST}"
    group = "platform: openvino, replicas: 4"
    plan = a_plan(tmp_path, model=model, store="{type: pvc}", group=group)
    (note,) = [note for note in plan.notes if note.startswith("store: ")]
    assert "for the pods of one node (ReadWriteOnce), and up to 4 pods may be put on 2 nodes" in note
    many = a_plan(tmp_path, model=model, store="{type: pvc, accessMode: ReadWriteMany}", group=group)
    assert not any(note.startswith("store: ") for note in many.notes)
