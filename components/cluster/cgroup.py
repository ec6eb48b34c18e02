"""What the control groups of this process allow: CPUs, memory nodes, and CPU time (CFS quota).

Both generations are read. Version 2 knows one hierarchy; version 1 mounts a hierarchy for each controller, and a
machine may have both. Where the process's group stands follows from `/proc/self/cgroup` (its path in the hierarchy)
and `/proc/self/mountinfo` (where that hierarchy is mounted), so that containers and recorded machines are read the same
way. Never looks at scheduling affinity: that is the process's, not the group's.

Sources: man 7 cgroups, man 7 cpuset, Documentation/admin-guide/cgroup-v2.rst and scheduler/sched-bwc.rst of the kernel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from components.cluster.cpulist import parse_list
from components.cluster.sysfs import text


@dataclass(frozen=True)
class Limits:
    """What the groups allow; None where they say nothing. A `quota_cpus` of 1.5 is the time of one CPU and a half."""

    cpus: frozenset[int] | None = None
    memory_nodes: frozenset[int] | None = None
    quota_cpus: float | None = None


@dataclass(frozen=True)
class _Mount:
    """A mounted hierarchy: `root` is the group that appears at `point`; `controllers` is empty for version 2."""

    root: str
    point: str
    controllers: frozenset[str]

    @property
    def unified(self) -> bool:
        return not self.controllers


def read_limits(root: Path) -> Limits:
    """The limits that the process's group and its ancestors set, as seen under `root` (`/` for this machine)."""
    mounts = _mounts(root)
    groups = _groups(root)

    def folders(controller: str) -> Iterator[tuple[bool, Path]]:
        """The group's folder and its ancestors, innermost first, each with whether it is of version 2."""
        for mount in mounts:
            path = groups.get("" if mount.unified else controller)
            if path is not None and (mount.unified or controller in mount.controllers):
                for folder in _upwards(root, mount, path):
                    yield mount.unified, folder

    quotas = [_quota_v2(folder) if unified else _quota_v1(folder) for unified, folder in folders("cpu")]
    return Limits(
        cpus=_innermost(folders("cpuset"), "cpus"),
        memory_nodes=_innermost(folders("cpuset"), "mems"),
        quota_cpus=min((quota for quota in quotas if quota is not None), default=None),
    )


def _mounts(root: Path) -> tuple[_Mount, ...]:
    if lines := text(root / "proc/self/mountinfo").splitlines():
        found = [_from_mountinfo(line) for line in lines]
    else:  # Recorded machines of before mountinfo was worth recording.
        found = [_from_mounts(line) for line in text(root / "proc/mounts").splitlines()]
    return tuple(dict.fromkeys(mount for mount in found if mount))


def _from_mountinfo(line: str) -> _Mount | None:
    left, _, right = line.partition(" - ")
    if len(fields := left.split()) < 5 or len(rest := right.split()) < 3:
        return None
    return _mount(rest[0], rest[2], root=fields[3], point=fields[4])


def _from_mounts(line: str) -> _Mount | None:
    fields = line.split()
    return _mount(fields[2], fields[3], root="/", point=fields[1]) if len(fields) >= 4 else None


def _mount(kind: str, options: str, *, root: str, point: str) -> _Mount | None:
    match kind:
        case "cgroup2":
            return _Mount(root, point, frozenset())
        case "cgroup":
            return _Mount(root, point, frozenset(options.split(",")))
        case "cpuset":  # The file system that came before control groups.
            return _Mount(root, point, frozenset({"cpuset"}))
        case _:
            return None


def _groups(root: Path) -> dict[str, str]:
    """The process's path by controller; the key of version 2 is the empty text."""
    groups = {"cpuset": cpuset} if (cpuset := text(root / "proc/self/cpuset")) else {}
    for line in text(root / "proc/self/cgroup").splitlines():
        _, _, group = line.partition(":")
        controllers, _, path = group.partition(":")
        groups.update(dict.fromkeys(controllers.split(","), path))
    return groups


def _upwards(root: Path, mount: _Mount, path: str) -> Iterator[Path]:
    """The folders of a group and its ancestors, innermost first, as far as the mount shows them."""
    top = root / mount.point.lstrip("/")
    inside = PurePosixPath(path)
    # A container may see the host's path, or `/../..` in a cgroup namespace: outside the mount, so its top is ours.
    below = inside.relative_to(mount.root) if inside.is_relative_to(mount.root) else PurePosixPath(".")
    folder = top if ".." in below.parts else top / below
    yield folder
    while folder != top:
        folder = folder.parent
        yield folder


def _innermost(folders: Iterator[tuple[bool, Path]], what: str) -> frozenset[int] | None:
    """The set of the innermost group that states one (an empty file inherits)."""
    for unified, folder in folders:
        names = (f"cpuset.{what}.effective", f"cpuset.{what}") if unified else (f"cpuset.{what}", what)
        for stated in (text(folder / name) for name in names):
            if stated:
                return parse_list(stated)
    return None


def _quota_v1(folder: Path) -> float | None:
    quota, period = text(folder / "cpu.cfs_quota_us"), text(folder / "cpu.cfs_period_us")
    return int(quota) / int(period) if quota and period and int(quota) > 0 else None


def _quota_v2(folder: Path) -> float | None:
    fields = text(folder / "cpu.max").split()
    return int(fields[0]) / int(fields[1]) if len(fields) == 2 and fields[0] != "max" else None
