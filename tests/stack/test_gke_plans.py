"""Plans of GKE specs: offline, without command line tools, cluster or credentials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas.load import load
from stack import workspace
from stack.engines.about import About
from stack.engines.embedded import EmbeddedEngine
from stack.engines.providers import Checked, Live, Provider, ProviderDiff
from stack.plan import Change, Plan
from stack.program import PROJECT, build
from stack.render.plan_text import render_plan

ENVIRONMENTS = Path(__file__).parents[2] / "environments"


class Pretending(Provider):
    """Stands in for a cloud, which no test can have: everything it is asked to make, it says it has made."""

    def check(self, about: About, old: dict[str, Any], new: dict[str, Any]) -> Checked:
        return Checked(new)

    def diff(self, about: About, id_: str, old: dict[str, Any], new: dict[str, Any]) -> ProviderDiff:
        return ProviderDiff()

    def create(self, about: About, new: dict[str, Any]) -> Live:
        name = str(new.get("name", about.type))
        computed = {"selfLink": name, "email": f"{name}@test", "member": name, "endpoint": "192.0.2.1"}
        return Live(name, {"name": name, **computed, "masterAuth": {"clusterCaCertificate": "Y2E="}, **new})

    def update(self, about: About, id_: str, old: dict[str, Any], new: dict[str, Any]) -> Live:
        return Live(id_, {**old, **new})

    def delete(self, about: About, id_: str, old: dict[str, Any]) -> None:
        pass

    def read(self, about: About, id_: str, old: dict[str, Any]) -> Live | None:
        return Live(id_, old)


def a_plan(folder: Path, *sets: str, made: bool = False) -> Plan:
    """The plan of gke-dev.yaml under `--set` texts; `made` applies it as it is first, with the pretending provider."""
    site = workspace.Workspace(folder / ".inferstack").site("digits-dev")
    if made:
        program = build(load(ENVIRONMENTS / "gke-dev.yaml"), site)
        providers = {"gcp:": Pretending(), "kubernetes:": Pretending()}
        outcome = EmbeddedEngine(PROJECT, site.stack, site.state, providers=providers).up(program.run)
        assert outcome.complete, outcome.failed
    loaded = load(ENVIRONMENTS / "gke-dev.yaml", sets=sets)
    program = build(loaded, site)
    return EmbeddedEngine(PROJECT, site.stack, site.state).preview(program.run, program.origins, notes=program.notes)


def the_change(plan: Plan, name: str, type_: str) -> Change:
    return next(change for change in plan.changes if change.name == name and change.type.endswith(type_))


def test_a_gke_spec_is_planned_without_a_cloud_and_leaves_no_file(tmp_path: Path, golden: Any) -> None:
    plan = a_plan(tmp_path)

    golden("gke-dev.txt", render_plan(plan))
    assert list(tmp_path.iterdir()) == []


def test_an_unchanged_gke_spec_changes_nothing(tmp_path: Path) -> None:
    assert a_plan(tmp_path, made=True).empty


@pytest.mark.parametrize(
    ("setting", "op"),
    [
        ("cluster.nodePools.serving.nodes=3", "update"),
        ("cluster.nodePools.serving.machineType=n2-standard-48", "update"),
        ("cluster.nodePools.serving.spot=true", "replace"),
    ],
)
def test_a_change_of_a_node_pool_does_what_the_provider_would_do(tmp_path: Path, setting: str, op: str) -> None:
    plan = a_plan(tmp_path, setting, made=True)

    assert the_change(plan, "digits-dev-serving", "NodePool").op == op
    assert the_change(plan, "digits-dev", "Cluster").op == "same"


def test_a_value_that_the_cloud_keeps_is_no_change_when_it_is_left_out(tmp_path: Path) -> None:
    plan = a_plan(tmp_path, "cluster.nodePools.serving.minCpuPlatform=null", made=True)

    assert the_change(plan, "digits-dev-serving", "NodePool").op == "same"


def test_another_location_replaces_the_cluster_and_what_stands_on_it(tmp_path: Path) -> None:
    plan = a_plan(tmp_path, "cluster.location=europe-west4-a", made=True)

    assert the_change(plan, "digits-dev", "Cluster").op == "replace"
    assert the_change(plan, "digits-dev-serving", "NodePool").op == "replace"


def test_a_plan_says_where_a_changed_value_comes_from(tmp_path: Path) -> None:
    plan = a_plan(tmp_path, "cluster.nodePools.serving.spot=true", made=True)

    spot = next(p for p in the_change(plan, "digits-dev-serving", "NodePool").properties if p.path.endswith("spot"))
    assert spot.source is not None
    assert spot.source.text == "--set cluster.nodePools.serving.spot=true"
