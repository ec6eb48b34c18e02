"""What a program asks for: one registration, as a frozen value read from Pulumi's request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pulumi.runtime.proto import resource_pb2

from schemas.errors import PreflightError
from stack.engines import wire
from stack.engines.records import Record
from stack.engines.urns import Alias
from stack.engines.values import Value, Values

_DURATION_UNITS_S: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Goal:
    """A resource as the program wants it. `delete_before_replace` is None where the program leaves it open."""

    type: str
    name: str
    custom: bool
    parent: str = ""
    remote: bool = False
    inputs: Values = field(default_factory=dict)
    provider: str = ""
    version: str = ""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    protect: bool = False
    retain_on_delete: bool = False
    deleted_with: str = ""
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    replacement_trigger: Value = None
    delete_before_replace: bool | None = None
    additional_secret_outputs: tuple[str, ...] = ()
    aliases: tuple[Alias, ...] = ()
    custom_timeouts: Mapping[str, float] = field(default_factory=dict)
    import_id: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """URNs of everything that must be there first."""
        named = (*self.dependencies, self.parent, self.provider.rpartition("::")[0], self.deleted_with)
        return tuple(urn for urn in named if urn)

    def record(self, urn: str, provider: str) -> Record:
        """What is wanted, as a record without id and outputs; `provider` is the reference of the provider resource."""
        return Record(
            urn=urn,
            type=self.type,
            custom=self.custom,
            inputs=self.inputs,
            parent=self.parent,
            provider=provider,
            dependencies=self.dependencies,
            property_dependencies=self.property_dependencies,
            protect=self.protect,
            retain_on_delete=self.retain_on_delete,
            deleted_with=self.deleted_with,
            additional_secret_outputs=self.additional_secret_outputs,
            ignore_changes=self.ignore_changes,
            replace_on_changes=self.replace_on_changes,
            replacement_trigger=self.replacement_trigger,
            custom_timeouts=self.custom_timeouts,
        )


def check_possible(goal: Goal, old: Record | None) -> None:
    """Nothing, unless only Pulumi's own engine with its plugins can do this.

    Raises:
        PreflightError: a component of a plugin, or an import.
    """
    if goal.remote:
        raise PreflightError(
            f"{goal.name} ({goal.type}) is a component that only its provider's plugin can take apart.",
            why="The embedded engine runs without plugins.",
            remedy="Use plain resources, or the Pulumi engine.",
        )
    if goal.import_id and old is None:
        raise PreflightError(
            f"{goal.name} shall be imported (id {goal.import_id!r}), which the embedded engine does not do.",
            remedy="Import it with the Pulumi engine, or leave `import_` out to make it.",
        )


def from_request(request: resource_pb2.RegisterResourceRequest) -> Goal:
    """The goal of a RegisterResource call."""
    trigger = request.replacement_trigger if request.HasField("replacement_trigger") else None
    return Goal(
        type=request.type,
        name=request.name,
        custom=request.custom,
        parent=request.parent,
        remote=request.remote,
        inputs=wire.decode(request.object),
        provider=request.provider,
        version=request.version,
        dependencies=tuple(sorted(request.dependencies)),
        property_dependencies={
            key: tuple(sorted(request.propertyDependencies[key].urns)) for key in sorted(request.propertyDependencies)
        },
        protect=request.protect,
        retain_on_delete=request.retainOnDelete,
        deleted_with=request.deletedWith,
        ignore_changes=tuple(request.ignoreChanges),
        replace_on_changes=tuple(request.replaceOnChanges),
        replacement_trigger=wire.decode_value(trigger) if trigger is not None else None,
        delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
        additional_secret_outputs=tuple(request.additionalSecretOutputs),
        aliases=(
            *(Alias(urn=urn) for urn in request.aliasURNs),
            *(
                Alias(
                    alias.urn,
                    alias.spec.type,
                    alias.spec.name,
                    alias.spec.stack,
                    alias.spec.project,
                    alias.spec.parentUrn,
                    alias.spec.noParent,
                )
                for alias in request.aliases
            ),
        ),
        custom_timeouts=_timeouts_s(request.customTimeouts),
        import_id=request.importId,
    )


def _timeouts_s(timeouts: resource_pb2.RegisterResourceRequest.CustomTimeouts) -> dict[str, float]:
    given = {work: getattr(timeouts, work) for work in ("create", "update", "delete")}
    return {work: duration_s(text) for work, text in given.items() if text}


def duration_s(text: str) -> float:
    """Seconds of a duration as Go writes it (`1m30s`).

    Raises:
        ValueError: the text is no duration.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no duration (such as 1m30s)")
    return sum(float(number) * _DURATION_UNITS_S[unit] for number, unit in parts)
