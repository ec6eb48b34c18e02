"""Builds recorded machines in a folder: `/sys` and `/proc` as a kernel would write them."""

from __future__ import annotations

from pathlib import Path

from components.cluster.cpulist import format_list


def record(root: Path, files: dict[str, str]) -> Path:
    """Write files, given by their path below `root`; the root again."""
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    return root


def a_machine(root: Path, *, cores: int = 4, threads: int = 1, nodes: int = 1, memory_kib: int = 2**20) -> Path:
    """A machine of equal nodes; core `i` has the CPUs `i`, `i + cores`, ...; every node is a socket."""
    files = {"sys/devices/system/cpu/online": format_list(range(cores * threads))}
    per_node = cores // nodes
    for cpu in range(cores * threads):
        core = cpu % cores
        topology = f"sys/devices/system/cpu/cpu{cpu}/topology"
        files[f"{topology}/physical_package_id"] = str(core // per_node)
        files[f"{topology}/core_id"] = str(core % per_node)
        files[f"{topology}/core_cpus_list"] = format_list(range(core, cores * threads, cores))
    for node in range(nodes):
        members = [cpu for cpu in range(cores * threads) if cpu % cores // per_node == node]
        files[f"sys/devices/system/node/node{node}/cpulist"] = format_list(members)
        files[f"sys/devices/system/node/node{node}/meminfo"] = f"Node {node} MemTotal: {memory_kib} kB"
    return record(root, files)


def in_cgroup_v2(root: Path, files: dict[str, str], *, group: str = "/", mount_root: str = "/") -> Path:
    """Put the process into a group of version 2; `files` by their path below the mount point."""
    mount = f"30 23 0:26 {mount_root} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
    return record(
        root,
        {"proc/self/cgroup": f"0::{group}", "proc/self/mountinfo": mount}
        | {f"sys/fs/cgroup/{path}": text for path, text in files.items()},
    )


def in_cgroup_v1(root: Path, files: dict[str, str], *, group: str = "/", mount_root: str = "/") -> Path:
    """Put the process into a group of version 1 of the controllers cpu and cpuset."""
    mounts = "\n".join(
        f"{number} 31 0:{number} {mount_root} /sys/fs/cgroup/{folder} rw,relatime - cgroup cgroup rw,{controllers}"
        for number, folder, controllers in ((32, "cpu,cpuacct", "cpu,cpuacct"), (34, "cpuset", "cpuset"))
    )
    return record(
        root,
        {"proc/self/cgroup": f"3:cpuset:{group}\n1:cpu,cpuacct:{group}\n0::/", "proc/self/mountinfo": mounts}
        | {f"sys/fs/cgroup/{path}": text for path, text in files.items()},
    )
