"""Model stores of a real cluster: filled by a Job or from here, served after a check, refused when altered."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import pulumi
import pytest

from components.kubernetes.objects import Home, declare
from components.models.access import ModelAccess
from components.models.digest import file_digest
from components.models.material import Planner
from components.models.on_cluster import Supply, access_of
from components.models.shelf import declare_shelf
from schemas.spec import Convert, HttpStore, Model, S3Store, Store, VolumeStore
from schemas.stores import buckets_of
from stack.engines.events import Outcome
from tests.cluster.kubectl import Kubectl
from tests.cluster.minio import Minio, minio
from tests.cluster.stacks import Stack
from tests.components.models.model_builders import a_data_set, an_onnx
from tests.components.models.web_store import WebStore, web_store

LIMIT_S: Final = 240.0
RESOURCES: Final = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}}
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def web(address: str) -> Iterator[WebStore]:
    """A web server of this machine."""
    with web_store(address=address) as store:
        yield store


@pytest.fixture(scope="module")
def bucket(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Minio]:
    """A MinIO of this machine with an empty bucket `models`, and one `raw` with a classifier."""
    folder = tmp_path_factory.mktemp("minio")
    with minio(folder, address) as server:
        server.ask("PUT", "models")
        server.ask("PUT", "raw")
        server.ask("PUT", "raw/digits.onnx", an_onnx(folder / "digits.onnx").read_bytes())
        yield server


@pytest.fixture
def volume(kubectl: Kubectl, namespace: str, tmp_path: Path) -> Iterator[VolumeStore]:
    """A volume of the one node, in a folder that the test sees too."""
    (folder := tmp_path / "volume").mkdir()
    folder.chmod(0o777)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    tmp_path.chmod(0o755)
    spec = {
        "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": namespace,
        "persistentVolumeReclaimPolicy": "Retain", "hostPath": {"path": str(folder)},
    }  # fmt: skip
    manifest = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": namespace}, "spec": spec}
    kubectl("apply", "-f", "-", given=json.dumps(manifest))
    yield VolumeStore(type="pvc", size_bytes=2**30, storage_class=namespace)
    kubectl("delete", "pv", namespace, "--wait=false")


def a_source(web: WebStore, folder: Path) -> tuple[str, str]:
    """The URL of a classifier, and its digest."""
    source = an_onnx(folder / "source" / "digits.onnx")
    web.files["/digits.onnx"] = source.read_bytes()
    return f"{web.url}/digits.onnx", file_digest(source)


def up(
    place: Path, kubeconfig: Path, namespace: str, image: str, model: Model, store: Store,
    then: Callable[[ModelAccess, Home], None] = lambda _access, _home: None,
) -> Outcome:  # fmt: skip
    """Bring a stack with one model up, and what is to be there `then`."""

    def program() -> None:
        provider = pulumi.ProviderResource(
            "kubernetes", "cluster", {"kubeconfig": str(kubeconfig)}, pulumi.ResourceOptions(version="4.34.2")
        )
        home = Home("demo", namespace, provider, image)
        planner = Planner({model.name: model}, lambda _: place, buckets_of(store))
        supply = Supply(planner, place / "store", home, declare_shelf(store, home), kubeconfig=str(kubeconfig))
        then(access_of(model, supply), home)

    return Stack(place, kubeconfig, namespace).engine().up(program)


def served(access: ModelAccess, home: Home) -> None:
    """A pod that serves the model on shared CPUs, declared as serving groups declare theirs."""
    arguments = {"name": "digits", "model": {"name": "digits", "path": f"{access.path}/1/model.xml"}}
    container = {
        "name": "openvino",
        "image": home.image,
        "command": ["python", "-m", "components.serving.pod"],
        "args": [json.dumps(arguments)],
        "resources": RESOURCES,
        "volumeMounts": list(access.mounts),
        "readinessProbe": {"httpGet": {"path": "/v2/models/digits/ready", "port": 8000}, "periodSeconds": 1},
        "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True},
    }
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 12345, "fsGroup": 12345},
        "initContainers": list(access.init_containers(RESOURCES)),
        "containers": [container],
        "volumes": list(access.volumes),
    }
    metadata = {"name": "digits", "namespace": home.namespace}
    declare({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}, home, needs=access.needs)


def fine(outcome: Outcome) -> None:
    assert outcome.error is None, f"{outcome.error}: {outcome.error.why}\n{outcome.failed}"


def predicted(kubectl: Kubectl, namespace: str) -> list[int]:
    """What the pod says of four rows of which the class is clear."""
    rows = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [9, 0, 0, 0]]
    body = {"inputs": [{"name": "pixels", "datatype": "FP32", "shape": [4, 4], "data": rows}]}
    path = f"/api/v1/namespaces/{namespace}/pods/digits:8000/proxy/v2/models/digits/infer"
    answer = json.loads(kubectl("create", "--raw", path, "-f", "-", given=json.dumps(body)))
    scores = answer["outputs"][0]["data"]
    return [max(range(3), key=scores[at : at + 3].__getitem__) for at in range(0, 12, 3)]


def told(kubectl: Kubectl, namespace: str, selector: str) -> Mapping[str, Any]:
    """The termination message of the only container that has ended in the pods that a selector finds."""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        for pod in json.loads(kubectl("get", "pods", "-n", namespace, "-l", selector, "-o", "json"))["items"]:
            status = pod["status"]
            for one in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
                if message := (one["state"].get("terminated") or {}).get("message"):
                    found: Mapping[str, Any] = json.loads(message)
                    return found
        time.sleep(0.5)
    raise AssertionError("no container has ended with a message")


def test_a_job_converts_into_a_volume_and_a_pod_serves_it_after_a_check(
    kubectl: Kubectl, kubeconfig: Path, namespace: str, image: str, web: WebStore, volume: VolumeStore, tmp_path: Path
) -> None:
    url, sha256 = a_source(web, tmp_path)
    evaluation = str(a_data_set(tmp_path / "holdout.npz", wrong=6))
    model = Model(name="digits", source=url, sha256=sha256, evaluation=evaluation, convert=Convert(precision="fp16"))
    fine(up(tmp_path, kubeconfig, namespace, image, model, volume, served))
    made = told(kubectl, namespace, "app.kubernetes.io/component=conversion")
    assert (made["precision"], made["accuracy"]) == ("fp16", pytest.approx(0.9))
    assert predicted(kubectl, namespace) == [0, 1, 2, 0]
    assert (tmp_path / "volume" / made["key"] / "manifest.json").is_file()


def test_a_model_made_here_is_sent_into_a_volume_and_served(
    kubectl: Kubectl, kubeconfig: Path, namespace: str, image: str, volume: VolumeStore, tmp_path: Path
) -> None:
    model = Model(name="digits", source=str(an_onnx(tmp_path / "source" / "digits.onnx")))
    fine(up(tmp_path, kubeconfig, namespace, image, model, volume, served))
    assert predicted(kubectl, namespace) == [0, 1, 2, 0]
    assert [job for job in kubectl.names("jobs", namespace) if job.startswith("upload-")] == []


def test_a_web_store_takes_what_a_job_makes_and_gives_it_to_pods(
    kubectl: Kubectl, kubeconfig: Path, namespace: str, image: str, web: WebStore, tmp_path: Path
) -> None:
    url, sha256 = a_source(web, tmp_path)
    model = Model(name="digits", source=url, sha256=sha256)
    store = HttpStore(type="http", url=f"{web.url}/{namespace}")
    fine(up(tmp_path, kubeconfig, namespace, image, model, store, served))
    assert len(web.below(namespace)) == 3
    assert predicted(kubectl, namespace) == [0, 1, 2, 0]


def a_store_of_s3(bucket: Minio, kubectl: Kubectl, namespace: str) -> S3Store:
    """The bucket `models`, below a folder of its own, with the keys in a Secret of the namespace."""
    keys = [f"--from-literal={name}={value}" for name, value in bucket.environment.items()]
    kubectl("create", "secret", "generic", "keys", "-n", namespace, *keys)
    return S3Store(type="s3", bucket="models", prefix=namespace, endpoint=bucket.url, credentials="keys")


def kept_and_fetched(bucket: Minio, kubectl: Kubectl, namespace: str) -> tuple[str, str, str]:
    """The digests of a served model: by its manifest in the bucket, of its files there, and as the pod checked it."""
    pod = kubectl.get("pod", "digits", namespace)
    (fetch,) = pod["status"]["initContainerStatuses"]
    order = json.loads(pod["spec"]["initContainers"][0]["args"][0])
    place = f"models/{namespace}/{order['key']}"
    files = [bucket.ask("GET", f"{place}/digits/1/model.{ending}") for ending in ("xml", "bin")]
    manifest = json.loads(bucket.ask("GET", f"{place}/manifest.json"))
    checked = json.loads(fetch["state"]["terminated"]["message"])
    return manifest["digest"], hashlib.sha256(b"".join(files)).hexdigest(), checked["digest"]


def test_a_model_made_here_is_sent_into_a_bucket_of_s3_and_served_from_there(
    kubectl: Kubectl, kubeconfig: Path, namespace: str, image: str, bucket: Minio, tmp_path: Path
) -> None:
    model = Model(name="digits", source=str(an_onnx(tmp_path / "source" / "digits.onnx")))
    store = a_store_of_s3(bucket, kubectl, namespace)
    fine(up(tmp_path, kubeconfig, namespace, image, model, store, served))
    assert predicted(kubectl, namespace) == [0, 1, 2, 0]
    recorded, there, checked = kept_and_fetched(bucket, kubectl, namespace)
    assert recorded == there == checked
    assert httpx.get(f"{bucket.url}/models").status_code == 403  # Nobody else may read it.


def test_a_job_converts_a_source_in_a_bucket_of_s3_into_another(
    kubectl: Kubectl, kubeconfig: Path, namespace: str, image: str, bucket: Minio, tmp_path: Path
) -> None:
    digest = hashlib.sha256(bucket.ask("GET", "raw/digits.onnx")).hexdigest()
    model = Model(name="digits", source="s3://raw/digits.onnx", sha256=digest, convert=Convert(precision="fp16"))
    fine(up(tmp_path, kubeconfig, namespace, image, model, a_store_of_s3(bucket, kubectl, namespace), served))
    assert told(kubectl, namespace, "app.kubernetes.io/component=conversion")["precision"] == "fp16"
    assert predicted(kubectl, namespace) == [0, 1, 2, 0]
    recorded, there, checked = kept_and_fetched(bucket, kubectl, namespace)
    assert recorded == there == checked


def test_a_file_that_was_altered_in_the_store_is_refused_with_the_reason(
    kubectl: Kubectl, kubeconfig: Path, namespace: str, image: str, web: WebStore, volume: VolumeStore, tmp_path: Path
) -> None:
    url, sha256 = a_source(web, tmp_path)
    model = Model(name="digits", source=url, sha256=sha256)
    fine(up(tmp_path, kubeconfig, namespace, image, model, volume))
    (weights,) = (tmp_path / "volume").rglob("model.bin")
    content = weights.read_bytes()
    weights.write_bytes(bytes([content[0] ^ 1]) + content[1:])

    def watched(access: ModelAccess, home: Home) -> None:
        served(access, Home(home.stack, home.namespace, home.provider, home.image))

    outcome = up(tmp_path, kubeconfig, namespace, image, model, volume, watched)
    assert outcome.error is not None
    said = json.loads(kubectl("get", "pod", "digits", "-n", namespace, "-o", "json"))["status"]["initContainerStatuses"]
    message = json.loads(said[0]["state"]["terminated"]["message"])["error"]
    assert "not those that were recorded" in message["message"]


def test_a_conversion_that_costs_too_much_accuracy_fails_the_job_with_the_figures(
    kubectl: Kubectl, kubeconfig: Path, namespace: str, image: str, web: WebStore, volume: VolumeStore, tmp_path: Path
) -> None:
    import numpy as np

    url, sha256 = a_source(web, tmp_path)
    calibration = a_data_set(tmp_path / "zeros.npz", pixels=np.zeros((8, 4), np.float32))
    convert = Convert(precision="int8", calibration=str(calibration), max_accuracy_drop=0.001)
    evaluation = str(a_data_set(tmp_path / "holdout.npz"))
    model = Model(name="digits", source=url, sha256=sha256, convert=convert, evaluation=evaluation)
    outcome = up(tmp_path, kubeconfig, namespace, image, model, volume)
    assert outcome.error is not None
    assert "before: 100.00%" in told(kubectl, namespace, "app.kubernetes.io/component=conversion")["error"]["why"]
    assert list((tmp_path / "volume").rglob("manifest.json")) == []
