"""Helm releases: installed, upgraded, refreshed and removed by the `helm` program; skipped without it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.kubectl import Kubectl
from tests.cluster.stacks import Stack, paths_of, the_change

CHART = """apiVersion: v2
name: small
version: 0.1.0
appVersion: "7"
"""
TEMPLATE = """apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-config
data:
  x: {{ .Values.x | quote }}
"""


@pytest.fixture
def stack(tmp_path: Path, kubeconfig: Path, namespace: str) -> Stack:
    if shutil.which("helm") is None:
        pytest.skip("needs Helm: put `helm` on the PATH")
    return Stack(tmp_path, kubeconfig, namespace)


def a_chart(stack: Stack, template: str = TEMPLATE) -> str:
    """A chart of one object; its path."""
    folder = stack.place / "small"
    (folder / "templates").mkdir(parents=True, exist_ok=True)
    (folder / "Chart.yaml").write_text(CHART)
    (folder / "templates" / "config.yaml").write_text(template)
    return str(folder)


def a_release(stack: Stack, **inputs: Any) -> Any:
    """A program of one release."""
    import pulumi

    chart = inputs.pop("chart", None) or a_chart(stack)
    given = {"chart": chart, "name": "small", "namespace": stack.namespace, "values": {"x": "1"}, **inputs}
    settings = inputs.pop("settings", {"kubeconfig": str(stack.kubeconfig)})
    given.pop("settings", None)

    def program() -> None:
        provider = pulumi.ProviderResource("kubernetes", "cluster", settings, pulumi.ResourceOptions(version="4.34.2"))
        options = pulumi.ResourceOptions(provider=provider)
        pulumi.CustomResource("kubernetes:helm.sh/v3:Release", "release", given, options)

    return program


def test_a_release_is_installed_upgraded_and_removed(stack: Stack, kubectl: Kubectl) -> None:
    engine = stack.engine()
    assert engine.up(a_release(stack)).error is None
    first = kubectl.get("configmap", "small-config", stack.namespace)["data"]
    kept = stack.state("release")["outputs"]
    change = the_change(engine.preview(a_release(stack, values={"x": "2"})))
    assert engine.up(a_release(stack, values={"x": "2"})).error is None
    second = kubectl.get("configmap", "small-config", stack.namespace)["data"]
    again = engine.preview(a_release(stack, values={"x": "2"}))
    outcome = engine.destroy()

    assert (first, second) == ({"x": "1"}, {"x": "2"})
    assert kept["resourceNames"] == {"ConfigMap/v1": ["small-config"]}
    assert kept["status"] == {
        "appVersion": "7",
        "chart": "small",
        "name": "small",
        "namespace": stack.namespace,
        "revision": 1,
        "status": "deployed",
        "version": "0.1.0",
    }
    assert paths_of(change) == {"values.x": ("1", "2")}
    assert again.empty
    assert outcome.error is None
    assert "small-config" not in kubectl.names("configmap", stack.namespace)


def test_a_kubeconfig_that_is_a_text_and_secret_values_reach_helm_without_a_file(
    stack: Stack, kubectl: Kubectl
) -> None:
    import pulumi

    def program() -> None:
        settings = {"kubeconfig": pulumi.Output.secret(stack.kubeconfig.read_text())}
        a_release(stack, settings=settings, values={"x": pulumi.Output.secret("very-hidden")})()

    engine = stack.engine(passphrase="words")
    outcome = engine.up(program)

    assert outcome.error is None, outcome.failed
    assert kubectl.get("configmap", "small-config", stack.namespace)["data"] == {"x": "very-hidden"}
    assert "very-hidden" not in stack.files() + repr(outcome) + repr(engine.export())


def test_a_release_of_somebody_else_is_not_adopted(stack: Stack, kubectl: Kubectl) -> None:
    other = Stack(stack.place / "other", stack.kubeconfig, stack.namespace)
    assert other.engine().up(a_release(other, chart=a_chart(stack))).error is None

    outcome = stack.engine().up(a_release(stack))

    assert "exists already" in outcome.failed[0].message


def test_a_release_that_fails_is_kept_and_mended_by_the_next_up(stack: Stack) -> None:
    broken = a_chart(stack, TEMPLATE.replace("ConfigMap", "ConfigMap\n  colour: red")) + "/"
    outcome = stack.engine().up(a_release(stack, chart=broken))
    a_chart(stack)

    assert outcome.failed
    assert stack.engine().up(a_release(stack, chart=broken)).error is None


def test_a_change_of_the_release_by_hand_is_drift(stack: Stack) -> None:
    engine = stack.engine()
    assert engine.up(a_release(stack)).error is None
    os.spawnlp(
        os.P_WAIT, "helm", "helm", "--kubeconfig", str(stack.kubeconfig), "-n", stack.namespace,
        "upgrade", "small", a_chart(stack), "--set", "x=edited",
    )  # fmt: skip

    drift = engine.refresh()

    (changed,) = drift.changed
    assert [(p.path, p.old, p.new) for p in changed.properties] == [("values.x", "1", "edited")]
    assert paths_of(the_change(engine.preview(a_release(stack)))) == {"values.x": ("edited", "1")}
