"""A measurement on its way out of a pod: lines in the container's log that hold everything, or are known to be short.

A log needs no rights beyond reading it, no volume, no second container, and stays when the pod has ended. Kubelets keep
the last 10 MiB of it by default (`containerLogMaxSize`), and only those are told; so a parcel is bounded well below,
its lines are counted, and its digest is on each. Raw samples that would not fit are left behind, and the measurement
says so: it then has percentiles only. Lines are shorter than the 16 KiB at which container runtimes cut.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np

from components import codec
from components.benchmarks.result import Measurement, Surroundings
from components.benchmarks.samples import Samples

MARK: Final = "inferstack-parcel"
LINE_BYTES: Final = 6000
MOST_BYTES: Final = 6 * 2**20
"""Of the contents; as text they are a third longer."""

CONTENTS: Final = "contents"


@dataclass(frozen=True)
class Parcel:
    """What a load generator's pod found: the measurement, where it was made, and on which node."""

    measurement: Measurement
    surroundings: Surroundings
    node: str = ""


class DamagedParcel(Exception):
    """The lines do not hold a whole parcel; the message says what is missing."""


def pack(parcel: Parcel, samples: Samples | None, most_bytes: int = MOST_BYTES) -> Iterator[str]:
    """The lines to write."""
    content = _archive(parcel, samples)
    if len(content) > most_bytes and samples is not None:
        note = f"{len(samples):,} single times were too many to bring out of the pod, so there are percentiles only"
        measurement = replace(parcel.measurement, notes=(*parcel.measurement.notes, note))
        content = _archive(replace(parcel, measurement=measurement), None)
    digest = hashlib.sha256(content).hexdigest()[:16]
    pieces = [content[at : at + LINE_BYTES] for at in range(0, len(content), LINE_BYTES)]
    for number, piece in enumerate(pieces, 1):
        yield f"{MARK} {digest} {number}/{len(pieces)} {base64.b64encode(piece).decode()}"


def unpack(lines: Iterable[str]) -> tuple[Parcel, Samples | None]:
    """What was packed, from a log that may hold anything else besides.

    Raises:
        DamagedParcel: there is none, or part of it is missing.
    """
    found: dict[int, bytes] = {}
    digest, count = "", 0
    for line in lines:
        if not line.startswith(f"{MARK} "):
            continue
        try:
            _, digest, place, text = line.split()
            number, count = (int(part) for part in place.split("/"))
            found[number] = base64.b64decode(text, validate=True)
        except ValueError as error:
            raise DamagedParcel(f"a line of the result is damaged ({error})") from error
    if not found:
        raise DamagedParcel("its log holds no result")
    content = b"".join(found.get(number, b"") for number in range(1, count + 1))
    if hashlib.sha256(content).hexdigest()[:16] != digest:
        raise DamagedParcel(f"its log holds {len(found)} of the {count} lines of the result")
    return _opened(content)


def _archive(parcel: Parcel, samples: Samples | None) -> bytes:
    told = json.dumps(codec.encode(parcel), allow_nan=False).encode()
    arrays: dict[str, Any] = {CONTENTS: np.frombuffer(told, np.uint8)}
    if samples is not None:
        arrays |= {f.name: getattr(samples, f.name) for f in fields(Samples)}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _opened(content: bytes) -> tuple[Parcel, Samples | None]:
    with np.load(io.BytesIO(content)) as arrays:
        parcel = codec.decode(Parcel, json.loads(arrays[CONTENTS].tobytes()))
        names = [f.name for f in fields(Samples)]
        return parcel, Samples(**{name: arrays[name] for name in names}) if names[0] in arrays else None
