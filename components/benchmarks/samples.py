"""The raw samples of one measurement, as arrays in one `.npz`; `result.py` says what each array holds."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Samples:
    """One entry a request, in the order in which they were due.

    A request that was never sent (dropped) has NaN in `sent_s` and `done_s`; one that got no answer has the time at
    which it was given up in `done_s`.
    """

    scheduled_s: Floats
    sent_s: Floats
    done_s: Floats
    status: NDArray[np.uint8]
    endpoint: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.status)

    @property
    def good(self) -> NDArray[np.bool_]:
        """Which requests were answered well."""
        return np.equal(self.status, 0)

    @property
    def sent(self) -> NDArray[np.bool_]:
        """Which requests were sent at all."""
        return ~np.isnan(self.sent_s)

    @property
    def response_s(self) -> Floats:
        """From the scheduled time to the answer: what a user waits."""
        return self.done_s - self.scheduled_s

    @property
    def service_s(self) -> Floats:
        """From the send to the answer: what the server takes."""
        return self.done_s - self.sent_s

    @property
    def lag_s(self) -> Floats:
        """From the scheduled time to the send: how late the client was."""
        return self.sent_s - self.scheduled_s


def write(path: Path, samples: Samples) -> None:
    """Store samples, compressed: a request takes about 20 bytes."""
    np.savez_compressed(path, **{f.name: getattr(samples, f.name) for f in fields(Samples)})


def read(path: Path) -> Samples:
    """The samples of a file that `write` made."""
    with np.load(path) as arrays:
        return Samples(**{f.name: arrays[f.name] for f in fields(Samples)})
