"""The embedded engine: plans and applies a Pulumi program in this process, without Pulumi's command line.

It plans any program, cloud resources included, with nothing installed but the Python package; it applies what has a
provider here (`pulumi.dynamic`). Its state is a Pulumi deployment, so that the real engine can take a stack over.

    engine = EmbeddedEngine("inferstack", "digits", site.state)
    plan = engine.preview(program, origins)                               # reads, never writes
    outcome = engine.up(program, origins, on_event=show, expected=plan)   # that plan, or a refusal
    if outcome.error:
        raise outcome.error
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from schemas.errors import PolicyError, PreflightError, StoppedError
from stack.engines import deployment, refreshing, running, runs, store, urns
from stack.engines.events import OnEvent, Outcome, Planned, Said, Subject, ignore
from stack.engines.offline import OfflineProvider
from stack.engines.planning import Origins, nowhere
from stack.engines.providers import DynamicProvider, Provider, Providers, cannot_apply
from stack.engines.records import Record
from stack.engines.refreshing import Drift
from stack.engines.running import Program
from stack.engines.secrets import KeyFile, Vault
from stack.engines.steps import StepLog, subject_of
from stack.plan import Change, Plan, PropertyChange

_GRACE_S: Final = 3.0  # how long a provider that is told to give up has before it is left behind


class EmbeddedEngine:
    """Plans and applies programs of one stack.

    Args:
        project: the Pulumi project that resources are named under.
        stack: the stack.
        state_dir: the folder of the state; made by the first `up`.
        providers: who applies which types, by prefix of the type (`kubernetes:`); dynamic resources are always known,
            and everything else is planned and never applied.
        parallel: most operations at a time.
        passphrase: encrypts secrets in the state; without it that is done by a key in the folder of the state.
        config: Pulumi configuration of the program (`gcp:project`).
    """

    def __init__(
        self,
        project: str,
        stack: str,
        state_dir: Path,
        *,
        providers: Mapping[str, Provider] | None = None,
        parallel: int = 16,
        passphrase: str | None = None,
        config: Mapping[str, str] | None = None,
    ) -> None:
        self.project, self.stack, self.state_dir = project, stack, state_dir
        self._passphrase, self._keys = passphrase, dict[tuple[str, str], bytes | None]()
        known = {f"{urns.DYNAMIC_PACKAGE}:": DynamicProvider(project), **(providers or {})}
        by_prefix = Providers(tuple(known.items()), OfflineProvider())
        self._setting = runs.Setting(project, stack, by_prefix, config or {}, parallel)
        self._stop, self._give_up = threading.Event(), threading.Event()

    # ------------------------------------------------------------------------------------------ plan and apply

    def preview(self, program: Program, origins: Origins = nowhere, *, notes: tuple[str, ...] = ()) -> Plan:
        """What `up` would do. Reads the state and nothing else; creates no file, not even a folder.

        Raises:
            InferstackError: the program raised, or resources in it cannot be planned.
        """
        vault = self._vault()
        state = store.read(self.state_dir, vault)

        def planned() -> Plan:
            return runs.plan(self._setting, state, program, origins, notes, fingerprint=vault.fingerprint)

        return running.in_thread(planned, _leave_at_once)

    def preview_destroy(self) -> Plan:
        """What `destroy` would do. Reads the state and nothing else."""
        vault = self._vault()
        state = store.read(self.state_dir, vault)
        return runs.plan(self._setting, state, None, nowhere, (), fingerprint=vault.fingerprint)

    def up(
        self,
        program: Program,
        origins: Origins = nowhere,
        *,
        notes: tuple[str, ...] = (),
        on_event: OnEvent = ignore,
        expected: Plan | None = None,
    ) -> Outcome:
        """Bring the stack to what the program says. Does nothing, and writes nothing, when it is there already.

        Args:
            program: the Pulumi program.
            origins: where values come from, for the plan in the outcome.
            notes: lines of the program for the plan.
            on_event: is told what happens, one event at a time.
            expected: do exactly this plan or refuse.

        Raises:
            LockedError: somebody else is writing the state.
            PreflightError: the plan is not the expected one any more, or has resources that nothing here applies.
            PolicyError: a protected resource would be deleted or replaced.
            InferstackError: the program raised.
        """
        return self._applied(program, origins, notes, on_event, expected)

    def destroy(self, *, on_event: OnEvent = ignore, expected: Plan | None = None) -> Outcome:
        """Delete every resource of the state, and the state itself once it is empty. Raises as `up` does."""
        return self._applied(None, nowhere, (), on_event, expected)

    def refresh(self, *, dry_run: bool = False, on_event: OnEvent = ignore) -> Drift:
        """Compare the state with the world, and (unless `dry_run`) take what was found into the state.

        What is gone leaves the state, so that the next `up` makes it again.
        """
        log = StepLog(on_event)
        self._stop.clear()
        if dry_run:
            memory = runs.Memory(store.read(self.state_dir, self._vault()))
            return refreshing.refresh(self._setting, memory, log, write=False, stopping=self._stop.is_set)
        with store.writing(self.state_dir, self._vault()) as ledger:
            return refreshing.refresh(self._setting, ledger, log, write=True, stopping=self._stop.is_set)

    def forget_clusters(self, *, dry_run: bool = False) -> tuple[Subject, ...]:
        """Drop from the state what was on clusters that are gone for good; gives what that is.

        A cluster counts as gone when it does not answer, or when its kubeconfig means another one now.
        """
        if dry_run:
            return tuple(map(subject_of, refreshing.lost_in(self._setting, store.read(self.state_dir, self._vault()))))
        with store.writing(self.state_dir, self._vault()) as ledger:
            lost = refreshing.lost_in(self._setting, ledger.state)
            refreshing.forget(ledger, lost)
        return tuple(map(subject_of, lost))

    def stop(self) -> None:
        """Begin no more operations in the `up` or `destroy` under way; what is being done is done to its end."""
        self._stop.set()

    # ------------------------------------------------------------------------------------------ the state

    def resources(self) -> tuple[Record, ...]:
        """Every resource of the state, each after those it needs."""
        return store.read(self.state_dir, self._vault()).ordered()

    def outputs(self) -> dict[str, Any]:
        """What the program exported when it last ran, secrets opened."""
        return runs.outputs(self._setting, store.read(self.state_dir, self._vault()))

    def export(self, *, show_secrets: bool = False) -> dict[str, Any]:
        """The state as a Pulumi deployment of version 3, as `pulumi stack import` takes it.

        Secrets are encrypted under the passphrase, or under the text in the key file where there is none, unless they
        shall be shown. `pulumi stack import` panics on plain text that names no provider: one is named all the same.
        """
        vault = self._vault()
        state = store.read(self.state_dir, vault)
        if show_secrets:
            shown = Vault()
            if state.has_secrets:
                shown.adopt(vault.provider or Vault("", keys=self._keys).prepared())
            vault = shown
        return deployment.exported(state, vault, store.now())

    def import_(self, data: Any) -> int:
        """Put a deployment in the place of the state; gives the number of resources.

        Raises:
            UsageError: it does not hold together; every problem is named.
            LockedError: somebody else is writing the state.
        """
        incoming = self._vault()
        state = deployment.imported(data, incoming)
        foreign = [urn for urn in state.records if not urn.startswith(f"urn:pulumi:{self.stack}::{self.project}::")]
        if foreign:
            raise PreflightError(
                f"The state is of another stack: it holds {foreign[0]}.",
                why=f"This stack's resources begin with urn:pulumi:{self.stack}::{self.project}::",
                remedy="Import it into the stack that it was exported from.",
            )
        with store.writing(self.state_dir, incoming) as ledger:
            ledger.replace(state)
        return len(state.records) + len(state.condemned)

    # ------------------------------------------------------------------------------------------ inside

    def _vault(self) -> Vault:
        return Vault(self._passphrase, key_file=KeyFile(self.state_dir / store.KEY), keys=self._keys)

    def _applied(
        self,
        program: Program | None,
        origins: Origins,
        notes: tuple[str, ...],
        on_event: OnEvent,
        expected: Plan | None,
    ) -> Outcome:
        began = time.monotonic()
        self._stop.clear()
        self._give_up.clear()
        vault = self._vault()
        with store.writing(self.state_dir, vault) as ledger:
            state = ledger.state

            def planned() -> Plan:
                return runs.plan(
                    self._setting, state, program, origins, notes, fingerprint=vault.fingerprint, binding=True
                )

            plan = running.in_thread(planned, _leave_at_once)
            if expected is not None:
                refuse_another(expected, plan)
            _refuse_impossible(plan)
            log = StepLog(on_event, frozenset(change.urn for change in plan.changing))
            log.tell(Planned(len(plan.changing)))
            abandoned = plan.bookkeeping and not self._carry_out(program, ledger, log)
            outputs = runs.outputs(self._setting, ledger.state)
            if program is None and not (ledger.state.records or ledger.state.condemned or ledger.state.pending):
                ledger.remove()
        if log.listener_error is not None:
            raise log.listener_error
        missing = runs.not_reached(plan, log)
        given_up = any(isinstance(error, StoppedError) for _, error in log.failures)
        return Outcome(
            plan=plan,
            done=tuple(log.done),
            failed=tuple(log.failed),
            skipped=tuple(log.skipped),
            not_reached=missing,
            interrupted=self._stop.is_set() and (bool(missing) or given_up),
            abandoned=abandoned,
            seconds=time.monotonic() - began,
            outputs=outputs,
        )

    def _carry_out(self, program: Program | None, ledger: store.Ledger, log: StepLog) -> bool:
        """Do what was planned; whether it came to its end, or was left behind at the user's wish."""

        def stopping() -> bool:
            return self._stop.is_set() or log.listener_error is not None

        def interrupted(times: int) -> float | None:
            self._stop.set()
            if times == 1:
                log.tell(Said("warning", "Stopping: waiting for what is under way. Ctrl-C again gives it up."))
                return None
            self._give_up.set()
            return _GRACE_S

        def work() -> None:
            runs.apply(self._setting, ledger, program, log, stopping=stopping, giving_up=self._give_up.is_set)

        try:
            running.in_thread(work, interrupted)
        except StoppedError:
            # Work that nobody waits for goes on in its thread: the journal says it began, the next run finds it.
            ledger.abandon()
            return False
        return True


