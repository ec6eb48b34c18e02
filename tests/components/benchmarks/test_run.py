"""A benchmark is carried out from its description to its stored result."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components import codec
from components.benchmarks import results, run, seats
from components.benchmarks.description import Description, Subject, limits, load_shapes
from components.benchmarks.load.arguments import Endpoint
from components.benchmarks.local import LocalGenerators
from components.benchmarks.resource import BenchmarkProvider
from components.benchmarks.result import Target
from components.benchmarks.results import StoredResult
from components.cluster.topology import Core
from components.progress import listener
from schemas import spec
from schemas.errors import InferstackError, PreflightError
from tests.builders.results import a_target
from tests.components.benchmarks import load_builders as build
from tests.components.benchmarks import stub_server


@pytest.fixture(scope="module")
def ports() -> Iterator[list[int]]:
    with stub_server.running(2) as found:
        yield found


def a_subject(name: str, ports: list[int], *, model: str = "good", **changes: Any) -> Subject:
    target = a_target(name, cpus=[(0,), (1,)][: len(ports)], digest="d" * 64, model=model)
    return Subject(replace(target, **changes), "v2", tuple(Endpoint("127.0.0.1", port) for port in ports))


def run_here(description: Description) -> StoredResult:
    return run.carry_out(description, LocalGenerators)


def a_description(folder: Path, *subjects: Subject, **changes: Any) -> Description:
    known: dict[str, Any] = {
        "stack": "digits", "benchmark": "layouts", "results": str(folder / "results"), "subjects": subjects,
        "loads": (build.a_shape(label="200/s"),), "data": str(build.a_data_file(folder)), "data_digest": "d",
    }  # fmt: skip
    return Description(**{**known, **changes})


def test_every_target_is_measured_under_every_load_and_the_order_turns(tmp_path: Path, ports: list[int]) -> None:
    two = (a_subject("one", ports[:1]), a_subject("two", ports))
    loads = load_shapes([spec.Load(rate_per_s=50.0), spec.Load(clients=2)])
    order = [
        (s.subject.target.name, s.load.label, s.repeat)
        for s in run.steps(a_description(tmp_path, *two, loads=loads, repeats=2))
    ]
    assert order == [
        ("one", "50/s", 0), ("two", "50/s", 0), ("one", "2 clients", 0), ("two", "2 clients", 0),
        ("two", "50/s", 1), ("one", "50/s", 1), ("two", "2 clients", 1), ("one", "2 clients", 1),
    ]  # fmt: skip


def test_a_benchmark_ends_as_a_stored_result_with_everything_that_explains_it(tmp_path: Path, ports: list[int]) -> None:
    description = a_description(
        tmp_path, a_subject("one", ports[:1]), a_subject("two", ports), objective={"p50_s": 1.0, "accuracy": 0.9}
    )
    told: list[tuple[str, float | None]] = []
    token = listener.set(lambda text, fraction: told.append((text, fraction)))
    stored = run_here(description)
    listener.reset(token)
    assert results.load(stored.folder) == stored
    assert [m.target for m in stored.result.measurements] == ["one", "two"]
    for measurement in stored.result.measurements:
        assert len(stored.samples(measurement)) == measurement.requests == 100
        assert measurement.verdict is not None
        assert [c.metric for c in measurement.verdict.checks] == ["p50_s", "accuracy"]
    assert stored.result.surroundings.packages["numpy"]
    assert stored.result.surroundings.topology["nodes"]
    assert told[0][0] == "layouts: one at 200/s"
    fractions = [fraction for _, fraction in told if fraction is not None]
    assert fractions == sorted(fractions)
    assert sorted(p.name for p in (tmp_path / "results").iterdir()) == [".measuring", "layouts"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"model": "unready"}, "is not ready (HTTP 503)"), ({"model_digest": "e" * 64}, "expected is eeeeeeeeeeee")],
)
def test_a_target_that_is_not_what_it_should_be_is_told_before_anything_runs(
    tmp_path: Path, ports: list[int], changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(PreflightError, match="one cannot be measured") as error:
        run_here(a_description(tmp_path, a_subject("one", ports[:1], **changes)))
    assert why in error.value.why


def test_a_target_that_does_not_answer_is_told(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match="cannot be measured") as error:
        run_here(a_description(tmp_path, a_subject("one", [1])))
    assert "refused" in error.value.why


def test_a_platform_that_tells_little_is_measured_all_the_same(tmp_path: Path, ports: list[int]) -> None:
    stored = run_here(a_description(tmp_path, a_subject("one", ports[:1], model="silent")))
    assert stored.result.measurements[0].errors == {}


def test_what_the_generator_cannot_do_is_the_reason_of_the_failure(tmp_path: Path, ports: list[int]) -> None:
    description = a_description(tmp_path, a_subject("one", ports[:1]), data=str(tmp_path / "absent.npz"))
    with pytest.raises(InferstackError, match="one could not be measured") as error:
        run_here(description)
    assert error.value.why == f"there is no data file {tmp_path / 'absent.npz'}"


def test_what_a_killed_benchmark_left_is_cleared_by_the_next(tmp_path: Path, ports: list[int]) -> None:
    left = [
        tmp_path / "results" / ".work" / "x",
        tmp_path / "results" / "layouts" / ".20260301T101500Z-0badcafe.9" / "x",
    ]
    for folder in left:
        folder.mkdir(parents=True)
    run_here(a_description(tmp_path, a_subject("one", ports[:1])))
    assert not any(folder.exists() for folder in left)


def test_a_killed_benchmark_leaves_no_generator_behind(tmp_path: Path, ports: list[int]) -> None:
    shape = build.a_shape(duration_s=60.0)
    description = a_description(tmp_path, a_subject("one", ports[:1]), loads=(shape,))
    code = (
        "import json, sys; from components import codec; from components.benchmarks.run import carry_out;"
        "from components.benchmarks.local import LocalGenerators;"
        "from components.benchmarks.description import Description as D;"
        "carry_out(codec.decode(D, json.loads(sys.argv[1])), LocalGenerators)"
    )
    command = [sys.executable, "-c", code, json.dumps(codec.encode(description))]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        build.until(lambda: _generators(tmp_path))
        process.kill()
    build.until(lambda: not _generators(tmp_path))


INTERRUPTED = """
import json, os, sys
from pathlib import Path
from components.benchmarks.resource import BenchmarkResource
from tests.fakes import an_engine
inputs = json.loads(sys.argv[2])
outcome = an_engine(Path(sys.argv[1])).up(lambda: BenchmarkResource("layouts", inputs))
print([left.subject.name for left in outcome.not_reached], outcome.failed, outcome.abandoned, flush=True)
os._exit(outcome.error.exit_code)
"""


def test_the_first_ctrl_c_ends_a_benchmark_early_and_leaves_it_undone(tmp_path: Path, ports: list[int]) -> None:
    shape = build.a_shape(duration_s=60.0)
    description = a_description(tmp_path, a_subject("one", ports[:1]), loads=(shape,))
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path), json.dumps(codec.encode(description))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        build.until(lambda: _generators(tmp_path))
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
    assert (said, process.returncode) == ("['layouts'] () False\n", 130)
    assert not _generators(tmp_path)
    assert results.latest(tmp_path / "results", "layouts") is None


def _generators(folder: Path) -> list[str]:
    """Processes whose command line names the arguments in this folder."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                line = Path("/proc", name, "cmdline").read_text()
            except OSError:
                continue
            if "components.benchmarks.load" in line and str(folder / "results") in line and "\0-c\0" not in line:
                found.append(name)
    return found


