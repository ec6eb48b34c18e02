"""What can make resources so: one small Protocol, and Pulumi's dynamic providers behind it.

A provider deals in plain JSON values; secrets, unknowns in plans and the state are the engine's business (where in a
tree a secret stands, `hide` says). In a plan a value that is not known yet is the text `values.UNKNOWN`.

What the engine relies on, because it may be killed at any moment:
- `create` is idempotent by name: called again with the same inputs it adopts or cleans away what the first call left;
- `delete` of something that is not there, or was never finished, is no error. After an interrupted create it is called
  with the inputs in place of the outputs, and as id the input `name`, or the resource's own name.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from schemas.errors import InferstackError, PreflightError
from stack.engines import urns
from stack.engines.about import About
from stack.engines.values import PROVIDER_KEY, Difference, Values, conceal, has_unknown, normal


@dataclass(frozen=True)
class CheckFailure:
    """An input that the provider refuses."""

    property: str
    reason: str


@dataclass(frozen=True)
class Checked:
    """The inputs as the provider normalised them, and what it refuses."""

    inputs: Values
    failures: tuple[CheckFailure, ...] = ()


@dataclass(frozen=True)
class ProviderDiff:
    """What a provider says of a change.

    `changes` is None when it leaves the answer to a comparison of the inputs; `replaces` are the properties that force
    a replacement; `stables` are outputs that an update cannot change. `gone` tells that there is nothing to change.

    What only some providers know: `differences`, where theirs are truer than a comparison of the inputs; `foretold`,
    the outputs as far as they are known before it is done; `notes` on the resource; a `caveat` on the whole plan.
    `ask` says that all this is a guess, and gives the truth, which takes a while.
    """

    changes: bool | None = None
    replaces: tuple[str, ...] = ()
    stables: tuple[str, ...] = ()
    delete_before_replace: bool | None = None
    gone: bool = False
    differences: tuple[Difference, ...] | None = None
    foretold: Values | None = None
    notes: tuple[str, ...] = ()
    caveat: str = ""
    ask: Callable[[], ProviderDiff] | None = None


@dataclass(frozen=True)
class Live:
    """A resource as it is: its id and outputs; `inputs` only where reading tells them too.

    `judged_by_inputs` tells that only a difference in the inputs is drift, because outputs change by themselves.
    """

    id: str
    outputs: Values
    inputs: Values | None = None
    judged_by_inputs: bool = False


class NotReady(InferstackError):
    """The resource is there and has to be kept in the state; but it did not become ready, for these reasons."""

    def __init__(self, message: str, live: Live, reasons: tuple[str, ...], *, remedy: str = "") -> None:
        super().__init__(message, why="\n".join(reasons), remedy=remedy)
        self.live, self.reasons = live, reasons


class Refused(PreflightError):
    """The operation was refused as a whole: nothing was made, changed or deleted."""


class Provider(Protocol):
    """The operations on resources of some types; raise any exception to fail.

    Those with a body here need not be known to every provider.
    """

    def check(self, about: About, old: Values, new: Values) -> Checked:
        """Look at the inputs before anything is done."""

    def diff(self, about: About, id_: str, old: Values, new: Values) -> ProviderDiff:
        """Compare the outputs as they are with the inputs as they shall be."""

    def create(self, about: About, new: Values) -> Live:
        """Make it."""

    def update(self, about: About, id_: str, old: Values, new: Values) -> Live:
        """Change it in place."""

    def delete(self, about: About, id_: str, old: Values) -> None:
        """Remove it."""

    def read(self, about: About, id_: str, old: Values) -> Live | None:
        """Look at it; None when it is gone."""

    def rehearse(self, about: About, new: Values) -> ProviderDiff:
        """Say before a create what it would give; raise what would be refused."""
        return ProviderDiff()

    def hide(self, values: Values, like: Values) -> Values:
        """Values of a resource, that made secret which is secret in `like`."""
        return conceal(values, like)

    def tell(self, outputs: Values) -> Values:
        """What of a resource's outputs the program is told; the state keeps them all."""
        return outputs

    def diff_settings(self, identity: str, old: Values, new: Values) -> ProviderDiff:
        """Compare what a provider resource is configured with; replacing it replaces all its resources."""
        return ProviderDiff()

    def identify(self, settings: Values) -> str:
        """What the settings of a provider resource stand for, '' when that cannot be told."""
        return ""


