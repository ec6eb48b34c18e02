"""Rules about GKE at their edges: what they let pass, and what they say of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import Problem
from tests.schemas.spec_texts import HEAD, a_file, loaded, problems, rules

CLUSTER = """cluster:
  provider: gke
  project: my-project
  location: {location}
  nodePools: [{{name: serving, machineType: n2-standard-8, {pool}}}]
{more}
"""


def a_spec(folder: Path, *, pool: str = "spot: false", location: str = "europe-west4-a", more: str = "") -> Path:
    lines = "".join(f"  {line}\n" for line in more.splitlines())
    return a_file(folder, HEAD + CLUSTER.format(location=location, pool=pool, more=lines))


def found(path: Path) -> list[Problem]:
    return list(problems(path))


@pytest.mark.parametrize(
    "pool",
    [
        "nodes: {min: 0, max: 3}, localSsd: {count: 2}, reservation: {use: none}, spot: true",
        "reservation: {use: specific, name: numa, project: shared}",
        "upgrade: {maxSurge: 18, maxUnavailable: 2}, drain: {grace: 10m, pdbTimeout: 1h}",
        "taints: [{key: model, effect: PreferNoSchedule}], labels: {example.com/tier: gold}",
        "sysctls: {net.core.somaxconn: '4096'}, transparentHugepages: madvise, cfsQuotaPeriod: 10ms",
        "imageType: ubuntu_containerd, disk: {size: 10GiB, type: pd-ssd}",
        "maxPods: 256, maxPids: 4096, maxImagePulls: 3, gvnic: true",
        "labels: {example.com/Tier: Gold_1.0, empty: ''}, taints: [{key: example.com/a, effect: PreferNoSchedule}]",
        "resourceLabels: {team: ml_2, größe: klein, none: ''}, networkTags: [a, a-1]",
        "maxPids: 1024, reservation: {use: specific, name: numa, project: 'example.com:shared'}",
    ],
)
def test_what_gke_takes_for_a_pool_is_accepted(tmp_path: Path, pool: str) -> None:
    loaded(a_spec(tmp_path, pool=pool))


@pytest.mark.parametrize(
    "more",
    [
        "version: 1.34.1-gke.1234000\nreleaseChannel: none",
        'maintenance: {start: "22:30", days: [sat, sun], duration: 6h}',
        'maintenance: {start: "03:00", exclusions: [{name: sales, start: "2026-11-20", end: "2026-12-01T06:00:00Z"}]}',
        "network: {privateEndpoint: true, authorizedNetworks: [192.0.2.0/24], controlPlaneCidr: 172.16.0.0/28}",
        "network: {name: shared, subnetwork: nodes, podsRange: pods, servicesRange: services}",
        "network: {nodesCidr: 10.4.0.0/24, podsCidr: 10.5.0.0/20, servicesCidr: 10.6.0.0/24}",
        "bucket: {name: our-models, existing: true}\nregistry: {name: images, existing: true, location: europe}",
        "autoscaling: {profile: optimize-utilization, autoProvisioning: {maxCpus: 64, maxMemory: 256GiB}}",
        "zones: [europe-west4-b, europe-west4-c]",
        "labels: {team: ml}\nnetwork: {servicesCidr: 10.8.0.0/27}",
    ],
)
def test_what_gke_takes_for_a_cluster_is_accepted(tmp_path: Path, more: str) -> None:
    loaded(a_spec(tmp_path, more=more))


@pytest.mark.parametrize(
    ("location", "says"),
    [
        ("europe-wset4-a", "did you mean `europe-west4`"),
        ("europe-west1-a", "there is no zone `europe-west1-a`"),
        ("us-east2", "there is no region `us-east2`"),
        ("Frankfurt", "neither a region nor a zone"),
    ],
)
def test_a_place_that_is_misspelt_is_refused_since_no_preview_does(tmp_path: Path, location: str, says: str) -> None:
    (problem,) = found(a_spec(tmp_path, location=location))
    assert problem.rule == "GKE012"
    assert says in problem.message


def test_a_zone_beside_the_region_is_refused_and_the_regions_zones_are_told(tmp_path: Path) -> None:
    (problem,) = found(a_spec(tmp_path, pool="zones: [europe-west4-d]"))
    assert problem.rule == "GKE012"
    assert "europe-west4-a, europe-west4-b, europe-west4-c" in problem.remedy


def test_an_address_that_is_no_range_is_written_as_the_range_it_lies_in(tmp_path: Path) -> None:
    (problem,) = found(a_spec(tmp_path, more="network: {podsCidr: 10.5.1.0/16}"))
    assert (problem.rule, problem.remedy) == ("GKE027", "Write 10.5.0.0/16.")


def test_every_zone_and_the_surge_count_for_the_pods_addresses(tmp_path: Path) -> None:
    # 8 nodes of 256 addresses fit a /21; the node that an upgrade adds does not.
    exact = "network: {podsCidr: 10.5.0.0/21}"
    eight = "nodes: {min: 1, max: 8}, upgrade: {%s}"
    loaded(a_spec(tmp_path, pool=eight % "maxSurge: 0, maxUnavailable: 1", more=exact))
    (problem,) = found(a_spec(tmp_path, pool=eight % "maxSurge: 1", more=exact))
    assert problem.rule == "GKE029"
    assert "9 nodes take 2304" in problem.message
    regional = a_spec(tmp_path, pool=eight % "maxSurge: 0, maxUnavailable: 1", more=exact, location="europe-west4")
    assert rules(found(regional)) == ["GKE029"]
    loaded(a_spec(tmp_path, pool=eight.replace("nodes", "maxPods: 32, nodes") % "maxSurge: 1", more=exact))


ROUTED = """models: [{name: digits, source: gs://models/digits}]
serving: [{name: one, model: digits, platform: ovms, instances: {count: 1, cores: 1}, nodePool: serving}]
traffic: [{name: all, split: {one: 100}, gatewayClass: gke-l7-rilb}]
"""


@pytest.mark.parametrize(
    ("network", "rule"),
    [
        ("{servicesCidr: 10.9.0.0/20}", "GKE028"),
        ("{proxiesCidr: 10.10.0.0/27}", "GKE029"),
        ("{name: shared}", "GKE039"),
    ],
)
def test_proxies_of_regional_gateways_need_a_range_of_their_own(tmp_path: Path, network: str, rule: str) -> None:
    text = a_spec(tmp_path, more=f"network: {network}").read_text() + ROUTED
    assert rules(found(a_file(tmp_path, text))) == [rule]


@pytest.mark.parametrize("network", ["{}", "{servicesCidr: 10.9.0.0/20, proxiesCidr: 10.10.0.0/23}"])
def test_proxies_of_regional_gateways_have_a_range_that_is_free(tmp_path: Path, network: str) -> None:
    loaded(a_file(tmp_path, a_spec(tmp_path, more=f"network: {network}").read_text() + ROUTED))


def test_other_gateways_take_no_range(tmp_path: Path) -> None:
    text = a_spec(tmp_path, more="network: {servicesCidr: 10.9.0.0/20}").read_text() + ROUTED
    loaded(a_file(tmp_path, text.replace("gke-l7-rilb", "gke-l7-global-external-managed")))


def test_ranges_of_an_existing_subnetwork_are_its_owners(tmp_path: Path) -> None:
    loaded(a_spec(tmp_path, more="network: {name: shared, subnetwork: nodes, nodesCidr: 10.4.0.0/20}"))


@pytest.mark.parametrize(
    ("pool", "more", "rule"),
    [
        ("autoRepair: false", "releaseChannel: stable", "GKE021"),
        ("maxImagePulls: 4", "version: 1.32.9-gke.1", "GKE003"),
        ("transparentHugepages: always", "version: 1.33.1-gke.1", "GKE003"),
        ("reservation: {use: any, name: numa}", "", "GKE022"),
        ("localSsd: {count: 1}, machineType: n4-standard-8", "", "GKE016"),
        ("upgrade: {blueGreen: {poolSoak: 200h}}", "", "GKE020"),
        ("compactPlacement: true", "zones: [europe-west4-b]", "GKE006"),
        ("cfsQuota: false, cfsQuotaPeriod: 10ms", "", "GKE019"),
        ("spot: false", 'maintenance: {start: "03:00", duration: 2h}', "GKE034"),
        ("spot: false", "network: {privateNodes: false, controlPlaneCidr: 172.16.0.0/28}", "GKE030"),
        ("spot: false", "network: {podsRange: pods}", "GKE032"),
        ("spot: false", "network: {servicesCidr: 10.8.0.0/29}", "GKE029"),
        ("disk: {type: hyperdisk-balanced}", "", "GKE009"),
        ("maxPids: 10", "", "GKE044"),
        ("maxPids: 5000000", "", "GKE044"),
        ("labels: {node.kubernetes.io/tier: gold}", "", "GKE024"),
        ("labels: {x.k8s.io/tier: gold}", "", "GKE024"),
        ("labels: {tier: very gold}", "", "GKE040"),
        ("labels: {'a b': gold}", "", "GKE040"),
        ("taints: [{key: a b, effect: PreferNoSchedule}]", "", "GKE040"),
        ("taints: [{key: a, value: b c, effect: PreferNoSchedule}]", "", "GKE040"),
        ("resourceLabels: {Team: ml}", "", "GKE041"),
        ("resourceLabels: {team: ML}", "", "GKE041"),
        ("spot: false", "labels: {team: Machine Learning}", "GKE041"),
        ("networkTags: [a-b, A_b]", "", "GKE042"),
        ("reservation: {use: specific, name: numa, project: The Project}", "", "GKE043"),
    ],
)
def test_what_gke_refuses_is_refused_here(tmp_path: Path, pool: str, more: str, rule: str) -> None:
    text = a_spec(tmp_path, pool=pool, more=more).read_text()
    if "machineType: n4" in pool:
        text = text.replace("machineType: n2-standard-8, ", "disk: {type: hyperdisk-balanced}, ")
    assert rules(found(a_file(tmp_path, text))) == [rule]


def test_a_label_is_shown_at_its_line_and_a_taint_with_what_may_have_been_meant(tmp_path: Path) -> None:
    (label,) = found(a_spec(tmp_path, more="labels:\n  cost: one\n  Team: ml"))
    assert label.source_line.strip() == "Team: ml"
    (taint,) = found(a_spec(tmp_path, pool="taints: [{key: a b, effect: PreferNoSchedule}]"))
    assert taint.remedy == "Write a-b."


def test_a_project_is_its_id_and_not_its_name(tmp_path: Path) -> None:
    text = a_spec(tmp_path).read_text().replace("my-project", "My_Project")
    (problem,) = found(a_file(tmp_path, text))
    assert (problem.rule, problem.message) == ("GKE043", "`My_Project` is no id of a project")


def test_no_group_has_the_name_of_the_account_that_reads_the_bucket_of_gke(tmp_path: Path) -> None:
    (tmp_path / "digits.onnx").write_bytes(b"a model")
    cluster = CLUSTER.format(location="europe-west4-a", pool="spot: false", more="")
    models = "models: [{name: digits, source: digits.onnx}]\n"
    group = "serving: [{name: models, model: digits, platform: ovms}]\n"
    assert [one.rule for one in found(a_file(tmp_path, HEAD + cluster + models + group))] == ["STORE010"]
    assert loaded(a_file(tmp_path, HEAD + cluster + models + group.replace("name: models", "name: digits")))
