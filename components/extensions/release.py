"""A Helm release as a resource.

Its type is that of pulumi-kubernetes' `helm.v3.Release`, a plain custom resource: the real provider installs it with
its own Helm, the embedded engine with the `helm` on this machine. Inputs follow the installed SDK
(`pulumi_kubernetes/helm/v3/Release.py`), which need not be imported for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi

from components.kubernetes.objects import Home

TYPE: Final = "kubernetes:helm.sh/v3:Release"
_SECRET: Final = re.compile(r"(password|passwd|token|secretKey|accessKey|apiKey|privateKey)$", re.IGNORECASE)


@dataclass(frozen=True)
class Release:
    """A chart to be installed under a name of its own.

    Attributes:
        chart: name in `repo`, an oci:// or https:// address, or the absolute path of a folder.
        version: the chart's; empty for a chart of this machine.
        timeout_s: longest wait until all of its objects are ready.
        wait: whether there is a wait at all.
    """

    name: str
    chart: str
    namespace: str
    version: str = ""
    repo: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    timeout_s: int = 600
    wait: bool = True


def inputs_of(release: Release) -> dict[str, Any]:
    """The resource's inputs. The namespace is an object of its own: Helm would make one that nobody deletes."""
    inputs = {
        "name": release.name,
        "chart": release.chart,
        "version": release.version,
        "namespace": release.namespace,
        "repositoryOpts": {"repo": release.repo} if release.repo else {},
        "values": dict(release.values),
    }
    stated = {key: value for key, value in inputs.items() if value}
    return {**stated, "createNamespace": False, "skipAwait": not release.wait, "timeout": release.timeout_s}


def hidden(values: Any, key: str = "") -> Any:
    """Values of which those that are secret by their key are Pulumi secrets, masked wherever they are shown."""
    match values:
        case Mapping():
            return {name: hidden(value, name) for name, value in values.items()}
        case list() | tuple():
            return [hidden(value, key) for value in values]
        case str() if values and _SECRET.search(key):
            return pulumi.Output.secret(values)
        case _:
            return values


def release(
    asked: Release, home: Home, *, parent: pulumi.Resource | None = None, needs: Sequence[pulumi.Resource] = ()
) -> pulumi.CustomResource:
    """Declare a release; its resource has its name."""
    options = pulumi.ResourceOptions(provider=home.provider, parent=parent, depends_on=[*home.needs, *needs])
    inputs = inputs_of(asked)
    return pulumi.CustomResource(TYPE, asked.name, {**inputs, "values": hidden(inputs.get("values", {}))}, options)
