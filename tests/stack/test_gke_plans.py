"""Plans of GKE specs: offline, without command line tools, cluster or credentials."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import SpecError
from schemas.load import load
from stack import workspace
from stack.engines.about import About
from stack.engines.embedded import EmbeddedEngine
from stack.engines.offline import OfflineProvider
from stack.engines.providers import Checked, Live, Provider, ProviderDiff
from stack.plan import Change, Plan, as_json, from_json
from stack.program import PROJECT, build
from stack.render.plan_json import plan_json
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


class Rebuilding(Pretending):
    """A cloud that also knows which changes replace; `deleted` are the types of what it was told to delete."""

    def __init__(self) -> None:
        self.deleted: list[str] = []

    def check(self, about: About, old: dict[str, Any], new: dict[str, Any]) -> Checked:
        return OfflineProvider().check(about, old, new)

    def diff(self, about: About, id_: str, old: dict[str, Any], new: dict[str, Any]) -> ProviderDiff:
        return OfflineProvider().diff(about, id_, old, new)

    def delete(self, about: About, id_: str, old: dict[str, Any]) -> None:
        self.deleted.append(about.type)


def a_plan(folder: Path, *sets: str, name: str = "gke-dev", made: bool = False, first: tuple[str, ...] = ()) -> Plan:
    """The plan of an environment under `--set` texts; `made` applies it as it is first, with the pretending provider.

    `first` are `--set` texts of what is made.
    """
    path = ENVIRONMENTS / f"{name}.yaml"
    site = workspace.Workspace(folder / ".inferstack").site(load(path).spec.name)
    if made:
        program = build(load(path, sets=first), site)
        providers = {"gcp:": Pretending(), "kubernetes:": Pretending()}
        outcome = EmbeddedEngine(PROJECT, site.stack, site.state, providers=providers).up(program.run)
        assert outcome.complete, outcome.failed
    loaded = load(path, sets=(*first, *sets))
    program = build(loaded, site)
    return EmbeddedEngine(PROJECT, site.stack, site.state).preview(program.run, program.origins, notes=program.notes)


def a_change_of_production(folder: Path, *sets: str, first: tuple[str, ...] = ()) -> Plan:
    """The plan of a change to gke-prod.yaml as it stands, without its benchmark, which would be measured."""
    return a_plan(folder, *sets, name="gke-prod", made=True, first=("benchmarks=[]", *first))


def text(plan: Plan) -> str:
    """The plan as people read it, with paths as they are in the repository, in the order of the URNs.

    A program registers what needs nothing of each other at the same time, so that its own order varies.
    """
    ordered = replace(plan, changes=tuple(sorted(plan.changes, key=lambda change: change.urn)))
    return render_plan(ordered).replace(f"{ENVIRONMENTS.parent}/", "")


def told(plan: Plan, folder: Path) -> str:
    """The plan as JSON; of Kubernetes' objects and of outputs only which they are: their own tests tell more."""
    data = plan_json(plan)
    del data["digest"]
    data["outputs"] = [output["path"] for output in data["outputs"]]
    data["changes"].sort(key=lambda change: change["urn"])
    for change in data["changes"]:
        if not change["type"].startswith("gcp:"):
            change["properties"] = len(change["properties"]) > 0
    written = json.dumps(data, indent=1, sort_keys=True).replace(str(folder), "FOLDER")
    return written.replace(f"{ENVIRONMENTS.parent}/", "") + "\n"


def the_change(plan: Plan, name: str, type_: str) -> Change:
    return next(change for change in plan.changes if change.name == name and change.type.endswith(type_))


@pytest.mark.parametrize("name", ["gke-dev", "gke-prod"])
def test_a_gke_spec_is_planned_without_a_cloud_and_leaves_no_file(tmp_path: Path, golden: Any, name: str) -> None:
    plan = a_plan(tmp_path, name=name)

    golden(f"{name}.txt", text(plan))
    golden(f"{name}.json", told(plan, tmp_path))
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


@pytest.mark.parametrize("setting", ["cluster.network.dataplaneV2=false", "cluster.location=europe-west4-a"])
def test_what_runs_on_a_replaced_cluster_is_made_again(tmp_path: Path, setting: str) -> None:
    plan = a_plan(tmp_path, setting, made=True)

    ops = {change.op for change in plan.changes if change.type.startswith("kubernetes:")}
    assert ops == {"replace"}
    assert the_change(plan, "digits-dev", "providers:kubernetes").op == "replace"
    assert plan.impact.interrupted == ("digits",)


