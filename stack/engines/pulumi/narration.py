"""Pulumi's events of an update as our progress, and what became of it at the end.

It hears one event after the other, in the order Pulumi sends them, and never raises into Pulumi's hands: a listener
that fails is not asked again, and `listener_error` says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from pulumi.automation.events import DiagnosticEvent, EngineEvent, OpType, StepEventMetadata

from stack.engines import urns
from stack.engines.events import Event, Failed, Finished, NotReached, OnEvent, Progress, Said, Skipped, Started, Subject
from stack.engines.pulumi.failures import remedy_for, words_of
from stack.engines.pulumi.steps import OPS
from stack.plan import Op, Plan

_REPLACED: Final = frozenset({OpType.DELETE_REPLACED, OpType.DISCARD_REPLACED})
_PREFIX: Final = "error: "


class Narration:
    """What is heard of one update.

    Args:
        on_event: is told what happens.
        planned: what was going to be done.
        clock: seconds, for how long operations took.
    """

    def __init__(self, on_event: OnEvent, planned: Plan, clock: Callable[[], float] = time.monotonic) -> None:
        self._on_event, self._planned, self._clock = on_event, planned, clock
        self._began: dict[tuple[str, OpType], float] = {}
        self._errors: dict[str, list[str]] = {}
        self.done: list[Finished] = []
        self.failed: list[Failed] = []
        self.said: list[str] = []
        self.listener_error: BaseException | None = None

    def tell(self, event: Event) -> None:
        """Pass an event of ours on."""
        if self.listener_error is None:
            try:
                self._on_event(event)
            except BaseException as error:
                self.listener_error = error

    def hear(self, event: EngineEvent) -> None:
        """Take in an event of Pulumi's."""
        if event.diagnostic_event is not None:
            self._diagnostic(event.diagnostic_event)
        elif event.resource_pre_event is not None:
            self._begins(event.resource_pre_event.metadata)
        elif event.res_outputs_event is not None:
            self._ends(event.res_outputs_event.metadata)
        elif event.res_op_failed_event is not None:
            self._fails(event.res_op_failed_event.metadata)

    def close(self) -> None:
        """Take for failed what an error was told of that never began: Pulumi checks a resource before its operation."""
        for change in self._planned.changing:
            if change.urn in self._errors:
                self._failed(change.op, Subject(change.urn, change.type, change.name), 0.0)

    def missing(self, *, interrupted: bool) -> tuple[tuple[Skipped, ...], tuple[NotReached, ...]]:
        """What was planned and not done: skipped because something failed, or not reached.

        Pulumi does not say which failure kept an operation from being tried; only where there is one, it is known.
        """
        ended: list[Finished | Failed] = [*self.done, *self.failed]
        tried = {(end.subject.urn, end.op == "delete") for end in ended}
        left = [
            (change.op, Subject(change.urn, change.type, change.name))
            for change in self._planned.changing
            if (change.urn, change.op == "delete") not in tried
        ]
        if not interrupted and len(self.failed) == 1:
            return tuple(Skipped(op, subject, self.failed[0].subject) for op, subject in left), ()
        return (), tuple(NotReached(op, subject) for op, subject in left)

    def _begins(self, step: StepEventMetadata) -> None:
        op = _shown(step)
        self._began[step.urn, step.op] = self._clock()
        if op is not None:
            self.tell(Started(op, _subject(step)))
        elif step.op in _REPLACED:
            self.tell(Progress(_subject(step), "deleting what is replaced"))

    def _ends(self, step: StepEventMetadata) -> None:
        op = _shown(step)
        if op is None:
            return
        event = Finished(op, _subject(step), self._since(step))
        self.done.append(event)
        self.tell(event)

    def _fails(self, step: StepEventMetadata) -> None:
        self._failed(OPS.get(step.op, "update"), _subject(step), self._since(step))

    def _failed(self, op: Op, subject: Subject, seconds: float) -> None:
        message, why = words_of(self._errors.pop(subject.urn, []))
        event = Failed(op, subject, message, why, remedy_for(f"{message}\n{why}"), seconds)
        self.failed.append(event)
        self.tell(event)

    def _diagnostic(self, event: DiagnosticEvent) -> None:
        text = event.message.strip().removeprefix(_PREFIX)
        if not text or event.severity == "debug":
            return
        if event.severity == "error":
            self.said.append(text)
            if event.urn:
                self._errors.setdefault(event.urn, []).append(text)
            return
        if event.ephemeral and event.urn:
            self.tell(Progress(Subject(event.urn, urns.type_of(event.urn), urns.name_of(event.urn)), text))
            return
        severity = "warning" if event.severity == "warning" else "info"
        self.tell(Said(severity, text, event.urn or ""))

    def _since(self, step: StepEventMetadata) -> float:
        now = self._clock()
        return now - self._began.get((step.urn, step.op), now)


def _shown(step: StepEventMetadata) -> Op | None:
    """The operation as people are told it; None for what is no change, or only a part of one.

    A replacement is told by the making of the new resource, its logical step stands for nothing that takes time.
    """
    resource = step.new or step.old
    if resource is None or not resource.custom or step.type.startswith(urns.PROVIDER_PREFIX):
        return None
    if step.op in _REPLACED or step.op in (OpType.REPLACE, OpType.SAME, OpType.REFRESH):
        return None
    return OPS.get(step.op)


def _subject(step: StepEventMetadata) -> Subject:
    return Subject(step.urn, step.type, urns.name_of(step.urn))