# ------------------------------------------------------------------------------------------ the resource


# A closed loop is never too late, however busy the machine is.
CLOSED = (build.a_shape(label="2 clients", clients=2, duration_s=0.3),)


def as_inputs(description: Description) -> dict[str, Any]:
    return dict(codec.encode(description))


def test_the_resource_measures_and_tells_the_outcome(tmp_path: Path, ports: list[int]) -> None:
    inputs = as_inputs(a_description(tmp_path, a_subject("one", ports[:1]), objective={"errors": 0.0}, loads=CLOSED))
    created = BenchmarkProvider().create(inputs)
    assert created.id == "layouts"
    assert created.outs is not None
    assert created.outs["outcome"] == "pass"
    assert created.outs["answer"][0] == "one meets no errors."
    assert results.load(Path(created.outs["folder"])).result.id == created.outs["result"]


def test_a_missed_objective_is_an_outcome_and_no_failure(tmp_path: Path, ports: list[int]) -> None:
    inputs = as_inputs(
        a_description(tmp_path, a_subject("one", ports[:1], model="strict"), objective={"errors": 0.0}, loads=CLOSED)
    )
    created = BenchmarkProvider().create(inputs)
    assert created.outs is not None
    assert created.outs["outcome"] == "fail"


def measured_once(tmp_path: Path) -> dict[str, Any]:
    """The state after a measurement whose result is stored."""
    from tests.builders.results import a_result

    stored = a_result(tmp_path / "store")
    inputs = as_inputs(a_description(tmp_path, a_subject("one", [1]), objective={"errors": 0.0}))
    return {**inputs, "result": stored.result.id, "folder": str(stored.folder), "outcome": "pass", "answer": []}


