"""Takes what a program asks for, one registration at a time, and sees it done: identity, decision, deed, record.

A preview and an `up` are the same code: a preview has `DryHands` and a ledger that is only memory. The SDK registers a
resource once all it depends on is there, so registrations come in a sound order and need no scheduling here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from schemas.errors import InferstackError, PolicyError, PreflightError, StoppedError
from stack.engines import urns
from stack.engines.about import About, about, provider_of
from stack.engines.decide import Decision, decide
from stack.engines.dependents import Dependents
from stack.engines.goals import Goal, check_possible
from stack.engines.hands import Hands, settings_shown
from stack.engines.leftovers import condemned_namesakes, leftover_of
from stack.engines.paths import with_kept
from stack.engines.providers import Live, NotReady, ProviderDiff, Providers, Refused, cannot_apply
from stack.engines.questions import Questions
from stack.engines.records import Record
from stack.engines.state import Became, Begun, Entry, Gone, Renamed, Replaced, Settled, State, Work
from stack.engines.steps import Step, StepLog
from stack.engines.values import (
    INTERNAL_KEY,
    UNKNOWN,
    Values,
    all_plain,
    conceal,
    has_secret,
    has_unknown,
    masked,
)
from stack.plan import Op


class Ledger(Protocol):
    """Where facts are kept: on the disk in an `up`, in memory alone in a preview."""

    state: State

    def record(self, *entries: Entry) -> None:
        """Take facts in."""


@dataclass(frozen=True)
class Registered:
    """The answer to a registration; `lost` when the resource is not there to be relied on."""

    urn: str
    id: str = ""
    outputs: Values = dataclasses.field(default_factory=dict)
    lost: bool = False


class Registrar:
    """The registrations of one run of a program."""

    def __init__(
        self,
        project: str,
        stack: str,
        ledger: Ledger,
        providers: Providers,
        hands: Hands,
        log: StepLog,
        *,
        stopping: Callable[[], bool],
        now: Callable[[], str],
        binding: bool,
        questions: Questions,
    ) -> None:
        self.project, self.stack = project, stack
        self.ledger, self.providers, self.hands, self.log = ledger, providers, hands, log
        self.seen: set[str] = set()
        self.asked: dict[str, Values] = {}
        self.caveats: dict[str, None] = {}
        self._stopping, self._now, self._binding, self.questions = stopping, now, binding, questions
        self._lock = threading.RLock()
        self._older: dict[str, tuple[str, ...]] = {}
        self._must_replace: dict[str, str] = {}
        self._dependents = Dependents(lambda: self.ledger.state, providers)

    # ------------------------------------------------------------------------------------------ registration

    def register(self, goal: Goal) -> Registered:
        """See one resource done; never raises: what fails is in the log, and the program goes on with its siblings."""
        urn = urns.make(self.stack, self.project, goal.type, goal.name, goal.parent)
        order = self.log.next_order()
        blank = Record(urn=urn, type=goal.type, custom=goal.custom, parent=goal.parent)
        since = time.monotonic()
        try:
            with self._lock:
                if urn in self.seen:
                    raise _twice(goal)
                self.seen.add(urn)
                old = self._known(urn, goal)
            self.asked[urn] = goal.inputs
            if self._stopping():
                self.log.leave("create" if old is None else "update", blank)
                return Registered(urn, lost=True)
            if because := self.log.lost_among(goal.needs):
                self.log.skip("create" if old is None else "update", blank, because)
                return Registered(urn, lost=True)
            check_possible(goal, old)
            record = self._custom(urn, goal, old, order) if goal.custom else self._component(urn, goal, old, order)
        except Exception as raised:
            error = _without_secrets(raised, goal.inputs)
            op: Op = "create" if urn not in self.ledger.state.records else "update"
            if isinstance(error, StoppedError):
                self.log.leave(op, blank, error.why)
            else:
                self.log.fail(op, blank, error, since)
            return Registered(urn, lost=True)
        tell = self.providers.of(record.type).tell if record.custom else dict
        return Registered(urn, record.id, tell(record.outputs))

    def register_outputs(self, urn: str, outputs: Values) -> None:
        """Take what a component says of itself once its children are there."""
        with self._lock:
            record = self.ledger.state.records.get(urn)
            if record is not None and not self.hands.dry:
                # What a failed resource would have told is not known: what it told before still holds.
                known = {key: value for key, value in outputs.items() if not has_unknown(value)}
                outputs = {**{key: record.outputs[key] for key in outputs if key in record.outputs}, **known}
            if record is not None and record.outputs != outputs and not self.log.lost_among((urn,)):
                changed = dataclasses.replace(record, outputs=outputs, modified=self._now())
                self.ledger.record(Became(changed))

    def read(self, goal: Goal, id_: str) -> Registered:
        """Look at a resource that somebody else manages, and remember having seen it."""
        urn = urns.make(self.stack, self.project, goal.type, goal.name, goal.parent)
        order, since = self.log.next_order(), time.monotonic()
        with self._lock:
            self.seen.add(urn)
            old = self.ledger.state.records.get(urn)
        draft = dataclasses.replace(goal.record(urn, self._provider_of(goal)), id=id_, external=True)
        try:
            live = self.hands.read(draft)
            if live is None:
                raise PreflightError(f"{goal.name} is not there: {goal.type} has none with the id {id_!r}.")
        except Exception as error:
            self.log.fail("read", draft, error, since)
            return Registered(urn, lost=True)
        record = dataclasses.replace(draft, id=live.id, outputs=live.outputs).stamped(old, self._now)
        self.log.decided(Step(order, record, Decision("read")))
        if record != old:
            self.ledger.record(Became(record))
        return Registered(urn, record.id, record.outputs)

    # ------------------------------------------------------------------------------------------ identity

    def _known(self, urn: str, goal: Goal) -> Record | None:
        """The resource as the state knows it, under this name or an older one; its old name is forgotten."""
        older = urns.older_names(
            stack=self.stack,
            project=self.project,
            type_=goal.type,
            name=goal.name,
            parent=goal.parent,
            aliases=goal.aliases,
            parents=self._older.get(goal.parent, ()),
        )
        if older:
            self._older[urn] = older
        records = self.ledger.state.records
        if urn not in records:
            found = next((name for name in older if name in records and name not in self.seen), None)
            if found is not None:
                self.ledger.record(Renamed(found, urn))
                self._dependents.forget()
        return self.ledger.state.records.get(urn)

    def _provider_of(self, goal: Goal) -> str:
        """Reference of the provider resource that a resource belongs to."""
        is_provider = goal.type.startswith(urns.PROVIDER_PREFIX)
        return goal.provider if not goal.custom or is_provider else goal.provider or self._default_provider(goal)

    def _default_provider(self, goal: Goal) -> str:
        """Reference of the package's default provider, which is made on first use."""
        package = urns.package_of(goal.type)
        version = "" if package == urns.DYNAMIC_PACKAGE else goal.version
        suffix = "".join(f"_{part}" for part in version.replace("-", ".").replace("+", ".").split(".") if part)
        type_ = f"{urns.PROVIDER_PREFIX}{package}"
        urn = urns.make(self.stack, self.project, type_, f"default{suffix}")
        with self._lock:
            self.seen.add(urn)
            record = self.ledger.state.records.get(urn)
            if record is None:
                inputs = _internal(type_, {"version": version} if version else {})
                draft = Record(urn=urn, type=type_, inputs=inputs)
                live = self.hands.create(draft, Decision("create"))
                made = dataclasses.replace(draft, id=live.id or UNKNOWN, outputs=settings_shown(inputs))
                record = self._identified(made).stamped(None, self._now)
                self.ledger.record(Became(record))
            return f"{urn}::{record.id}"

    # ------------------------------------------------------------------------------------------ components

    def _component(self, urn: str, goal: Goal, old: Record | None, order: int) -> Record:
        draft = goal.record(urn, goal.provider)
        if old is not None:
            draft = dataclasses.replace(draft, outputs=old.outputs, extra=old.extra)
        record = draft.stamped(old, self._now)
        decision = decide(old, goal, goal.inputs, ProviderDiff())
        self.log.decided(Step(order, record, decision))
        if record != old:
            self.ledger.record(Became(record))
        return record

    # ------------------------------------------------------------------------------------------ custom resources

    def _custom(self, urn: str, goal: Goal, old: Record | None, order: int) -> Record:
        wanted = goal.record(urn, self._provider_of(goal))
        told = self._about(wanted, old)
        draft = dataclasses.replace(wanted, inputs=self._checked(goal, told, old))
        pending = self.ledger.state.pending.get(urn)
        interrupted = pending.work if pending else None
        elsewhere = self._elsewhere(draft, old)
        answer = ProviderDiff() if interrupted == "deleting" else self._answer(draft, told, old, elsewhere)
        if answer.caveat:
            self.caveats[answer.caveat] = None
        decision = decide(
            old,
            goal,
            draft.inputs,
            answer,
            interrupted=interrupted,
            forced=self._must_replace.get(urn, ""),
            elsewhere=elsewhere,
        )
        blocked = _blocked(old, decision)
        self.log.decided(Step(order, draft, decision, blocked))
        if decision.op == "same":
            assert old is not None
            return self._kept(draft, old, decision)
        if not self.hands.dry:
            self._refuse(goal, draft.inputs, decision, blocked)
        if pending is not None and (left := leftover_of(pending, draft, old)) is not None:
            self.hands.delete(left)
            self.ledger.record(Settled(urn))
        if decision.op in ("create", "replace"):
            self._clear(condemned_namesakes(self.ledger.state, draft))
        return self._done(decision, draft, old)

    def _clear(self, condemned: tuple[Record, ...]) -> None:
        """Delete what a replacement left behind, before its time: it stands in the way of what is wanted now."""
        if self.hands.dry:
            return
        for record in condemned:
            since = self.log.started("delete", record)
            self.hands.delete(record)
            self.ledger.record(Gone(record.urn, record.id, condemned=True))
            self.log.finished("delete", record, since)

    def _answer(self, draft: Record, told: About, old: Record | None, elsewhere: str) -> ProviderDiff:
        """What the provider says of the change."""
        after = all_plain(draft.inputs)
        if draft.is_provider:
            if old is None or has_unknown(after):
                return ProviderDiff()
            configured = self.providers.of_settings(draft.type)
            return configured.diff_settings(old.identity, all_plain(old.inputs), after)
        provider = self.providers.of(draft.type)
        if old is not None and not old.pending_replacement and not elsewhere:
            given = provider.diff(told, old.id, told.outputs, after)
        else:
            given = provider.rehearse(told, after) if self.hands.dry else ProviderDiff()
        return self.questions.settle(draft.urn, after, given)

    def _about(self, draft: Record, old: Record | None) -> About:
        pending = self.ledger.state.pending.get(draft.urn)
        interrupted = pending.work if pending else None
        return about(draft, self.ledger.state, old=old, interrupted=interrupted, binding=self._binding)

    def _elsewhere(self, draft: Record, old: Record | None) -> str:
        """Why a resource has to be made in another place than it is in: its provider means another place now."""
        if old is None or draft.is_provider or not old.provider or old.provider == draft.provider:
            return ""
        before, now = (provider_of(record, self.ledger.state) for record in (old, draft))
        if before is None or now is None or old.pending_replacement:
            return ""
        provider = self.providers.of(draft.type)
        moved = has_unknown(now.inputs) or (
            provider.diff_settings(before.identity, all_plain(before.inputs), all_plain(now.inputs)).replaces
        )
        return f"its provider, {now.name}, means another place now" if moved else ""

    def _refuse(self, goal: Goal, inputs: Values, decision: Decision, blocked: str) -> None:
        if blocked:
            raise PolicyError(blocked)
        if unknown := [key for key, value in inputs.items() if has_unknown(value)]:
            raise InferstackError(
                f"{goal.name} depends on something that never became known: {', '.join(unknown)}.",
                why="What it takes these from did not say.",
            )
        if not goal.type.startswith(urns.PROVIDER_PREFIX) and self.providers.plans_only(goal.type):
            raise cannot_apply(decision.op, (goal.type,))

    def _checked(self, goal: Goal, told: About, old: Record | None) -> Values:
        """The inputs, those that shall be ignored taken from before, as the provider normalised them."""
        inputs = with_kept(goal.inputs, old.inputs, goal.ignore_changes) if old else goal.inputs
        if goal.type.startswith(urns.PROVIDER_PREFIX):
            return _internal(goal.type, {**({"version": goal.version} if goal.version else {}), **inputs})
        given, provider = all_plain(inputs), self.providers.of(goal.type)
        checked = provider.check(told, told.inputs, given)
        if checked.failures:
            listed = "; ".join(f"{failure.property}: {failure.reason}" for failure in checked.failures)
            raise PreflightError(
                f"{goal.name} cannot be made as it is written: {listed}.",
                remedy="Correct these properties in the spec.",
            )
        normal = {key: inputs[key] if given.get(key) == value else value for key, value in checked.inputs.items()}
        return provider.hide(normal, inputs)

    def _kept(self, draft: Record, old: Record, decision: Decision) -> Record:
        """A resource that stays as it is; what the program says about it besides its properties may be new."""
        outputs = self._hidden(draft, old.outputs if decision.foretold is None else decision.foretold)
        record = dataclasses.replace(draft, id=old.id, outputs=outputs, identity=old.identity, extra=old.extra)
        if record.is_provider and not record.identity and not self.hands.dry:
            with contextlib.suppress(InferstackError):  # nothing is to be done there: it is learned another time
                record = self._identified(record)
        record = record.stamped(old, self._now)
        if record != old:
            self.ledger.record(Became(record))
        self.log.unneeded(record)
        return record

    def _done(self, decision: Decision, draft: Record, old: Record | None) -> Record:
        """Carry out a create, an update or a replacement; the record of what is there afterwards."""
        since = self.log.started(decision.op, draft) if not self.hands.dry else 0.0
        if decision.op == "replace" and decision.delete_first and old is not None and not old.pending_replacement:
            self._delete_with_dependents(old, decision.interrupted)
        updating = old if decision.op == "update" else None
        fresh = draft.urn not in self.ledger.state.pending
        self.ledger.record(Begun("updating" if updating else "creating", draft))
        try:
            if updating is not None:
                live = self.hands.update(updating, draft, decision)
            else:
                live = self.hands.create(draft, decision, old)
        except NotReady as error:
            unready = dataclasses.replace(self._finished(draft, error.live, updating), init_errors=error.reasons)
            self._record(decision, unready, old)
            raise
        except Refused:
            if fresh:
                self.ledger.record(Settled(draft.urn))  # nothing was begun that a later run would have to look for
            raise
        record = self._finished(draft, live, updating)
        self._record(decision, record, old)
        if not self.hands.dry:
            self.log.finished(decision.op, record, since)
        return record

    def _record(self, decision: Decision, record: Record, old: Record | None) -> None:
        """Take in what has been made. One that answers to the very id of the old one, in the same place, has taken its
        place: there is nothing left to delete.
        """
        replaced = decision.op == "replace" and not decision.delete_first and old is not None
        moved = old is not None and (old.id, old.provider) != (record.id, record.provider)
        self.ledger.record(Replaced(record) if replaced and moved else Became(record))

    def _finished(self, draft: Record, live: Live, old: Record | None) -> Record:
        record = dataclasses.replace(draft, id=live.id, outputs=self._hidden(draft, live.outputs))
        return self._identified(record).stamped(old, self._now)

    def _hidden(self, draft: Record, outputs: Values) -> Values:
        """Outputs, those made secret that come from secret inputs or that the program calls secret."""
        hide = conceal if draft.is_provider else self.providers.of(draft.type).hide
        return conceal(hide(outputs, draft.inputs), {}, draft.additional_secret_outputs)

    def _identified(self, record: Record) -> Record:
        """A provider resource with what it stands for."""
        if not record.is_provider or self.hands.dry:
            return record
        identity = self.providers.of_settings(record.type).identify(all_plain(record.inputs))
        return dataclasses.replace(record, identity=identity)

    def _delete_with_dependents(self, root: Record, interrupted: Work | None) -> None:
        """Delete a resource and, before it, those of its dependents that must be replaced with it."""
        dependents = self._dependents.replaced_with(root, self.seen)
        if protected := [record.name for record in dependents if record.protect and not self.hands.dry]:
            raise PolicyError(f"{', '.join(protected)} is protected and would be deleted before {root.name}.")
        with self._lock:
            for record in dependents:
                self._must_replace[record.urn] = f"{root.name}, which it depends on, is deleted before it is made again"
        for record in (*reversed(dependents), root):
            self.ledger.record(Begun("deleting", record))
            if not record.retain_on_delete:
                self.hands.delete(record, interrupted if record is root else None)
            self.ledger.record(Became(dataclasses.replace(record, pending_replacement=True)))


def _internal(type_: str, inputs: Values) -> Values:
    """The inputs of a provider resource as Pulumi keeps them."""
    return inputs if urns.package_of(type_) == urns.DYNAMIC_PACKAGE else {INTERNAL_KEY: {}, **inputs}


def _without_secrets(error: Exception, inputs: Values) -> Exception:
    """The error without any secret of the inputs: what refuses a value may quote it."""
    if not has_secret(inputs):
        return error
    if isinstance(error, InferstackError):
        error.message, error.why, error.remedy = (
            masked(text, inputs) for text in (error.message, error.why, error.remedy)
        )
        error.args = (error.message,)
        return error
    text = str(error)
    return error if (told := masked(text, inputs)) == text else InferstackError(f"{type(error).__name__}: {told}")


def _blocked(old: Record | None, decision: Decision) -> str:
    if decision.op == "replace" and old is not None and old.protect:
        return f"{old.name} is protected and would be replaced"
    return ""


def _twice(goal: Goal) -> InferstackError:
    return InferstackError(
        f"The program makes two resources of type {goal.type} with the name {goal.name!r}.",
        why="A resource is known by its type, its name and its parent.",
        remedy="Give one of them another name.",
    )
