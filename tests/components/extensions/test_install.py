"""The resources that extensions become, through the embedded engine with a cluster that takes everything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi

from components.extensions.install import install
from components.extensions.planning import ExtensionSet, with_documents
from components.extensions.release import TYPE
from components.kubernetes.objects import Home
from stack.engines.about import About
from stack.engines.embedded import EmbeddedEngine
from stack.engines.providers import Checked, Live, Provider, ProviderDiff
from stack.plan import Plan
from stack.render.plan_text import render_plan
from tests.components.extensions.builders import a_file, an_extension, planned

OBJECTS = """
apiVersion: example.com/v1
kind: Thing
metadata: {name: thing, namespace: mine}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
"""


class Cluster(Provider):
    """Stands in for a cluster: remembers what was made, in order."""

    def __init__(self) -> None:
        self.made: list[tuple[str, dict[str, Any]]] = []
        self.deleted: list[str] = []

    def check(self, about: About, old: dict[str, Any], new: dict[str, Any]) -> Checked:
        return Checked(new)

    def diff(self, about: About, id_: str, old: dict[str, Any], new: dict[str, Any]) -> ProviderDiff:
        return ProviderDiff(changes=old != new)

    def create(self, about: About, new: dict[str, Any]) -> Live:
        self.made.append((about.urn.rpartition("::")[2], new))
        return Live(about.urn.rpartition("::")[2], new)

    def update(self, about: About, id_: str, old: dict[str, Any], new: dict[str, Any]) -> Live:
        return Live(id_, new)

    def delete(self, about: About, id_: str, old: dict[str, Any]) -> None:
        self.deleted.append(id_)

    def read(self, about: About, id_: str, old: dict[str, Any]) -> Live | None:
        return Live(id_, old)


def an_engine(folder: Path, cluster: Cluster) -> EmbeddedEngine:
    return EmbeddedEngine("inferstack", "demo", folder / "state", providers={"kubernetes:": cluster})


def program(extensions: ExtensionSet) -> Any:
    def run() -> None:
        provider = pulumi.ProviderResource("kubernetes", "demo", {})
        install(extensions, Home("demo", "demo", provider))
        pulumi.export("extensions", extensions.outputs)

    return run


def made(folder: Path, extensions: ExtensionSet) -> list[tuple[str, dict[str, Any]]]:
    """What an `up` makes, in order."""
    cluster = Cluster()
    outcome = an_engine(folder, cluster).up(program(extensions))
    assert outcome.complete, outcome.failed
    return cluster.made


def a_plan(folder: Path, extensions: ExtensionSet) -> Plan:
    return an_engine(folder, Cluster()).preview(program(extensions), notes=extensions.notes)


def names(found: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [name for name, _ in found if name != "demo"]


def test_the_plan_of_many_extensions_reads_well(tmp_path: Path, golden: Any) -> None:
    extensions = planned(
        "kserve",
        "knative",
        "istio",
        "minio",
        "kube-prometheus-stack",
        an_extension("seldon-core", version="1.18.2"),
        "metrics-server",
        installed={"gateway-api": "", "cert-manager": "certs"},
    )

    golden("plan.txt", render_plan(a_plan(tmp_path, extensions)))


def test_charts_come_one_after_the_other_in_their_namespace(tmp_path: Path) -> None:
    order = names(made(tmp_path, planned("kserve")))

    assert order.index("cert-manager") < order.index("kserve-crd") < order.index("kserve", order.index("kserve-crd"))


def test_kinds_come_before_the_objects_of_these_kinds(tmp_path: Path) -> None:
    mine = an_extension("mine", manifests=str(a_file(tmp_path, OBJECTS)))
    extensions = with_documents(planned(mine), tmp_path)

    assert names(made(tmp_path, extensions)) == ["things.example.com", "mine/thing"]


def test_objects_of_the_user_are_declared_as_they_stand(tmp_path: Path) -> None:
    mine = an_extension("mine", manifests=str(a_file(tmp_path, OBJECTS)))
    thing = dict(made(tmp_path, with_documents(planned(mine), tmp_path)))["mine/thing"]

    assert thing == {
        "apiVersion": "example.com/v1",
        "kind": "Thing",
        "metadata": {"name": "thing", "namespace": "mine"},
    }


def test_a_password_is_made_up_once_and_is_in_no_plan(tmp_path: Path) -> None:
    first = dict(made(tmp_path, planned("minio")))["minio-root"]["stringData"]
    password = first["password"].value if hasattr(first["password"], "value") else first["password"]

    assert len(password) >= 32
    plan = a_plan(tmp_path, planned("minio"))
    assert plan.empty
    assert password not in render_plan(plan)
    assert password not in str(plan)


def test_secret_values_of_a_chart_are_masked_in_the_plan(tmp_path: Path) -> None:
    values = {"auth": {"adminPassword": "hunter2", "enabled": True}}
    plan = a_plan(tmp_path, planned(an_extension("mlflow", values=values)))

    assert "hunter2" not in str(plan)
    release = next(change for change in plan.changes if change.type == TYPE)
    assert any(change.secret for change in release.properties)


def test_an_unchanged_set_of_extensions_changes_nothing(tmp_path: Path) -> None:
    extensions = planned("kserve", "knative", "gitea")
    made(tmp_path, extensions)

    assert a_plan(tmp_path, extensions).empty


def test_our_objects_carry_the_labels_of_the_stack(tmp_path: Path) -> None:
    dashboard = dict(made(tmp_path, planned("kube-prometheus-stack")))["monitoring/inferstack-serving"]

    assert dashboard["metadata"]["labels"]["app.kubernetes.io/part-of"] == "demo"


def test_kinds_of_the_catalogue_stay_when_the_stack_goes(tmp_path: Path) -> None:
    kinds = an_extension("gateway-api", version="1.5.1")
    file = str(a_file(tmp_path, OBJECTS))
    ours = ExtensionSet(tuple(replace(one, sources=(file,)) for one in planned(kinds).planned))
    cluster = Cluster()
    engine = an_engine(tmp_path, cluster)

    assert engine.up(program(with_documents(ours, tmp_path))).complete
    assert engine.destroy().complete
    assert "mine/thing" in cluster.deleted
    assert "things.example.com" not in cluster.deleted
