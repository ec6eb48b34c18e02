"""What a spec becomes: a Pulumi program for an engine to run, with what a plan says besides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from components.cluster.topology import Topology
from components.kubernetes.objects import Manifest
from components.serving.placement import Placement
from stack.programs.sources import Origins

# What a stack has installed: the objects of each extension, by the extension's name.
Installed = Mapping[str, Sequence[Manifest]]


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
