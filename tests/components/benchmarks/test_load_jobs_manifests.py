"""The objects of a measurement on a cluster, without one."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from components.benchmarks.load.arguments import Arguments, Endpoint
from components.benchmarks.on_cluster import manifests
from components.benchmarks.on_cluster.place import Place, place_of
from schemas import spec
from schemas.spec import NodePool, Taint
from tests.components.benchmarks import load_builders as build

OWNER = {"apiVersion": "batch/v1", "kind": "Job", "name": "steady-1-0", "uid": "u"}
LABELS = {"app.kubernetes.io/name": "steady", "app.kubernetes.io/component": "load"}
POOL = NodePool(name="loadtest", machine_type="n2-standard-8", taints=(Taint(key="loadtester", value="active"),))


def a_place(pool: NodePool | None = None, **changes: Any) -> Place:
    benchmark = spec.Benchmark(name="steady", targets=("one",), **changes)
    return place_of(benchmark, pool, namespace="digits", image="example/inferstack:1", labels=LABELS)


def some_arguments(tool: str = "builtin", **changes: Any) -> Arguments:
    known: dict[str, Any] = {
        "target": "one", "model": "digits", "protocol": "v2", "endpoints": (Endpoint("one.digits.svc", 8000, 9000),),
        "load": build.a_shape(), "samples": "/work/samples.npz", "summary": "/work/summary.json", "tool": tool,
    }  # fmt: skip
    return Arguments(**{**known, **changes})


def a_job(place: Place, arguments: Arguments, *, parts: int = 0) -> Any:
    return manifests.job("steady-1-0", place, arguments, parts=parts, avoid={"app": "one"}, deadline_s=300)


def containers(job: Any) -> list[Any]:
    pod = job["spec"]["template"]["spec"]
    return [*pod["initContainers"], *pod["containers"]]


@pytest.mark.parametrize(
    ("name", "place", "arguments"),
    [
        ("builtin", a_place(POOL), some_arguments()),
        ("ghz", a_place(tool="ghz"), some_arguments("ghz", protocol="grpc")),
        (
            "locust",
            a_place(tool="locust", workers=2, client_cores=2),
            some_arguments("locust", load=build.a_shape(clients=4)),
        ),
    ],
)
def test_the_job_of_a_measurement(
    name: str, place: Place, arguments: Arguments, golden: Callable[[str, str], None]
) -> None:
    golden(f"job-{name}.yaml", yaml.safe_dump(a_job(place, arguments, parts=1), sort_keys=False, width=120))


def test_every_container_of_a_pod_has_whole_cpus_requested_and_limited_alike() -> None:
    for container in containers(a_job(a_place(tool="vegeta", client_cores=3), some_arguments("vegeta"))):
        assert container["resources"]["requests"] == container["resources"]["limits"]
        assert container["resources"]["limits"]["cpu"] == "3"


def test_a_load_without_cores_of_its_own_asks_for_no_cpu() -> None:
    (container,) = containers(a_job(a_place(client_cores=0), some_arguments()))
    assert set(container["resources"]["requests"]) == {"memory"}


def test_a_pool_and_its_taints_decide_where_the_load_goes() -> None:
    pod = a_job(a_place(POOL), some_arguments())["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"cloud.google.com/gke-nodepool": "loadtest"}
    assert {"key": "loadtester", "operator": "Equal", "value": "active", "effect": "NoSchedule"} in pod["tolerations"]


def test_labels_and_taints_of_an_existing_cluster_decide_where_the_load_goes() -> None:
    place = a_place(node_selector={"for": "load"}, tolerations=(Taint(key="quiet"),))
    pod = a_job(place, some_arguments())["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"for": "load"}
    assert [one["key"] for one in pod["tolerations"]] == ["quiet", "loadtester"]


def test_a_data_set_is_cut_into_config_maps_that_the_job_owns() -> None:
    data = bytes(range(256)) * 8000
    order, *parts = manifests.config_maps("steady-1-0", a_place(), "{}", data, OWNER)
    assert order["data"] == {"order.json": "{}"}
    assert len(parts) == 3
    assert all(one["metadata"]["ownerReferences"] == [OWNER] and one["immutable"] for one in (order, *parts))
    assert all(len(json.dumps(one)) < 2**20 * 4 / 3 for one in parts)
    assert b"".join(base64.b64decode(v) for one in parts for v in one["binaryData"].values()) == data
    volumes = a_job(a_place(), some_arguments(), parts=3)["spec"]["template"]["spec"]["volumes"]
    names = [source["configMap"]["name"] for source in volumes[1]["projected"]["sources"]]
    assert names == [one["metadata"]["name"] for one in (order, *parts)]


def test_locusts_workers_are_as_many_pods_that_the_job_owns() -> None:
    place = a_place(tool="locust", workers=3)
    made = manifests.workers_job("steady-1-0", place, parts=0, owner=OWNER, steered_by="10.0.0.7")
    assert (made["spec"]["completions"], made["spec"]["parallelism"]) == (3, 3)
    assert made["metadata"]["ownerReferences"] == [OWNER]
    assert "10.0.0.7" in made["spec"]["template"]["spec"]["containers"][0]["command"]
