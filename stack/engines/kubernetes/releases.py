"""Helm releases (`kubernetes:helm.sh/v3:Release`): installed, upgraded and removed by the `helm` binary.

Helm keeps what it knows of a release in the cluster, so a killed run is found again by the release's name: what
it left half installed is removed, what it left half upgraded is rolled back, and then done again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import yaml

from components import progress
from stack.engines import urns, values
from stack.engines.about import About
from stack.engines.kubernetes.connection import Connection
from stack.engines.kubernetes.difference import caveat
from stack.engines.kubernetes.errors import AlreadyExists, CannotAsk
from stack.engines.kubernetes.helm import Helm, HelmFailed, find
from stack.engines.kubernetes.objects import digest, id_of
from stack.engines.kubernetes.settings import settings_of
from stack.engines.kubernetes.trees import Tree
from stack.engines.providers import Checked, CheckFailure, Live, NotReady, ProviderDiff
from stack.engines.values import UNKNOWN, Values

_LIMIT_S: Final = 300  # Helm's own
_FLAGS: Final = {
    "atomic": "--atomic",
    "cleanupOnFail": "--cleanup-on-fail",
    "createNamespace": "--create-namespace",
    "dependencyUpdate": "--dependency-update",
    "devel": "--devel",
    "disableOpenapiValidation": "--disable-openapi-validation",
    "disableWebhooks": "--no-hooks",
    "forceUpdate": "--force",
    "renderSubchartNotes": "--render-subchart-notes",
    "resetValues": "--reset-values",
    "reuseValues": "--reuse-values",
    "skipCrds": "--skip-crds",
    "verify": "--verify",
}
_TEXTS: Final = {"description": "--description", "keyring": "--keyring", "maxHistory": "--history-max"}
_KNOWN: Final = frozenset(
    {*_FLAGS, *_TEXTS, "chart", "name", "namespace", "repositoryOpts", "skipAwait", "timeout", "values", "version"}
    | {"allowNullValues", "compat", "waitForJobs"}
)


class Releases:
    """What is to be done with Helm releases."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def check(self, about: About, old: Values, new: Values) -> Checked:
        """The inputs with a name, a namespace and a limit in seconds."""
        failures = [
            CheckFailure(key, "the embedded engine does not know it") for key in sorted(set(new) - _KNOWN) if new[key]
        ]
        if not new.get("chart"):
            failures.append(CheckFailure("chart", "it must be named"))
        repository = new.get("repositoryOpts") or {}
        if isinstance(repository, dict) and (secret := set(repository) & {"password", "username"}):
            reason = "credentials of repositories are read from Helm's own configuration: helm repo add"
            failures.append(CheckFailure(f"repositoryOpts.{min(secret)}", reason))
        settings = settings_of(about.settings, self._environ)
        name = new.get("name") or old.get("name") or f"{urns.name_of(about.urn)}-{digest(about.urn)}"
        namespace = new.get("namespace") or (settings.namespace if settings else "") or "default"
        waiting = {} if new.get("skipAwait") else {"timeout": new.get("timeout", _LIMIT_S)}
        return Checked({**new, "name": name, "namespace": namespace, **waiting}, tuple(failures))

    def diff(self, about: About, old: Values, new: Values) -> ProviderDiff:
        """Compares the inputs; the cluster is not asked, since Helm compares with what it knows itself."""
        asked = values.difference(about.inputs, new)
        foretold = {**new, "status": UNKNOWN, "resourceNames": UNKNOWN}
        if not asked:
            return ProviderDiff(changes=False, foretold={**old, "status": UNKNOWN} if about.unready else None)
        renamed = tuple(key for key in ("name", "namespace") if about.inputs.get(key) != new.get(key))
        return ProviderDiff(True, renamed, foretold=foretold, caveat=self._missing(about))

    def rehearse(self, about: About, new: Values) -> ProviderDiff:
        """What a new release would give."""
        foretold = {**new, "status": UNKNOWN, "resourceNames": UNKNOWN}
        return ProviderDiff(foretold=foretold, caveat=self._missing(about))

    def _missing(self, about: About) -> str:
        """Why the release cannot be made from here; raises it when it is about to be made."""
        settings = settings_of(about.settings, self._environ)
        try:
            if settings is not None:
                find(settings, self._environ)
        except CannotAsk as error:
            if about.binding:
                raise
            return caveat(error)
        return ""

    def create(self, about: About, inputs: Values, connection: Connection) -> Live:
        """Install a release.

        Raises:
            AlreadyExists: there is one of that name, which no interrupted run of ours has left.
            NotReady: it is installed, but not all of it is ready.
        """
        connection.expect(about.identity)
        helm = find(connection.settings, self._environ)
        found = _status(helm, inputs)
        if found is not None:
            if about.interrupted is None:
                raise AlreadyExists(
                    f"A Helm release {inputs['name']} exists already in the namespace {inputs['namespace']}.",
                    why="It was not installed by this stack.",
                    remedy=f"Give yours another name, or remove that one: helm uninstall {inputs['name']}",
                )
            _settle(helm, inputs, found)
        return _installed(helm, inputs, "")

    def update(self, about: About, old: Values, inputs: Values, connection: Connection) -> Live:
        """Upgrade a release; without a stated version it keeps the chart that it has."""
        connection.expect(about.identity)
        helm = find(connection.settings, self._environ)
        if (found := _status(helm, inputs)) is not None:
            _settle(helm, inputs, found)
        same_chart = about.inputs.get("chart") == inputs.get("chart")
        return _installed(helm, inputs, str((old.get("status") or {}).get("version") or "") if same_chart else "")

    def read(self, about: About, old: Values, connection: Connection) -> Live | None:
        """The release as it is; None when it is gone."""
        connection.expect(about.identity)
        helm = find(connection.settings, self._environ)
        found = _status(helm, old)
        if found is None:
            return None
        inputs = dict(about.inputs)
        if found.get("config") or inputs.get("values"):
            inputs["values"] = found.get("config") or {}
        return Live(_id(inputs), _kept(inputs, found), inputs, judged_by_inputs=True)

    def delete(self, about: About, old: Values, connection: Connection) -> None:
        """Remove a release, and all it has made; one that is not there is no error."""
        connection.expect(about.identity)
        helm = find(connection.settings, self._environ)
        try:
            limit = f"{about.timeouts_s.get('delete', old.get('timeout') or _LIMIT_S):.0f}s"
            helm.run("uninstall", *_place(old), "--wait", "--timeout", limit, hear=_hear(old, "uninstalling"))
        except HelmFailed as error:
            if not error.unknown:
                raise


