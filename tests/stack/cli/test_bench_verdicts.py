"""`bench` ends with what the objectives say, and lists the runs that can be compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.benchmarks.result import Check, Outcome, Verdict
from stack.cli import main
from tests.builders.results import a_load, a_measurement, a_result, a_target

NAMES = ("whole", "pinned")


def stored(folder: Path, *outcomes: Outcome, run: str = "20260301T101500Z-0badcafe", name: str = "layouts") -> None:
    """A result of a stack `digits` below the folder, with a target for each outcome."""
    measured = [
        a_measurement(target, a_load(), verdict=Verdict(outcome, (Check("p99_s", 0.005, 0.004, outcome, "it is so"),)))
        for target, outcome in zip(NAMES, outcomes, strict=False)
    ]
    targets = [a_target(target) for target in NAMES[: len(outcomes)]]
    results = folder / ".inferstack" / "store" / "results" / "digits"
    a_result(results, targets=targets, measured=measured, objective={"p99_s": 0.005}, id=run, benchmark=name)


@pytest.mark.parametrize(
    ("outcomes", "code", "words"),
    [
        (("pass", "fail"), 0, ""),
        (("undecided", "invalid"), 0, ""),
        (("fail", "fail"), 8, "objective missed: layouts"),
        (("invalid", "fail"), 8, "objective not shown, the runs are invalid: layouts"),
        (("invalid", "invalid"), 8, "objective not shown, the runs are invalid: layouts"),
    ],
)
def test_bench_fails_where_no_target_can_meet_its_objective(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    outcomes: tuple[Outcome, ...],
    code: int,
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    stored(tmp_path, *outcomes)
    assert main(["bench"]) == code
    assert words in capsys.readouterr().err


def test_bench_lists_every_run_with_what_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    stored(tmp_path, "fail", run="20260301T101500Z-00000001")
    stored(tmp_path, "pass", run="20260301T101600Z-00000002", name="steady")
    assert main(["bench", "--list"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    found = "No target is shown to meet p99 <= 5 ms."
    assert first == f"20260301T101500Z-00000001  layouts  2026-03-01 10:15:00 UTC  {found}"
    assert second.startswith("20260301T101600Z-00000002  steady   2026-03-01 10:15:00 UTC  whole (p99 ")
    assert main(["bench", "--list", "layouts", "--json"]) == 0
    [run] = json.loads(capsys.readouterr().out)
    assert (run["id"], run["benchmark"], run["answer"][0]) == ("20260301T101500Z-00000001", "layouts", found)


def test_a_run_without_a_valid_measurement_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    measured = [a_measurement("whole", a_load(label="2 clients"), invalid=("the client was late",))]
    results = tmp_path / ".inferstack" / "store" / "results" / "digits"
    a_result(results, targets=[a_target("whole")], measured=measured, benchmark="layouts")
    for arguments in (["bench"], ["bench", "--list"]):
        assert main(arguments) == 0
        assert "No valid run: whole at 2 clients, the client was late." in capsys.readouterr().out.splitlines()[0]


def test_bench_says_that_there_is_nothing_to_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    stored(tmp_path, "pass")
    assert main(["bench", "--list", "absent"]) == 3
    assert "benchmark 'absent' of digits has no results yet" in capsys.readouterr().err
