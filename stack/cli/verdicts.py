"""Stored results as commands end with them: which are meant, and the exit code that their objectives deserve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.site import Site
from schemas.errors import ObjectiveError, UsageError
from stack.cli.options import here_workspace, open_stack

if TYPE_CHECKING:
    from components.benchmarks.results import StoredResult


def newest(site: Site, name: str | None) -> list[StoredResult]:
    """The newest result of one benchmark, or of each that has one, by name.

    Raises:
        UsageError: there is none.
    """
    from components.benchmarks import results

    if name is not None:
        return [results.find(site.results, name)]
    names = sorted(folder.name for folder in site.results.iterdir()) if site.results.is_dir() else []
    found = [stored for benchmark in names if (stored := results.latest(site.results, benchmark)) is not None]
    if not found:
        raise no_results(site)
    return found


def no_results(site: Site, name: str | None = None) -> UsageError:
    whose = f"benchmark {name!r} of {site.stack}" if name else site.stack
    return UsageError(f"{whose} has no results yet", remedy="inferstack up SPEC runs the benchmarks of the spec")


def judge(found: Sequence[StoredResult]) -> None:
    """End the command with exit code 8 when an objective is missed, or not shown because the runs are invalid.

    Raises:
        ObjectiveError: one is. An objective that is undecided is none of these.
    """
    from components.benchmarks.answer import answer

    outcomes = [(stored.result.benchmark, answer(stored.result).outcome) for stored in found]
    missed = [name for name, outcome in outcomes if outcome == "fail"]
    invalid = [name for name, outcome in outcomes if outcome == "invalid"]
    said = [f"objective missed: {', '.join(missed)}"] if missed else []
    said += [f"objective not shown, the runs are invalid: {', '.join(invalid)}"] if invalid else []
    if said:
        raise ObjectiveError(
            "; ".join(said),
            why="the figures of an invalid run mean nothing, good or bad" if invalid else "",
            remedy="inferstack report shows where the time goes; the objective stands in the spec",
        )


def result_site(stack: str | None, state_folder: str | None) -> Site:
    """The stack whose results are meant: also one that was destroyed, for results outlive it.

    Raises:
        UsageError: it is not clear which is meant.
    """
    place = here_workspace(state_folder)
    kept = place.folder / "store" / "results"
    with_results = sorted(folder.name for folder in kept.iterdir()) if kept.is_dir() else []
    if stack is not None and stack in with_results:
        return place.site(stack)
    if stack is None and not place.stacks() and len(with_results) == 1:
        return place.site(with_results[0])
    return open_stack(stack, state_folder)
