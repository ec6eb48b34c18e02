"""Which extensions are installed, in which order, with which values, and what a plan says of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from components.extensions.catalogue import CATALOGUE
from components.extensions.planning import ExtensionSet, installed_by_others, merged, plan_extensions
from schemas.spec import Cluster, GkeCluster
from tests.components.extensions.builders import (
    ANYWHERE,
    an_extension,
    names,
    on_gke,
    planned,
    release_of,
    the,
)


def described(extensions: ExtensionSet) -> str:
    """A plan's extensions as text, for a golden file."""
    lines = []
    for one in extensions.planned:
        after = f" after {', '.join(one.after)}" if one.after else ""
        lines.append(f"{one.name} {one.version}{after}")
        lines += (f"  release {r.name}: {r.chart} {r.version} {r.repo} in {r.namespace}".rstrip() for r in one.releases)
        lines += (f"  secret {one.namespace}/{c.secret}: {', '.join(c.data)}" for c in one.credentials)
        lines += (f"  file {source}" for source in one.sources)
        lines += (f"  object {o['kind']} {o['metadata']['name']}" for o in one.objects)
        lines += (f"  namespace {name}" for name in one.namespaces)
        lines += (f"  {key}: {text}" for key, text in one.outputs)
    return "\n".join([*lines, "", *(f"note: {note}" for note in extensions.notes), ""])


def test_all_of_the_catalogue_on_any_cluster_reads_well(golden: Callable[[str, str], None]) -> None:
    golden("everything-anywhere.txt", described(planned(*CATALOGUE)))


def test_all_of_the_catalogue_on_gke_reads_well(golden: Callable[[str, str], None]) -> None:
    golden("everything-on-gke.txt", described(planned(*CATALOGUE, cluster=on_gke())))


def test_what_an_extension_needs_is_added_and_said() -> None:
    extensions = planned("kserve")

    assert names(extensions) == ["cert-manager", "kserve"]
    assert the(extensions, "kserve").after == ("cert-manager",)
    assert "cert-manager is added: kserve needs it" in extensions.notes


def test_what_is_needed_comes_first_wherever_the_spec_has_it() -> None:
    assert names(planned("kserve", "mlflow", "cert-manager")) == ["cert-manager", "kserve", "mlflow"]


def test_knative_stands_behind_istio_where_there_is_one() -> None:
    with_istio, without = planned("knative", "istio"), planned("knative")

    assert names(with_istio) == ["gateway-api", "istio", "knative"]
    assert the(with_istio, "knative").objects[0]["spec"]["ingress"]["istio"] == {"enabled": True}
    assert the(without, "knative").objects[0]["spec"]["ingress"]["kourier"] == {"enabled": True}


def test_gke_installs_nothing_of_what_it_has_built_in() -> None:
    extensions = planned("metrics-server", "gateway-api", "docker-registry", "kube-prometheus-stack", cluster=on_gke())

    assert names(extensions) == []
    assert len(extensions.notes) == 4
    assert all("is not installed: GKE has" in note for note in extensions.notes)


@pytest.mark.parametrize(
    ("name", "cluster"),
    [
        ("gateway-api", on_gke(gateway_api=False)),
        ("kube-prometheus-stack", on_gke(managed_prometheus=False)),
    ],
)
def test_what_is_switched_off_on_gke_is_installed(name: str, cluster: GkeCluster) -> None:
    assert names(planned(name, cluster=cluster)) == [name]


def test_what_somebody_else_has_installed_is_left_alone() -> None:
    extensions = planned("kserve", installed={"cert-manager": "certs"})

    assert names(extensions) == ["kserve"]
    assert the(extensions, "kserve").after == ()
    assert extensions.notes[0] == (
        "cert-manager is on the cluster already (namespace certs), from somebody else, and is left alone"
    )


def test_a_version_that_does_nothing_is_said() -> None:
    extensions = planned(an_extension("keda", version="2.18.3"), installed={"keda": ""})

    assert extensions.notes[0].endswith("what the spec says of it does nothing")


def test_a_controller_shows_an_extension_and_left_over_kinds_do_not() -> None:
    kinds = ["certificates.cert-manager.io", "httproutes.gateway.networking.k8s.io"]

    assert installed_by_others(["kserve/kserve-controller-manager"], kinds, ()) == {
        "kserve": "kserve",
        "gateway-api": "",
    }
    assert installed_by_others(["certs/cert-manager"], (), ours=["cert-manager"]) == {}


def test_an_application_elsewhere_on_the_cluster_is_not_ours_to_reuse() -> None:
    assert installed_by_others(["somewhere/mlflow"], (), ()) == {}
    assert installed_by_others(["mlflow/mlflow"], (), ()) == {"mlflow": "mlflow"}


