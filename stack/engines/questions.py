"""Questions that somebody far away has to answer: a plan asks them side by side.

A plan runs its program one registration after another, so that it comes out the same every time; if each waited for a
cluster's answer, a plan of hundreds of objects would take as many round trips. So the program is run with guesses
first, the questions that came up are asked together, and it is run once more with the answers. A plan with no question
runs once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context

from stack.engines.providers import ProviderDiff
from stack.engines.values import Values

Ask = Callable[[], ProviderDiff]
Answers = Mapping[str, tuple[Values, Future[ProviderDiff]]]


class Questions:
    """What is asked about resources in one run of a program.

    `ahead` are the questions of a run before, answered by `answered`; without it a question is asked at once.
    """

    def __init__(
        self, *, collecting: bool = False, ahead: Mapping[str, tuple[Values, Future[ProviderDiff]]] | None = None
    ):
        self._collecting, self._ahead = collecting, ahead or {}
        self.open: dict[str, tuple[Values, Ask]] = {}

    def settle(self, urn: str, inputs: Values, given: ProviderDiff) -> ProviderDiff:
        """The answer to use: what was given, unless it can be had truer. Raises what asking raises."""
        if given.ask is None:
            return given
        if self._collecting:
            self.open[urn] = (inputs, given.ask)
            return given
        before, answer = self._ahead.get(urn, (None, None))
        return answer.result() if answer is not None and before == inputs else given.ask()

    def answered(self, parallel: int) -> Answers:
        """Every open question with its answer, or the error that it came to."""
        with ThreadPoolExecutor(parallel, thread_name_prefix="ask") as pool:
            return {urn: (inputs, pool.submit(copy_context().run, ask)) for urn, (inputs, ask) in self.open.items()}
