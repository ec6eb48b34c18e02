"""The Pulumi program of a stack: spec -> components.

The same program runs on either engine. What it registers follows from the spec, the machine's topology and the store's
folder alone; placing instances on cores happens here, once, before anything is registered, so that a plan can show it
and a misfit is told before anything is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, assert_never

from components.cluster import topology as machine
from components.models.plan import Unusable
from components.serving.placement import Misfit
from components.site import Site
from schemas.errors import PreflightError, SpecError
from schemas.load import Loaded
from schemas.spec import GkeCluster, KubernetesCluster, LocalCluster
from stack.programs.program import Installed, Program

__all__ = ["PROJECT", "Program", "build"]

PROJECT: Final = "inferstack"


def build(
    loaded: Loaded,
    site: Site,
    *,
    rerun: Mapping[str, str] | None = None,
    ours: Installed | None = None,
    download: bool = False,
) -> Program:
    """The program of a spec.

    Args:
        rerun: tokens by benchmark; a benchmark whose token changed is measured again.
        ours: the extensions that the stack has installed already, with their objects.
        download: whether manifests of the web are fetched that are not in the store: what is only planned does without.

    Raises:
        SpecError: the serving groups do not fit the machine, or a file that the spec names is missing.
    """
    try:
        return _build(loaded, site, rerun or {}, ours or {}, download)
    except (Misfit, Unusable) as error:
        raise located(error, loaded) from error


def _build(loaded: Loaded, site: Site, rerun: Mapping[str, str], ours: Installed, download: bool) -> Program:
    match loaded.spec.cluster:
        case LocalCluster() as cluster:
            from stack.programs import local

            found = _machine(cluster)
            return local.build(loaded, site, found, recorded=cluster.topology is not None, rerun=rerun)
        case GkeCluster() as cluster:
            from stack.programs import gke

            return gke.build(loaded, site, cluster, rerun=rerun, ours=ours, download=download)
        case KubernetesCluster() as cluster:
            from stack.programs import kubernetes

            return kubernetes.build(loaded, site, cluster, rerun=rerun, ours=ours, download=download)
        case other:
            assert_never(other)


def _machine(cluster: LocalCluster) -> machine.Topology:
    """This machine, or the recorded one that the spec names."""
    if cluster.topology is None:
        return machine.read()
    try:
        return machine.read(Path(cluster.topology))
    except PreflightError as error:
        raise Unusable([("cluster.topology", error)]) from error


def located(error: Misfit | Unusable, loaded: Loaded) -> SpecError:
    """The same problems, each at the place in the spec that is to blame."""
    places = [loaded.tree.problem(p.rule, at, p.message) for p, at in zip(error.problems, error.at, strict=True)]
    return SpecError(
        tuple(
            replace(problem, location=place.location, source_line=place.source_line, origin=place.origin)
            for problem, place in zip(error.problems, places, strict=True)
        )
    )
