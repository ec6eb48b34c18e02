"""What the catalogue says is consistent in itself."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from components.extensions import catalogue
from components.extensions.catalogue import CATALOGUE
from components.extensions.dashboard import description
from components.extensions.entry import Entry
from components.extensions.release import Release, inputs_of
from components.serving.pods.surroundings import Surroundings
from components.serving.server.metrics import Metrics
from schemas.known_extensions import KNOWN, numbers
from tests.components.extensions.builders import planned, release_of
from tests.components.serving.pods.pod_builders import a_group, manifests, only

ENTRIES = [pytest.param(entry, id=name) for name, entry in CATALOGUE.items()]


def test_the_spec_knows_the_names_of_the_catalogue() -> None:
    assert sorted(CATALOGUE) == sorted(KNOWN)


def test_every_module_of_the_catalogue_is_listed() -> None:
    modules = {path.stem for path in Path(catalogue.__file__).parent.glob("*.py")} - {"__init__"}

    assert {name.replace("-", "_") for name in CATALOGUE} == modules


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_can_be_installed_and_found_again(entry: Entry) -> None:
    assert numbers(entry.version) is not None
    assert entry.charts or entry.manifests or entry.objects
    assert entry.deployments or entry.crds
    assert sum(chart.main for chart in entry.charts) == (1 if entry.charts else 0)
    assert {*entry.needs, *entry.after} <= CATALOGUE.keys()


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_version_of_the_catalogue_is_one_that_the_spec_allows(entry: Entry) -> None:
    known, version = KNOWN[entry.name], numbers(entry.version)

    assert version is not None
    assert version >= (numbers(known.oldest) or (0,))
    assert version < (numbers(known.below) or (9999,))


def test_no_two_releases_have_one_name() -> None:
    releases = [release.name for one in planned(*CATALOGUE).planned for release in one.releases]

    assert len(set(releases)) == len(releases)


def test_our_prometheus_asks_no_pod_twice_where_a_group_has_a_monitor_for_somebody_else_too() -> None:
    stack = release_of(planned("kube-prometheus-stack"), "kube-prometheus-stack")
    (passed_over,) = stack.values["prometheus"]["prometheusSpec"]["podMonitorSelector"]["matchExpressions"]
    assert passed_over["operator"] == "DoesNotExist"

    of_a_group = only(manifests(a_group(), Surroundings(scraping="pod-monitor")), "PodMonitor")
    (of_all,) = (one for one in planned("kube-prometheus-stack").planned[0].objects if one["kind"] == "PodMonitor")
    assert passed_over["key"] in of_a_group["metadata"]["labels"]
    assert passed_over["key"] not in of_all["metadata"].get("labels", {})


def test_a_release_has_the_inputs_of_pulumis_type() -> None:
    from pulumi_kubernetes.helm.v3 import ReleaseArgs

    inputs = inputs_of(Release("a", "b", "c", version="1.0.0", repo="https://d", values={"e": 1}))
    known = {name: getattr(ReleaseArgs, name) for name in dir(ReleaseArgs)}

    snake = {"createNamespace": "create_namespace", "repositoryOpts": "repository_opts", "skipAwait": "skip_await"}
    assert all(snake.get(key, key) in known for key in inputs)
    assert inputs["repositoryOpts"] == {"repo": "https://d"}


def test_the_dashboard_shows_only_what_our_server_counts() -> None:
    ours = Metrics("digits", "1", {"ovms_streams": ("", lambda: 1), "ovms_current_requests": ("", lambda: 0)}).text()
    asked = set(re.findall("ovms_[a-z_]+", json.dumps(description())))

    assert asked
    assert all(f"\n{metric}{{" in ours for metric in asked)
