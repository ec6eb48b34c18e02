"""Results are stored whole, found again and never changed."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from components import codec
from components.benchmarks import results
from components.benchmarks.result import Result
from schemas.errors import UsageError
from tests.builders.results import a_load, a_measurement, a_result, a_target

ONE = "20260301T101500Z-0badcafe"
TWO = "20260301T101501Z-0badbeef"


def test_a_result_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    made = a_measurement("t", a_load(clients=2))
    stored = a_result(tmp_path, targets=[a_target("t")], measured=[made], objective={"p99_s": 0.01})
    again = results.load(stored.folder)
    assert again == stored
    (measurement,) = again.result.measurements
    found = again.samples(measurement)
    assert np.array_equal(found.done_s, made.samples.done_s)
    assert found.status.dtype == np.uint8


def test_figures_that_are_no_numbers_survive_strict_json(tmp_path: Path) -> None:
    stored = a_result(tmp_path, measured=[a_measurement("digits-latency", a_load(), fail=1.0)])
    assert "NaN" not in (stored.folder / results.FILE).read_text()
    (measurement,) = results.load(stored.folder).result.measurements
    assert np.isnan(measurement.response.p99_s)


def test_results_are_listed_oldest_first_and_the_newest_is_found(tmp_path: Path) -> None:
    for identity in (TWO, ONE):
        a_result(tmp_path, id=identity)
    a_result(tmp_path, id=ONE, benchmark="other")
    assert [s.result.id for s in results.list_results(tmp_path, "layouts")] == [ONE, TWO]
    assert len(results.list_results(tmp_path)) == 3
    newest = results.latest(tmp_path, "layouts")
    assert newest is not None
    assert newest.result.id == TWO
    assert results.latest(tmp_path, "absent") is None


def test_a_result_is_found_by_name_by_id_and_by_folder(tmp_path: Path) -> None:
    stored = a_result(tmp_path, id=TWO)
    a_result(tmp_path, id=ONE)
    for reference in ("layouts", TWO, "20260301T101501", str(stored.folder)):
        assert results.find(tmp_path, reference).result.id == TWO


def test_a_reference_that_fits_none_or_several_is_told(tmp_path: Path) -> None:
    for identity in (ONE, TWO):
        a_result(tmp_path, id=identity)
    with pytest.raises(UsageError, match="more than one"):
        results.find(tmp_path, "2026")
    with pytest.raises(UsageError, match="no result 'lay'") as error:
        results.find(tmp_path, "lay")
    assert error.value.why == "benchmarks with results: layouts"


def test_a_failed_save_leaves_nothing_behind(tmp_path: Path) -> None:
    stored = a_result(tmp_path / "elsewhere")

    def fail(_folder: Path) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        results.save(tmp_path / "root", stored.result, fail)
    assert list((tmp_path / "root" / "layouts").iterdir()) == []


def test_a_stored_result_is_not_overwritten(tmp_path: Path) -> None:
    a_result(tmp_path)
    with pytest.raises(OSError, match=r"not empty|exists"):
        a_result(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 7}', '{"version": 1}', '{"version": 1, "id": 3}'])
def test_a_file_that_is_no_result_is_told_in_words(tmp_path: Path, text: str) -> None:
    (tmp_path / results.FILE).write_text(text)
    with pytest.raises(UsageError):
        results.load(tmp_path)


def test_what_a_later_version_adds_is_ignored_and_what_it_lacks_has_its_default(tmp_path: Path) -> None:
    stored = a_result(tmp_path, measured=[a_measurement("digits-latency", a_load())])
    data = codec.encode(stored.result)
    data["measurements"][0]["added_later"] = 1
    del data["measurements"][0]["notes"]
    del data["measurements"][0]["verdict"]
    again = codec.decode(Result, json.loads(json.dumps(data)))
    assert again == replace(stored.result)


def test_ids_sort_by_time_and_tell_runs_apart() -> None:
    at = datetime(2026, 3, 1, 10, 15, tzinfo=UTC)
    one, other = results.new_id(at, "a"), results.new_id(at, "b")
    assert re.fullmatch(r"20260301T101500Z-[0-9a-f]{8}", one)
    assert one != other
