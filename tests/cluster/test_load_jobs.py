"""Benchmarks whose load comes from Jobs of a real cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components import codec
from components.benchmarks import results
from components.benchmarks.description import Description, Subject
from components.benchmarks.load.arguments import Endpoint
from components.benchmarks.on_cluster.api import KubernetesCluster
from components.benchmarks.on_cluster.measurer import JobGenerators
from components.benchmarks.on_cluster.place import ClusterDescription, Place, Pods, Toleration
from components.benchmarks.on_cluster.resource import JobBenchmarkProvider
from components.benchmarks.result import Target
from components.benchmarks.results import StoredResult
from components.benchmarks.run import carry_out
from components.progress import stopping
from schemas.errors import InferstackError, PreflightError, StoppedError
from tests.cluster import targets
from tests.cluster.kubectl import Kubectl
from tests.components.benchmarks import load_builders as build

LABELS = {"app.kubernetes.io/name": "steady", "app.kubernetes.io/component": "load"}


def a_subject(namespace: str, *, model: str = "good", digest: str = targets.DIGEST) -> Subject:
    target = Target("stub", "openvino", model, digest, "fp32", (), 1, notes=("the executor has a CPU limit of 100m",))
    return Subject(target, "v2", (Endpoint(f"stub.{namespace}.svc", targets.PORT),))


def asked(
    folder: Path, kubeconfig: Path, namespace: str, image: str, subject: Subject, **changes: Any
) -> ClusterDescription:
    """An open loop of 40/s for two seconds; `place_...` changes the place of the load, other members the description.

    Without a core of its own, so that it runs on a node whose cores are all taken.
    """
    place = Place(namespace, image, "", LABELS, {}, (Toleration("loadtester"),), cores=0)
    known: dict[str, Any] = {
        "stack": "digits", "benchmark": "steady", "results": str(folder / "results"), "subjects": (subject,),
        "loads": (build.a_shape(label="40/s", rate_per_s=40.0, duration_s=2.0, warmup_s=0.5),),
        "data": str(build.a_data_file(folder)), "data_digest": "d",
        "objective": {"p50_s": 5.0, "errors": 0.0, "accuracy": 0.9},
    }  # fmt: skip
    placed = {key.removeprefix("place_"): changes.pop(key) for key in [*changes] if key.startswith("place_")}
    return ClusterDescription(
        Description(**{**known, **changes}),
        replace(place, **placed),
        {"stub": Pods(targets.labels("stub"), "", cores=1)},
        kubeconfig=str(kubeconfig),
    )


def carried_out(what: ClusterDescription, **options: Any) -> StoredResult:
    cluster = KubernetesCluster(what.kubeconfig, what.context, what.place.namespace)
    return carry_out(what.description, lambda _description, _folder: JobGenerators(what, cluster, **options))


def loads_left(kubectl: Kubectl, namespace: str) -> list[str]:
    """Jobs and ConfigMaps of the load that are there, or on their way out."""
    told = kubectl("get", "jobs,configmaps", "-n", namespace, "-l", "app.kubernetes.io/component=load", "-o", "name")
    return told.split()


def test_a_job_measures_and_its_result_is_stored_and_judged_as_any_other(
    tmp_path: Path, kubectl: Kubectl, kubeconfig: Path, namespace: str, image: str
) -> None:
    targets.a_stub(kubectl, namespace, image)
    inputs = codec.encode(asked(tmp_path, kubeconfig, namespace, image, a_subject(namespace), repeats=2))
    created = JobBenchmarkProvider().create(inputs)
    assert created.outs is not None
    stored = results.load(Path(created.outs["folder"]))
    # A busy machine may hold the generator up: that the run is then invalid is what it should be.
    held_up = any(measurement.invalid for measurement in stored.result.measurements)
    assert created.outs["outcome"] == ("invalid" if held_up else "pass"), stored.result.measurements
    assert [m.repeat for m in stored.result.measurements] == [0, 1]
    for measurement in stored.result.measurements:
        taken = stored.samples(measurement)
        assert taken is not None
        assert len(taken) == measurement.requests == 80
        assert measurement.accuracy == 1.0
        assert any("where the target has pods too" in note for note in measurement.notes)
    (target,) = stored.result.targets
    assert [instance.name for instance in target.instances] == ["stub"]
    assert target.instances[0].node
    assert target.notes == ("the executor has a CPU limit of 100m",)
    assert stored.result.surroundings.packages["numpy"]
    assert stored.result.surroundings.cpu_model
    build.until(lambda: not loads_left(kubectl, namespace), limit_s=60)
    assert not JobBenchmarkProvider().diff("steady", created.outs, inputs).changes


def test_a_load_with_a_core_of_its_own_shares_none_with_the_target(
    tmp_path: Path, kubectl: Kubectl, kubeconfig: Path, namespace: str, image: str
) -> None:
    targets.a_stub(kubectl, namespace, image)
    stored = carried_out(asked(tmp_path, kubeconfig, namespace, image, a_subject(namespace), place_cores=1))
    (measurement,) = stored.result.measurements
    assert len(measurement.client_cpus) == 1
    assert not measurement.shared_cpus


TOOLS = {
    "vegeta": ("v2", {"rate_per_s": 40.0}, {}),
    "ghz": ("grpc", {"rate_per_s": 40.0}, {}),
    "locust": ("v2-binary", {"clients": 2}, {"place_workers": 2}),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_tools_of_others_measure_from_images_of_their_own(
    tmp_path: Path, kubectl: Kubectl, kubeconfig: Path, namespace: str, image: str, tool: str
) -> None:
    variable = f"INFERSTACK_TEST_{tool.upper()}"
    if not (tool_image := os.environ.get(variable)):
        pytest.skip(f"needs an image with {tool} that the cluster can have: set {variable} to its name")
    protocol, load, more = TOOLS[tool]
    digest = targets.a_server(kubectl, namespace, image, tmp_path)
    subject = a_subject(namespace, model="classifier", digest=digest)
    endpoint = replace(subject.endpoints[0], grpc_port=targets.GRPC_PORT)
    subject = replace(subject, protocol=protocol, endpoints=(endpoint,))
    shape = build.a_shape(label="the load", **load, duration_s=2.0, warmup_s=0.5)
    what = asked(
        tmp_path, kubeconfig, namespace, image, subject, tool=tool, loads=(shape,), objective={"errors": 0.0},
        data=None, place_tool_image=tool_image, **more,
    )  # fmt: skip
    stored = carried_out(what)
    (measurement,) = stored.result.measurements
    assert measurement.tool == tool
    assert measurement.requests > 10
    assert measurement.errors == {}
    assert measurement.verdict is not None
    # A busy machine may hold the tool up: that it is then invalid is what it should be.
    assert measurement.verdict.outcome == ("invalid" if measurement.invalid else "pass"), measurement
    taken = stored.samples(measurement)
    assert taken is not None
    assert len(taken) == measurement.requests


def test_a_job_that_no_node_takes_says_why(
    tmp_path: Path, kubectl: Kubectl, kubeconfig: Path, namespace: str, image: str
) -> None:
    targets.a_stub(kubectl, namespace, image)
    far = asked(tmp_path, kubeconfig, namespace, image, a_subject(namespace), place_node_selector={"pool": "moon"})
    with pytest.raises(PreflightError, match="brought no result") as error:
        carried_out(far, patience_s=3)
    assert "Unschedulable" in error.value.why
    assert "node affinity/selector" in error.value.why
    build.until(lambda: not loads_left(kubectl, namespace), limit_s=60)


def test_an_image_that_cannot_be_had_is_told(
    tmp_path: Path, kubectl: Kubectl, kubeconfig: Path, namespace: str, image: str
) -> None:
    targets.a_stub(kubectl, namespace, image)
    missing = asked(tmp_path, kubeconfig, namespace, "localhost/never/built:1", a_subject(namespace))
    with pytest.raises(PreflightError, match="brought no result") as error:
        carried_out(missing, patience_s=10)
    assert "localhost/never/built:1" in error.value.why


def test_the_log_of_a_job_that_failed_is_kept(
    tmp_path: Path, kubectl: Kubectl, kubeconfig: Path, namespace: str, image: str
) -> None:
    targets.a_stub(kubectl, namespace, image)
    np_file = tmp_path / "data.npz"
    what = asked(tmp_path, kubeconfig, namespace, image, a_subject(namespace))
    np_file.write_bytes(b"no data set")
    with pytest.raises(InferstackError, match="brought no result") as error:
        carried_out(what)
    assert "cannot be read as a data set" in error.value.why
    kept = Path(error.value.remedy.removeprefix("its logs are in "))
    assert "cannot be read as a data set" in kept.read_text()
    assert "measure" in kept.read_text()
    assert results.list_results(tmp_path / "results") == ()


def test_a_target_without_pods_is_told_before_anything_runs(
    tmp_path: Path, kubectl: Kubectl, kubeconfig: Path, namespace: str
) -> None:
    with pytest.raises(PreflightError, match="stub cannot be measured") as error:
        carried_out(asked(tmp_path, kubeconfig, namespace, "any", a_subject(namespace)))
    assert "none of its pods is ready" in error.value.why


def test_a_target_with_pods_of_an_earlier_template_is_not_measured(
    tmp_path: Path, kubectl: Kubectl, kubeconfig: Path, namespace: str, image: str
) -> None:
    targets.a_stub(kubectl, namespace, image)
    what = asked(tmp_path, kubeconfig, namespace, image, a_subject(namespace))
    newer = replace(what, pods={"stub": replace(what.pods["stub"], template="another")})
    with pytest.raises(PreflightError, match="stub cannot be measured") as error:
        carried_out(newer, patience_s=2)
    assert "it still has pods of before: stub" in error.value.why
    assert loads_left(kubectl, namespace) == []


def test_ctrl_c_ends_the_job_and_leaves_nothing(
    tmp_path: Path, kubectl: Kubectl, kubeconfig: Path, namespace: str, image: str
) -> None:
    targets.a_stub(kubectl, namespace, image)
    wanted = threading.Event()
    long = (build.a_shape(label="10/s", rate_per_s=10.0, duration_s=120.0),)
    token = stopping.set(wanted.is_set)
    threading.Thread(target=_once_there, args=(kubectl, namespace, wanted), daemon=True).start()
    try:
        with pytest.raises(StoppedError):
            carried_out(asked(tmp_path, kubeconfig, namespace, image, a_subject(namespace), loads=long))
    finally:
        stopping.reset(token)
    build.until(lambda: not loads_left(kubectl, namespace), limit_s=60)


def _once_there(kubectl: Kubectl, namespace: str, wanted: threading.Event) -> None:
    build.until(lambda: loads_left(kubectl, namespace), limit_s=60)
    wanted.set()


def test_what_a_killed_benchmark_left_is_cleared_by_the_next(
    tmp_path: Path, kubectl: Kubectl, kubeconfig: Path, namespace: str, image: str
) -> None:
    targets.a_stub(kubectl, namespace, image)
    long = (build.a_shape(label="10/s", rate_per_s=10.0, duration_s=120.0),)
    what = asked(tmp_path, kubeconfig, namespace, image, a_subject(namespace), loads=long)
    code = (
        "import json, sys; from components.benchmarks.on_cluster.resource import JobBenchmarkProvider;"
        "JobBenchmarkProvider().create(json.loads(sys.argv[1]))"
    )
    with subprocess.Popen([sys.executable, "-c", code, json.dumps(codec.encode(what))]) as process:
        build.until(lambda: loads_left(kubectl, namespace), limit_s=60)
        os.kill(process.pid, signal.SIGKILL)
    left = loads_left(kubectl, namespace)
    assert left
    short = replace(what, description=replace(what.description, loads=(build.a_shape(rate_per_s=20.0),)))
    stored = carried_out(short)
    assert len(stored.result.measurements) == 1
    build.until(lambda: not loads_left(kubectl, namespace), limit_s=60)


def test_deleting_a_benchmark_deletes_what_a_killed_one_left(
    tmp_path: Path, kubectl: Kubectl, kubeconfig: Path, namespace: str, image: str
) -> None:
    what = asked(tmp_path, kubeconfig, namespace, image, a_subject(namespace))
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "steady-left-0", "namespace": namespace, "labels": LABELS},
        "spec": {
            "suspend": True,
            "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a"}]}},
        },
    }
    kubectl("create", "-f", "-", given=json.dumps(job))
    JobBenchmarkProvider().delete("steady", codec.encode(what))
    build.until(lambda: not loads_left(kubectl, namespace), limit_s=60)
