"""The provider of packages that only a cloud or a cluster can apply: it plans them by rules, and never asks anybody."""

from __future__ import annotations

from components.cluster import gke_changes
from components.cluster.gke_defaults import with_defaults
from schemas.errors import InferstackError
from stack.engines.about import About
from stack.engines.providers import Checked, Live, Provider, ProviderDiff, cannot_apply
from stack.engines.values import Values

_KUBERNETES = "kubernetes:"


class OfflineProvider(Provider):
    """Plans resources of packages that nothing here can apply, and says so when asked to apply them.

    What a change does to a resource of GKE is known from a table (`components.cluster.gke_changes`): what the cloud
    keeps although the program left it out, and what replaces. An object of Kubernetes is compared as by its provider
    that cannot ask the cluster.
    """

    def check(self, about: About, old: Values, new: Values) -> Checked:
        if not old or not gke_changes.knows(about.type):
            return Checked(new)
        return Checked(gke_changes.decide(about.type, old, with_defaults(old, new)).inputs)

    def diff(self, about: About, id_: str, old: Values, new: Values) -> ProviderDiff:
        if about.type.startswith(_KUBERNETES) and "kind" in new:
            from stack.engines.kubernetes.difference import compare

            return compare(about, old, new, None)
        if not gke_changes.knows(about.type):
            return ProviderDiff()
        decision = gke_changes.decide(about.type, old, new)
        updates = bool(decision.changed) and not decision.replaces
        return ProviderDiff(
            changes=None if decision.changed else False,
            replaces=decision.replaces,
            delete_before_replace=decision.delete_before_replace if decision.replaces else None,
            # What the cloud told when it was made stays true: addresses, certificates, links.
            foretold={**old, **new} if updates else None,
        )

    def create(self, about: About, new: Values) -> Live:
        raise self._cannot("create", about.type)

    def update(self, about: About, id_: str, old: Values, new: Values) -> Live:
        raise self._cannot("update", about.type)

    def delete(self, about: About, id_: str, old: Values) -> None:
        raise self._cannot("delete", about.type)

    def read(self, about: About, id_: str, old: Values) -> Live | None:
        raise self._cannot("read", about.type)

    def _cannot(self, verb: str, type_: str) -> InferstackError:
        return cannot_apply(verb, (type_,))
