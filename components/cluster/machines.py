"""GKE's Intel machine types: size, NUMA nodes, platforms, prices. Figures and their sources are in `gke_machines.csv`.

Pure but for reading that file; asks no cloud, so it knows what was known when the file was made.
"""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PRICES_OF: Final = "2026-08-03"


@dataclass(frozen=True)
class MachineType:
    """A machine type; cores are physical, `numa_nodes` are equal. `other_numa` has the platforms not measured."""

    name: str
    cores: int
    vcpus: int
    memory_gib: float
    guest_memory_mib: int
    numa_nodes: int
    platforms: tuple[str, ...]
    other_numa: Mapping[str, int | None]
    usd_hour: Mapping[str, float]

    @property
    def threads_per_core(self) -> int:
        """Hardware threads of a core as sold."""
        return self.vcpus // self.cores

    def numa_nodes_on(self, platform: str | None) -> int | None:
        """NUMA nodes when the machine is of this platform (any but the measured one may be unknown: None)."""
        if platform is None or platform not in self.other_numa:
            return self.numa_nodes
        return self.other_numa[platform]


def find_machine(name: str) -> MachineType | None:
    """A machine type by its name; None for those the file does not have."""
    return machine_types().get(name)


@functools.cache
def machine_types() -> Mapping[str, MachineType]:
    """All machine types of the file, by name."""
    lines = (Path(__file__).parent / "gke_machines.csv").read_text().splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {row["type"]: _machine(row) for row in rows}


def region_of(location: str) -> str:
    """The region of a zone (`europe-west4-a`) or of itself."""
    return re.sub(r"-[a-z]$", "", location)


def _machine(row: Mapping[str, str]) -> MachineType:
    known = list(row)
    regions = known[known.index("other_numa") + 1 :]
    other = (pair.split("=") for pair in row["other_numa"].split(";") if pair)
    return MachineType(
        name=row["type"],
        cores=int(row["cores"]),
        vcpus=int(row["vcpus"]),
        memory_gib=float(row["memory_gib"]),
        guest_memory_mib=int(row["guest_memory_mib"]),
        numa_nodes=int(row["numa_nodes"]),
        platforms=tuple(f"Intel {name}" for name in row["platforms"].split(";")),
        other_numa={f"Intel {name}": None if count == "?" else int(count) for name, count in other},
        usd_hour={region: float(row[region]) for region in regions if row[region]},
    )
