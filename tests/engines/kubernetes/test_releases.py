"""Helm releases: what is asked of `helm`, and what the state keeps; and the way to the binary."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import InferstackError
from stack.engines.about import About
from stack.engines.kubernetes import KubernetesProviders
from stack.engines.kubernetes.errors import Unconfigured
from stack.engines.kubernetes.helm import Helm, HelmFailed, find
from stack.engines.kubernetes.releases import command, names_in
from stack.engines.kubernetes.settings import Settings

TYPE = "kubernetes:helm.sh/v3:Release"
URN = f"urn:pulumi:test::project::{TYPE}::web"
TEXT = json.dumps({"current-context": "a", "contexts": [], "clusters": [], "secret": "hidden"})


def a_helm(folder: Path, script: str) -> Helm:
    """Helm, replaced by a script."""
    place = folder / "helm"
    place.write_text(f"#!/bin/sh\n{script}\n")
    place.chmod(0o755)
    return find(Settings(TEXT, context="one"), {"PATH": f"{folder}:{os.environ['PATH']}"})


def test_one_command_installs_or_upgrades() -> None:
    inputs: dict[str, Any] = {
        "chart": "web",
        "name": "small",
        "namespace": "demo",
        "timeout": 60,
        "repositoryOpts": {"repo": "https://charts.example.com"},
        "createNamespace": True,
        "skipCrds": False,
    }

    words = " ".join(command(inputs, "1.2.3"))

    assert words == (
        "upgrade --install small web --namespace demo --version 1.2.3 --repo https://charts.example.com "
        "--create-namespace --wait --timeout 60s --values - --output json"
    )
    assert "--wait" not in command({**inputs, "skipAwait": True}, "")
    assert "--version 2.0.0" in " ".join(command({**inputs, "version": "2.0.0"}, "1.2.3"))


def test_a_release_names_its_objects_by_kind() -> None:
    manifest = """---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: demo}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: b}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
---
"""

    assert names_in(manifest) == {"ConfigMap/v1": ["a", "b"], "Deployment.apps/apps/v1": ["demo/web"]}


def test_a_release_is_checked_before_anything_is_done() -> None:
    providers = KubernetesProviders({})
    about = About(type=TYPE, urn=URN)

    found = providers.check(about, {}, {"repositoryOpts": {"repo": "x", "password": "y"}, "colour": "red"})
    sound = providers.check(about, {}, {"chart": "web"})

    assert [failure.property for failure in found.failures] == ["colour", "chart", "repositoryOpts.password"]
    assert sound.failures == ()
    assert sound.inputs["namespace"] == "default"
    assert sound.inputs["name"].startswith("web-")
    assert providers.check(about, sound.inputs, {"chart": "web"}).inputs == sound.inputs


def test_without_helm_a_preview_says_so_and_an_up_is_refused() -> None:
    providers = KubernetesProviders({"PATH": "/nowhere", "KUBECONFIG": "/nowhere"})
    inputs = {"chart": "web", "name": "web", "namespace": "demo"}

    answer = providers.rehearse(About(type=TYPE, urn=URN, binding=False), inputs)
    with pytest.raises(Unconfigured, match="Helm is not installed") as caught:
        providers.rehearse(About(type=TYPE, urn=URN), inputs)

    assert "Helm is not installed" in answer.caveat
    assert caught.value.exit_code == 4


def test_helm_reads_a_kubeconfig_that_is_a_text_from_no_file(tmp_path: Path) -> None:
    script = """while [ "$1" != --kubeconfig ]; do shift; done
    printf '{"config": %s, "path": "%s", "rest": "%s %s", "given": %s}' "$(cat "$2")" "$2" "$3" "$4" "$(cat)" """

    said = a_helm(tmp_path, script).run("status", given={"x": "1"})

    assert said["config"]["secret"] == "hidden"
    assert said["path"].startswith("/dev/fd/")
    assert (said["rest"], said["given"]) == ("--kube-context one", {"x": "1"})


def test_what_helm_says_when_it_fails_is_the_reason(tmp_path: Path) -> None:
    helm = a_helm(tmp_path, "echo 'WARNING: noise' >&2; echo 'Error: release: not found' >&2; exit 1")

    with pytest.raises(HelmFailed) as caught:
        helm.run("status", "web")

    assert (caught.value.message, caught.value.why, caught.value.unknown) == (
        "helm status failed.",
        "release: not found",
        True,
    )


def test_helm_is_asked_to_end_in_order_when_the_user_stops(tmp_path: Path) -> None:
    class Stop(InferstackError):
        pass

    def stop() -> None:
        raise Stop("enough")

    ended = tmp_path / "ended"
    helm = a_helm(tmp_path, f"trap 'touch {ended}; exit 1' TERM; while :; do sleep 0.1; done")

    with pytest.raises(Stop):
        helm.run("upgrade", "web", hear=stop)

    assert ended.exists()
