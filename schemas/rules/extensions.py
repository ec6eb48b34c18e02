"""What is installed on a cluster: names, versions, and what goes together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from schemas.known_extensions import KNOWN, Known, numbers
from schemas.rules.registry import Violation, rule
from schemas.spec import Extension, GkeCluster, LocalCluster, Spec
from schemas.suggest import did_you_mean, listed, nearest
from schemas.tree import Tree

# What serves a group of these platforms.
SERVED_BY: Final = {"kserve": "kserve", "seldon": "seldon-core"}


def of_catalogue(extension: Extension) -> bool:
    """Whether the catalogue says how it is installed: the spec names neither chart nor manifests."""
    return extension.chart is None and extension.manifests is None


@rule("EXT001")
def extensions_are_installed_on_clusters(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Extensions are installed on clusters.

    Why: They are charts and objects of Kubernetes, and this machine has no cluster: its platforms are installed by
        themselves, when a serving group asks for them.
    Example:
        cluster: {provider: local}
        extensions: [cert-manager]
    Remedy: Delete `extensions`, or name a cluster: `cluster: {provider: kubernetes}`.
    """
    if isinstance(spec.cluster, LocalCluster) and spec.extensions:
        names = listed(extension.name for extension in spec.extensions)
        yield Violation("extensions", f"{names} would be installed on this machine", key=True)


