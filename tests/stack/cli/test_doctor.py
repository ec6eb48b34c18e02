"""What `doctor` says of the programs that clusters and clouds need, in the states that people have them in."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.cli.checkup import Finding, check_cloud, check_machine
from tests.builders.pulumi_cli import a_pulumi
from tests.schemas.spec_texts import GOOD, a_file
from tests.stack.commands import inferstack


def a_program(folder: Path, name: str) -> None:
    """An executable of this name."""
    folder.mkdir(exist_ok=True)
    (folder / name).touch(0o755)


def found(findings: list[Finding]) -> dict[str, Finding]:
    """The findings by what was checked."""
    return {finding.check: finding for finding in findings}


def test_what_only_clusters_need_may_be_missing_on_a_machine(tmp_path: Path) -> None:
    told = found(check_machine({"PATH": str(tmp_path), "HOME": str(tmp_path)}))

    assert [told[name].state for name in ("pulumi", "helm", "image")] == ["note", "note", "note"]
    assert "--install-pulumi" in told["pulumi"].remedy
    assert "podman, docker, buildah" in told["image"].found


def test_what_is_installed_is_told_with_its_place(tmp_path: Path) -> None:
    a_pulumi(tmp_path / "bin", version="v3.272.0")
    for name in ("helm", "buildah"):
        a_program(tmp_path / "bin", name)

    told = found(check_machine({"PATH": f"{tmp_path}/bin", "HOME": str(tmp_path)}))

    assert [told[name].state for name in ("pulumi", "helm", "image")] == ["ok", "ok", "ok"]
    assert told["pulumi"].found == f"3.272.0, {tmp_path}/bin/pulumi"
    assert told["image"].found == f"{tmp_path}/bin/buildah"


@pytest.mark.parametrize(("version", "says"), [("v3.100.0", "too old: 3.100.0"), ("hello", "no version that can be")])
def test_a_pulumi_that_cannot_be_used_is_told_as_such(tmp_path: Path, version: str, says: str) -> None:
    a_pulumi(tmp_path / "bin", version=version)

    told = found(check_cloud({"PATH": f"{tmp_path}/bin", "HOME": str(tmp_path)}))

    assert told["pulumi"].state == "fail"
    assert says in told["pulumi"].found
    assert told["credentials"].state == "fail"
    assert "gcloud auth" in told["credentials"].remedy


def test_a_spec_for_gke_is_told_what_it_is_applied_with(tmp_path: Path) -> None:
    spec = Path(__file__).parents[3] / "environments" / "gke-dev.yaml"

    done = inferstack(tmp_path, "doctor", str(spec), code=4, PATH=str(tmp_path), HOME=str(tmp_path))

    assert "fail  pulumi" in done.out
    assert "fail  credentials" in done.out


def test_a_spec_for_this_machine_has_this_machine_checked(tmp_path: Path) -> None:
    done = inferstack(tmp_path, "doctor", str(a_file(tmp_path, GOOD)), PATH=str(tmp_path), HOME=str(tmp_path))

    assert "usable core" in done.out
