"""What `doctor` looks at: the interpreter, the packages, the limits of the machine and what pinning needs; the programs
that clusters and clouds need beside it.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Literal

from components.cluster import topology
from schemas.errors import PreflightError
from schemas.words import counted

EXTRAS: Final = {
    "openvino": "serve",
    "uvloop": "serve",
    "httptools": "serve",
    "orjson": "serve",
    "grpc": "grpc",
    "nncf": "quantize",
    "sklearn": "examples",
}
DISTRIBUTIONS: Final = {"grpc": "grpcio", "sklearn": "scikit-learn"}
LEAST_FREE_BYTES: Final = 2 * 2**30


@dataclass(frozen=True)
class Finding:
    """One check: `ok`, `note` (works, but know this) or `fail` (something needed is missing)."""

    check: str
    state: Literal["ok", "note", "fail"]
    found: str
    remedy: str = ""


def check_machine(environ: Mapping[str, str]) -> list[Finding]:
    """Every check, in the order in which a newcomer would meet them."""
    serving = [_python(), *_packages(), *_cores(), _numactl(), _governor(), _disk()]
    return [*serving, _pulumi(environ, "note"), _helm(environ), _builder(environ)]


def check_cloud(environ: Mapping[str, str]) -> list[Finding]:
    """What a spec for GKE is applied with; planned it is without as well."""
    from stack.engines.choice import LOGIN, has_google_credentials

    found = Finding("credentials", "ok", "of Google Cloud, not tried")
    if not has_google_credentials(environ):
        found = Finding("credentials", "fail", "none of Google Cloud", LOGIN)
    return [_pulumi(environ, "fail"), found, _helm(environ), _builder(environ)]


def _python() -> Finding:
    found = f"{platform.python_version()} on {platform.system()} {platform.release()}"
    return Finding("python", "ok", found)


def _packages() -> list[Finding]:
    findings = []
    for module, extra in EXTRAS.items():
        name = DISTRIBUTIONS.get(module, module)
        if importlib.util.find_spec(module) is None:
            needed: Literal["note", "fail"] = "fail" if extra == "serve" else "note"
            findings.append(Finding(name, needed, "not installed", f"pip install 'inferstack[{extra}]'"))
            continue
        try:
            findings.append(Finding(name, "ok", version(name)))
        except PackageNotFoundError:
            findings.append(Finding(name, "note", "installed, version unknown"))
    return findings


def _cores() -> list[Finding]:
    machine = topology.read()
    cores = sum(len(node.cores) for node in machine.nodes)
    nodes = sum(1 for node in machine.nodes if node.cores)
    found = f"{machine.cpu_model}, {counted(cores, 'usable core')} on {counted(nodes, 'NUMA node')}"
    findings = [Finding("cpu", "ok", found)]
    if machine.quota_cpus is not None and machine.quota_cpus < cores:
        findings.append(
            Finding(
                "cfs quota", "note", f"{machine.quota_cpus:g} CPUs of {cores} cores", "placement stays within the quota"
            )
        )
    if not hasattr(os, "sched_setaffinity"):
        findings.append(Finding("pinning", "note", "this system cannot pin processes; instances run unpinned"))
    return findings


def _numactl() -> Finding:
    if found := shutil.which("numactl"):
        return Finding("numactl", "ok", found)
    if sum(1 for node in topology.read().nodes if node.cores) < 2:
        return Finding("numactl", "ok", "not installed; with one NUMA node nothing needs it")
    return Finding("numactl", "note", "not installed; memory is not bound without it", "install the package numactl")


def _governor() -> Finding:
    path = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    if not path.exists():
        return Finding("frequency", "note", "the governor is not visible (a virtual machine?); timings may vary")
    governor = path.read_text().strip()
    if governor == "performance":
        return Finding("frequency", "ok", "governor performance")
    return Finding(
        "frequency", "note", f"governor {governor}", "cpupower frequency-set -g performance for steadier figures"
    )


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free
    found = f"{free / 2**30:.1f} GiB free here"
    if free < LEAST_FREE_BYTES:
        return Finding("disk", "fail", found, "models and environments need a few GiB: --state-dir puts them elsewhere")
    return Finding("disk", "ok", found)


def _pulumi(environ: Mapping[str, str], without: Literal["note", "fail"]) -> Finding:
    """Pulumi's command line; `without` is what it means that there is none that can be used."""
    from stack.engines.pulumi.command import command_in, find

    if find(environ) is None:
        remedy = "inferstack doctor --install-pulumi"
        return Finding("pulumi", without, "not installed; GKE is planned without it and applied with it", remedy)
    try:
        command = command_in(environ)
    except PreflightError as error:
        return Finding("pulumi", without, f"{error.message} {error.why}", error.remedy)
    return Finding("pulumi", "ok", f"{command.version}, {command.command}")


def _helm(environ: Mapping[str, str]) -> Finding:
    if found := shutil.which("helm", path=environ.get("PATH")):
        return Finding("helm", "ok", found)
    return Finding("helm", "note", "not installed; only extensions that are charts need it", "https://helm.sh/docs")


def _builder(environ: Mapping[str, str]) -> Finding:
    from components.image.build import TOOLS

    if found := next(filter(None, (shutil.which(tool, path=environ.get("PATH")) for tool in TOOLS)), None):
        return Finding("image", "ok", found)
    missing = f"none of {', '.join(TOOLS)} is installed; only `inferstack image` needs one"
    return Finding("image", "note", missing, "for example: apt-get install buildah")