@rule("EXT002")
def extensions_are_known(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """An extension without `chart` or `manifests` is one of the catalogue.

    Why: The catalogue knows charts, versions and values of some extensions; of others the spec must say what to
        install.
    Example:
        cluster: {provider: kubernetes}
        extensions: [cert-manger]
    Remedy: `inferstack extensions` lists the catalogue; for anything else add `chart`, `repo` and `version`.
    """
    for extension in spec.extensions:
        if of_catalogue(extension) and extension.name not in KNOWN:
            near = nearest(extension.name, KNOWN)
            hint = did_you_mean(extension.name, KNOWN)
            message = f"the catalogue has no extension `{extension.name}`{hint}"
            yield Violation(extension.at, message, remedy=f"Write {near}." if near else "")


@rule("EXT003")
def an_extension_is_a_chart_or_manifests(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """An extension is of the catalogue, or a chart, or manifests; what stands beside these belongs to them.

    Why: A chart has a version, values and a repository; manifests are taken as they are. A key that does nothing would
        be a mistake that nobody notices.
    Example:
        cluster: {provider: kubernetes}
        extensions: [{name: mine, manifests: objects/, values: {replicas: 2}}]
    Remedy: Delete the key that does not belong there.
    """
    for extension in spec.extensions:
        for key, why in _misplaced(extension):
            yield Violation(f"{extension.at}.{key}", f"`{key}` {why}", key=True)


def _misplaced(extension: Extension) -> Iterator[tuple[str, str]]:
    stated = {"values": extension.values, "version": extension.version, "timeout": extension.timeout_s,
              "namespace": extension.namespace}  # fmt: skip
    known = KNOWN.get(extension.name)
    if extension.manifests is not None:
        idle, why = ("chart", *stated), "beside `manifests`, which are taken as they are"
    elif extension.chart is None and known is not None:
        idle, why = tuple(stated.keys() - {*known.takes}), f"does nothing for {extension.name}, which is no chart"
    else:
        idle, why = (), ""
    for key, value in {"chart": extension.chart, **stated}.items():
        if key in idle and value is not None:
            yield key, why
    if extension.repo is None:
        return
    if extension.chart is None:
        yield "repo", "without `chart`"
    elif _is_whole(extension.chart):
        yield "repo", f"beside {extension.chart}, which says where the chart is"


@rule("EXT004")
def charts_are_found(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A chart's name stands beside its repository; an oci:// address or an absolute path stands alone.

    Why: A name such as `redis` says nothing without the repository that has it, and Helm takes a relative path from
        wherever the command runs.
    Example:
        cluster: {provider: kubernetes}
        extensions: [{name: redis, chart: redis, version: 20.1.0}]
    Remedy: Add `repo: https://...`, or write `chart: oci://...`.
    """
    for extension in spec.extensions:
        chart = extension.chart
        if chart is None or _is_whole(chart):
            continue
        if "/" in chart:
            message = f"`{chart}` is neither a name nor an address nor an absolute path"
            yield Violation(f"{extension.at}.chart", message, remedy="Write the whole path, or a name beside `repo`.")
        elif extension.repo is None:
            yield Violation(f"{extension.at}.chart", f"where is the chart `{chart}`?")


def _is_whole(chart: str) -> bool:
    return chart.startswith(("oci://", "https://", "/"))


@rule("EXT005")
def versions_of_charts_are_whole(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """An extension's version has three numbers, and a chart of your own has one.

    Why: Without it, or with a range, the same spec would install something else tomorrow: Helm takes the latest.
    Example:
        cluster: {provider: kubernetes}
        extensions: [{name: mlflow, version: latest}]
    Remedy: Write the chart's version, for example `version: 1.11.5`.
    """
    for extension in spec.extensions:
        version, chart = extension.version, extension.chart
        if version is not None and numbers(version) is None:
            yield Violation(f"{extension.at}.version", f"`{version}` is no version of a chart")
        elif version is None and chart is not None and not chart.startswith("/"):
            yield Violation(extension.at, f"which version of the chart `{chart}`?")


@rule("EXT006")
def versions_can_be_installed(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """An extension of the catalogue has a version that the catalogue can install.

    Why: Charts change their names and values from one version to the next; the catalogue knows those of today.
    Example:
        cluster: {provider: kubernetes}
        extensions: [{name: kserve, version: 0.16.0}]
    Remedy: Delete `version`: the catalogue names one that works.
    """
    for extension in spec.extensions:
        known = KNOWN.get(extension.name)
        if known is None or extension.version is None or not of_catalogue(extension):
            continue
        if _is_outside(numbers(extension.version), known):
            message = f"{extension.name} {extension.version} is not installed by the catalogue"
            yield Violation(f"{extension.at}.version", message, remedy=known.instead, why=known.why)


def _is_outside(version: tuple[int, ...] | None, known: Known) -> bool:
    if version is None:
        return False
    oldest, below = numbers(known.oldest), numbers(known.below)
    return (oldest is not None and version < oldest) or (below is not None and version >= below)


@rule("EXT007")
def extensions_do_not_exclude_each_other(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """No two extensions do the same for the whole cluster.

    Why: Two service meshes both rewrite the pods' traffic, and two installations of one operator both answer for the
        same objects.
    Example:
        cluster: {provider: kubernetes}
        extensions:
          - istio
          - {name: mesh, chart: linkerd-control-plane, repo: "https://helm.linkerd.io/edge", version: 2026.1.1}
    Remedy: Delete one of them.
    """
    chosen = {extension.name for extension in spec.extensions if of_catalogue(extension) and extension.name in KNOWN}
    for extension in spec.extensions:
        called = {extension.name, (extension.chart or "").rstrip("/").rpartition("/")[2]}
        for name in sorted(chosen - {extension.name}):
            if called & {name, *KNOWN[name].excludes}:
                yield Violation(extension.at, f"`{extension.name}` beside `{name}`")


@rule("EXT008")
def knative_mode_has_knative(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """KServe in Knative mode stands beside knative and istio.

    Why: It then makes Services of Knative instead of Deployments, and routes to them through Istio. Both change how the
        whole cluster routes, so they are not added by themselves.
    Example:
        cluster: {provider: kubernetes}
        extensions: [{name: kserve, values: {kserve: {controller: {deploymentMode: Knative}}}}]
    Remedy: Add `knative` and `istio` to `extensions`, or leave `deploymentMode: Standard`, which pinned instances need.
    """
    names = {extension.name for extension in spec.extensions}
    for extension in spec.extensions:
        path = ("kserve", "controller", "deploymentMode")
        missing = [name for name in ("knative", "istio") if name not in names]
        if extension.name == "kserve" and of_catalogue(extension) and missing:
            mode = _at(extension.values, path)
            if mode in ("Knative", "Serverless"):
                yield Violation(
                    f"{extension.at}.values", f"`deploymentMode: {mode}` without {listed(missing)}", key=True
                )


def _at(values: Any, path: tuple[str, ...]) -> Any:
    """What stands in nested maps under `path`; None where there is nothing."""
    for key in path:
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


@rule("EXT009")
def platforms_on_gke_are_installed(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """On a GKE cluster that the stack makes, KServe and Seldon Core are among the extensions.

    Why: The cluster is new: nobody else has installed what the serving groups are made for.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-8}]
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: seldon, nodePool: serving}]
    Remedy: Add the platform's extension: `extensions: [kserve]` or `extensions: [seldon-core]`.
    """
    names = {extension.name for extension in spec.extensions}
    for group in spec.serving if isinstance(spec.cluster, GkeCluster) else ():
        needed = SERVED_BY.get(group.platform)
        if needed is not None and needed not in names:
            message = f"nothing on the cluster would serve `{group.name}`"
            yield Violation(f"{group.at}.platform", message, remedy=f"Add `{needed}` to `extensions`.")
