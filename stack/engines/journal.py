"""The journal of one run: every fact on a line of its own, on the disk before the next step is taken.

A line is `CHECKSUM JSON`. The checksum covers the line before as well, so that a line that was lost, altered or moved
is found, not only one that was torn. The last line may be torn by a crash: nothing after it was ever acknowledged, so
it is left out. Anything else that does not fit is an error that says what is lost; nothing is repaired silently.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, assert_never

from schemas.errors import PreflightError
from stack.engines.records import Translate, from_json, to_json
from stack.engines.secrets import Vault
from stack.engines.state import Became, Begun, Entry, Gone, Renamed, Replaced, Settled

FORMAT: Final = 1
_SEED: Final = "inferstack journal"


@dataclass(frozen=True)
class Replay:
    """What a journal says: the state it starts from and what happened since."""

    lineage: str
    serial: int
    entries: tuple[Entry, ...]


class Journal:
    """A journal that is being written."""

    def __init__(self, path: Path, vault: Vault) -> None:
        self._path, self._vault = path, vault
        self._file: int | None = None
        self._size = self._synced = 0
        self._syncing = threading.Lock()
        self._previous = _SEED
        self._secrets = vault.provider

    def start(self, lineage: str, serial: int) -> None:
        """Make the file, and name the state that it starts from."""
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        self._write({"format": FORMAT, "lineage": lineage, "serial": serial})
        self.sync()
        sync_folder(self._path.parent)

    @property
    def started(self) -> bool:
        """Whether there is anything in it; a run without changes writes nothing."""
        return self._file is not None

    def write(self, entry: Entry) -> None:
        """Write one fact; it counts once `sync` has returned. One thread at a time.

        Raises:
            PreflightError: it cannot be written; nothing of it is in the journal.
        """
        data = _entry_to_json(entry, self._vault.seal)
        if self._vault.provider != self._secrets:
            self._secrets = self._vault.provider  # the first secret ever: without its salt no line could be read
            self._write({"fact": "secrets", "provider": self._secrets})
        self._write(data)

    def sync(self) -> None:
        """Wait until all that was written is on the disk; threads that come together share one wait.

        Raises:
            PreflightError: the disk does not take it.
        """
        wanted = self._size
        with self._syncing:
            if self._file is None or self._synced >= wanted:
                return
            written = self._size
            try:
                os.fsync(self._file)
            except OSError as error:
                raise self._unwritable(error) from error
            self._synced = written

    def _write(self, data: Mapping[str, Any]) -> None:
        assert self._file is not None, "a journal is started before it is written"
        text = json.dumps(data, separators=(",", ":"), sort_keys=True)
        checksum = _checksum(self._previous, text)
        line = f"{checksum} {text}\n".encode()
        try:
            write_all(self._file, line)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)  # half a line would spoil those that follow it
            raise self._unwritable(error) from error
        self._previous, self._size = checksum, self._size + len(line)

    def _unwritable(self, error: OSError) -> PreflightError:
        return PreflightError(
            f"The state cannot be written: {error.strerror}.",
            why=f"The journal {self._path} has to hold every step before the next is taken.",
            remedy="Make room, or repair the disk, and run the same command again: it goes on where this stopped.",
        )

    def close(self) -> None:
        """Stop writing; the file stays."""
        with self._syncing:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def remove(self) -> None:
        """Close it and delete the file, once a checkpoint holds all it says."""
        self.close()
        self._path.unlink(missing_ok=True)
        self._previous, self._size, self._synced = _SEED, 0, 0


def read(data: bytes, path: Path, vault: Vault) -> Replay | None:
    """What a journal's bytes say; None when not even its head was written in full. `path` is for messages.

    Raises:
        PreflightError: a line before the last is damaged, or its secrets cannot be opened.
    """
    lines = list(_sound_lines(data, path))
    if not lines:
        return None
    head, *facts = lines
    if head.get("format") != FORMAT:
        raise PreflightError(
            f"The journal {path} was written by another version of inferstack (format {head.get('format')}).",
            remedy="Run the last command again with the version that wrote it.",
        )
    entries = []
    for fact in facts:
        if fact["fact"] == "secrets":
            vault.adopt(fact["provider"])
        else:
            entries.append(_entry_from_json(fact, vault.open))
    return Replay(head["lineage"], head["serial"], tuple(entries))


def _sound_lines(data: bytes, path: Path) -> Iterator[dict[str, Any]]:
    previous = _SEED
    lines = data.split(b"\n")
    for number, raw in enumerate(lines, start=1):
        last = number == len(lines)  # what follows the last newline: empty, or torn
        checksum, _, text = raw.decode("utf-8", errors="replace").partition(" ")
        previous = _checksum(previous, text)
        if last:
            return
        if checksum != previous:
            if number == len(lines) - 1 and not lines[-1]:
                # A complete last line with a wrong checksum: blocks of a file may reach the disk out of order when
                # the power fails, and then this line was never acknowledged either.
                return
            lost = len(lines) - number
            raise PreflightError(
                f"The journal {path} is damaged at line {number}.",
                why=f"Its checksum does not fit, so the last {lost} facts (of {len(lines) - 2}) cannot be trusted: "
                "resources may have been made, changed or deleted that the state would not know of.",
                remedy=f"Keep a copy of the file; then cut it before that line (head -n {number - 1}) and run "
                "`inferstack up`: what was being made is found again by name.",
            )
        yield json.loads(text)


def _checksum(previous: str, text: str) -> str:
    return hashlib.blake2b(f"{previous} {text}".encode(), digest_size=8).hexdigest()


def write_all(handle: int, data: bytes) -> None:
    """Write every byte."""
    while data:
        data = data[os.write(handle, data) :]


def sync_folder(folder: Path) -> None:
    """Wait until names in the folder are on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _entry_to_json(entry: Entry, seal: Translate) -> dict[str, Any]:
    match entry:
        case Begun(work, record):
            return {"fact": "begun", "work": work, "record": to_json(record, seal)}
        case Became(record):
            return {"fact": "became", "record": to_json(record, seal)}
        case Replaced(record):
            return {"fact": "replaced", "record": to_json(record, seal)}
        case Gone(urn, id_, condemned):
            return {"fact": "gone", "urn": urn, "id": id_, "condemned": condemned}
        case Renamed(old, new):
            return {"fact": "renamed", "old": old, "new": new}
        case Settled(urn):
            return {"fact": "settled", "urn": urn}
        case _:
            assert_never(entry)


def _entry_from_json(data: Mapping[str, Any], open_: Translate) -> Entry:
    match data["fact"]:
        case "begun":
            return Begun(data["work"], from_json(data["record"], open_))
        case "became":
            return Became(from_json(data["record"], open_))
        case "replaced":
            return Replaced(from_json(data["record"], open_))
        case "gone":
            return Gone(data["urn"], data["id"], data["condemned"])
        case "renamed":
            return Renamed(data["old"], data["new"])
        case "settled":
            return Settled(data["urn"])
        case other:
            raise PreflightError(f"The journal holds a fact of a kind that this version does not know: {other!r}.")