def _id(inputs: Values) -> str:
    return id_of({"metadata": inputs})


def _place(inputs: Values) -> tuple[str, ...]:
    return str(inputs["name"]), "--namespace", str(inputs["namespace"])


def _hear(inputs: Values, work: str) -> Any:
    def hear() -> None:
        progress.say(f"helm is {work} {inputs['name']}")

    return hear


def _status(helm: Helm, inputs: Values) -> Tree | None:
    """What Helm knows of a release; None when it knows none of that name."""
    try:
        return helm.run("status", *_place(inputs), "--output", "json")
    except HelmFailed as error:
        if error.unknown:
            return None
        raise


def _settle(helm: Helm, inputs: Values, found: Tree) -> None:
    """Bring a release that an interrupted run left half done into a state in which it can be upgraded."""
    match found.get("info", {}).get("status"):
        case "pending-install" | "uninstalling":
            helm.run("uninstall", *_place(inputs), "--wait", hear=_hear(inputs, "clearing away the half of"))
        case "pending-upgrade" | "pending-rollback":
            helm.run("rollback", *_place(inputs), "--wait", hear=_hear(inputs, "rolling back the half of"))
        case _:
            pass


def _installed(helm: Helm, inputs: Values, version: str) -> Live:
    """Install or upgrade; the same command does either."""
    try:
        found = helm.run(*command(inputs, version), given=inputs.get("values") or {}, hear=_hear(inputs, "applying"))
    except HelmFailed as error:
        left = _status(helm, inputs)
        if left is None or left.get("info", {}).get("status") != "failed":
            raise
        raise NotReady(
            f"The Helm release {inputs['name']} was not completed.",
            Live(_id(inputs), _kept(inputs, left)),
            (error.why,),
            remedy="It is in the cluster and in the state: repair what failed and run the same command again.",
        ) from error
    return Live(_id(inputs), _kept(inputs, found))


def command(inputs: Values, version: str) -> tuple[str, ...]:
    """The words of the command that installs or upgrades a release."""
    repository = inputs.get("repositoryOpts") or {}
    files = {"caFile": "--ca-file", "certFile": "--cert-file", "keyFile": "--key-file", "repo": "--repo"}
    limit = str(inputs.get("timeout") or _LIMIT_S)
    waiting = () if inputs.get("skipAwait") else ("--wait", "--timeout", f"{limit}s")
    stated = str(inputs.get("version") or version)
    name, *where = _place(inputs)
    return (
        "upgrade",
        "--install",
        name,
        str(inputs["chart"]),
        *where,
        *(("--version", stated) if stated else ()),
        *(word for key, flag in files.items() if repository.get(key) for word in (flag, str(repository[key]))),
        *(flag for key, flag in _FLAGS.items() if inputs.get(key)),
        *(word for key, flag in _TEXTS.items() if inputs.get(key) for word in (flag, str(inputs[key]))),
        *waiting,
        *(("--wait-for-jobs",) if waiting and inputs.get("waitForJobs") else ()),
        "--values",
        "-",
        "--output",
        "json",
    )


def _kept(inputs: Values, found: Tree) -> Values:
    """The outputs as Pulumi's provider keeps them."""
    about = (found.get("chart") or {}).get("metadata") or {}
    status = {
        "appVersion": about.get("appVersion"),
        "chart": about.get("name"),
        "name": found.get("name"),
        "namespace": found.get("namespace"),
        "revision": found.get("version"),
        "status": found.get("info", {}).get("status"),
        "version": about.get("version"),
    }
    return {
        **inputs,
        "resourceNames": names_in(str(found.get("manifest") or "")),
        "status": {key: value for key, value in status.items() if value is not None},
        "__inputs": inputs,
    }


def names_in(manifest: str) -> dict[str, list[str]]:
    """Names of the objects of a release by `Kind.group/version`."""
    found: dict[str, set[str]] = {}
    for obj in yaml.safe_load_all(manifest):
        if isinstance(obj, dict) and obj.get("kind"):
            version = str(obj.get("apiVersion", ""))
            group = version.rpartition("/")[0]
            kind = f"{obj['kind']}.{group}" if group else str(obj["kind"])
            found.setdefault(f"{kind}/{version}", set()).add(id_of(obj))
    return {kind: sorted(names) for kind, names in sorted(found.items())}
