"""Pulumi's own engine: plans and applies a program through the Automation API.

    engine = PulumiEngine("inferstack", "prod", command_in(environ), keeping(site.state, environ))
    plan = engine.preview(program, origins)
    outcome = engine.up(program, origins, on_event=show, expected=plan)

`up` and `destroy` preview once more before they begin and refuse what is not the expected plan. Pulumi takes its lock
only then: what another Pulumi does between the two is not seen.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from pulumi.automation import CommandError, Deployment, Stack
from pulumi.automation.events import EngineEvent

from schemas.errors import StoppedError
from stack.engines import deployment, running, store, urns
from stack.engines.embedded import refuse_another
from stack.engines.events import OnEvent, Outcome, Planned, Said, ignore
from stack.engines.planning import Origins, nowhere
from stack.engines.pulumi import failures, steps
from stack.engines.pulumi.command import Command
from stack.engines.pulumi.drift import drift_of
from stack.engines.pulumi.inline import InlineProgram
from stack.engines.pulumi.narration import Narration
from stack.engines.pulumi.silence import Silence
from stack.engines.pulumi.workspace import Keeping, Place
from stack.engines.records import Record
from stack.engines.refreshing import Drift
from stack.engines.running import Program
from stack.engines.secrets import Vault
from stack.engines.state import State
from stack.engines.values import plain
from stack.plan import Plan

T = TypeVar("T")
Hear = Callable[[EngineEvent], None]

_GRACE_S: Final = 15.0  # how long Pulumi has to end once it was told twice to stop
_OWN: Final = "This preview is Pulumi's own (version {}): its providers were asked, on the stack's own state."
_RESEALED: Final = "The secrets in the state, sealed with {} so far, are sealed with {} by `up`."


class PulumiEngine:
    """Plans and applies programs of one stack.

    Args:
        project: the Pulumi project that resources are named under.
        stack: the stack.
        command: Pulumi's command line.
        keeping: where the state is kept and who encrypts its secrets.
        parallel: most operations at a time.
        config: Pulumi configuration of the program (`gcp:project`).
        targets: URNs; nothing else is planned, made, deleted or looked at. Empty: everything.
        patience_s: longest that a plan may take without any news; Pulumi fetches a plugin that it lacks without a word.
    """

    def __init__(
        self,
        project: str,
        stack: str,
        command: Command,
        keeping: Keeping,
        *,
        parallel: int = 16,
        config: Mapping[str, str] | None = None,
        targets: Sequence[str] = (),
        patience_s: float = 300.0,
    ) -> None:
        self.project, self.stack = project, stack
        self._command = command
        self._place = Place(project, stack, command, keeping, config or {})
        self._options: dict[str, Any] = {"parallel": parallel, "target": list(targets) or None, "color": "never"}
        self._partial, self._patience_s = bool(targets), patience_s
        self._stopping = threading.Event()

    # ------------------------------------------------------------------------------------------ plan and apply

    def preview(self, program: Program, origins: Origins = nowhere, *, notes: tuple[str, ...] = ()) -> Plan:
        """What `up` would do, as Pulumi and its providers say. Reads only.

        Raises:
            InferstackError: the program raised, or Pulumi cannot plan it.
        """
        inline = InlineProgram(program)
        self._stopping.clear()
        with failures.explaining(), inline.served(), self._place.for_preview() as stack:
            return self._planned(stack, inline, origins, notes)

    def preview_destroy(self) -> Plan:
        """What `destroy` would do. Reads only."""
        self._stopping.clear()
        with failures.explaining(), self._place.looked_up() as stack:
            return self._nothing(destroy=True) if stack is None else self._planned_destroy(stack)

    def up(
        self,
        program: Program,
        origins: Origins = nowhere,
        *,
        notes: tuple[str, ...] = (),
        on_event: OnEvent = ignore,
        expected: Plan | None = None,
    ) -> Outcome:
        """Bring the stack to what the program says; siblings of what fails are done all the same.

        Raises:
            LockedError: another Pulumi is working on the stack.
            PreflightError: the plan is not the expected one any more; a plugin, credential or passphrase is missing.
            PolicyError: a protected resource would be deleted or replaced.
            InferstackError: the program raised.
        """
        began = time.monotonic()
        inline = InlineProgram(program)
        self._stopping.clear()
        with failures.explaining(), inline.served():
            stack = self._place.made()
            plan = self._planned(stack, inline, origins, notes)
            if expected is not None:
                refuse_another(expected, plan)
            self._place.reseal()

            def work(hear: Hear) -> dict[str, Any]:
                done = stack.up(program=inline, on_event=hear, continue_on_error=True, **self._options)
                return {key: output.value for key, output in done.outputs.items()}

            return self._carried_out(work, plan, on_event, began, inline)

    def destroy(self, *, on_event: OnEvent = ignore, expected: Plan | None = None) -> Outcome:
        """Delete every resource of the stack, and the stack itself once it is empty. Raises as `up` does."""
        began = time.monotonic()
        self._stopping.clear()
        with failures.explaining(), self._place.looked_up() as stack:
            plan = self._nothing(destroy=True) if stack is None else self._planned_destroy(stack)
            if expected is not None:
                refuse_another(expected, plan)
            if stack is None:
                return Outcome(plan)

            def work(hear: Hear) -> dict[str, Any]:
                stack.destroy(on_event=hear, continue_on_error=True, **self._options)
                return {}

            outcome = self._carried_out(work, plan, on_event, began)
            if outcome.complete and not self._partial:
                self._place.remove(stack)
            return outcome

    def refresh(self, *, dry_run: bool = False, on_event: OnEvent = ignore) -> Drift:
        """Compare the state with the world, and (unless `dry_run`) take what was found into the state."""
        began = time.monotonic()
        self._stopping.clear()
        with failures.explaining(), self._place.looked_up() as stack:
            if stack is None:
                return Drift()
            narration = Narration(on_event, self._nothing())
            events: list[EngineEvent] = []

            def hear(event: EngineEvent) -> None:
                events.append(event)
                narration.hear(event)

            look = stack.preview_refresh if dry_run else stack.refresh
            try:
                self._watching(lambda: look(on_event=hear, **self._options), narration)
            except CommandError as error:
                if not narration.failed:
                    raise failures.explained(error, narration.said) from error
            if narration.listener_error is not None:
                raise narration.listener_error
            return drift_of(events, tuple(narration.failed), time.monotonic() - began)

    def stop(self) -> None:
        """Begin no more operations in the work under way; Pulumi ends what is being done."""
        self._stopping.set()
        self._command.interrupt()

    # ------------------------------------------------------------------------------------------ the state

    def resources(self) -> tuple[Record, ...]:
        """Every resource of the state, each after those it needs."""
        return deployment.imported(self.export(show_secrets=True), Vault()).ordered()

    def outputs(self) -> dict[str, Any]:
        """What the program exported when it last ran, secrets opened."""
        found = [record for record in self.resources() if record.type == urns.STACK_TYPE]
        return {key: plain(value) for record in found for key, value in record.outputs.items()}

    def export(self, *, show_secrets: bool = False) -> dict[str, Any]:
        """The state as a deployment of version 3; secrets are encrypted as they are in the state, or shown."""
        with failures.explaining(), self._place.looked_up() as stack:
            if stack is None:
                return deployment.exported(State(), Vault(), store.now())
            shown = ["--show-secrets"] if show_secrets else []
            args = ["stack", "export", "--stack", self.stack, *shown]
            told = self._command.run(args, stack.workspace.work_dir, self._place.keeping.environ)
            exported: dict[str, Any] = json.loads(told.stdout)
            return exported

    def import_(self, data: Any) -> int:
        """Put a deployment in the place of the state; gives the number of resources.

        What is kept under a passphrase is sealed anew under this stack's, because Pulumi takes no plain text; what
        another keeper encrypted is passed on as it is.

        Raises:
            UsageError: it does not hold together; every problem is named.
            LockedError: another Pulumi is working on the stack.
        """
        keeping = self._place.keeping
        state = None if _kept_elsewhere(data) else deployment.imported(data, keeping.vault())
        with failures.explaining():
            stack = self._place.made()
            if state is not None:
                data = deployment.exported(state, keeping.vault(), store.now())
            stack.import_stack(Deployment(version=data["version"], deployment=data["deployment"]))
        return len(data["deployment"].get("resources") or [])

    # ------------------------------------------------------------------------------------------ inside

    def _planned(self, stack: Stack, program: InlineProgram, origins: Origins, notes: tuple[str, ...]) -> Plan:
        events = self._heard(lambda hear: stack.preview(program=program, on_event=hear, **self._options), program)
        told = (*notes, _OWN.format(self._command.version))
        if before := self._place.resealing:
            told = (*told, _RESEALED.format(before, self._place.keeping.secrets))
        plan = steps.plan_of(events, project=self.project, stack=self.stack, origins=origins, notes=told)
        return replace(plan, bookkeeping=True) if before else plan

    def _planned_destroy(self, stack: Stack) -> Plan:
        events = self._heard(lambda hear: stack.preview_destroy(on_event=hear, **self._options))
        return steps.plan_of(events, project=self.project, stack=self.stack, destroy=True)

    def _nothing(self, *, destroy: bool = False) -> Plan:
        return steps.plan_of((), project=self.project, stack=self.stack, destroy=destroy)

    def _heard(self, work: Callable[[Hear], object], program: InlineProgram | None = None) -> list[EngineEvent]:
        """The events of a preview.

        It changes nothing, so it ends at once when it is stopped, and when nothing was heard for too long: providers
        wait for minutes for a network that is not there.
        """
        events: list[EngineEvent] = []
        silence = Silence(self._command, self._patience_s, self._stopping)
        try:
            with silence.watched():
                self._watching(lambda: work(silence.passing(events.append)))
        except CommandError as error:
            if self._stopping.is_set():
                raise StoppedError("Stopped while planning: nothing was done.") from error
            if silence.lasted:
                raise failures.silent(self._patience_s) from error
            if program is not None and program.error is not None:
                raise running.program_error(program.error) from error
            narration = Narration(ignore, self._nothing())
            for event in events:
                narration.hear(event)
            raise failures.explained(error, narration.said) from error
        return events

    def _carried_out(
        self,
        work: Callable[[Hear], dict[str, Any]],
        plan: Plan,
        on_event: OnEvent,
        began: float,
        program: InlineProgram | None = None,
    ) -> Outcome:
        """Do what was planned; `work` gives the stack's outputs.

        What failed or was stopped is in the outcome; what kept it from beginning is raised.
        """
        narration = Narration(on_event, plan)
        narration.tell(Planned(len(plan.changing)))
        if self._stopping.is_set():
            raise StoppedError("Stopped while planning: nothing was done.")
        outputs: dict[str, Any] | None = None

        def hear(event: EngineEvent) -> None:
            narration.hear(event)
            if narration.listener_error is not None and not self._stopping.is_set():
                self.stop()

        try:
            outputs = self._watching(lambda: work(hear), narration)
        except CommandError as error:
            if narration.done:
                narration.close()
            if not self._stopping.is_set() and not narration.failed:
                if program is not None and program.error is not None:
                    raise running.program_error(program.error) from error
                raise failures.explained(error, narration.said) from error
        if narration.listener_error is not None:
            raise narration.listener_error
        stopped = outputs is None and self._stopping.is_set()
        skipped, missing = narration.missing(interrupted=stopped) if outputs is None else ((), ())
        return Outcome(
            plan=plan,
            done=tuple(narration.done),
            failed=tuple(narration.failed),
            skipped=skipped,
            not_reached=missing,
            interrupted=stopped,
            seconds=time.monotonic() - began,
            outputs=self.outputs() if outputs is None else outputs,
        )

    def _watching(self, work: Callable[[], T], narration: Narration | None = None) -> T:
        """Do the work in a thread; Ctrl-C is passed on to Pulumi, which stops in order, and at once the second time."""

        def interrupted(times: int) -> float | None:
            if narration is not None and times == 1:
                narration.tell(Said("warning", "Stopping: waiting for what is under way. Ctrl-C again gives it up."))
            self.stop()
            return None if times == 1 else _GRACE_S

        return running.in_thread(work, interrupted)


def _kept_elsewhere(data: Any) -> bool:
    """Whether a deployment has secrets that are encrypted by somebody whom only Pulumi can ask."""
    match data:
        case {"deployment": {"secrets_providers": {"type": str(kind)}}} if kind not in ("", "passphrase"):
            return '"ciphertext"' in json.dumps(data)
    return False
