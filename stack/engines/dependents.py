"""Which resources must go before another can be deleted to be made again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

from stack.engines.about import about
from stack.engines.providers import Providers
from stack.engines.records import Record
from stack.engines.state import State, in_order
from stack.engines.values import UNKNOWN, all_plain, difference, plain


class Dependents:
    """Finds what needs a resource, over an index that is made once: a plan may ask for every resource it has."""

    def __init__(self, state: Callable[[], State], providers: Providers) -> None:
        self._state, self._providers = state, providers
        self._lock = threading.Lock()
        self._index: dict[str, list[str]] | None = None

    def forget(self) -> None:
        """Make the index anew when it is next asked for: a resource goes by another name."""
        with self._lock:
            self._index = None

    def replaced_with(self, root: Record, registered: Collection[str]) -> tuple[Record, ...]:
        """Dependents, nearest first, that cannot outlive the deletion of `root`: found by asking their providers what
        they would do if what they take from it were unknown, as Pulumi's engine does.

        Those in `registered` need it no longer: a resource is registered after all it needs.
        """
        doomed = {root.urn}
        found: list[Record] = []
        for record in in_order(self._all_of(root)):
            if not record.custom or record.external or record.pending_replacement or record.urn in registered:
                continue
            if record.provider_urn in doomed or self._would_replace(record, doomed):
                doomed.add(record.urn)
                found.append(record)
        return tuple(found)

    def _all_of(self, root: Record) -> tuple[Record, ...]:
        """All that needs `root`, directly or not."""
        records = self._state().records
        index = self._indexed(tuple(records.values()))
        found: dict[str, None] = {}
        ahead = [root.urn]
        while ahead:
            new = [urn for urn in index.get(ahead.pop(), ()) if urn not in found]
            found.update(dict.fromkeys(new))
            ahead += new
        return tuple(records[urn] for urn in found if urn in records)

    def _indexed(self, records: tuple[Record, ...]) -> dict[str, list[str]]:
        with self._lock:
            if self._index is None:
                self._index = {}
                for record in records:
                    for urn in record.needs():
                        self._index.setdefault(urn, []).append(record.urn)
            return self._index

    def _would_replace(self, record: Record, doomed: set[str]) -> bool:
        moved = {key for key, needed in record.property_dependencies.items() if doomed & set(needed)}
        if not moved or record.is_provider:
            # Where a provider resource leads is not known when it takes that from what goes, so all behind it is made
            # again: Pulumi's provider of Kubernetes decides so too, about a kubeconfig that is not known yet.
            return bool(moved)
        old = all_plain(record.inputs)
        new = {key: UNKNOWN if key in moved else plain(value) for key, value in old.items()}
        asked = about(record, self._state())
        answer = self._providers.of(record.type).diff(asked, record.id, all_plain(record.outputs), new)
        changed = {found.path for found in difference(old, new)}
        return bool(answer.replaces) or any(key in changed for key in record.replace_on_changes)
