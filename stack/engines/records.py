"""One resource as the state knows it, and its JSON form in a Pulumi deployment of version 3.

A record is frozen; a change makes a new one. What a deployment says of a resource beyond the fields here (a newer
Pulumi's) is kept in `extra` and written back as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from stack.engines import urns
from stack.engines.values import Value, Values

Translate = Callable[[Value], Value]


@dataclass(frozen=True)
class Record:
    """A resource of the state.

    `delete` marks what a replacement left behind and somebody still has to delete; `pending_replacement` what was
    deleted to be made again: it is not there, and those that depend on it still say so. `provider` is `URN::ID` of the
    provider resource; `identity` is what a provider resource stands for (a cluster's uid). `init_errors` say why what
    is there was not ready when it was last touched. `created` and `modified` are RFC 3339 times.
    """

    urn: str
    type: str
    custom: bool = True
    id: str = ""
    inputs: Values = field(default_factory=dict)
    outputs: Values = field(default_factory=dict)
    parent: str = ""
    provider: str = ""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    protect: bool = False
    retain_on_delete: bool = False
    deleted_with: str = ""
    external: bool = False
    delete: bool = False
    pending_replacement: bool = False
    additional_secret_outputs: tuple[str, ...] = ()
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    replacement_trigger: Value = None
    custom_timeouts: Mapping[str, float] = field(default_factory=dict)
    created: str = ""
    modified: str = ""
    init_errors: tuple[str, ...] = ()
    identity: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The resource's own name."""
        return urns.name_of(self.urn)

    @property
    def is_provider(self) -> bool:
        """Whether this is a provider resource, which nothing outside knows of."""
        return self.type.startswith(urns.PROVIDER_PREFIX)

    @property
    def provider_urn(self) -> str:
        """URN of the provider resource that this resource belongs to."""
        return self.provider.rpartition("::")[0]

    def needs(self) -> frozenset[str]:
        """URNs of everything that must be there before this resource."""
        found = {self.parent, self.provider_urn, self.deleted_with, *self.dependencies}
        found.update(urn for of_property in self.property_dependencies.values() for urn in of_property)
        return frozenset(found - {""})

    def stamped(self, old: Record | None, now: Callable[[], str]) -> Record:
        """The record with its times; equal to `old` when nothing else is new."""
        if old is None:
            return replace(self, created=(time := now()), modified=time)
        kept = replace(self, created=old.created, modified=old.modified)
        return kept if kept == old else replace(kept, modified=now())


def _anything(_value: Any) -> bool:
    return True


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _table(value: Any) -> bool:
    return isinstance(value, dict)


def _table_of_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_texts, value.values()))


# Attribute, key in the deployment, and what may stand there.
_FIELDS: Final[tuple[tuple[str, str, Callable[[Any], bool]], ...]] = (
    ("urn", "urn", _text),
    ("custom", "custom", _flag),
    ("delete", "delete", _flag),
    ("id", "id", _text),
    ("type", "type", _text),
    ("inputs", "inputs", _table),
    ("outputs", "outputs", _table),
    ("parent", "parent", _text),
    ("protect", "protect", _flag),
    ("external", "external", _flag),
    ("dependencies", "dependencies", _texts),
    ("provider", "provider", _text),
    ("property_dependencies", "propertyDependencies", _table_of_texts),
    ("additional_secret_outputs", "additionalSecretOutputs", _texts),
    ("custom_timeouts", "customTimeouts", _table),
    ("retain_on_delete", "retainOnDelete", _flag),
    ("deleted_with", "deletedWith", _text),
    ("pending_replacement", "pendingReplacement", _flag),
    ("created", "created", _text),
    ("modified", "modified", _text),
    ("ignore_changes", "ignoreChanges", _texts),
    ("replace_on_changes", "replaceOnChanges", _texts),
    ("replacement_trigger", "replacementTrigger", _anything),
    ("init_errors", "initErrors", _texts),
    ("identity", "inferstackIdentity", _text),
)
_ALWAYS: Final = frozenset({"urn", "custom", "type"})
_VALUES: Final = frozenset({"inputs", "outputs", "replacement_trigger"})
_KNOWN: Final = frozenset(key for _, key, _ in _FIELDS)


def to_json(record: Record, seal: Translate) -> dict[str, Any]:
    """The resource of a deployment; `seal` turns secrets into what may be stored."""
    result: dict[str, Any] = {}
    for name, key, _ in _FIELDS:
        value = getattr(record, name)
        if name in _ALWAYS or value not in (None, "", (), {}, False):
            result[key] = seal(value) if name in _VALUES else _listed(value)
    return {**result, **record.extra}


def from_json(data: Mapping[str, Any], open_: Translate) -> Record:
    """The record of a deployment's resource; `open_` turns stored secrets into `Secret`."""
    known: dict[str, Any] = {}
    for name, key, _ in _FIELDS:
        if data.get(key) is not None:
            known[name] = open_(data[key]) if name in _VALUES else _tupled(data[key])
    return Record(**known, extra={key: value for key, value in data.items() if key not in _KNOWN})


def misfits(data: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys of a deployment's resource under which something stands that cannot stand there."""
    return tuple(key for _, key, fits in _FIELDS if data.get(key) is not None and not fits(data[key]))


def _listed(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return {key: _listed(item) for key, item in value.items()} if isinstance(value, Mapping) else value


def _tupled(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return {key: _tupled(item) for key, item in value.items()} if isinstance(value, dict) else value
