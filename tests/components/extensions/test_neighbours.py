"""What serving pods learn of the extensions beside them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from components.extensions.neighbours import notes, refuse_uncounted, surroundings
from components.serving.placement_misfit import Misfit
from schemas.spec import Autoscale, KubernetesCluster, Prometheus
from tests.components.extensions.builders import ANYWHERE, an_extension, on_gke, planned
from tests.components.serving.pods.pod_builders import a_group


def test_our_prometheus_finds_the_pods_by_itself() -> None:
    around = surroundings(planned("kube-prometheus-stack"), ANYWHERE)

    assert (around.scraping, around.monitoring) == ("annotations", ("monitoring",))
    assert around.prometheus == "http://kube-prometheus-stack-prometheus.monitoring.svc:9090"


def test_the_prometheus_of_somebody_else_is_told_of_the_pods() -> None:
    around = surroundings(planned(installed={"kube-prometheus-stack": "observability"}), ANYWHERE)

    assert (around.scraping, around.monitoring) == ("pod-monitor", ("observability",))
    assert around.prometheus == ""


def test_managed_prometheus_is_told_of_the_pods() -> None:
    around = surroundings(planned("kube-prometheus-stack", cluster=on_gke()), on_gke())

    assert (around.scraping, around.monitoring) == ("pod-monitoring", ("gmp-system",))


def with_prometheus(**said: Any) -> KubernetesCluster:
    return KubernetesCluster(provider="kubernetes", prometheus=Prometheus(namespace="metrics", **said))


def test_a_prometheus_that_the_spec_names_may_ask_and_finds_the_monitors() -> None:
    reads = surroundings(planned(), with_prometheus())
    assert (reads.scraping, reads.monitoring, reads.monitors) == ("annotations", ("metrics",), {})

    told = surroundings(planned(), with_prometheus(labels={"release": "prometheus"}))
    assert (told.scraping, told.monitors) == ("pod-monitor", {"release": "prometheus"})


def test_monitors_that_a_prometheus_may_overlook_are_said() -> None:
    found = {"kube-prometheus-stack": "metrics"}
    assert len(notes(planned(installed=found), ANYWHERE)) == 1
    assert notes(planned(installed=found), with_prometheus(labels={})) == notes(planned(), ANYWHERE) == ()


def test_requests_that_a_prometheus_of_somebody_else_counts_need_its_address() -> None:
    found = planned("keda", installed={"kube-prometheus-stack": "metrics"})
    asked = Autoscale(max=4, metric="requests", average=100.0)

    with pytest.raises(Misfit) as refused:
        refuse_uncounted([a_group(autoscale=asked)], found, ANYWHERE)
    assert refused.value.at == ("serving.digits.autoscale.metric",)
    assert "autoscale.prometheus" in refused.value.problems[0].remedy

    named = replace(asked, prometheus="http://prometheus.metrics.svc:9090")
    refuse_uncounted([a_group(autoscale=named)], found, ANYWHERE)
    refuse_uncounted([a_group(autoscale=asked)], planned("keda", "kube-prometheus-stack"), ANYWHERE)


def test_gateways_may_call_the_pods() -> None:
    assert surroundings(planned("istio", "knative"), ANYWHERE).gateways == ("istio-system",)
    assert surroundings(planned("knative"), ANYWHERE).gateways == ("knative-serving",)
    assert surroundings(planned("kserve"), ANYWHERE).gateways == ()


def test_proxies_find_the_control_plane_of_the_mesh_wherever_it_is() -> None:
    assert surroundings(planned(installed={"istio": "mesh"}), ANYWHERE).mesh == "mesh"
    assert surroundings(planned(an_extension("istio", namespace="mesh")), ANYWHERE).mesh == "mesh"
    assert surroundings(planned(), ANYWHERE).mesh == "istio-system"


def test_what_is_built_in_is_there_as_well() -> None:
    around = surroundings(planned("gateway-api", "keda", cluster=on_gke()), on_gke())

    assert {"gateway-api", "keda"} <= around.extensions
