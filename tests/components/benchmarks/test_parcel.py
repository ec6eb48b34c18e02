"""A measurement comes out of a pod's log whole, or is known not to have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from components.benchmarks.load.parcel import LINE_BYTES, DamagedParcel, Parcel, pack, unpack
from components.benchmarks.result import Surroundings
from tests.builders.results import a_load, a_measurement

AROUND = Surroundings("a CPU", "Linux 6.1", {}, {"numpy": "2"}, "0.1.0")
MADE = a_measurement("one", a_load(rate_per_s=500.0))
PARCEL = Parcel(MADE.measurement, AROUND, "node-1")


def test_what_was_packed_comes_out_among_whatever_else_the_log_holds() -> None:
    lines = list(pack(PARCEL, MADE.samples))
    assert len(lines) > 2
    mixed = ["starting", *(text for line in lines for text in (line, "a warning of some library"))]
    parcel, samples = unpack(mixed)
    assert parcel == PARCEL
    assert samples is not None
    assert np.array_equal(samples.done_s, MADE.samples.done_s)


def test_lines_are_shorter_than_container_runtimes_cut_them() -> None:
    assert max(len(line) for line in pack(PARCEL, MADE.samples)) < 16 * 1024
    assert LINE_BYTES * 4 / 3 < 16 * 1024


def test_a_log_that_lost_its_beginning_is_told() -> None:
    lines = list(pack(PARCEL, MADE.samples))
    with pytest.raises(DamagedParcel, match=f"holds {len(lines) - 2} of the {len(lines)} lines"):
        unpack(lines[2:])


def test_a_damaged_line_is_told() -> None:
    first, *others = pack(PARCEL, MADE.samples)
    with pytest.raises(DamagedParcel, match="damaged"):
        unpack([first[:-3] + "!", *others])


def test_a_log_without_a_result_is_told() -> None:
    with pytest.raises(DamagedParcel, match="no result"):
        unpack(["nothing", "at all"])


def test_samples_that_are_too_many_stay_behind_and_the_measurement_says_so() -> None:
    parcel, samples = unpack(pack(PARCEL, MADE.samples, most_bytes=5000))
    assert samples is None
    assert parcel.measurement.notes[-1].startswith("5,000 single times were too many")


def test_a_measurement_without_samples_is_packed_as_well() -> None:
    silent = replace(PARCEL, measurement=replace(MADE.measurement, tool="wrk"))
    assert unpack(pack(silent, None)) == (silent, None)
