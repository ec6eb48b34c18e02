"""What the provider filled in, and its notes of it."""

from __future__ import annotations

from components.cluster.gke_changes import decide
from components.cluster.gke_defaults import with_defaults, without_notes

CLUSTER = "gcp:container/cluster:Cluster"


def test_defaults_that_were_filled_in_stay_while_the_program_is_silent() -> None:
    old = {"__defaults": ["mode"], "mode": "STANDARD", "name": "a", "policy": {"__defaults": ["stack"], "stack": "V4"}}

    assert with_defaults(old, {"name": "a", "policy": {"range": "pods"}}) == {
        "__defaults": ["mode"],
        "mode": "STANDARD",
        "name": "a",
        "policy": {"__defaults": ["stack"], "stack": "V4", "range": "pods"},
    }


def test_what_the_program_says_wins_over_a_default_and_what_it_takes_away_goes() -> None:
    old = {"__defaults": ["mode"], "mode": "STANDARD", "labels": {"__defaults": [], "a": "b"}, "ranges": [{"x": 1}]}

    filled = with_defaults(old, {"mode": "REMOTE", "ranges": [{"x": 1}, {"x": 2}]})

    assert without_notes(filled) == {"mode": "REMOTE", "ranges": [{"x": 1}, {"x": 2}]}


def test_elements_that_the_cloud_completes_are_the_same_elements() -> None:
    told = {"masterAuthorizedNetworksConfig": {"cidrBlocks": [{"cidrBlock": "192.0.2.0/24", "displayName": ""}]}}
    asked = {"masterAuthorizedNetworksConfig": {"__defaults": [], "cidrBlocks": [{"cidrBlock": "192.0.2.0/24"}]}}

    assert decide(CLUSTER, told, asked).changed == ()


def test_notes_of_the_provider_are_no_change() -> None:
    assert decide(CLUSTER, {"name": "a"}, {"name": "a", "__defaults": []}).changed == ()
