"""Secrets at rest: Pulumi's passphrase form, under a key that is made without a passphrase; no key without a secret."""

from __future__ import annotations

import json
from pathlib import Path

import pulumi
import pytest

from schemas.errors import PreflightError
from stack.engines import store
from stack.engines.records import Record
from stack.engines.secrets import KeyFile, Vault, passphrase_from
from stack.engines.state import Became
from stack.engines.values import SECRET_SIGNATURE, SIGNATURE, Secret
from tests.fakes import File, FileResource, a_program, an_engine

# A vector of Pulumi's own tests (pkg/secrets/passphrase): the salt of a state written with the passphrase `password`.
PULUMIS_SALT = "v1:fozI5u6B030=:v1:F+6ZduKKd8G0/V7L:PGMFeIzwobWRKmEAzUdaQHqC5mMRIQ=="


def a_secretive_program(tmp_path: Path) -> None:
    """A file with a secret token."""
    token = pulumi.Output.secret("hunter2")
    FileResource("a", {"folder": str(tmp_path / "out"), "name": "a", "content": "x", "token": token})


def a_secretive_record() -> Record:
    """A resource with a secret token."""
    return Record(urn="urn:pulumi:s::p::t:m:T::a", type="t:m:T", id="a", inputs={"token": Secret("hunter2")})


def test_a_salt_of_pulumi_takes_its_passphrase() -> None:
    vault = Vault("password")
    vault.adopt({"type": "passphrase", "state": {"salt": PULUMIS_SALT}})
    sealed = vault.seal({"a": [Secret({"b": 1})]})

    assert vault.open(sealed) == {"a": [Secret({"b": 1})]}


def test_another_passphrase_is_refused() -> None:
    vault = Vault("password", rounds=1000)
    sealed = vault.seal(Secret("x"))
    other = Vault("wrong", rounds=1000)
    other.adopt(vault.provider)
    with pytest.raises(PreflightError, match="does not fit"):
        other.open(sealed)


def test_without_a_passphrase_an_encrypted_secret_cannot_be_read() -> None:
    vault = Vault("password", rounds=1000)
    sealed = vault.seal(Secret("x"))
    other = Vault()
    other.adopt(vault.provider)
    with pytest.raises(PreflightError, match="no passphrase is given"):
        other.open(sealed)


def test_a_damaged_secret_is_told() -> None:
    vault = Vault("password", rounds=1000)
    sealed = vault.seal(Secret("x"))
    sealed["ciphertext"] = sealed["ciphertext"][:-6] + "AAAAA="
    with pytest.raises(PreflightError, match="cannot be read"):
        vault.open(sealed)


def test_a_state_without_secrets_never_derives_a_key() -> None:
    vault = Vault("password")
    assert vault.open(vault.seal({"a": 1})) == {"a": 1}
    assert vault.provider is None


def test_with_a_passphrase_no_secret_stands_in_the_state(tmp_path: Path) -> None:
    engine = an_engine(tmp_path, passphrase="open sesame")
    outcome = engine.up(lambda: a_secretive_program(tmp_path))

    text = (tmp_path / "state" / "checkpoint.json").read_text()
    assert outcome.error is None
    assert "hunter2" not in text
    assert json.loads(text)["deployment"]["secrets_providers"]["type"] == "passphrase"
    assert engine.preview(lambda: a_secretive_program(tmp_path)).empty
    assert "hunter2" in json.dumps(engine.export(show_secrets=True))
    assert not (tmp_path / "state" / "key").exists()
    with pytest.raises(PreflightError):
        an_engine(tmp_path).preview(lambda: a_secretive_program(tmp_path))


def test_a_journal_with_the_first_secret_can_be_read_again(tmp_path: Path) -> None:
    record = a_secretive_record()
    with store.writing(tmp_path, Vault("open sesame", rounds=1000)) as ledger:
        ledger.record(Became(record))
        ledger.abandon()

    assert "hunter2" not in (tmp_path / store.JOURNAL).read_text()
    assert store.read(tmp_path, Vault("open sesame", rounds=1000)).records[record.urn] == record


def test_the_passphrase_comes_from_either_variable() -> None:
    assert passphrase_from({"PULUMI_CONFIG_PASSPHRASE": "a"}) == "a"
    assert passphrase_from({"INFERSTACK_PASSPHRASE": "b", "PULUMI_CONFIG_PASSPHRASE": "a"}) == "b"
    assert passphrase_from({}) is None


def test_secrets_of_a_cloud_are_told_to_be_out_of_reach() -> None:
    vault = Vault("x")
    vault.adopt({"type": "cloud", "state": {"url": "gcpkms://key"}})
    with pytest.raises(PreflightError, match="kept by 'gcpkms://key'") as caught:
        vault.open({SIGNATURE: SECRET_SIGNATURE, "ciphertext": "v1:a:b"})
    assert "--show-secrets" in caught.value.remedy