def test_what_runs_on_a_cluster_moves_to_the_one_with_another_name(tmp_path: Path) -> None:
    plan = a_plan(tmp_path, "cluster.name=other", made=True)

    assert the_change(plan, "digits-dev", "Cluster").op == "delete"
    assert {change.op for change in plan.changes if change.type.startswith("kubernetes:")} == {"replace"}
    assert "its provider, other, means another place now" in the_change(plan, "digits", "Deployment").reasons


def test_a_cluster_that_is_changed_in_place_keeps_what_runs_on_it(tmp_path: Path) -> None:
    plan = a_plan(tmp_path, "cluster.costAllocation=false", made=True)

    assert the_change(plan, "digits-dev", "Cluster").op == "update"
    assert {change.op for change in plan.changes if change.type.startswith("kubernetes:")} == {"same"}


def test_replacing_a_cluster_deletes_what_is_on_it_first_and_leaves_a_true_state(tmp_path: Path) -> None:
    a_plan(tmp_path, made=True)
    path, cloud = ENVIRONMENTS / "gke-dev.yaml", Rebuilding()
    site = workspace.Workspace(tmp_path / ".inferstack").site("digits-dev")
    program = build(load(path, sets=("cluster.network.dataplaneV2=false",)), site)
    engine = EmbeddedEngine(PROJECT, site.stack, site.state, providers={"gcp:": cloud, "kubernetes:": cloud})

    outcome = engine.up(program.run)

    assert outcome.complete, outcome.failed
    assert cloud.deleted.index("gcp:container/cluster:Cluster") == len(cloud.deleted) - 1
    assert engine.preview(program.run).empty
    (provider,) = [record for record in engine.resources() if record.is_provider and record.name == "digits-dev"]
    there = {record.provider for record in engine.resources() if record.type.startswith("kubernetes:")}
    assert there == {f"{provider.urn}::{provider.id}"}


@pytest.mark.parametrize(("first", "said"), [((), True), (("cluster.bucket.deleteContents=true",), False)])
def test_a_bucket_that_goes_must_be_empty_unless_its_contents_may_go(
    tmp_path: Path, first: tuple[str, ...], said: bool
) -> None:
    plan = a_plan(tmp_path, "cluster.bucket.name=other", made=True, first=first)

    assert ("refused unless the bucket is empty" in render_plan(plan)) == said


def test_public_nodes_are_a_change_of_cluster_and_pools_and_lose_no_way_out(tmp_path: Path) -> None:
    plan = a_plan(tmp_path, "cluster.network.privateNodes=false", made=True)

    assert the_change(plan, "digits-dev", "Cluster").op == "update"
    assert the_change(plan, "digits-dev-serving", "NodePool").op == "update"
    assert plan.counts["delete"] == plan.counts["replace"] == 0


def test_an_empty_list_of_networks_opens_the_control_plane_again(tmp_path: Path) -> None:
    plan = a_change_of_production(tmp_path, "cluster.network.authorizedNetworks=[]")

    (changed,) = the_change(plan, "digits-prod", "Cluster").properties
    assert (changed.path, changed.old, changed.new) == (
        "masterAuthorizedNetworksConfig.cidrBlocks[0].cidrBlock",
        "192.0.2.0/24",
        "0.0.0.0/0",
    )


def test_an_extension_of_the_web_is_planned_without_a_network(tmp_path: Path) -> None:
    plan = a_plan(tmp_path, "cluster.gatewayApi=false", "extensions=[istio]")

    assert the_change(plan, "gateway-api", "Extension").op == "create"
    assert "standard-install.yaml holds is fetched at `up`, and not in this plan" in render_plan(plan)
    assert list(tmp_path.iterdir()) == []


def test_a_plan_says_where_a_changed_value_comes_from(tmp_path: Path) -> None:
    plan = a_plan(tmp_path, "cluster.nodePools.serving.spot=true", made=True)

    spot = next(p for p in the_change(plan, "digits-dev-serving", "NodePool").properties if p.path.endswith("spot"))
    assert spot.source is not None
    assert spot.source.text == "--set cluster.nodePools.serving.spot=true"


@pytest.mark.parametrize(
    ("setting", "type_", "path"),
    [
        ("cluster.nodePools.serving.gvnic=false", "NodePool", "nodeConfig.gvnic.enabled"),
        ("cluster.nodePools.serving.drain.pdbTimeout=1h", "NodePool", "nodeDrainConfigs[0].pdbTimeoutDuration"),
        ("cluster.monitoring=[system]", "Cluster", "monitoringConfig.enableComponents"),
        ("cluster.network.nodesCidr=10.0.0.0/19", "Subnetwork", "ipCidrRange"),
        ("cluster.bucket.deleteContents=true", "Bucket", "forceDestroy"),
    ],
)
def test_every_input_of_the_cloud_knows_the_field_it_comes_from(
    tmp_path: Path, setting: str, type_: str, path: str
) -> None:
    plan = a_change_of_production(tmp_path, setting)

    changed = [
        p for c in plan.changing if c.type.endswith(f":{type_}") for p in c.properties if p.path.startswith(path)
    ]
    assert changed
    assert {p.source.text for p in changed if p.source} == {f"--set {setting}"}


