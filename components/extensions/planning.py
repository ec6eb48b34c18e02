"""From a spec's extensions to what is installed: in which order, with which values, and what a plan says of it. Pure.

What an extension needs is added where it does nothing by itself (certificates, kinds); what would change how the whole
cluster works is asked for by a rule instead. What GKE has built in, or somebody else has installed already, is left
alone and said.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from components.extensions import documents
from components.extensions.catalogue import CATALOGUE
from components.extensions.entry import PERMISSIVE, Around, Chart, Credentials, Entry
from components.extensions.release import Release
from components.kubernetes.objects import Manifest
from schemas.rules.extensions import of_catalogue
from schemas.spec import Cluster, Extension, GkeCluster

TIMEOUT_S: Final = 600
# Namespaces that every cluster has, or that belong to somebody else whenever they are there.
ALWAYS_THERE: Final = ("default", "kube-system", "kube-public", "kube-node-lease", "operators")


@dataclass(frozen=True)
class Planned:
    """One extension that is installed.

    Attributes:
        at: path of the extension in the spec; empty for one that was added.
        namespaces: namespaces that it is in, as far as they have to be made.
        releases: in the order of their installation.
        sources: files, folders and URLs with more objects (`with_documents` reads them).
        objects: made once the releases are there, as they stand, or with our labels when they are `ours`.
        after: extensions among the planned that come first.
        outputs: what the stack says of it.
    """

    name: str
    at: str
    version: str = ""
    namespaces: tuple[str, ...] = ()
    releases: tuple[Release, ...] = ()
    credentials: tuple[Credentials, ...] = ()
    sources: tuple[str, ...] = ()
    objects: tuple[Manifest, ...] = ()
    ours: bool = True
    after: tuple[str, ...] = ()
    outputs: tuple[tuple[str, str], ...] = ()

    @property
    def namespace(self) -> str:
        """Where its credentials are: its own namespace."""
        return self.releases[0].namespace if self.releases else ""


@dataclass(frozen=True)
class ExtensionSet:
    """All extensions of a stack: what is installed, in order, and what a plan says of them.

    `present` are the names of all that will be on the cluster: installed, built in, or somebody else's; `elsewhere` are
    the namespaces of the latter, as far as they are known.
    """

    planned: tuple[Planned, ...] = ()
    notes: tuple[str, ...] = ()
    present: frozenset[str] = frozenset()
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    @property
    def outputs(self) -> dict[str, dict[str, str]]:
        """What the stack's outputs say of each: addresses, and commands that ask for a password."""
        return {one.name: dict(one.outputs) for one in self.planned if one.outputs}

    @property
    def places(self) -> dict[tuple[str, str], str]:
        """Where in the spec each release comes from: `("Release", "istiod")` -> `extensions.istio`."""
        return {("Release", r.name): one.at for one in self.planned for r in one.releases if one.at}


def plan_extensions(
    extensions: Sequence[Extension],
    cluster: Cluster,
    *,
    installed: Mapping[str, str] | None = None,
    namespaces: Collection[str] = (),
) -> ExtensionSet:
    """What of a spec's extensions is installed on a cluster.

    Args:
        extensions: those of the spec; its rules hold.
        installed: extensions that others have installed, and their namespaces as far as they are known
            (`installed_by_others`).
        namespaces: namespaces that others have made.
    """
    there = installed or {}
    asked = {extension.name: extension for extension in extensions}
    order = _in_order(extensions)
    planned: list[Planned] = []
    notes: list[str] = []
    for name in order:
        extension = asked.get(name) or Extension(name=name)
        entry = CATALOGUE.get(name) if of_catalogue(extension) else None
        if left := _left_alone(extension, entry, cluster, there):
            notes.append(left)
            continue
        if name not in asked:
            notes.append(f"{name} is added: {' and '.join(_needing(name, order))} {_verb(name, order)} it")
        if entry is None:
            one = _own(extension, tuple(other.name for other in planned))
        else:
            one = _from_catalogue(
                extension, entry, tuple(other.name for other in planned), present=frozenset(order),
                gke=isinstance(cluster, GkeCluster),
            )  # fmt: skip
            notes += _said_of(entry, one.version, cluster)
        planned.append(one)
    taken = {*ALWAYS_THERE, *namespaces}
    return ExtensionSet(
        tuple(_without(one, taken) for one in planned), tuple(notes), frozenset({*order, *there}), dict(there)
    )


