"""The image: nothing unpinned, nothing of this machine, and clear words when it cannot be made."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest

from components.image.build import (
    DEFAULT_EPOCH_S,
    HERE,
    TOOLS,
    build,
    build_command,
    default_name,
    find_tool,
    inspect_command,
    push_command,
    without_tag,
    write_context,
)
from schemas.errors import PreflightError, UsageError

ROOT = Path(__file__).parents[2]


def a_tool(folder: Path, name: str, script: str) -> dict[str, str]:
    """An environment in which a command of this name runs a script of ours."""
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def pins(lock: Path) -> dict[str, set[str]]:
    """The hashes of each pinned version in a lock file."""
    found: dict[str, set[str]] = {}
    for line in lock.read_text().splitlines():
        if pinned := re.match(r"([\w.-]+==\S+)", line):
            hashes = found.setdefault(pinned[1], set())
        elif hashed := re.search(r"--hash=(\S+)", line):
            hashes.add(hashed[1])
    return found


def test_the_image_has_the_versions_that_are_tested_here() -> None:
    ours, all_ = pins(HERE / "requirements.lock"), pins(ROOT / "requirements.lock")
    assert ours
    assert {name: hashes for name, hashes in all_.items() if name in ours} == ours


def test_the_image_of_the_tests_has_paths_user_and_environment_of_the_shipped_one() -> None:
    shipped, tested = (HERE / "Containerfile").read_text(), (ROOT / ".ci/image").read_text()
    environment = set(re.findall(r"\b[A-Z]+=\S+", shipped.partition("\nENV ")[2].partition("\nWORKDIR")[0]))
    (of_tests,) = re.findall(r"--env (.*)", tested)
    assert environment == set(of_tests.split())
    user = re.search(r"^USER (\d+)", shipped, re.MULTILINE)
    assert user
    assert f"--user {user[1]}" in tested
    for path in dict(one.split("=") for one in environment)["PYTHONPATH"].split(":"):
        assert path in shipped.partition("\nENV ")[0]
        assert f"$1{path}" in tested


def test_the_image_has_what_the_programs_in_pods_need() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    needed = {re.split("[>=<]", one)[0] for one in (*extras["serve"], *extras["grpc"], *extras["quantize"])}
    asked = {line for line in (HERE / "requirements.in").read_text().splitlines() if not line.startswith("#")}
    assert asked == needed | {"httpx", "numpy"}


def test_a_context_holds_the_sources_and_nothing_of_this_machine(tmp_path: Path) -> None:
    write_context(tmp_path / "context", DEFAULT_EPOCH_S)
    paths = sorted((tmp_path / "context").rglob("*"))
    assert {path.name for path in (tmp_path / "context").iterdir()} == {
        "Containerfile", "requirements.lock", "schemas", "components",
    }  # fmt: skip
    assert not [path for path in paths if path.suffix == ".pyc"]
    assert {path.stat().st_mtime for path in paths} == {DEFAULT_EPOCH_S}


def test_equal_sources_give_equal_contexts(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_context(tmp_path / name, DEFAULT_EPOCH_S)
    one, two = (
        {str(p.relative_to(tmp_path / name)): p.read_bytes() for p in (tmp_path / name).rglob("*") if p.is_file()}
        for name in ("one", "two")
    )
    assert one == two


@pytest.mark.parametrize("tool", TOOLS)
def test_every_tool_is_told_name_time_and_base(tool: str) -> None:
    known = next(one for one in TOOLS if one == tool)
    command = build_command(known, "r/i:1", Path("/c"), 7, "base@sha256:1")
    assert command[:2] == (tool, "build")
    assert {"r/i:1", "BASE=base@sha256:1"} < set(command)
    assert "7" in " ".join(command)
    assert inspect_command(known, "r/i:1")[0] == push_command(known, "r/i:1", Path("/d"))[0] == tool


def test_the_first_installed_tool_is_taken() -> None:
    assert find_tool(lambda name: "/usr/bin/buildah" if name == "buildah" else None) == "buildah"


def test_without_a_tool_it_is_said_which_ones_there_are() -> None:
    with pytest.raises(PreflightError, match="no tool") as told:
        find_tool(lambda _: None)
    assert "podman" in told.value.why


def test_a_tool_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", a_tool(tmp_path, "docker", "echo cannot connect to the daemon >&2; exit 1")["PATH"])
    with pytest.raises(PreflightError, match="docker could not build") as told:
        build(default_name(), tool="docker")
    assert "cannot connect to the daemon" in told.value.why


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("Error: trying to reuse blob sha256:ef at destination: unauthorized: authentication required", "login r:5000"),
        ('Error: Get "https://r:5000/v2/": http: server gave HTTP response to HTTPS client', "r:5000 speaks plain"),
        ("Error: dial tcp 127.0.0.1:443: connect: connection refused", "whether the registry answers"),
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "another tool"),
    ],
)
def test_what_hinders_a_push_is_told_with_a_remedy_and_without_its_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, remedy: str
) -> None:
    progress = 'Getting image source signatures\nCopying blob sha256:d9\ntime="2026" level=warning msg="retrying in 1s"'
    script = f"[ $1 = push ] || exit 0\ncat <<'EOF'\n{progress}\n{said}\nEOF\nexit 125"
    monkeypatch.setenv("PATH", a_tool(tmp_path, "podman", script)["PATH"])
    with pytest.raises(PreflightError, match="could not push") as told:
        build("r:5000/team/inferstack:1", tool="podman", push=True)
    assert told.value.why == said
    assert remedy in told.value.remedy


def test_an_image_of_this_machine_alone_is_not_built_to_be_pushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", a_tool(tmp_path, "podman", f"touch {tmp_path}/called")["PATH"])
    with pytest.raises(UsageError, match="which registry") as told:
        build(default_name(), tool="podman", push=True)
    assert "--tag registry.example.org/inferstack" in told.value.remedy
    assert not (tmp_path / "called").exists()


def test_a_tool_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PreflightError, match="podman cannot be run"):
        build(default_name(), tool="podman")


def test_what_was_pushed_is_named_by_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = 'case $1 in push) echo sha256:abc > "$3";; inspect) echo sha256:def;; esac'
    monkeypatch.setenv("PATH", a_tool(tmp_path, "buildah", script)["PATH"])
    made = build("registry:5000/team/inferstack:1", tool="buildah", push=True)
    assert (made.digest, made.pushed) == ("sha256:def", "registry:5000/team/inferstack@sha256:abc")


@pytest.mark.parametrize(
    ("name", "bare"), [("a:1", "a"), ("r:5000/a", "r:5000/a"), ("r:5000/t/a:1", "r:5000/t/a"), ("a@sha256:1", "a")]
)
def test_a_name_loses_its_tag_and_keeps_its_port(name: str, bare: str) -> None:
    assert without_tag(name) == bare