def refuse_another(expected: Plan, plan: Plan) -> None:
    """Nothing, if the plan is the expected one.

    Raises:
        PreflightError: it is another; the message says what has moved.
    """
    if plan.digest == expected.digest:
        return
    moved = []
    if (plan.project, plan.stack) != (expected.project, expected.stack):
        moved.append(f"it was made for the stack {expected.stack}, this is {plan.stack}")
    elif plan.lineage != expected.lineage:
        moved.append("the state is another one than it was made from")
    elif plan.serial != expected.serial:
        moved.append(f"the state has changed (serial {expected.serial} then, {plan.serial} now)")
    if plan.inputs_digest != expected.inputs_digest:
        moved.append("the spec, or a file that it names, has changed")
    before = {change.urn: change for change in expected.changes}
    after = {change.urn: change for change in plan.changes}
    for urn in sorted({*before, *after}):
        then, today = (found.op if (found := side.get(urn)) else "nothing" for side in (before, after))
        if then != today:
            moved.append(f"{urns.name_of(urn)}: {then} then, {today} now")
        elif urn in before and urn in after:
            moved += _moved_values(before[urn], after[urn])
    raise PreflightError(
        "The plan cannot be carried out as it was made.",
        why="Since then " + "; ".join(moved or ["values in it have changed"]) + ".",
        remedy="Make a new plan and look at it: `inferstack preview --out FILE`.",
    )