def test_production_is_changed_blue_green_and_says_how_many_replicas_are_left(tmp_path: Path, golden: Any) -> None:
    plan = a_change_of_production(
        tmp_path, "cluster.nodePools.serving.machineType=n2-standard-48", "cluster.nodePools.system.nodes=2"
    )

    golden("gke-prod-machines.txt", text(plan))
    assert {pool.pool: pool.fate for pool in plan.impact.pools} == {"serving": "recreated", "system": "resized"}
    assert all(pods.left == pods.replicas - 1 or pods.left > 0 for pods in plan.impact.pods)
    assert plan.impact.interrupted == ()


def test_a_replaced_pool_interrupts_the_groups_on_it(tmp_path: Path) -> None:
    plan = a_plan(tmp_path, "cluster.nodePools.serving.spot=true", made=True)

    assert [pool.text for pool in plan.impact.pools] == ["its 1 to 2 nodes go before new ones come"]
    assert plan.impact.interrupted == ("digits",)


def test_deletion_protection_refuses_the_replacement_of_the_cluster(tmp_path: Path) -> None:
    moved = ("cluster.location=europe-west1", "cluster.zones=[europe-west1-b]")
    plan = a_change_of_production(tmp_path, *moved)

    cluster = the_change(plan, "digits-prod", "Cluster")
    assert cluster.op == "replace"
    assert cluster.blocked.startswith("deletionProtection is on")
    assert "refused: deletionProtection is on" in render_plan(plan)
    assert the_change(plan, "digits-prod-system", "NodePool").op == "replace"


def test_switching_the_protection_off_in_the_same_plan_does_not_help(tmp_path: Path) -> None:
    plan = a_change_of_production(tmp_path, "cluster.project=other-project", "cluster.deletionProtection=false")

    assert [change.name for change in plan.blocked] == ["digits-prod"]


def test_what_the_cloud_keeps_is_said_though_nothing_changes(tmp_path: Path) -> None:
    plan = a_plan(tmp_path, "cluster.nodePools.serving.minCpuPlatform=null", made=True)

    assert plan.empty
    assert "serving: nodeConfig.minCpuPlatform is left out, and the cloud keeps what it has" in render_plan(plan)


def test_the_cost_of_a_change_is_told_and_saved_with_the_plan(tmp_path: Path) -> None:
    plan = a_plan(tmp_path, "cluster.nodePools.serving.nodes.max=3", made=True)

    assert "cost: 2.22 to 4.10 -> 2.22 to 5.98 USD an hour (+0.00 to +1.88)" in render_plan(plan)
    assert from_json(json.loads(json.dumps(as_json(plan)))) == plan


def test_a_machine_that_is_not_sold_there_is_refused_at_its_line(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        a_plan(tmp_path, "cluster.nodePools.system.machineType=c3-standard-22")

    (problem,) = caught.value.problems
    assert problem.rule == "GKE037"
    assert "--set cluster.nodePools.system.machineType" in str(problem.location or problem.origin)


def test_destroying_a_protected_cluster_is_refused(tmp_path: Path) -> None:
    a_change_of_production(tmp_path)
    site = workspace.Workspace(tmp_path / ".inferstack").site("digits-prod")
    plan = EmbeddedEngine(PROJECT, site.stack, site.state).preview_destroy()

    assert [change.type for change in plan.blocked] == ["gcp:container/cluster:Cluster"]


def test_a_cluster_that_is_changed_in_place_keeps_its_address_and_so_its_provider(tmp_path: Path) -> None:
    plan = a_plan(tmp_path, "cluster.costAllocation=false", made=True)

    assert the_change(plan, "digits-dev", "providers:kubernetes").op == "same"


def test_a_subnetwork_that_grows_replaces_nothing(tmp_path: Path) -> None:
    plan = a_plan(tmp_path, "cluster.network.nodesCidr=10.0.0.0/19", made=True)

    assert [(change.op, change.name) for change in plan.changing] == [("update", "digits-dev-subnetwork")]


def test_a_bucket_that_is_replaced_leaves_the_account_of_the_pods_alone(tmp_path: Path) -> None:
    plan = a_plan(tmp_path, "cluster.bucket.name=other", made=True)

    replaced = {change.name for change in plan.changing if change.op == "replace"}
    assert replaced == {"digits-dev-models", "digits-dev-models-use"}
