"""The machine and the software around a measurement: what it takes to explain a figure later."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from importlib import metadata

from components.benchmarks.result import Surroundings
from components.cluster import topology
from components.cluster.topology import Topology

PROJECT = "inferstack"


def read(machine: Topology) -> Surroundings:
    """The surroundings on this machine, now."""
    return Surroundings(
        cpu_model=machine.cpu_model,
        kernel=machine.kernel,
        topology=topology.as_json(machine),
        packages=packages(),
        inferstack=version(),
    )


def version() -> str:
    """The version of this program."""
    return _version(PROJECT) or "unknown"


def packages() -> Mapping[str, str]:
    """Versions of Python and of the packages that this project names as its dependencies, extras included.

    In its image the project is no package itself; what is there is there for it.
    """
    try:
        named = metadata.requires(PROJECT) or []
    except metadata.PackageNotFoundError:
        named = [found.name for found in metadata.distributions()]
    names = {re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower() for requirement in named}
    found = {name: version for name in names if (version := _version(name))}
    return dict(sorted({**found, "python": platform.python_version()}.items()))


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
