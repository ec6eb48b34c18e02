"""Stacks of the embedded engine on the cluster of the tests, and manifests for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi

from stack.engines.embedded import EmbeddedEngine
from stack.engines.events import Event, Outcome, ignore
from stack.engines.kubernetes import KubernetesProviders
from stack.engines.refreshing import Drift
from stack.plan import Change, Plan

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Declared:
    """An object in a program; `opts` are of `pulumi.ResourceOptions`, `needs` names objects before it."""

    manifest: Manifest
    needs: tuple[str, ...] = ()
    opts: Mapping[str, Any] = field(default_factory=dict)


def a_program(objects: Mapping[str, Declared | Manifest], *, settings: Mapping[str, Any]) -> Callable[[], None]:
    """A program of objects on the cluster that the settings name; each may need those before it."""

    def program() -> None:
        provider = pulumi.ProviderResource(
            "kubernetes", "cluster", dict(settings), pulumi.ResourceOptions(version="4.34.2")
        )
        made: dict[str, pulumi.CustomResource] = {}
        for name, given in objects.items():
            declared = given if isinstance(given, Declared) else Declared(given)
            version, kind = declared.manifest["apiVersion"], declared.manifest["kind"]
            type_ = f"kubernetes:{version if '/' in version else f'core/{version}'}:{kind}"
            needs = [made[need] for need in declared.needs]
            options = pulumi.ResourceOptions(provider=provider, depends_on=needs, **declared.opts)
            made[name] = pulumi.CustomResource(type_, name, dict(declared.manifest), options)

    return program


@dataclass(frozen=True)
class Stack:
    """A stack whose objects live in one namespace, with its state below a folder."""

    place: Path
    kubeconfig: Path
    namespace: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    listener: Callable[[Event], None] = ignore

    def engine(self, **options: Any) -> EmbeddedEngine:
        """A new engine, as a new process would make one."""
        known = {"kubernetes:": KubernetesProviders()}
        return EmbeddedEngine("project", "test", self.place / "state", providers=known, **options)

    def program(self, objects: Mapping[str, Declared | Manifest], **settings: Any) -> Callable[[], None]:
        """A program of these objects."""
        return a_program(objects, settings={"kubeconfig": str(self.kubeconfig), **self.settings, **settings})

    def preview(self, objects: Mapping[str, Declared | Manifest], **settings: Any) -> Plan:
        """What an `up` would do."""
        return self.engine().preview(self.program(objects, **settings))

    def up(self, objects: Mapping[str, Declared | Manifest], **settings: Any) -> Outcome:
        """Make it so."""
        return self.engine().up(self.program(objects, **settings), on_event=self.listener)

    def made(self, objects: Mapping[str, Declared | Manifest], **settings: Any) -> Outcome:
        """Make it so, and have it succeed."""
        outcome = self.up(objects, **settings)
        assert outcome.error is None, f"{outcome.error}: {outcome.error.why}\n{outcome.failed}"
        return outcome

    def refresh(self) -> Drift:
        """Take what is live into the state."""
        return self.engine().refresh()

    def state(self, name: str) -> Mapping[str, Any]:
        """A resource as the exported state has it, secrets shown."""
        resources = self.engine().export(show_secrets=True)["deployment"]["resources"]
        found: Mapping[str, Any] = next(r for r in resources if r["urn"].endswith(f"::{name}"))
        return found

    def altered(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Alter the state by hand."""
        exported = json.loads(json.dumps(self.engine().export(show_secrets=True)))
        change(exported["deployment"])
        self.engine().import_(exported)

    def files(self) -> str:
        """All that is written below the stack's folder."""
        return "\n".join(path.read_text() for path in self.place.rglob("*") if path.is_file())

    # ------------------------------------------------------------------------------------------ manifests

    def config(self, data: Mapping[str, str], name: str = "config", **metadata: Any) -> Manifest:
        """A ConfigMap."""
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": self._named(name, metadata), "data": dict(data)}

    def secret(self, text: Mapping[str, Any], name: str = "secret") -> Manifest:
        """A Secret."""
        return {"apiVersion": "v1", "kind": "Secret", "metadata": self._named(name, {}), "stringData": dict(text)}

    def service(self, name: str = "service", **spec: Any) -> Manifest:
        """A Service."""
        spec = {"selector": {"app": "server"}, "ports": [{"port": 80}], **spec}
        return {"apiVersion": "v1", "kind": "Service", "metadata": self._named(name, {}), "spec": spec}

    def deployment(
        self,
        name: str = "server",
        *,
        image: str = "localhost/nowhere:1",
        replicas: int | None = 0,
        cpu: str = "1m",
        app: str = "server",
        annotations: Mapping[str, str] | None = None,
        container: Mapping[str, Any] | None = None,
        **spec: Any,
    ) -> Manifest:
        """A Deployment; without replicas unless asked for, so that no pod has to run."""
        pod = {
            "terminationGracePeriodSeconds": 1,
            "containers": [
                {
                    "name": "main",
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "resources": {"requests": {"cpu": cpu, "memory": "8Mi"}},
                    **(container or {}),
                }
            ],
        }
        stated = {} if replicas is None else {"replicas": replicas}
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": self._named(name, {"annotations": dict(annotations)} if annotations else {}),
            "spec": {
                **stated,
                "selector": {"matchLabels": {"app": app}},
                "template": {"metadata": {"labels": {"app": app}}, "spec": pod},
                **spec,
            },
        }

    def job(
        self, image: str, *, command: str = "", annotations: Mapping[str, str] | None = None, **spec: Any
    ) -> Manifest:
        """A Job of one pod that is tried once."""
        doing = {"command": [command]} if command else {}
        pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": image, **doing}]}
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": self._named("job", {"annotations": dict(annotations)} if annotations else {}),
            "spec": {"backoffLimit": 0, **spec, "template": {"spec": pod}},
        }

    def _named(self, name: str, metadata: Mapping[str, Any]) -> Manifest:
        return {"name": name, "namespace": self.namespace, **metadata}


def paths_of(change: Change) -> dict[str, tuple[Any, Any]]:
    """What changes in a resource: old and new by path."""
    return {found.path: (found.old, found.new) for found in change.properties}


def the_change(plan: Plan) -> Change:
    """The only change of a plan."""
    (change,) = plan.changing
    return change


def pausing(kubectl: Callable[..., str]) -> str:
    """An image that does nothing and needs nothing: the one that the node's own pods rest on."""
    nodes = json.loads(kubectl("get", "nodes", "-o", "json"))["items"]
    names = [name for node in nodes for image in node["status"]["images"] for name in image.get("names") or ()]
    return next((name for name in names if "/pause:" in name), "registry.k8s.io/pause:3.10")
