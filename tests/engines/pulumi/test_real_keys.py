"""The real command line where a key server keeps the secrets of a stack: HashiCorp Vault's, or a fake (`transit`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pulumi
import pytest

from components.site import Site
from schemas.errors import PreflightError
from stack.engines import choice
from stack.engines.pulumi.command import command_in
from stack.engines.pulumi.engine import PulumiEngine
from stack.engines.pulumi.workspace import keeping
from tests.builders.pulumi_cli import needed_pulumi, real_pulumi
from tests.builders.transit import Transit, transit
from tests.fakes import File, a_program, files_in

pytestmark = pytest.mark.timeout(900)
KEY = "hashivault://one"
UNUSABLE = "key that the stack's secrets are sealed with cannot be used"


@pytest.fixture(scope="module")
def server() -> Iterator[Transit]:
    """The key server."""
    with transit() as running:
        yield running


@pytest.fixture
def environ(tmp_path: Path, server: Transit) -> dict[str, str]:
    """The environment of the real command line that knows the key server."""
    return {**real_pulumi(needed_pulumi(), tmp_path / "home"), **server.environ}


def an_engine(tmp_path: Path, environ: Mapping[str, str], secrets: str = "") -> PulumiEngine:
    """Pulumi's engine of a stack whose secrets are kept so; as before when nothing is said."""
    kept = keeping(tmp_path / "state" / "pulumi", environ, secrets=secrets)
    return PulumiEngine("project", "test", command_in(environ), kept)


def with_a_secret(folder: Path, word: str = "hunter2") -> None:
    """A program that has a secret in its state and among its outputs."""
    a_program(folder, {"a": File(pulumi.Output.secret(word))})()  # type: ignore[arg-type]
    pulumi.export("password", pulumi.Output.secret(word))


def left_below(folder: Path) -> dict[Path, bytes]:
    """Every file with its content."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_secrets_are_sealed_with_the_key_that_the_spec_names(tmp_path: Path, environ: dict[str, str]) -> None:
    def program() -> None:
        with_a_secret(tmp_path / "made")

    engine = an_engine(tmp_path, environ, KEY)
    assert engine.up(program, expected=engine.preview(program)).complete
    assert files_in(tmp_path / "made") == {"a": "hunter2"}

    known = an_engine(tmp_path, environ)
    assert known.outputs() == {"password": "hunter2"}
    assert {"a"} <= {record.name for record in known.resources()}
    assert known.export()["deployment"]["secrets_providers"]["state"]["url"] == KEY
    assert engine.preview(program).empty
    left = left_below(tmp_path / "state")
    assert not [path for path, content in left.items() if b"hunter2" in content or path.name == "key"]
    assert known.destroy().complete
    assert files_in(tmp_path / "made") == {}


def test_secrets_are_handed_to_another_keeper_by_up_and_the_plan_says_so(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    def program() -> None:
        with_a_secret(tmp_path / "made")

    def keeper() -> str:
        told = an_engine(tmp_path, environ).export()["deployment"]["secrets_providers"]
        return str(told["state"].get("url", told["type"]))

    an_engine(tmp_path, environ, "passphrase").up(program)
    for before, after in (("passphrase", KEY), (KEY, "hashivault://other"), ("hashivault://other", "passphrase")):
        plan = an_engine(tmp_path, environ, after).preview(program)
        assert plan.empty
        assert plan.bookkeeping
        assert f"sealed with {before} so far, are sealed with {after} by `up`" in "\n".join(plan.notes)
        assert keeper() == before

        assert an_engine(tmp_path, environ, after).up(program, expected=plan).complete

        assert keeper() == after
        again = an_engine(tmp_path, environ, after).preview(program)
        assert again.empty
        assert not again.bookkeeping
        assert an_engine(tmp_path, environ).outputs() == {"password": "hunter2"}


def test_a_key_that_cannot_be_used_is_told_and_nothing_is_lost(
    tmp_path: Path, environ: dict[str, str], server: Transit
) -> None:
    def program(word: str = "hunter2") -> None:
        with_a_secret(tmp_path / "made", word)

    an_engine(tmp_path, environ, KEY).up(program)
    before = left_below(tmp_path / "state")
    gone = replace(server, port=9).environ
    for without in ({"VAULT_SERVER_TOKEN": "another"}, {"VAULT_SERVER_URL": "", "VAULT_ADDR": ""}, gone):
        engine = an_engine(tmp_path, environ | without, KEY)
        with pytest.raises(PreflightError, match=UNUSABLE) as caught:
            engine.preview(program)
        assert "VAULT_SERVER_URL" in caught.value.remedy
        with pytest.raises(PreflightError, match=UNUSABLE):
            engine.up(lambda: program("other"))
        with pytest.raises(PreflightError, match=UNUSABLE):
            engine.outputs()
    assert left_below(tmp_path / "state") == before
    assert files_in(tmp_path / "made") == {"a": "hunter2"}
    assert an_engine(tmp_path, environ, KEY).up(lambda: program("other")).complete
    assert files_in(tmp_path / "made") == {"a": "other"}


def test_secrets_stay_with_their_keeper_when_the_next_one_refuses(tmp_path: Path, environ: dict[str, str]) -> None:
    def program() -> None:
        with_a_secret(tmp_path / "made")

    an_engine(tmp_path, environ, "passphrase").up(program)

    with pytest.raises(PreflightError, match="cannot be handed from passphrase to hashivault://one"):
        an_engine(tmp_path, environ | {"VAULT_SERVER_TOKEN": "another"}, KEY).up(program)

    assert an_engine(tmp_path, environ).outputs() == {"password": "hunter2"}
    assert an_engine(tmp_path, environ, "passphrase").preview(program).empty


def test_a_stack_whose_key_cannot_be_used_is_not_begun(tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(PreflightError, match=UNUSABLE):
        an_engine(tmp_path, environ | {"VAULT_SERVER_TOKEN": "another"}, KEY).up(lambda: with_a_secret(tmp_path))
    assert not (tmp_path / "state" / "pulumi").exists()


def test_a_stack_with_a_key_is_handed_over_to_the_embedded_engine(tmp_path: Path, environ: dict[str, str]) -> None:
    def program() -> None:
        with_a_secret(tmp_path / "made")

    site = Site("test", tmp_path / "state", tmp_path / "store")
    kept = keeping(site.state / choice.FOLDER, environ, secrets=KEY)
    PulumiEngine("inferstack", "test", command_in(environ), kept).up(program)

    choice.hand_over(site, environ, "embedded")

    embedded = choice.embedded(site, environ)
    assert embedded.preview(program).empty
    assert embedded.outputs() == {"password": "hunter2"}
