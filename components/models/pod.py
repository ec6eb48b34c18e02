"""A model's errands in pods: `python -m components.models.pod fetch|check|convert|receive ORDER.json`.

The order (`order.py`) is JSON: the path of a file, or the JSON text itself in place of the path.

- `check` (init container, store mounted): compares the model's files with its manifest, and with the digest asked for.
- `fetch` (init container, store on the web): copies the model to `FOLDER/KEY` and checks it there.
- `convert` (Job): fetches the source, converts it and measures it, then keeps the model in the store under its key.
- `receive` (by exec): reads a converted model from standard input and keeps it.

The answer, or the reason why there is none, is one JSON object on standard output, and the container's termination
message. The exit code is that of the error. It runs as any user on a read-only file system, and writes to the folder in
the order and to the store.
"""

from __future__ import annotations

import io
import json
import sys
import tarfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

from components import codec, progress
from components.arguments import read_object
from components.models import store
from components.models.depot import Depot, checked, depot_of
from components.models.digest import file_digest
from components.models.fetch import fetch
from components.models.formats import companion
from components.models.material import Obtained
from components.models.order import Conversion, Data, Order, Original
from components.models.urls import file_name
from components.models.web_auth import auth_of
from schemas.errors import InferstackError, PreflightError, UsageError

MESSAGE_FILE: Final = Path("/dev/termination-log")
MOST_MESSAGE_BYTES: Final = 4000  # of the 4096 that the kubelet reads
TOLD: Final = ("key", "digest", "precision", "bytes", "accuracy", "accuracy_before", "warnings")

# Python 3.11 has filters from 3.11.4 on; what is received comes from this program, by the cluster's own door.
SAFELY: Final[Mapping[str, Any]] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
Answer = Mapping[str, Any]


def check(order: Order) -> Answer:
    """Whether the model in the mounted store is what it should be.

    Raises:
        PreflightError: it is missing or altered.
    """
    return {"digest": checked(Path(order.store.folder) / order.key, order.name, order.digest)}


def take(order: Order) -> Answer:
    """Copy the model to the order's folder, unless it is there from an earlier start of the pod.

    Raises:
        PreflightError: the store does not have it, or it is not what it should be.
    """
    folder = Path(order.folder)
    with suppress(InferstackError):
        return {"digest": checked(folder / order.key, order.name, order.digest)}
    depot_of(order.store).take(order.key, order.name, folder)
    return {"digest": checked(folder / order.key, order.name, order.digest)}


def convert(order: Order) -> Answer:
    """Make the model and keep it; nothing is made that the store already has.

    Raises:
        InferstackError: the source cannot be had or converted, or the conversion costs too much accuracy.
    """
    made, depot = order.conversion, depot_of(order.store)
    if made is None:
        raise UsageError("the order says nothing about a conversion")
    if (manifest := depot.known(order.key)) is not None:
        # Made under another limit, perhaps.
        figures = manifest["accuracy_before"], manifest["accuracy"]
        store.check_accuracy(order.name, manifest["precision"], *figures, _limit(made))
    else:
        work = Path(order.folder)
        source = _fetched(made.source, work, beside=companion(file_name(made.source.url)))
        stored = store.converted(_conversion(order.name, made, source, work), work / "models")
        store.check_drop(stored, _limit(made))
        manifest = _kept(depot, work / "models" / stored.key, order)
    return {"key": order.key, **{name: manifest[name] for name in TOLD if name in manifest}}


def receive(order: Order, stream: IO[bytes]) -> Answer:
    """Keep a model whose folder arrives as a tar of a known length.

    Raises:
        InferstackError: it did not arrive whole, or is not the one that was announced.
    """
    folder = Path(order.folder) / "received" / order.key
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(fileobj=io.BufferedReader(_Limited(stream, order.received_bytes)), mode="r|") as archive:
            archive.extractall(folder, **SAFELY)
    except (tarfile.TarError, EOFError) as error:
        raise InferstackError(f"model {order.name} did not arrive whole", why=str(error)) from error
    digest = checked(folder, order.name, order.digest)
    _kept(depot_of(order.store), folder, order)
    return {"key": order.key, "digest": digest}


def _limit(made: Conversion) -> float:
    return 1.0 if made.max_accuracy_drop is None else made.max_accuracy_drop


def _kept(depot: Depot, folder: Path, order: Order) -> Mapping[str, Any]:
    depot.keep(folder, order.key, order.name)
    if (manifest := depot.known(order.key)) is None:
        raise PreflightError(f"model {order.name} was written to the store, but is not there", why=f"key {order.key}")
    return manifest


def _conversion(name: str, made: Conversion, source: Obtained, work: Path) -> store.Conversion:
    return store.Conversion(
        name=name, source=source, origin=made.source.shown, precision=made.precision,
        calibration=_data(made.calibration, work), samples=made.samples, evaluation=_data(made.evaluation, work),
        input_shape=made.input_shape,
    )  # fmt: skip


def _fetched(original: Original, work: Path, beside: str | None = None) -> Obtained:
    auth = auth_of(original.auth, original.region)
    fetched = fetch(original.url, sha256=original.sha256, store=work, beside=beside, auth=auth)
    return Obtained(fetched.path, fetched.digest, fetched.warnings)


def _data(data: Data | None, work: Path) -> Obtained | None:
    if data is None:
        return None
    if data.original is not None:
        return _fetched(data.original, work)
    return Obtained(Path(data.file), file_digest(data.file))


class _Limited(io.RawIOBase):
    """The next so many bytes of a stream: standard input has no end that an exec could send."""

    def __init__(self, stream: IO[bytes], left: int) -> None:
        self._stream, self._left = stream, left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as there is something left; 0 at the end."""
        piece = self._stream.read(min(len(buffer), self._left))
        buffer[: len(piece)] = piece
        self._left -= len(piece)
        return len(piece)


ERRANDS: Final[Mapping[str, Callable[[Order], Answer]]] = {
    "check": check,
    "fetch": take,
    "convert": convert,
    "receive": lambda order: receive(order, sys.stdin.buffer),
}


def main(argv: list[str]) -> int:
    """Do one errand; the exit code."""
    progress.listener.set(lambda text, _: print(text, file=sys.stderr, flush=True))
    try:
        if len(argv) != 3 or argv[1] not in ERRANDS:
            raise UsageError(f"usage: python -m components.models.pod {'|'.join(ERRANDS)} ORDER.json")
        try:
            order = codec.decode(Order, read_object(argv[2]))
        except ValueError as error:
            raise UsageError("the order cannot be understood", why=str(error)) from error
        _say(dict(ERRANDS[argv[1]](order)))
    except InferstackError as error:
        _say({"error": {"message": error.message, "why": error.why, "remedy": error.remedy}})
        return error.exit_code
    return 0


def _say(answer: Mapping[str, Any]) -> None:
    text = json.dumps(answer)
    print(text, flush=True)
    with suppress(OSError):  # not in a container
        MESSAGE_FILE.write_bytes(text.encode()[:MOST_MESSAGE_BYTES])


if __name__ == "__main__":
    sys.exit(main(sys.argv))
