"""Which engine does what: by the spec, by who has the state, and by what is installed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from components.site import Site
from schemas.errors import PreflightError, UsageError
from schemas.spec import Spec
from stack.engines import choice
from stack.engines.choice import choose
from stack.engines.embedded import EmbeddedEngine
from stack.engines.pulumi.engine import PulumiEngine
from tests.builders.pulumi_cli import a_pulumi
from tests.schemas.spec_texts import HEAD, a_file, loaded

GKE = """cluster:
  provider: gke
  project: my-project
  location: europe-west4-a
"""


def a_spec(folder: Path, text: str = "") -> Spec:
    """A spec that says what the text says."""
    return loaded(a_file(folder, f"{HEAD}{text}")).spec


def a_site(folder: Path) -> Site:
    """The folders of a stack that was never up."""
    return Site(stack="demo", state=folder / "state" / "demo", store=folder / "state" / "store")


def a_machine(folder: Path, *, pulumi: bool = True, credentials: bool = True) -> Mapping[str, str]:
    """An environment with or without Pulumi's command line and Google's credentials."""
    if pulumi:
        a_pulumi(folder / "bin")
    token = {"GOOGLE_OAUTH_ACCESS_TOKEN": "token"} if credentials else {}
    return {"PATH": str(folder / "bin"), "HOME": str(folder), **token}


def made_by_the_embedded_engine(site: Site) -> None:
    """Let the stack have a state of the embedded engine."""
    site.state.mkdir(parents=True)
    (site.state / "checkpoint.json").write_text("{}")


def made_by_pulumi(site: Site, deployment: object = None) -> None:
    """Let the stack have a state of Pulumi's, in its own folder."""
    file = site.state / "pulumi" / ".pulumi" / "stacks" / "inferstack" / "demo.json"
    file.parent.mkdir(parents=True)
    (site.state / "pulumi" / "Pulumi.yaml").write_text("name: inferstack\nbackend: {url: file://.}\n")
    file.write_text(json.dumps({"version": 3, "checkpoint": {"latest": deployment}}))


def test_a_cloud_is_planned_without_being_asked_where_that_is_wanted(tmp_path: Path) -> None:
    chosen = choose(a_spec(tmp_path, GKE), a_site(tmp_path), a_machine(tmp_path), offline=True)
    assert chosen.name == "embedded"
    assert "Planned offline" in chosen.notes[0]
    assert chosen.refusal == "--offline asks for it"
    with pytest.raises(UsageError, match="--offline is for plans of clouds"):
        choose(a_spec(tmp_path), a_site(tmp_path), a_machine(tmp_path), offline=True)


def test_this_machine_and_clusters_are_done_by_the_embedded_engine(tmp_path: Path) -> None:
    for cluster in ("", "cluster: {provider: kubernetes}\n"):
        found = choose(a_spec(tmp_path, cluster), a_site(tmp_path), a_machine(tmp_path))

        assert (found.name, found.notes, found.refusal) == ("embedded", (), "")


def test_clouds_and_whoever_says_so_are_done_by_pulumi(tmp_path: Path) -> None:
    for text in (GKE, "engine: pulumi\n", "engine: pulumi\ncluster: {provider: kubernetes}\n"):
        found = choose(a_spec(tmp_path, text), a_site(tmp_path), a_machine(tmp_path))

        assert isinstance(found.engine, PulumiEngine)
        assert (found.name, found.refusal) == ("pulumi", "")


@pytest.mark.parametrize(
    ("pulumi", "credentials", "said"),
    [(False, True, "command line is not installed"), (True, False, "no Google credentials")],
)
def test_a_cloud_is_planned_offline_where_something_is_missing_and_the_plan_says_so(
    tmp_path: Path, pulumi: bool, credentials: bool, said: str
) -> None:
    machine = a_machine(tmp_path, pulumi=pulumi, credentials=credentials)

    found = choose(a_spec(tmp_path, GKE), a_site(tmp_path), machine)

    assert isinstance(found.engine, EmbeddedEngine)
    assert said in found.refusal
    assert said in found.notes[0]


def test_an_offline_plan_begins_from_the_state_that_pulumi_left(tmp_path: Path) -> None:
    site = a_site(tmp_path)
    urn = "urn:pulumi:demo::inferstack::pulumi:pulumi:Stack::inferstack-demo"
    made_by_pulumi(
        site,
        {
            "manifest": {"time": "", "magic": "", "version": ""},
            "resources": [{"urn": urn, "custom": False, "type": "pulumi:pulumi:Stack"}],
        },
    )

    found = choose(a_spec(tmp_path, GKE), site, a_machine(tmp_path, pulumi=False))

    assert [record.urn for record in found.engine.resources()] == [urn]


def test_a_command_without_a_spec_means_the_engine_that_has_the_state(tmp_path: Path) -> None:
    first, second = a_site(tmp_path / "one"), a_site(tmp_path / "two")
    made_by_the_embedded_engine(first)
    made_by_pulumi(second)

    assert choose(None, first, a_machine(tmp_path)).name == "embedded"
    assert choose(None, second, a_machine(tmp_path)).name == "pulumi"


def test_a_second_state_beside_the_other_engines_is_refused_both_ways(tmp_path: Path) -> None:
    first, second = a_site(tmp_path / "one"), a_site(tmp_path / "two")
    made_by_the_embedded_engine(first)
    made_by_pulumi(second)

    with pytest.raises(PreflightError, match="The embedded engine has the state") as caught:
        choose(a_spec(tmp_path, "engine: pulumi\n"), first, a_machine(tmp_path))
    with pytest.raises(PreflightError, match="The pulumi engine has the state"):
        choose(a_spec(tmp_path), second, a_machine(tmp_path))

    assert "state move --to pulumi" in caught.value.remedy


def test_pulumi_that_is_asked_for_and_not_installed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match="not installed"):
        choose(a_spec(tmp_path, "engine: pulumi\n"), a_site(tmp_path), a_machine(tmp_path, pulumi=False))


def test_a_state_is_not_looked_for_in_another_place_than_it_was_kept(tmp_path: Path) -> None:
    site = a_site(tmp_path)
    made_by_pulumi(site)
    spec = a_spec(tmp_path, "engine: pulumi\npulumi: {backend: 'gs://states'}\n")

    with pytest.raises(PreflightError, match="now it would be in gs://states"):
        choose(spec, site, a_machine(tmp_path))


def test_credentials_are_found_where_googles_libraries_look(tmp_path: Path) -> None:
    key = a_file(tmp_path, "{}", "key.json")
    default = a_file(tmp_path, "{}", ".config/gcloud/application_default_credentials.json")

    assert choice.has_google_credentials({"GOOGLE_APPLICATION_CREDENTIALS": str(key), "HOME": "/nowhere"})
    assert choice.has_google_credentials({"CLOUDSDK_CONFIG": str(default.parent), "HOME": "/nowhere"})
    assert choice.has_google_credentials({"HOME": str(tmp_path)})
    assert not choice.has_google_credentials({"HOME": "/nowhere"})
    assert not choice.has_google_credentials({"GOOGLE_APPLICATION_CREDENTIALS": "/nowhere/key.json", "HOME": "/x"})


def test_there_is_nothing_to_hand_over_without_a_state_or_to_its_keeper(tmp_path: Path) -> None:
    site = a_site(tmp_path)

    with pytest.raises(PreflightError, match="has no state here"):
        choice.hand_over(site, a_machine(tmp_path), "pulumi")

    made_by_the_embedded_engine(site)
    with pytest.raises(UsageError, match="has the state of demo already"):
        choice.hand_over(site, a_machine(tmp_path), "embedded")
