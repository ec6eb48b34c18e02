"""Builds the image of this program with podman, docker or buildah, whichever is installed.

The context is a folder made for the build: the Containerfile, the lock file and the sources, all with one time stamp.
Nothing of a checkout besides gets in, and an installed package builds the same image as a checkout.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Literal, get_args

import components
from schemas.errors import PreflightError, UsageError

Tool = Literal["podman", "docker", "buildah"]

TOOLS: Final[tuple[Tool, ...]] = get_args(Tool)
REPOSITORY: Final = "inferstack"
PACKAGES: Final = ("schemas", "components")
HERE: Final = Path(__file__).parent
FILES: Final = ("Containerfile", "requirements.lock")
NOT_PACKED: Final = ("__pycache__", "*.pyc", "*.Containerfile", "Containerfile")
EPOCH: Final = "SOURCE_DATE_EPOCH"
DEFAULT_EPOCH_S: Final = 315532800  # 1980-01-01: what every archive format can say
LAST_LINES: Final = 15
LOCAL: Final = "localhost/"  # where podman and buildah put names of no registry
_NOISE: Final = re.compile(r'Getting image source |Copying (?:blob|config) |Storing |time="[^"]+" level=warn|--> ')
_REMEDIES: Final = (
    (r"unauthorized|authentication required|denied|no basic auth", "{tool} login {registry}"),
    (
        r"gave HTTP response to HTTPS",
        "{registry} speaks plain HTTP: call it insecure in /etc/containers/registries.conf (docker: in daemon.json)",
    ),
    (r"connect to the Docker daemon", "start it, or take another tool: --tool buildah"),
    (
        r"no such host|connection refused|[Tt]imeout|network is unreachable",
        "look whether the registry answers that is named there",
    ),
)


@dataclass(frozen=True)
class Built:
    """An image: the name that it was given, and its digest on this machine; `pushed` is what nodes pull, by digest:
    that of a registry is another, because layers are compressed there.
    """

    name: str
    digest: str
    pushed: str = ""


def default_name() -> str:
    """The image's name unless another is asked for: it tells the version of this program."""
    try:
        return f"localhost/{REPOSITORY}:{version('inferstack')}"
    except PackageNotFoundError:
        return f"localhost/{REPOSITORY}:latest"


def find_tool(which: Callable[[str], str | None] = shutil.which) -> Tool:
    """The first of the tools that is installed.

    Raises:
        PreflightError: none is.
    """
    if tool := next((tool for tool in TOOLS if which(tool)), None):
        return tool
    raise PreflightError(
        "no tool that builds images is installed", why=f"looked for {', '.join(TOOLS)}",
        remedy="install one of them, for example `apt-get install buildah`",
    )  # fmt: skip


def build(
    name: str, *, tool: Tool, base: str = "", push: bool = False, environ: Mapping[str, str] = os.environ,
    tell: Callable[[str], None] = lambda _: None,
) -> Built:  # fmt: skip
    """Build the image, and push it to the registry in its name if asked.

    Args:
        base: the image to build on, instead of the one that the Containerfile names.
        tell: hears what the tool prints.

    Raises:
        UsageError: it is to be pushed, and its name tells no registry.
        PreflightError: the tool cannot build or push here; with its last lines.
    """
    if push and name.startswith(LOCAL):
        told = f"inferstack image --push --tag registry.example.org/{name.removeprefix(LOCAL)}"
        raise UsageError(f"which registry is {name} pushed to?", why="`localhost` is this machine's store", remedy=told)
    epoch_s = int(environ.get(EPOCH) or DEFAULT_EPOCH_S)
    with tempfile.TemporaryDirectory(prefix="inferstack-image-") as folder:
        context, digest_file = Path(folder) / "context", Path(folder) / "digest"
        write_context(context, epoch_s)
        _run(build_command(tool, name, context, epoch_s, base), f"{tool} could not build {name}", tell)
        if push:
            _run(push_command(tool, name, digest_file), f"{tool} could not push {name}", tell)
        pushed = digest_file.read_text().strip() if digest_file.exists() else ""
    if push and not pushed:
        pushed = _run(inspect_command(tool, name, pushed=True), f"{tool} does not know {name}").rpartition("@")[2]
    digest = _run(inspect_command(tool, name), f"{tool} does not know {name}")
    return Built(name, digest, f"{without_tag(name)}@{pushed}" if push else "")


def write_context(folder: Path, epoch_s: int) -> None:
    """Write what the build reads to a new folder; every file has the same time and is readable by all."""
    root = Path(components.__file__).parents[1]
    folder.mkdir()
    for file in FILES:
        shutil.copyfile(HERE / file, folder / file)
    for package in PACKAGES:
        shutil.copytree(root / package, folder / package, ignore=shutil.ignore_patterns(*NOT_PACKED))
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (epoch_s, epoch_s))


def build_command(tool: Tool, name: str, context: Path, epoch_s: int, base: str) -> tuple[str, ...]:
    """The command that builds the image. buildah alone would put all steps into one layer, and keep none for later."""
    stamp = ("--build-arg", f"{EPOCH}={epoch_s}") if tool == "docker" else ("--layers", "--timestamp", str(epoch_s))
    based = ("--build-arg", f"BASE={base}") if base else ()
    return (tool, "build", "--file", str(context / "Containerfile"), "--tag", name, *stamp, *based, str(context))


def push_command(tool: Tool, name: str, digest_file: Path) -> tuple[str, ...]:
    """The command that pushes it; docker tells the digest only when it is asked afterwards."""
    told = () if tool == "docker" else ("--digestfile", str(digest_file))
    return (tool, "push", *told, name)


def inspect_command(tool: Tool, name: str, *, pushed: bool = False) -> tuple[str, ...]:
    """The command that prints the image's digest."""
    match tool:
        case "docker":
            return (tool, "image", "inspect", "--format", "{{index .RepoDigests 0}}" if pushed else "{{.Id}}", name)
        case "podman":
            return (tool, "image", "inspect", "--format", "{{.Digest}}", name)
        case "buildah":
            return (tool, "inspect", "--type", "image", "--format", "{{.FromImageDigest}}", name)


def without_tag(name: str) -> str:
    """`host:5000/inferstack` of `host:5000/inferstack:1`."""
    head, _, last = name.rpartition("/")
    return "/".join(filter(None, (head, last.partition("@")[0].partition(":")[0])))


def _run(command: Sequence[str], failure: str, tell: Callable[[str], None] = lambda _: None) -> str:
    """What the command printed; the reason why not is among its last lines.

    Raises:
        PreflightError: it failed, or is not installed.
    """
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            lines = list(_heard(process.stdout or (), tell))
    except OSError as error:
        remedy = f"install it, or leave `--tool` out: the first of {', '.join(TOOLS)} that is installed is taken"
        raise PreflightError(f"{command[0]} cannot be run", why=error.strerror or str(error), remedy=remedy) from error
    if process.returncode:
        told = "\n".join([line for line in lines if not _NOISE.match(line)][-LAST_LINES:])
        remedy = next((remedy for pattern, remedy in _REMEDIES if re.search(pattern, told)), "")
        remedy = remedy.format(tool=command[0], registry=command[-1].partition("/")[0])
        raise PreflightError(failure, why=told or f"exit code {process.returncode}", remedy=remedy)
    return lines[-1] if lines else ""


def _heard(stream: Iterator[str] | Sequence[str], tell: Callable[[str], None]) -> Iterator[str]:
    for line in stream:
        tell(line.rstrip("\n"))
        yield line.rstrip("\n")
