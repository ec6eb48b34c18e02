"""The requests of a measurement, made whole before anything is sent, whoever sends them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.benchmarks.load import bodies, dataset
from components.benchmarks.load.arguments import Arguments


def prepared(arguments: Arguments) -> tuple[tuple[bytes, ...], NDArray[np.int64] | None]:
    """The bytes of each request, and the labels of its rows, `(requests, batch)`, where the data have any.

    Raises:
        UsageError: the data set cannot be read or sent.
    """
    load = arguments.load
    data = (
        dataset.read(Path(arguments.data), arguments.inputs)
        if arguments.data
        else dataset.synthetic(arguments.inputs, load.seed)
    )
    batches = dataset.batches(data.rows, load.batch, load.seed)
    requests = bodies.prepare(arguments, data, batches)
    return requests, None if data.labels is None else data.labels[batches[: len(requests)]].astype(np.int64)