def test_values_of_the_user_are_merged_deeply() -> None:
    values = {"kserve": {"controller": {"gateway": {"domain": "a.example"}}}}
    controller = release_of(planned(an_extension("kserve", values=values)), "kserve").values["kserve"]["controller"]

    assert controller["deploymentMode"] == "Standard"
    assert controller["gateway"]["disableIngressCreation"] is True
    assert controller["gateway"]["domain"] == "a.example"


def test_values_under_a_release_go_to_its_chart() -> None:
    values = {"istio-ingressgateway": {"replicaCount": 2}, "pilot": {"autoscaleEnabled": False}}
    extensions = planned(an_extension("istio", values=values))

    assert release_of(extensions, "istio-ingressgateway").values == {"replicaCount": 2}
    assert release_of(extensions, "istiod").values["pilot"] == {"autoscaleEnabled": False, "cni": {"enabled": True}}
    assert release_of(extensions, "istio-base").values == {}


@pytest.mark.parametrize(
    ("cluster", "values"),
    [(ANYWHERE, {}), (on_gke(), {"cniBinDir": "/home/kubernetes/bin", "resourceQuotas": {"enabled": True}})],
)
def test_proxies_of_istio_need_no_rights_of_root(cluster: Cluster, values: dict[str, Any]) -> None:
    extensions = planned("istio", cluster=cluster)
    istiod = release_of(extensions, "istiod").values

    assert release_of(extensions, "istio-cni").values == values
    assert istiod["pilot"]["cni"] == {"enabled": True}


def test_merging_replaces_lists_and_leaves_both_sides_as_they_were() -> None:
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 1}

    assert merged(base, {"a": {"c": [3]}, "d": {"e": 1}}) == {"a": {"b": 1, "c": [3]}, "d": {"e": 1}}
    assert base == {"a": {"b": 1, "c": [1, 2]}, "d": 1}


@pytest.mark.parametrize("version", ["0.20.1", "v0.20.1"])
def test_a_version_is_written_as_the_repository_writes_it(version: str) -> None:
    extensions = planned(an_extension("kserve", version=version), an_extension("istio", version=version))

    assert release_of(extensions, "kserve").version == "v0.20.1"
    assert release_of(extensions, "istiod").version == "0.20.1"


def test_a_namespace_of_the_users_reaches_values_and_outputs() -> None:
    extensions = planned(an_extension("rook-ceph", namespace="storage"), an_extension("mlflow", namespace="ml"))

    assert release_of(extensions, "ceph-csi-drivers").values["drivers"]["rbd"]["name"] == "storage.rbd.csi.ceph.com"
    assert extensions.outputs["mlflow"]["url"] == "http://mlflow.ml.svc"


def test_the_namespace_of_the_system_is_never_made() -> None:
    assert the(planned("metrics-server"), "metrics-server").namespaces == ()
    extensions = plan_extensions([an_extension("mlflow")], ANYWHERE, namespaces={"mlflow"})
    assert the(extensions, "mlflow").namespaces == ()


def test_a_licence_that_is_not_free_of_conditions_is_said() -> None:
    old, new = planned("seldon-core"), planned(an_extension("seldon-core", version="1.18.2"))

    assert not any(" is under " in note for note in old.notes)
    assert new.notes[0].startswith("seldon-core 1.18.2 is under BUSL-1.1: production use needs a licence")
    assert any("AGPL-3.0" in note for note in planned("minio").notes)


def test_an_own_chart_comes_after_what_stands_before_it() -> None:
    own = an_extension("redis", chart="redis", repo="https://charts.example", version="20.1.0", values={"a": 1})
    extensions = planned("keda", own)

    assert the(extensions, "redis").after == ("keda",)
    assert release_of(extensions, "redis").repo == "https://charts.example"
    assert release_of(extensions, "redis").namespace == "redis"


def test_a_chart_under_a_name_of_the_catalogue_stands_for_it() -> None:
    mirror = an_extension("cert-manager", chart="oci://mirror.example/cert-manager", version="1.21.1")
    extensions = planned("kserve", mirror)

    assert names(extensions) == ["cert-manager", "kserve"]
    assert release_of(extensions, "cert-manager").chart == "oci://mirror.example/cert-manager"
    assert release_of(extensions, "cert-manager").values == {}


def test_no_output_holds_a_password() -> None:
    outputs = planned(*CATALOGUE).outputs

    commands = [text for said in outputs.values() for key, text in said.items() if key in ("password", "token")]
    assert commands
    assert all(command.startswith("kubectl ") for command in commands)
