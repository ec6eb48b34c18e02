"""A real Prometheus finds what a real server counts: by the monitor's relabelings, and in every query of ours."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from components.extensions.dashboard import description
from components.serving.pods.autoscale import request_rate
from components.serving.pods.monitor import pod_endpoint
from tests.components.serving.server.server_builders import Server, a_doubling_model, eventually, serving
from tests.prometheus import Prometheus, prometheus, relabel_configs

# As the operator's configuration labels what it collects from a pod.
LABELS: Final = {"namespace": "team-a", "pod": "digits-5d4f8c9b7-x2x4z", "container": "openvino"}
BODY: Final = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 0, 0, 0]}]}
LIMIT_S: Final = 60.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("served")
    with serving(folder, a_doubling_model(folder / "model.xml")) as server:
        yield server


@pytest.fixture(scope="module")
def collected(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """What a Prometheus has of this server, which answers and refuses requests while it is asked."""
    job = {
        "job_name": "serving",
        "scrape_interval": "1s",
        "static_configs": [{"targets": [f"127.0.0.1:{server.rest_port}"], "labels": LABELS}],
    }
    with prometheus(tmp_path_factory.mktemp("collected") / "prometheus", [job]) as collector:
        yield collector


def ask(server: Server) -> None:
    """An inference, a V1 prediction and a request that is wrong."""
    assert server.infer(BODY).is_success
    assert server.predict({"instances": [[1, 0, 0, 0]]}).is_success
    assert server.infer({"inputs": []}).is_client_error


def filled_in(query: str) -> str:
    """A query of a panel with what Grafana puts in: everything chosen, and four times the interval of collecting."""
    return query.replace("$namespace", ".+").replace("$model", ".+").replace("$__rate_interval", "1m")


def the_panels() -> list[Any]:
    """The queries of the panels about servers; what containers use is counted by the kubelet."""
    return [
        pytest.param(target["expr"], target["legendFormat"], id=f"{panel['title']}: {target['legendFormat']}")
        for panel in description()["panels"]
        for target in panel["targets"]
        if "ovms_" in target["expr"]
    ]


@pytest.mark.parametrize(("query", "legend"), the_panels())
def test_every_panel_of_the_dashboard_shows_a_number_of_a_server_under_load(
    collected: Prometheus, server: Server, query: str, legend: str
) -> None:
    found: list[Mapping[str, Any]] = []

    def shown() -> bool:
        ask(server)
        found[:] = collected.query(filled_in(query))
        return bool(found) and all(math.isfinite(float(one["value"][1])) for one in found)

    assert eventually(shown, limit_s=LIMIT_S), (query, found)
    assert set(re.findall(r"{{(\w+)}}", legend)) <= set(found[0]["metric"])


def test_the_choices_of_the_dashboard_are_the_namespaces_and_the_models_that_serve(
    collected: Prometheus, server: Server
) -> None:
    queries = {one["name"]: one["query"] for one in description()["templating"]["list"]}
    choices = {name: re.fullmatch(r"label_values\((.+), (\w+)\)", query) for name, query in queries.items()}
    chosen = {name: choice.groups() for name, choice in choices.items() if choice}

    def offered(name: str) -> list[str]:
        series, label = chosen[name]
        return collected.values(label, filled_in(series))

    assert eventually(lambda: offered("namespace") == ["team-a"], limit_s=LIMIT_S)
    assert offered("model") == [server.name]


def test_an_autoscaler_by_requests_sees_those_that_were_answered(collected: Prometheus, server: Server) -> None:
    def rate(deployment: str) -> list[float]:
        ask(server)
        return [float(one["value"][1]) for one in collected.query(request_rate(deployment, "team-a"))]

    assert eventually(lambda: any(one > 0 for one in rate("digits")), limit_s=LIMIT_S)
    assert rate("another") == []


ANNOTATED: Final = "__meta_kubernetes_pod_annotation_prometheus_io_"


def a_target(listens: int, container: str = "openvino", **annotations: str) -> Mapping[str, Any]:
    """A port of a pod as Prometheus discovers it."""
    found = {f"{ANNOTATED}{name}": value for name, value in annotations.items()}
    labels = {"__meta_kubernetes_pod_container_name": container, **found}
    return {"targets": [f"127.0.0.1:{listens}"], "labels": labels}


TARGETS: Final = {
    "a-server": a_target(8000, scrape="true", port="8000", path="/metrics"),
    "beside-a-proxy": a_target(8000, scrape="true", port="15020", path="/stats/prometheus"),
    "behind-seldon": a_target(9000, "digits", scrape="true", port="9000", path="/metrics"),
    "the-executor-of-seldon": a_target(8000, "seldon-container-engine", scrape="true", port="9000", path="/metrics"),
    "without-metrics": a_target(8000, "mlserver"),
}


def test_a_monitor_asks_a_pod_where_its_metrics_are_and_no_other_container(tmp_path: Path) -> None:
    endpoint = pod_endpoint("http", "/metrics")
    jobs = [
        {
            "job_name": name,
            "metrics_path": endpoint["path"],
            # Nothing is to be asked: only what would be is of interest.
            "scrape_interval": "1h",
            "static_configs": [target],
            "relabel_configs": relabel_configs(endpoint["relabelings"]),
        }
        for name, target in TARGETS.items()
    ]
    with prometheus(tmp_path / "prometheus", jobs) as collector:
        assert eventually(lambda: collector.targets().keys() == TARGETS.keys(), limit_s=LIMIT_S)
        assert collector.targets() == {
            "a-server": "http://127.0.0.1:8000/metrics",
            "beside-a-proxy": "http://127.0.0.1:15020/stats/prometheus",
            "behind-seldon": "http://127.0.0.1:9000/metrics",
            "the-executor-of-seldon": None,
            "without-metrics": None,
        }