def with_documents(
    extensions: ExtensionSet,
    store: Path,
    *,
    installed: Mapping[str, Sequence[Manifest]] | None = None,
    download: bool = True,
) -> ExtensionSet:
    """The same, with the objects that stand in files; those of the web are fetched into the store.

    Args:
        installed: the objects that the stack has of each extension; without `download` they stand for a file that is
            not in the store, and a note says so.
        download: whether the web may be asked.

    Raises:
        UsageError, PreflightError: a file is not there, or holds no objects.
    """
    planned, notes = [], list(extensions.notes)
    for one in extensions.planned:
        found: list[Manifest] = []
        for source in one.sources:
            objects = documents.read(source, store) if download else documents.stored(source, store)
            if objects is None:
                objects, note = _unread(one, source, (installed or {}).get(one.name, ()))
                notes.append(note)
            found += objects
        planned.append(replace(one, objects=(*found, *one.objects)))
    return replace(extensions, planned=tuple(planned), notes=tuple(notes))


def _unread(one: Planned, source: str, installed: Sequence[Manifest]) -> tuple[tuple[Manifest, ...], str]:
    """What stands for a file of the web that nobody has read yet, and what a plan says of it."""
    ours = {_known_by(manifest) for manifest in one.objects}
    ours |= {("Secret", one.namespace, credentials.secret) for credentials in one.credentials}
    objects = tuple(manifest for manifest in installed if _known_by(manifest) not in ours)
    until = "taken to be what is installed until then" if objects else "not in this plan"
    return objects, f"{one.name}: what {source} holds is fetched at `up`, and {until}"


def _known_by(manifest: Manifest) -> tuple[str, str, str]:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace", ""), metadata["name"]


def installed_by_others(deployments: Collection[str], kinds: Collection[str], ours: Collection[str]) -> dict[str, str]:
    """Extensions of the catalogue that are on a cluster and not of this stack, and the namespaces they are in.

    A controller shows an extension, not its kinds: those stay behind when it goes.

    Args:
        deployments: all Deployments of the cluster, as `namespace/name`.
        kinds: names of all its CustomResourceDefinitions.
        ours: names of the extensions in this stack's state.
    """
    found: dict[str, str] = {}
    for name, entry in CATALOGUE.items():
        shown = [one for one in sorted(deployments) if {one, one.partition("/")[2]} & {*entry.deployments}]
        if name not in ours and (shown or not set(kinds).isdisjoint(entry.crds)):
            found[name] = shown[0].partition("/")[0] if shown else ""
    return found


def _in_order(extensions: Sequence[Extension]) -> tuple[str, ...]:
    """The names of all extensions, added ones too, each after those that it needs or follows."""
    stated = {extension.name: of_catalogue(extension) for extension in extensions}
    order: dict[str, None] = {}

    def visit(name: str) -> None:
        entry = CATALOGUE.get(name) if stated.get(name, True) else None
        if name in order:
            return
        if entry is not None:
            for first in (*entry.needs, *(other for other in entry.after if other in stated)):
                visit(first)
        order[name] = None

    for extension in extensions:
        visit(extension.name)
    return tuple(order)


def _needing(name: str, order: Sequence[str]) -> list[str]:
    return [other for other in order if other in CATALOGUE and name in CATALOGUE[other].needs]


def _verb(name: str, order: Sequence[str]) -> str:
    return "needs" if len(_needing(name, order)) == 1 else "need"


