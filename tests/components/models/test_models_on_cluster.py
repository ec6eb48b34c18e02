"""Which way a model takes to the pods of a cluster, and what is declared for it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pulumi
import pytest

from components import codec
from components.kubernetes.objects import Home
from components.models import errands
from components.models.access import ModelAccess
from components.models.material import Planner
from components.models.on_cluster import Supply, access_of, key_of
from components.models.order import Order
from components.models.plan import plan_inputs
from components.models.shelf import (
    Shelf,
    claim,
    declare_identity,
    declare_shelf,
    gcs_shelf,
    original_url,
    s3_shelf,
    service_account,
)
from schemas.errors import PreflightError, UsageError
from schemas.spec import (
    Convert,
    GcsStore,
    GkeCluster,
    HttpStore,
    LocalCluster,
    Model,
    NodePool,
    S3Store,
    Store,
    Taint,
    VolumeStore,
)  # fmt: skip
from tests.components.cluster.recording import Registered, registered_by
from tests.components.models.model_builders import a_data_set, an_onnx

WHOLE = {"requests": {"cpu": "2", "memory": "2Gi"}, "limits": {"cpu": "2", "memory": "2Gi"}}
FROM_THE_WEB = Model(name="digits", source="https://example.com/digits.onnx", sha256="a" * 64)
S3 = S3Store(type="s3", bucket="models", prefix="team", endpoint="http://minio:9000", credentials="minio")
GCS = GcsStore(type="gcs", bucket="bucket")


def a_home() -> Home:
    return Home("demo", "team-a", cast(Any, None), "registry/inferstack:1")


def brought(model: Model, store: Store | None, folder: Path) -> tuple[ModelAccess, dict[str, Registered]]:
    """How pods get the model, and all that is declared for that, by name."""
    found: list[ModelAccess] = []

    def program() -> None:
        home = replace(a_home(), provider=pulumi.ProviderResource("kubernetes", "cluster", {}))
        google = isinstance(store, GcsStore)
        identity = declare_identity(store, home, "models@project") if google else None
        shelf = declare_shelf(store, home, bucket="made", identity=identity) if store else None
        planner = Planner({model.name: model}, lambda _: folder)
        found.append(access_of(model, Supply(planner, folder / "store", home, shelf, store, identity, "config")))

    registered = registered_by(program)
    return found[0], {one.name: one for one in registered}


def container(access: ModelAccess) -> dict[str, Any]:
    """The only init container of a pod with these resources."""
    (found,) = access.init_containers(WHOLE)
    return dict(found)


def order_of(container: dict[str, Any]) -> Order:
    return codec.decode(Order, json.loads(container["args"][0]))


def job_of(registered: dict[str, Registered]) -> dict[str, Any]:
    (job,) = [one.props for one in registered.values() if one.type == "kubernetes:batch/v1:Job"]
    return job


@pytest.mark.parametrize("scheme", ["gs", "s3", "az"])
def test_what_lies_ready_in_a_bucket_is_read_as_it_is(tmp_path: Path, scheme: str) -> None:
    access, registered = brought(Model(name="digits", source=f"{scheme}://models/digits"), None, tmp_path)
    assert (access.path, access.uri) == (f"{scheme}://models/digits",) * 2
    assert (access.volumes, access.init_containers(WHOLE), list(registered)) == ((), (), ["cluster"])


def test_a_job_converts_what_comes_from_the_web_into_the_volume(tmp_path: Path) -> None:
    access, registered = brought(FROM_THE_WEB, VolumeStore(type="pvc"), tmp_path)
    assert {"models", f"convert-digits-{access.key[:8]}"} <= set(registered)
    order = order_of(job_of(registered)["spec"]["template"]["spec"]["containers"][0])
    assert order.conversion is not None
    assert (order.key, order.conversion.source.sha256) == (access.key, "a" * 64)
    assert access.path == f"/models/{access.key}/digits"
    assert access.uri == f"pvc://models/{access.key}/digits"


def test_pods_check_a_mounted_model_with_the_resources_of_all_their_containers(tmp_path: Path) -> None:
    access, _ = brought(FROM_THE_WEB, VolumeStore(type="pvc"), tmp_path)
    found = container(access)
    assert (found["name"], found["resources"], found["image"]) == ("check", WHOLE, "registry/inferstack:1")
    assert found["volumeMounts"] == list(access.mounts)
    assert access.volumes[0]["persistentVolumeClaim"] == {"claimName": "models", "readOnly": True}


def test_pods_fetch_a_model_from_a_bucket_with_its_secret(tmp_path: Path) -> None:
    access, registered = brought(FROM_THE_WEB, S3, tmp_path)
    found = container(access)
    assert found["name"] == "fetch"
    assert found["envFrom"] == [{"secretRef": {"name": "minio"}}]
    assert order_of(found).store.url == "http://minio:9000/models/team"
    assert access.volumes == ({"name": "models", "emptyDir": {}},)
    assert (access.host, access.ports) == ("minio", (9000,))
    assert job_of(registered)["spec"]["template"]["spec"]["containers"][0]["envFrom"] == found["envFrom"]


def test_a_bucket_of_google_cloud_is_read_as_a_service_account(tmp_path: Path) -> None:
    access, registered = brought(FROM_THE_WEB, GcsStore(type="gcs"), tmp_path)
    assert access.service_account == "models"
    assert registered["models"].props["metadata"]["annotations"] == {"iam.gke.io/gcp-service-account": "models@project"}
    assert access.uri == f"gs://made/{access.key}/digits"
    assert job_of(registered)["spec"]["template"]["spec"]["serviceAccountName"] == "models"


def test_a_bucket_may_be_mounted_and_is_checked_then(tmp_path: Path) -> None:
    store = GcsStore(type="gcs", bucket="bucket", prefix="team", mount="fuse")
    access, registered = brought(FROM_THE_WEB, store, tmp_path)
    assert container(access)["name"] == "check"
    assert access.volumes[0]["csi"]["volumeAttributes"]["mountOptions"] == "implicit-dirs,only-dir=team"
    assert access.annotations == {"gke-gcsfuse/volumes": "true"}
    order = order_of(job_of(registered)["spec"]["template"]["spec"]["containers"][0])
    assert (order.store.url, order.store.auth) == ("https://storage.googleapis.com/bucket/team", "gcs")


def test_a_file_of_this_machine_is_made_here_and_sent(tmp_path: Path) -> None:
    model = Model(name="digits", source=str(an_onnx(tmp_path / "digits.onnx")))
    access, registered = brought(model, VolumeStore(type="pvc"), tmp_path)
    upload = registered["digits-upload"].props
    assert json.loads(upload["order"])["key"] == access.key
    assert upload["job"]["metadata"]["name"] == f"upload-digits-{access.key[:8]}"
    assert (upload["kubeconfig"], registered["digits"].type) == ("config", "pulumi-python:dynamic/inferstack:Model")
    assert access.digest is not None


def test_a_model_that_needs_a_store_is_refused_without_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no store"):
        brought(FROM_THE_WEB, None, tmp_path)


def test_small_data_travel_with_the_job_and_large_ones_are_refused(tmp_path: Path) -> None:
    small = a_data_set(tmp_path / "small.npz")
    model = replace(FROM_THE_WEB, evaluation=str(small))
    access, registered = brought(model, VolumeStore(type="pvc"), tmp_path)
    (data,) = [one.props for one in registered.values() if one.type == "kubernetes:core/v1:ConfigMap"]
    assert list(data["binaryData"]) == ["evaluation.npz"]
    assert data["metadata"]["name"] == f"convert-digits-{access.key[:8]}"
    large = a_data_set(tmp_path / "large.npz", count=60_000)
    with pytest.raises(PreflightError, match="too large"):
        brought(replace(FROM_THE_WEB, evaluation=str(large)), VolumeStore(type="pvc"), tmp_path)


def test_data_behind_a_url_are_fetched_by_the_job(tmp_path: Path) -> None:
    model = replace(FROM_THE_WEB, evaluation="https://example.com/holdout.npz")
    _, registered = brought(model, VolumeStore(type="pvc"), tmp_path)
    order = order_of(job_of(registered)["spec"]["template"]["spec"]["containers"][0])
    assert order.conversion
    assert order.conversion.evaluation
    assert order.conversion.evaluation.original
    assert order.conversion.evaluation.original.url == "https://example.com/holdout.npz"


def key(model: Model, folder: Path) -> str:
    return key_of(plan_inputs(model, Planner({model.name: model}, lambda _: folder), folder))


def test_a_key_changes_with_source_and_conversion_and_nothing_else(tmp_path: Path) -> None:
    first = key(FROM_THE_WEB, tmp_path)
    assert key(replace(FROM_THE_WEB, source="https://mirror.example.com/digits.onnx"), tmp_path / "other") == first
    others = [
        replace(FROM_THE_WEB, sha256="b" * 64),
        replace(FROM_THE_WEB, name="numbers"),
        replace(FROM_THE_WEB, convert=Convert(precision="fp16")),
        replace(FROM_THE_WEB, convert=Convert(input_shape={"x": (1, 4)})),
    ]
    assert len({first, *(key(model, tmp_path) for model in others)}) == 5


def test_where_it_is_converted_and_what_loss_is_allowed_do_not_change_the_key(tmp_path: Path) -> None:
    data = str(a_data_set(tmp_path / "data.npz"))
    convert = Convert(precision="int8", calibration=data)
    model = replace(FROM_THE_WEB, convert=convert, evaluation=data)
    looser = replace(model, convert=replace(convert, max_accuracy_drop=0.5, place="here"))
    assert key(model, tmp_path) == key(looser, tmp_path)


def test_a_claim_asks_for_what_the_spec_says() -> None:
    store = VolumeStore(type="pvc", size_bytes=2**30, storage_class="fast", access_mode="ReadWriteMany")
    spec = claim(store, a_home())["spec"]
    assert (spec["accessModes"], spec["storageClassName"]) == (["ReadWriteMany"], "fast")
    assert spec["resources"] == {"requests": {"storage": "1073741824"}}
    assert "storageClassName" not in claim(VolumeStore(type="pvc"), a_home())["spec"]


def test_an_existing_claim_is_used_as_it_is(tmp_path: Path) -> None:
    access, registered = brought(FROM_THE_WEB, VolumeStore(type="pvc", claim="shared"), tmp_path)
    assert access.volumes[0]["persistentVolumeClaim"]["claimName"] == "shared"
    assert "models" not in registered


def test_aws_is_the_service_of_a_bucket_that_names_none() -> None:
    shelf = s3_shelf(S3Store(type="s3", bucket="models", region="eu-west-1"))
    assert shelf.place.url == "https://s3.eu-west-1.amazonaws.com/models"
    assert (shelf.port, shelf.env_from) == (443, ())


def test_a_bucket_of_google_cloud_without_a_name_is_refused() -> None:
    with pytest.raises(UsageError, match="no bucket"):
        gcs_shelf(GcsStore(type="gcs"), "", cast(Any, None))


def test_a_service_account_without_a_google_account_says_nothing_of_one() -> None:
    assert "annotations" not in service_account(a_home(), "")["metadata"]


@pytest.mark.parametrize(
    ("source", "shelf", "asked"),
    [
        ("https://example.com/m.onnx", s3_shelf(S3), ("https://example.com/m.onnx", "none")),
        ("s3://raw/a/m.onnx", s3_shelf(S3), ("http://minio:9000/raw/a/m.onnx", "s3")),
        ("gs://raw/m", gcs_shelf(GCS, "bucket", cast(Any, None)), ("https://storage.googleapis.com/raw/m", "gcs")),
    ],
)  # fmt: skip
def test_sources_are_asked_for_where_the_store_s_identity_counts(
    source: str, shelf: Shelf, asked: tuple[str, str]
) -> None:
    assert original_url(source, shelf) == asked


@pytest.mark.parametrize(
    "store", [VolumeStore(type="pvc"), S3, HttpStore(type="http", url="https://models.example.com")]
)
def test_jobs_keep_the_restricted_standard_and_never_ask_for_cores(tmp_path: Path, store: Store) -> None:
    _, registered = brought(FROM_THE_WEB, store, tmp_path)
    pod = job_of(registered)["spec"]["template"]["spec"]
    (made,) = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert made["securityContext"]["readOnlyRootFilesystem"] is True
    assert "cpu" not in made["resources"]["limits"]


def test_names_stay_within_what_a_pod_s_name_may_have(tmp_path: Path) -> None:
    model = replace(FROM_THE_WEB, name="m" * 63)
    _, registered = brought(model, VolumeStore(type="pvc"), tmp_path)
    assert len(job_of(registered)["metadata"]["name"]) <= 63


def test_a_job_that_receives_ends_and_goes_by_itself() -> None:
    spec = errands.receive_job("upload", a_home(), s3_shelf(S3))["spec"]
    assert spec["activeDeadlineSeconds"] == errands.RECEIVES_S
    assert spec["ttlSecondsAfterFinished"] == 60


def test_jobs_run_on_nodes_that_are_tainted_for_others() -> None:
    pool = NodePool(name="serving", machine_type="n2-standard-8", taints=(Taint(key="model", value="active"),) * 2)
    cluster = GkeCluster(provider="gke", project="p", location="l", node_pools=(pool,))
    assert errands.tolerations_of(cluster) == ({"key": "model", "operator": "Exists", "effect": "NoSchedule"},)
    assert errands.tolerations_of(LocalCluster()) == ()
