"""Benchmarks of a program: one after another, once everything else has come to its end.

Only the order is asked for, by waiting for the others' URNs, which are known even of what failed: a benchmark needs its
own targets and is not skipped because something else did not come up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from schemas.spec import Benchmark

if TYPE_CHECKING:
    import pulumi


def one_after_another(
    benchmarks: Sequence[Benchmark],
    others: Sequence[pulumi.Resource],
    declare: Callable[[Benchmark], Any],
) -> dict[str, pulumi.Output[Any]]:
    """Declare benchmarks, so that nothing disturbs a measurement; returns the answer of each.

    Args:
        others: what has to come to its end before the first.
        declare: makes the resource of a benchmark, which has an output `answer`.
    """
    import pulumi

    made: dict[str, Any] = {}

    def register(benchmark: Benchmark, _settled: list[str]) -> pulumi.Output[str]:
        made[benchmark.name] = declare(benchmark)
        urn: pulumi.Output[str] = made[benchmark.name].urn
        return urn

    def answer(benchmark: Benchmark, _urn: str) -> Any:
        return made[benchmark.name].answer

    settled: pulumi.Output[list[str]] = pulumi.Output.all(*[other.urn for other in others])
    answers: dict[str, pulumi.Output[Any]] = {}
    for benchmark in benchmarks:
        urn: pulumi.Output[str] = settled.apply(partial(register, benchmark))
        answers[benchmark.name] = urn.apply(partial(answer, benchmark))
        settled = pulumi.Output.all(urn)
    return answers