def _left_alone(extension: Extension, entry: Entry | None, cluster: Cluster, there: Mapping[str, str]) -> str:
    """Why an extension is not installed; empty when it is."""
    name = extension.name
    if entry is not None and entry.built_in is not None and isinstance(cluster, GkeCluster):
        switch = entry.built_in.switch
        if not switch or getattr(cluster, switch):
            return f"{name} is not installed: GKE has {entry.built_in.what}"
    if name not in there:
        return ""
    where = f" (namespace {there[name]})" if there[name] else ""
    idle = extension.version is not None or extension.values is not None
    said = f"{name} is on the cluster already{where}, from somebody else, and is left alone"
    return f"{said}; what the spec says of it does nothing" if idle else said


def _said_of(entry: Entry, version: str, cluster: Cluster) -> list[str]:
    """What a plan says of an extension that is installed: its licence, and what to know of it."""
    licence = entry.licence(version)
    notes = [] if licence.name in PERMISSIVE else [f"{entry.name} {version} is under {licence.name}: {licence.says}"]
    if entry.on_gke and isinstance(cluster, GkeCluster):
        notes.append(f"{entry.name}: {entry.on_gke}")
    return [*notes, *(f"{entry.name}: {warning}" for warning in entry.warnings)]


def _from_catalogue(
    extension: Extension, entry: Entry, before: tuple[str, ...], *, present: frozenset[str], gke: bool
) -> Planned:
    version = (extension.version or entry.version).removeprefix("v")
    namespace = extension.namespace or entry.namespace
    around = Around(namespace, version, present, gke)
    return Planned(
        name=entry.name,
        at=extension.at,
        version=version,
        namespaces=tuple(name for name in (namespace, *entry.namespaces) if name),
        releases=tuple(_release(chart, entry, extension, around) for chart in entry.charts),
        credentials=entry.credentials,
        sources=tuple(source.format(version=version) for source in entry.manifests),
        objects=entry.objects(around) if entry.objects else (),
        after=tuple(name for name in before if name in (*entry.needs, *entry.after)),
        outputs=tuple((key, text.format(namespace=namespace)) for key, text in entry.outputs.items()),
    )


def _release(chart: Chart, entry: Entry, extension: Extension, around: Around) -> Release:
    ours = chart.values(around) if callable(chart.values) else chart.values
    return Release(
        name=chart.release,
        chart=chart.chart,
        namespace=around.namespace,
        version=f"{chart.prefix}{chart.version or around.version}",
        repo=chart.repo,
        values=merged(ours, _stated(chart, entry, extension.values or {})),
        timeout_s=round(extension.timeout_s or TIMEOUT_S),
        wait=chart.wait,
    )


def _stated(chart: Chart, entry: Entry, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The user's values for a chart: all but those under another chart's release, or only those."""
    others = {other.release for other in entry.charts if not other.main}
    if not chart.main:
        found = values.get(chart.release)
        return found if isinstance(found, Mapping) else {}
    return {key: value for key, value in values.items() if key not in others}


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Values with others laid over them: maps are merged, all else is replaced, as Helm does it."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result


def _own(extension: Extension, before: tuple[str, ...]) -> Planned:
    """An extension that the catalogue does not know: a chart or manifests, after all that stands before it."""
    name, at = extension.name, extension.at
    if extension.manifests is not None:
        return Planned(name=name, at=at, sources=(extension.manifests,), ours=False, after=before)
    namespace = extension.namespace or name
    release = Release(
        name=name,
        chart=extension.chart or "",
        namespace=namespace,
        version=extension.version or "",
        repo=extension.repo or "",
        values=extension.values or {},
        timeout_s=round(extension.timeout_s or TIMEOUT_S),
    )
    version = release.version
    return Planned(name=name, at=at, version=version, namespaces=(namespace,), releases=(release,), after=before)


def _without(one: Planned, taken: Collection[str]) -> Planned:
    """The extension, making no namespace that is there already."""
    return replace(one, namespaces=tuple(name for name in one.namespaces if name not in taken))
