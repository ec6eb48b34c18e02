"""One run of a program over a state: dry, for a plan, or for real."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from schemas.errors import InferstackError, PreflightError
from stack.engines import deletes, planning, running, store, urns
from stack.engines.events import Failed, Finished, NotReached, Skipped, Subject, ignore
from stack.engines.hands import DryHands, Hands, RealHands
from stack.engines.monitor import EngineService, Monitor
from stack.engines.planning import Fingerprint, Origins
from stack.engines.providers import Providers
from stack.engines.questions import Questions
from stack.engines.registrar import Ledger, Registrar
from stack.engines.running import Program
from stack.engines.state import Entry, State
from stack.engines.steps import StepLog
from stack.engines.values import Values, difference, plain
from stack.plan import Plan


@dataclass(frozen=True)
class Setting:
    """What every run of an engine has in common."""

    project: str
    stack: str
    providers: Providers
    config: Mapping[str, str]
    parallel: int

    @property
    def stack_urn(self) -> str:
        """URN of the stack itself, which all resources are children of."""
        return urns.make(self.stack, self.project, urns.STACK_TYPE, f"{self.project}-{self.stack}")


class Memory:
    """A ledger that only remembers: a dry run changes a copy of the state and leaves the disk alone."""

    def __init__(self, state: State) -> None:
        self.state = dataclasses.replace(
            state, records=dict(state.records), condemned=list(state.condemned), pending=dict(state.pending)
        )
        self.touched = False

    def record(self, *entries: Entry) -> None:
        """Take facts in, in memory."""
        self.touched = True
        for entry in entries:
            self.state.apply(entry)


def plan(
    setting: Setting,
    state: State,
    program: Program | None,
    origins: Origins,
    notes: tuple[str, ...],
    *,
    fingerprint: Fingerprint,
    binding: bool = False,
) -> Plan:
    """What a program would do to a state; without a program, what destroying it would do. Touches nothing.

    `fingerprint` makes of a secret what plans are compared by. `binding` when the plan is about to be carried out: then
    what would have to be guessed is an error.

    Raises:
        InferstackError: the program raised, or resources in it cannot be planned: all of them are named.
    """
    memory, log, registrar = _dry(setting, state, program, Questions(collecting=program is not None), binding=binding)
    if registrar.questions.open:
        answers = registrar.questions.answered(setting.parallel)
        memory, log, registrar = _dry(setting, state, program, Questions(ahead=answers), binding=binding)
    _raise_failures(log)
    before_it = dataclasses.replace(memory.state, condemned=state.condemned)
    doomed = deletes.doomed_in(before_it, registrar.seen, told=tuple(state.condemned))
    for item in doomed:
        if item.visible:
            log.decided(deletes.step_of(item, log.next_order()))
    before, after = _outputs(setting, state), _outputs(setting, memory.state) if program else {}
    changes, cloud = planning.with_cloud(
        planning.changes_of(log.steps, setting.providers, origins, fingerprint),
        {urn: record.inputs for urn, record in state.records.items()},
        registrar.asked,
    )
    return Plan(
        project=setting.project,
        stack=setting.stack,
        lineage=state.lineage,
        serial=state.serial,
        changes=changes,
        outputs=planning.property_changes(difference(before, after), (), lambda path: None),
        notes=(*notes, *registrar.caveats),
        destroy=program is None,
        bookkeeping=memory.touched or bool(doomed),
        inputs_digest=planning.digest_of(registrar.asked, fingerprint),
        cloud=cloud,
    )


def _dry(
    setting: Setting, state: State, program: Program | None, questions: Questions, *, binding: bool
) -> tuple[Memory, StepLog, Registrar]:
    """One dry run of a program."""
    memory, log = Memory(state), StepLog(ignore)
    registrar = _registrar(setting, memory, DryHands(), log, lambda: False, questions, binding=binding)
    if program is not None:
        _run(setting, program, registrar, log, dry_run=True)
    return memory, log, registrar


def apply(
    setting: Setting,
    ledger: Ledger,
    program: Program | None,
    log: StepLog,
    *,
    stopping: Callable[[], bool],
    giving_up: Callable[[], bool],
) -> None:
    """Carry a program out; what became of it is in the log and in the ledger.

    What the program no longer has is deleted at the end, and only if nothing failed: after a failure a resource may be
    missing from the program's registrations because of it.
    """
    hands = RealHands(setting.providers, lambda: ledger.state, log.progress, stopping=stopping, giving_up=giving_up)
    registrar = _registrar(setting, ledger, hands, log, stopping, Questions(), binding=True)
    left_before = tuple(ledger.state.condemned)
    if program is not None:
        _run(setting, program, registrar, log, dry_run=False)
    if log.troubled or stopping():
        return
    deleter = deletes.Deleter(ledger, hands, log, parallel=setting.parallel, stopping=stopping)
    deleter.run(deletes.doomed_in(ledger.state, registrar.seen, told=left_before))


def not_reached(planned: Plan, log: StepLog) -> tuple[NotReached, ...]:
    """What was planned and neither done nor tried to its end; with what it still waited for."""
    why = {left.subject.urn: left.why for left in log.not_reached}
    ended: list[Finished | Failed | Skipped] = [*log.done, *log.failed, *log.skipped]
    deleted = {end.subject.urn for end in ended if end.op == "delete"}
    met = {end.subject.urn for end in ended if end.op != "delete"}
    met |= {step.record.urn for step in log.steps if step.op in ("same", "read")}
    return tuple(
        NotReached(change.op, Subject(change.urn, change.type, change.name), why.get(change.urn, ""))
        for change in planned.changing
        if change.urn not in (deleted if change.op == "delete" else met)
    )


def outputs(setting: Setting, state: State) -> Values:
    """What the program exported when it last ran, secrets opened."""
    return {key: plain(value) for key, value in _outputs(setting, state).items()}


def _registrar(
    setting: Setting,
    ledger: Ledger,
    hands: Hands,
    log: StepLog,
    stopping: Callable[[], bool],
    questions: Questions,
    *,
    binding: bool,
) -> Registrar:
    return Registrar(
        setting.project,
        setting.stack,
        ledger,
        setting.providers,
        hands,
        log,
        stopping=stopping,
        now=store.now,
        binding=binding,
        questions=questions,
    )


def _run(setting: Setting, program: Program, registrar: Registrar, log: StepLog, *, dry_run: bool) -> None:
    running.run(
        program,
        Monitor(registrar, dry_run=dry_run, parallel=setting.parallel),
        EngineService(log.tell),
        project=setting.project,
        stack=setting.stack,
        config=setting.config,
        dry_run=dry_run,
        parallel=setting.parallel,
    )


def _outputs(setting: Setting, state: State) -> Values:
    record = state.records.get(setting.stack_urn)
    return record.outputs if record else {}


def _raise_failures(log: StepLog) -> None:
    failures = log.failures
    if not failures:
        return
    if len(failures) == 1 and isinstance(failures[0][1], InferstackError):
        raise failures[0][1]
    told = [
        f"- {subject.name} ({subject.type}): {error if isinstance(error, InferstackError) else repr(error)}"
        for subject, error in failures
    ]
    count = "One resource" if len(failures) == 1 else f"{len(failures)} resources"
    raise PreflightError(f"{count} cannot be planned.", why="\n".join(told)) from failures[0][1]
