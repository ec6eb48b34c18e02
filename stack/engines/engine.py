"""What an engine is: it plans a program of one stack, applies it, and knows the stack's state.

Two things satisfy it: the embedded engine (`embedded.py`) and Pulumi's own (`pulumi/`). `choice.py` chooses.
"""

from __future__ import annotations

from typing import Any, Protocol

from stack.engines.events import OnEvent, Outcome, ignore
from stack.engines.planning import Origins, nowhere
from stack.engines.records import Record
from stack.engines.refreshing import Drift
from stack.engines.running import Program
from stack.plan import Plan


class Engine(Protocol):
    """Plans and applies programs of one stack; every method raises an InferstackError that explains itself."""

    def preview(self, program: Program, origins: Origins = nowhere, *, notes: tuple[str, ...] = ()) -> Plan:
        """What `up` would do; changes nothing."""
        ...

    def preview_destroy(self) -> Plan:
        """What `destroy` would do; changes nothing."""
        ...

    def up(
        self,
        program: Program,
        origins: Origins = nowhere,
        *,
        notes: tuple[str, ...] = (),
        on_event: OnEvent = ignore,
        expected: Plan | None = None,
    ) -> Outcome:
        """Bring the stack to what the program says; exactly by the `expected` plan, or not at all."""
        ...

    def destroy(self, *, on_event: OnEvent = ignore, expected: Plan | None = None) -> Outcome:
        """Delete every resource of the stack, and its state once that is empty."""
        ...

    def refresh(self, *, dry_run: bool = False, on_event: OnEvent = ignore) -> Drift:
        """Compare the state with the world, and (unless `dry_run`) take what was found into the state."""
        ...

    def stop(self) -> None:
        """Begin no more operations in the work under way."""
        ...

    def resources(self) -> tuple[Record, ...]:
        """Every resource of the state, each after those it needs."""
        ...

    def outputs(self) -> dict[str, Any]:
        """What the program exported when it last ran, secrets opened."""
        ...

    def export(self, *, show_secrets: bool = False) -> dict[str, Any]:
        """The state as a Pulumi deployment of version 3."""
        ...

    def import_(self, data: Any) -> int:
        """Put a deployment in the place of the state; gives the number of resources."""
        ...
