"""The files of a stack's state: a checkpoint, the journal of what happened since, and the lock.

`checkpoint.json` is a Pulumi deployment, replaced atomically; `journal` holds what happened since, one line a fact;
`lock` names who writes; `key` opens the secrets in them where no passphrase does (`secrets.py`). A reader takes the
journal first and the checkpoint second: should a writer replace the checkpoint in between, the journal's serial shows
that the checkpoint already holds it. Reading creates nothing, not even the folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from schemas.errors import PreflightError, UsageError
from stack.engines import deployment, journal, lock
from stack.engines.secrets import Vault
from stack.engines.state import Entry, State

CHECKPOINT: Final = "checkpoint.json"
JOURNAL: Final = "journal"
LOCK: Final = "lock"
KEY: Final = "key"


def now() -> str:
    """The present time as deployments state it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read(folder: Path, vault: Vault) -> State:
    """The state as it stands on the disk; an empty one where there is none.

    Raises:
        PreflightError: a file is damaged, or its secrets cannot be opened.
    """
    journaled = _bytes(folder / JOURNAL)
    state = _checkpoint(folder / CHECKPOINT, vault)
    replay = journal.read(journaled, folder / JOURNAL, vault) if journaled else None
    if replay is None or (state.lineage and replay.serial < state.serial):
        return state  # a crash came between the checkpoint, which holds it all, and the removal of the journal
    if (replay.lineage, replay.serial) != (state.lineage or replay.lineage, state.serial):
        raise PreflightError(
            f"The journal in {folder} does not belong to the checkpoint beside it.",
            why=f"It starts from serial {replay.serial}; the checkpoint has serial {state.serial}.",
            remedy="Put back the checkpoint that belongs to it, or move the journal away: then what it says is lost.",
        )
    state.lineage = replay.lineage
    for entry in replay.entries:
        state.apply(entry)
    return state


class Ledger:
    """The state of a stack while it is being written: every fact is on the disk before `record` returns.

    Made by `writing`; safe to use from several threads.
    """

    def __init__(self, folder: Path, vault: Vault, state: State) -> None:
        self._folder, self._vault = folder, vault
        self._journal = journal.Journal(folder / JOURNAL, vault)
        self._lock = threading.RLock()
        self._closed = False
        self.state = state

    def record(self, *entries: Entry) -> None:
        """Take facts in; when it returns they are on the disk and in memory."""
        with self._lock:
            if self._closed:
                return  # work that was given up goes on in its thread; what it says comes too late
            if not self._journal.started:
                self.state.lineage = self.state.lineage or uuid.uuid4().hex
                self._journal.start(self.state.lineage, self.state.serial)
            for entry in entries:
                self._journal.write(entry)
                self.state.apply(entry)
        self._journal.sync()

    def replace(self, state: State) -> None:
        """Put another state in the place of this one (an import)."""
        with self._lock:
            state.lineage = state.lineage or self.state.lineage or uuid.uuid4().hex
            state.serial = max(state.serial, self.state.serial) + 1
            self.state = state
            self.checkpoint()

    def checkpoint(self) -> None:
        """Write the whole state and start the journal anew."""
        with self._lock:
            data = deployment.exported(self.state, self._vault, now())
            _replace(self._folder / CHECKPOINT, json.dumps(data, indent=1, sort_keys=True).encode() + b"\n")
            self._journal.remove()

    def close(self) -> None:
        """End the writing; a checkpoint is written if anything happened."""
        with self._lock:
            if self._journal.started:
                self.checkpoint()
            self._closed = True

    def abandon(self) -> None:
        """End the writing while work still goes on: the journal stays, the next run reads it."""
        with self._lock:
            self._journal.close()
            self._closed = True

    def remove(self) -> None:
        """Delete the files of a state that is empty; the lock goes when the writer ends."""
        with self._lock:
            self._journal.remove()
            (self._folder / CHECKPOINT).unlink(missing_ok=True)
            (self._folder / KEY).unlink(missing_ok=True)
            (self._folder / LOCK).unlink(missing_ok=True)
            self._closed = True
            with contextlib.suppress(OSError):
                self._folder.rmdir()


@contextlib.contextmanager
def writing(folder: Path, vault: Vault) -> Iterator[Ledger]:
    """Be the one writer of a state; what a crashed writer left is taken in first.

    Raises:
        LockedError: somebody else is writing.
        PreflightError: a file is damaged, or its secrets cannot be opened.
    """
    with lock.held(folder / LOCK):
        ledger = Ledger(folder, vault, read(folder, vault))
        if (folder / JOURNAL).exists():
            ledger.checkpoint()
        try:
            yield ledger
        finally:
            ledger.close()


def _checkpoint(path: Path, vault: Vault) -> State:
    data = _bytes(path)
    if data is None:
        return State()
    try:
        return deployment.imported(json.loads(data), vault)
    except (ValueError, UsageError) as error:
        found = error.why if isinstance(error, UsageError) else f"- {error}"
        raise PreflightError(
            f"The checkpoint {path} is damaged.",
            why=f"It is written whole and replaced atomically, so something else has changed it:\n{found}",
            remedy="Restore it from a copy, or move it away and import a state with `inferstack state import FILE`.",
        ) from error


def _bytes(path: Path) -> bytes | None:
    """The content of a file; None where there is none, which an empty file is not."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise PreflightError(f"The state cannot be read: {path}: {error.strerror}.") from error


def _replace(path: Path, data: bytes) -> None:
    """Write a file so that it is either the old one or the new one, whatever happens."""
    temporary = path.with_name(f"{path.name}.new")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            journal.write_all(handle, data)
            os.fsync(handle)
        finally:
            os.close(handle)
        temporary.replace(path)
        journal.sync_folder(path.parent)
    except OSError as error:
        raise PreflightError(
            f"The state cannot be written: {path}: {error.strerror}.",
            why="Nothing is lost: the journal beside it holds what happened.",
            remedy="Make room, or repair the disk, and run the same command again.",
        ) from error