class DynamicProvider(Provider):
    """Runs providers of `pulumi.dynamic` in this process, as Pulumi's own provider host would in another."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._loaded: dict[str, Any] = {}
        self._lock = threading.Lock()

    def check(self, about: About, old: Values, new: Values) -> Checked:
        result = self._of(new, old).check(dict(old), dict(new))
        failures = tuple(CheckFailure(failure.property, failure.reason) for failure in result.failures or [])
        return Checked({**normal(result.inputs), PROVIDER_KEY: new[PROVIDER_KEY]}, failures)

    def diff(self, about: About, id_: str, old: Values, new: Values) -> ProviderDiff:
        try:
            result = self._of(new, old).diff(id_, dict(old), dict(new))
        except Exception:
            if has_unknown(new):
                return ProviderDiff()  # it cannot compare what is not known yet; the inputs decide
            raise
        return ProviderDiff(
            result.changes,
            tuple(result.replaces or ()),
            tuple(result.stables or ()),
            result.delete_before_replace,
        )

    def create(self, about: About, new: Values) -> Live:
        result = self._of(new).create(dict(new))
        return Live(str(result.id), {**normal(result.outs or {}), PROVIDER_KEY: new[PROVIDER_KEY]})

    def update(self, about: About, id_: str, old: Values, new: Values) -> Live:
        result = self._of(new).update(id_, dict(old), dict(new))
        return Live(id_, {**normal(result.outs or {}), PROVIDER_KEY: new[PROVIDER_KEY]})

    def delete(self, about: About, id_: str, old: Values) -> None:
        self._of(old).delete(id_, dict(old))

    def read(self, about: About, id_: str, old: Values) -> Live | None:
        result = self._of(old).read(id_, dict(old))
        if not result.id:
            return None
        key = {PROVIDER_KEY: old[PROVIDER_KEY]}
        inputs = {**normal(result.inputs), **key} if result.inputs is not None else None
        return Live(str(result.id), {**normal(result.outs or {}), **key}, inputs)

    def _of(self, *properties: Values) -> Any:
        """The provider that is pickled in the first of these properties that has one."""
        pickled = next((p[PROVIDER_KEY] for p in properties if p.get(PROVIDER_KEY)), None)
        if pickled is None:
            raise PreflightError(
                "The state of a dynamic resource does not say which provider it has.",
                why=f"Its `{PROVIDER_KEY}` is missing.",
                remedy="Import the state from an export with secrets (`pulumi stack export --show-secrets`).",
            )
        with self._lock:
            if pickled not in self._loaded:
                self._loaded[pickled] = _unpickled(pickled, self._project)
            return self._loaded[pickled]


def _unpickled(text: str, project: str) -> Any:
    """The provider from its pickle, configured; most are a reference to a class in a module."""
    import dill
    from pulumi.dynamic import Config, ConfigureRequest
    from pulumi.runtime._serialization import _deserialize

    try:
        provider = _deserialize(lambda: dill.loads(base64.b64decode(text)))
    except (ImportError, AttributeError) as error:
        raise PreflightError(
            f"The provider of a resource cannot be loaded: {error}.",
            why="The state names a Python class that this installation does not have.",
            remedy="Install the version of inferstack that wrote the state.",
        ) from error
    provider.configure(ConfigureRequest(Config({}, project)))
    return provider


def cannot_apply(verb: str, types: tuple[str, ...]) -> PreflightError:
    """Why resources of these types are planned only, and what would apply them."""
    packages = sorted({urns.package_of(type_) for type_ in types})
    return PreflightError(
        f"The embedded engine plans resources of {', '.join(packages)}; it does not {verb} them.",
        why="Only Pulumi's own engine applies these: " + ", ".join(sorted(set(types))),
        remedy="`inferstack doctor --install-pulumi` installs it; `inferstack preview` plans without it.",
    )


@dataclass(frozen=True)
class Providers:
    """Which provider a type belongs to: the first whose prefix fits, else one that only plans."""

    by_prefix: tuple[tuple[str, Provider], ...]
    offline: Provider

    def of(self, type_: str) -> Provider:
        """The provider of a type."""
        return next((provider for prefix, provider in self.by_prefix if type_.startswith(prefix)), self.offline)

    def of_settings(self, type_: str) -> Provider:
        """The provider that a provider resource (`pulumi:providers:kubernetes`) configures."""
        return self.of(f"{urns.package_of(type_)}:")

    def plans_only(self, type_: str) -> bool:
        """Whether nothing here can apply the type."""
        return self.of(type_) is self.offline