def test_secrets_of_a_cloud_that_are_shown_are_read_and_sealed_here() -> None:
    vault = Vault("x", rounds=1)
    vault.adopt({"type": "cloud", "state": {"url": "gcpkms://key"}})
    shown = vault.open({SIGNATURE: SECRET_SIGNATURE, "plaintext": '"hunter2"'})
    assert shown == Secret("hunter2")
    assert vault.open(vault.seal(shown)) == shown
    assert (vault.provider or {})["type"] == "passphrase"


def test_without_a_passphrase_a_key_is_made_that_only_its_owner_may_read(tmp_path: Path) -> None:
    engine = an_engine(tmp_path)
    engine.up(lambda: a_secretive_program(tmp_path))

    key = tmp_path / "state" / "key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert "hunter2" not in (tmp_path / "state" / "checkpoint.json").read_text()
    assert engine.preview(lambda: a_secretive_program(tmp_path)).empty
    assert an_engine(tmp_path, passphrase=key.read_text().strip()).preview(lambda: a_secretive_program(tmp_path)).empty
    engine.destroy()
    assert not (tmp_path / "state").exists()


def test_a_state_without_secrets_has_no_key(tmp_path: Path) -> None:
    an_engine(tmp_path).up(a_program(tmp_path / "out", {"a": File()}))
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == ["checkpoint.json", "lock"]


def test_no_secret_is_in_the_journal_of_an_interrupted_run(tmp_path: Path) -> None:
    with store.writing(tmp_path, Vault(key_file=KeyFile(tmp_path / "key"), rounds=1000)) as ledger:
        ledger.record(Became(a_secretive_record()))
        ledger.abandon()

    found = store.read(tmp_path, Vault(key_file=KeyFile(tmp_path / "key"), rounds=1000))
    assert "hunter2" not in (tmp_path / store.JOURNAL).read_text()
    assert found.records[a_secretive_record().urn] == a_secretive_record()


def test_plain_text_of_a_former_version_is_read_and_encrypted_at_the_next_write(tmp_path: Path) -> None:
    with store.writing(tmp_path, Vault()) as ledger:
        ledger.record(Became(a_secretive_record()))
    assert "hunter2" in (tmp_path / store.CHECKPOINT).read_text()

    sealing = Vault(key_file=KeyFile(tmp_path / "key"), rounds=1000)
    assert store.read(tmp_path, sealing).records
    assert not (tmp_path / "key").exists()
    with store.writing(tmp_path, sealing) as ledger:
        ledger.checkpoint()

    assert "hunter2" not in (tmp_path / store.CHECKPOINT).read_text()


def test_a_passphrase_that_is_chosen_later_takes_the_keys_place(tmp_path: Path) -> None:
    with store.writing(tmp_path, Vault(key_file=KeyFile(tmp_path / "key"), rounds=1000)) as ledger:
        ledger.record(Became(a_secretive_record()))
    other = Record(urn="urn:pulumi:s::p::t:m:T::b", type="t:m:T", id="b", inputs={"token": Secret("swordfish")})
    with store.writing(tmp_path, Vault("chosen", key_file=KeyFile(tmp_path / "key"), rounds=1000)) as ledger:
        ledger.record(Became(other))
        ledger.abandon()

    found = store.read(tmp_path, Vault("chosen", key_file=KeyFile(tmp_path / "key"), rounds=1000))
    assert set(found.records) == {a_secretive_record().urn, other.urn}
    with store.writing(tmp_path, Vault("chosen", key_file=KeyFile(tmp_path / "key"), rounds=1000)):
        pass
    assert set(store.read(tmp_path, Vault("chosen", rounds=1000)).records) == set(found.records)


def test_an_export_is_encrypted_under_the_key_and_opens_with_it_elsewhere(tmp_path: Path) -> None:
    engine = an_engine(tmp_path)
    engine.up(lambda: a_secretive_program(tmp_path))

    exported = engine.export()
    with pytest.raises(PreflightError, match="no passphrase is given"):
        an_engine(tmp_path / "elsewhere").import_(exported)
    other = an_engine(tmp_path / "elsewhere", passphrase=(tmp_path / "state" / "key").read_text().strip())
    other.import_(exported)

    assert "hunter2" not in json.dumps(exported)
    assert exported["deployment"]["secrets_providers"]["type"] == "passphrase"
    assert other.preview(lambda: a_secretive_program(tmp_path)).empty


def test_an_export_that_shows_secrets_names_their_provider_as_pulumi_wants_it(tmp_path: Path) -> None:
    engine = an_engine(tmp_path)
    engine.up(lambda: a_secretive_program(tmp_path))
    shown = engine.export(show_secrets=True)
    assert "hunter2" in json.dumps(shown)
    assert shown["deployment"]["secrets_providers"]["state"]["salt"].startswith("v1:")
