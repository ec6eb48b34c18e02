"""The Pulumi program of a stack: spec -> components.

The same program runs on either engine. What it registers follows from the spec, the machine's topology and the store's
folder alone; placing instances on cores happens here, once, before anything is registered, so that a plan can show it
and a misfit is told before anything is made.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, assert_never

from components.cluster import topology as machine
from components.cluster.topology import Topology
from components.models.plan import Unusable
from components.serving.placement import Misfit, Placement
from components.site import Site
from schemas.errors import SpecError
from schemas.load import Loaded
from schemas.overlay import Origin
from schemas.spec import GkeCluster, KubernetesCluster, LocalCluster

PROJECT: Final = "inferstack"
Origins = Callable[[str, str, str], Origin | None]


@dataclass(frozen=True)
class Program:
    """What an engine runs, and what a plan says besides.

    `refusal` says why the plan cannot be applied from here, when it cannot (a recorded machine, a cloud). `tokens` are
    the rerun tokens of benchmarks that it was built with.
    """

    run: Callable[[], None]
    origins: Origins
    notes: tuple[str, ...] = ()
    placement: Placement | None = None
    topology: Topology | None = None
    refusal: str = ""
    tokens: Mapping[str, str] = field(default_factory=dict)


def build(loaded: Loaded, site: Site, *, rerun: Mapping[str, str] | None = None) -> Program:
    """The program of a spec.

    Args:
        rerun: tokens by benchmark; a benchmark whose token changed is measured again.

    Raises:
        SpecError: the serving groups do not fit the machine, or a file that the spec names is missing.
    """
    try:
        return _build(loaded, site, rerun or {})
    except (Misfit, Unusable) as error:
        raise located(error, loaded) from error


def _build(loaded: Loaded, site: Site, rerun: Mapping[str, str]) -> Program:
    match loaded.spec.cluster:
        case LocalCluster() as cluster:
            from stack.programs import local

            found = machine.read(Path(cluster.topology)) if cluster.topology else machine.read()
            return local.build(loaded, site, found, recorded=cluster.topology is not None, rerun=rerun)
        case GkeCluster() as cluster:
            from stack.programs import gke

            return gke.build(loaded, site, cluster)
        case KubernetesCluster() as cluster:
            from stack.programs import kubernetes

            return kubernetes.build(loaded, site, cluster)
        case other:
            assert_never(other)


def located(error: Misfit | Unusable, loaded: Loaded) -> SpecError:
    """The same problems, each at the place in the spec that is to blame."""
    places = [loaded.tree.problem(p.rule, at, p.message) for p, at in zip(error.problems, error.at, strict=True)]
    return SpecError(
        tuple(
            replace(problem, location=place.location, source_line=place.source_line, origin=place.origin)
            for problem, place in zip(error.problems, places, strict=True)
        )
    )


@dataclass(frozen=True)
class Sources:
    """Which item of the spec a resource comes from, and which of its fields decide which input."""

    at: str
    fields: Mapping[str, tuple[str, ...]]


def origins_of(loaded: Loaded, sources: Mapping[str, Sources]) -> Origins:
    """The origin of each input of each resource, by the resource's name.

    An input is decided by the first stated field among those listed for its path or for the property that holds it,
    else by a field of its own name, else by the item as a whole.
    """
    fields = {source.at: source.fields for source in sources.values()}

    # The instances of a group all come from the same item: what is found for one is so for a thousand.
    @functools.cache
    def decided(at: str, path: str) -> Origin | None:
        steps = [step.partition("[")[0] for step in path.split(".")]
        listed = (*fields[at].get(path, ()), *fields[at].get(steps[0], ()))
        for key in (*listed, camel(path), camel(steps[-1]), camel(steps[0])):
            if found := loaded.tree.origin(f"{at}.{key}"):
                return found
        return loaded.tree.origin(at)

    def origin(_type: str, name: str, path: str) -> Origin | None:
        return decided(source.at, path) if (source := sources.get(name)) else None

    return origin


def camel(path: str) -> str:
    """`max_request_bytes` as the spec would spell it: `maxRequestBytes`."""
    first, *rest = path.split("_")
    return first + "".join(word.capitalize() for word in rest)
