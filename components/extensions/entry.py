"""What the catalogue says of one extension. Data: nothing here reads a file, a spec or a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from components.kubernetes.objects import Manifest
from schemas.known_extensions import numbers

Values = Mapping[str, Any]
PERMISSIVE: Final = ("Apache-2.0", "MIT")


@dataclass(frozen=True)
class Around:
    """What an entry's values and objects may depend on.

    `present` are the names of all extensions of the cluster, and `gke` says whether that is GKE's.
    """

    namespace: str
    version: str
    present: frozenset[str] = frozenset()
    gke: bool = False


@dataclass(frozen=True)
class Chart:
    """A Helm chart of an extension.

    Attributes:
        release: name of the release, also of its resource.
        chart: the chart's name in `repo`, or its oci:// address.
        prefix: what the repository writes before the version's numbers.
        version: version of this chart where it does not follow the extension's own.
        values: what we set, and what depends on the other extensions.
        main: whether the user's values are for this chart, unless they stand under another's release.
        wait: whether what comes next waits until all of it is ready.
    """

    release: str
    chart: str
    repo: str = ""
    prefix: Literal["", "v"] = ""
    version: str = ""
    values: Values | Callable[[Around], Values] = field(default_factory=dict)
    main: bool = True
    wait: bool = True


@dataclass(frozen=True)
class Credentials:
    """A Secret with a password that is made up once, where a chart would use a known one.

    `data` are the Secret's texts, in which `{password}` stands for the password.
    """

    secret: str
    data: Mapping[str, str]


@dataclass(frozen=True)
class BuiltIn:
    """What GKE has instead, so that nothing is installed; `switch` is the field of the cluster that turns it on."""

    what: str
    switch: Literal["", "gateway_api", "managed_prometheus"] = ""


@dataclass(frozen=True)
class Licence:
    """The licence of a version and all later ones; `says` is what it means for somebody who installs it."""

    name: str
    since: str = "0.0.0"
    says: str = ""


@dataclass(frozen=True)
class Entry:
    """One extension of the catalogue.

    Attributes:
        what: what it is, in a line.
        version: version that is installed unless the spec names another; without a leading `v`.
        licences: in the order of their versions.
        charts: in the order of their installation.
        manifests: addresses of files with objects, `{version}` standing for the version.
        objects: objects that are made once the charts are there.
        needs: extensions that are added when the spec does not name them: they do nothing by themselves.
        after: extensions that come first where the spec names them.
        namespaces: more namespaces that its objects are in; its own is the first.
        deployments: Deployments that show that somebody has installed it, for the whole cluster (`name`) or in our own
            place (`namespace/name`); CRDs alone may be left over.
        crds: names of CustomResourceDefinitions that show it, for what has no Deployment.
        outputs: what the stack says of it: addresses, and commands that print a password; `{namespace}` is its own.
        warnings: what a plan says of it.
        on_gke: what a plan says of it on GKE, where it is installed all the same.
    """

    name: str
    what: str
    version: str
    namespace: str
    licences: tuple[Licence, ...] = (Licence("Apache-2.0"),)
    charts: tuple[Chart, ...] = ()
    manifests: tuple[str, ...] = ()
    objects: Callable[[Around], tuple[Manifest, ...]] | None = None
    credentials: tuple[Credentials, ...] = ()
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    deployments: tuple[str, ...] = ()
    crds: tuple[str, ...] = ()
    built_in: BuiltIn | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    on_gke: str = ""

    def licence(self, version: str = "") -> Licence:
        """The licence of a version; of the catalogue's own when none is named."""
        asked = numbers(version or self.version) or (0,)
        return [licence for licence in self.licences if (numbers(licence.since) or (0,)) <= asked][-1]


def password_command(secret: str, key: str) -> str:
    """The command that prints a password; `{namespace}` is left for the entry's own."""
    return f"kubectl get secret -n {{namespace}} {secret} -o jsonpath='{{{{.data.{key}}}}}' | base64 -d"
