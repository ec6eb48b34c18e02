"""A folder that is made exactly once, by whoever comes first: the ground of every content-addressed store here.

The making goes on in `KEY.making`, under a lock on `KEY.lock`; the finished folder is written to disk and renamed to
`KEY` in one step. A killed process therefore leaves no folder that looks finished: its lock falls with it, and the next
one to come removes what it left. The lock may be handed to a child, so that it falls only when the child is gone too.

Nothing here knows what is made, and a finished folder is never changed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from components.progress import say

POLL_S = 0.1
MAKING, LOCK = ".making", ".lock"


def made_once(
    root: Path, key: str, make: Callable[[Path, int], None], *, valid: Callable[[Path], bool], what: str
) -> Path:
    """The folder `root/key`; made by `make(folder, lock)` unless it is there and `valid`.

    `make` fills an empty folder; `lock` is a file descriptor for it to pass on to children. Whoever comes second waits
    and says so; `what` names the thing in that message.

    Raises:
        whatever `make` raises; nothing is left then but the lock file.
    """
    folder, making = root / key, root / (key + MAKING)
    if folder.is_dir() and valid(folder):
        return folder
    root.mkdir(parents=True, exist_ok=True)
    with locked(root / (key + LOCK), what) as lock:
        if folder.is_dir() and valid(folder):
            return folder
        for leftover in (making, folder):
            shutil.rmtree(leftover, ignore_errors=True)
        making.mkdir()
        try:
            make(making, lock)
            publish(making, folder)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return folder


@contextmanager
def locked(path: Path, what: str) -> Iterator[int]:
    """Hold the lock file `path`, waiting as long as somebody else does; yields its file descriptor."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        while not _taken(lock):
            say(f"waiting for {what}: it is under way already")
            time.sleep(POLL_S)
        yield lock
    finally:
        os.close(lock)


def sweep(root: Path) -> tuple[str, ...]:
    """Remove the half-made folders whose maker is gone; returns their keys. Folders being made are left alone."""
    swept = []
    for making in sorted(root.glob("*" + MAKING)):
        key = making.name.removesuffix(MAKING)
        lock = os.open(root / (key + LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            if _taken(lock):
                shutil.rmtree(making, ignore_errors=True)
                swept.append(key)
        finally:
            os.close(lock)
    return tuple(swept)


def finished(root: Path) -> tuple[Path, ...]:
    """The finished folders under `root`, by key; hidden and half-made ones are no part of it."""
    if not root.is_dir():
        return ()
    return tuple(sorted(path for path in root.iterdir() if path.is_dir() and "." not in path.name))


def publish(making: Path, folder: Path) -> None:
    """Give a filled folder its final name, once all of it is on disk."""
    for path in sorted(making.rglob("*")):
        sync(path)
    sync(making)
    making.rename(folder)
    sync(folder.parent)


def write_whole(path: Path, text: str) -> None:
    """Write a small file such that it has its old content or its new one at any moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    partial.write_text(text)
    sync(partial)
    partial.replace(path)


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def sync(path: Path) -> None:
    """Have a file's content, or a folder's list of names, on disk before anything further happens."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