@pytest.mark.parametrize(
    "change",
    [
        {"rerun": "now"},
        {"data_digest": "other"},
        {"objective": {"errors": 0.1}},
        {"repeats": 2},
        {"loads": []},
        {"subjects": []},
    ],
)
def test_what_decides_the_figures_makes_it_measure_again(tmp_path: Path, change: dict[str, Any]) -> None:
    olds = measured_once(tmp_path)
    assert BenchmarkProvider().diff("layouts", olds, {**olds, **change}).changes


def test_what_only_explains_them_does_not(tmp_path: Path) -> None:
    olds = measured_once(tmp_path)
    news = {**olds, "spec_digest": "other", "data": "/moved/data.npz"}
    news["loads"] = [{key: value for key, value in load.items() if value is not None} for load in news["loads"]]
    assert not BenchmarkProvider().diff("layouts", olds, news).changes


def test_a_result_that_is_gone_is_measured_again_and_read_as_gone(tmp_path: Path) -> None:
    olds = measured_once(tmp_path)
    assert BenchmarkProvider().read("layouts", olds).id == "layouts"
    (Path(olds["folder"]) / results.FILE).unlink()
    assert BenchmarkProvider().diff("layouts", olds, olds).changes
    assert BenchmarkProvider().read("layouts", olds).id == ""


def test_deleting_a_benchmark_keeps_its_results(tmp_path: Path) -> None:
    olds = measured_once(tmp_path)
    BenchmarkProvider().delete("layouts", olds)
    assert (Path(olds["folder"]) / results.FILE).exists()


# ------------------------------------------------------------------------------------------ what it is made of

CORES = tuple(Core(i, 0, (i, i + 4)) for i in range(4))


def on(name: str, *cpus: int) -> Target:
    return a_target(name, cpus=[cpus])


def test_the_generator_sits_where_no_target_of_the_benchmark_does() -> None:
    a, b = on("a", 0), on("b", 1)
    assert seats.seat(CORES, a, (a, b)) == seats.Seat((2, 3), shared=False)


def test_a_core_is_used_when_its_other_thread_is() -> None:
    a = on("a", 0, 5, 2)
    assert seats.seat(CORES, a, (a,)) == seats.Seat((3,), shared=False)


def test_else_it_sits_where_the_target_at_hand_does_not() -> None:
    a, b = on("a", 0, 1), on("b", 2, 3)
    assert seats.seat(CORES, a, (a, b)) == seats.Seat((2, 3), shared=False)


def test_else_it_shares_cores_and_is_not_pinned() -> None:
    a = on("a", 0, 1, 2, 3)
    assert seats.seat(CORES, a, (a,)) == seats.Seat((), shared=True)


def test_loads_of_the_same_words_get_labels_of_their_own() -> None:
    loads = [spec.Load(rate_per_s=50.0), spec.Load(rate_per_s=50.0, duration_s=60.0), spec.Load(clients=1, batch=8)]
    assert [s.label for s in load_shapes(loads)] == ["50/s", "50/s (2)", "1 client, batch 8"]


def test_a_benchmark_without_a_load_is_measured_open_and_closed() -> None:
    assert [s.label for s in load_shapes(())] == ["50/s", "8 clients"]


def test_an_objective_becomes_its_limits() -> None:
    assert limits(spec.Objective(p99_s=0.02, errors=0.0, require="all")) == {"p99_s": 0.02, "errors": 0.0}
    assert limits(None) == {}
