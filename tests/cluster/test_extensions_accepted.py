"""What extensions become is accepted by a real API server with the projects' kinds, and charts are really installed.

Charts of the catalogue need the internet; the one here is made by the test. Helm is the `helm` on the PATH, or what
INFERSTACK_TEST_HELM names.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.extensions.catalogue import CATALOGUE
from components.extensions.install import install
from components.extensions.planning import ExtensionSet, with_documents
from components.kubernetes.objects import Home, Manifest
from stack.engines.embedded import EmbeddedEngine
from stack.engines.kubernetes.provider import KubernetesProviders
from stack.plan import Plan
from tests.cluster.kubectl import Kubectl
from tests.components.extensions.builders import an_extension, planned, the

CHART = "apiVersion: v2\nname: greeting\nversion: %s\nappVersion: '1'\n"
TEMPLATE = """
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}, namespace: {{ .Release.Namespace }}}
data: {word: {{ .Values.word | quote }}, to: {{ .Values.to.whom | quote }}}
"""


def _our_objects() -> list[Any]:
    extensions = planned(*CATALOGUE)
    return [
        pytest.param(one, id=f"{extension.name}-{one['kind']}")
        for extension in extensions.planned
        for one in extension.objects
    ]


@pytest.mark.parametrize("manifest", _our_objects())
def test_every_object_of_the_catalogue_is_accepted(kubectl: Kubectl, namespace: str, manifest: Manifest) -> None:
    kinds = f"{manifest['apiVersion'].partition('/')[0]}"
    if "/" in manifest["apiVersion"] and not _serves(kubectl, kinds):
        pytest.skip(f"the cluster has no kinds of {kinds}")
    metadata = dict(manifest["metadata"])
    if "namespace" in metadata:
        metadata["namespace"] = namespace
    kubectl.accepts({**manifest, "metadata": metadata})


def _serves(kubectl: Kubectl, group: str) -> bool:
    return group in kubectl("api-versions").replace("/", "\n").split()


@pytest.fixture
def helm(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the `helm` program."""
    named = os.environ.get("INFERSTACK_TEST_HELM") or shutil.which("helm")
    if named is None:
        pytest.skip("needs Helm: put `helm` on the PATH, or set INFERSTACK_TEST_HELM to it")
    return Path(named).parent


def a_chart(folder: Path, version: str = "1.0.0") -> Path:
    """A chart of one ConfigMap."""
    chart = folder / "greeting"
    (chart / "templates").mkdir(parents=True, exist_ok=True)
    (chart / "Chart.yaml").write_text(CHART % version)
    (chart / "values.yaml").write_text("word: hello\nto: {whom: nobody}\n")
    (chart / "templates" / "greeting.yaml").write_text(TEMPLATE)
    return chart


class Stack:
    """A stack of nothing but extensions on the cluster."""

    def __init__(self, folder: Path, kubeconfig: Path, namespace: str, helm: Path) -> None:
        environ = {**os.environ, "PATH": f"{helm}{os.pathsep}{os.environ['PATH']}"}
        providers = {"kubernetes:": KubernetesProviders(environ)}
        self._engine = EmbeddedEngine("inferstack", "extensions", folder / "state", providers=providers)
        self._kubeconfig, self._namespace = kubeconfig, namespace

    def _program(self, extensions: ExtensionSet) -> Any:
        def run() -> None:
            provider = pulumi.ProviderResource("kubernetes", "cluster", {"kubeconfig": str(self._kubeconfig)})
            install(extensions, Home("extensions", self._namespace, provider))

        return run

    def preview(self, extensions: ExtensionSet) -> Plan:
        return self._engine.preview(self._program(extensions))

    def up(self, extensions: ExtensionSet) -> None:
        outcome = self._engine.up(self._program(extensions))
        assert outcome.complete, outcome.failed

    def destroy(self) -> None:
        outcome = self._engine.destroy()
        assert outcome.complete, outcome.failed


def greeting(chart: Path, namespace: str, values: Mapping[str, Any]) -> ExtensionSet:
    name = f"greeting-{namespace}"
    return planned(an_extension(name, chart=str(chart), namespace=namespace, values=values))


def said(kubectl: Kubectl, namespace: str) -> Any:
    return kubectl.get("configmap", f"greeting-{namespace}", namespace)["data"]


def test_a_chart_is_installed_upgraded_and_taken_away(
    tmp_path: Path, kubectl: Kubectl, kubeconfig: Path, namespace: str, helm: Path
) -> None:
    stack, chart = Stack(tmp_path, kubeconfig, namespace, helm), a_chart(tmp_path)
    first = greeting(chart, namespace, {"to": {"whom": "you"}})

    stack.up(first)
    assert said(kubectl, namespace) == {"word": "hello", "to": "you"}
    assert stack.preview(first).empty

    stack.up(greeting(chart, namespace, {"word": "good day"}))
    assert said(kubectl, namespace) == {"word": "good day", "to": "nobody"}

    stack.destroy()
    assert f"greeting-{namespace}" not in kubectl.names("configmap", namespace)


def test_manifests_with_kinds_of_their_own_are_made_in_order(
    tmp_path: Path, kubectl: Kubectl, kubeconfig: Path, namespace: str, helm: Path
) -> None:
    group = f"{namespace}.example.com"
    things = {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"}
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    kind = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{group}"},
        "spec": {
            "group": group,
            "names": things,
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }
    thing = {"apiVersion": f"{group}/v1", "kind": "Thing", "metadata": {"name": "one", "namespace": namespace}}
    file = tmp_path / "things.yaml"
    file.write_text(f"{json.dumps(thing)}\n---\n{json.dumps(kind)}\n")
    extensions = with_documents(planned(an_extension("things", manifests=str(file))), tmp_path)
    stack = Stack(tmp_path, kubeconfig, namespace, helm)

    assert [one["kind"] for one in the(extensions, "things").objects] == ["Thing", "CustomResourceDefinition"]
    stack.up(extensions)
    assert kubectl.names(f"things.{group}", namespace) == ("one",)
    assert stack.preview(extensions).empty
    stack.destroy()
    assert f"things.{group}" not in kubectl("get", "crd", "-o", "name")