def _moved_values(before: Change, after: Change) -> list[str]:
    """Values of a resource that would change in another way than was planned."""
    then, today = ({found.path: found for found in change.properties} for change in (before, after))
    others = [
        path
        for path in sorted({*then, *today})
        if path not in then or path not in today or then[path].what(before.op) != today[path].what(after.op)
    ]
    return [f"{after.name}: {path}: {_moved(then.get(path), today.get(path))}" for path in others]


def _moved(then: PropertyChange | None, today: PropertyChange | None) -> str:
    if then and today and then.secret and today.secret:
        return "the secret there is another one now"
    return f"{_way(then)} then, {_way(today)} now"


def _way(found: PropertyChange | None) -> str:
    if found is None or found.secret:
        return "a change of a secret" if found else "no change"
    return f"{json.dumps(found.old)} -> {'(known after up)' if found.unknown else json.dumps(found.new)}"


def _refuse_impossible(plan: Plan) -> None:
    if plan.blocked:
        raise PolicyError(
            "Nothing was done, because the plan touches what is protected.",
            why="\n".join(f"{change.blocked}." for change in plan.blocked),
            remedy="Take `protect` off in the program and run `up` once with the resource still in it; then delete it.",
        )
    if plan.plans_only:
        verb = "delete" if plan.destroy else "apply"
        raise cannot_apply(verb, tuple(change.type for change in plan.plans_only))


def _leave_at_once(times: int) -> float | None:
    raise StoppedError("Stopped while planning: nothing was done.")
