"""How a provider resource names its cluster: a kubeconfig, as text or by its path, and a context in it.

Only reads files. A kubeconfig given as text stays in memory.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from components.kubernetes.client import files_of, is_text
from stack.engines.kubernetes.errors import Unconfigured
from stack.engines.values import UNKNOWN, Values, has_unknown

DEFAULT: Final = "~/.kube/config"
WHERE: Final = ("kubeconfig", "context", "cluster")  # the inputs that decide which cluster is meant


@dataclass(frozen=True)
class Target:
    """The address of a cluster, and the authority that vouches for it, as a kubeconfig states them."""

    server: str
    authority: str = ""


@dataclass(frozen=True)
class Settings:
    """What a provider resource is configured with. `kubeconfig` is a text, or paths joined as in `KUBECONFIG`."""

    kubeconfig: str
    context: str = ""
    cluster: str = ""
    namespace: str = ""

    @property
    def is_text(self) -> bool:
        """Whether the kubeconfig itself is given, not where it lies."""
        return is_text(self.kubeconfig)

    def paths(self) -> tuple[Path, ...]:
        """The files of the kubeconfig; nothing where it is a text."""
        return files_of(self.kubeconfig)

    def document(self) -> dict[str, Any]:
        """The kubeconfig; where several files say something, the first counts.

        Raises:
            Unconfigured: there is none, or it is no kubeconfig.
        """
        texts = [self.kubeconfig] if self.is_text else [_read(path) for path in self.paths() if path.exists()]
        if not texts:
            raise Unconfigured(
                f"There is no kubeconfig at {self.kubeconfig}.",
                remedy="Name one in the spec (cluster.kubeconfig) or in KUBECONFIG.",
            )
        merged: dict[str, Any] = {}
        for text in texts:
            try:
                found = yaml.safe_load(text)
            except yaml.YAMLError as error:
                raise _unreadable("it is no YAML") from error  # the error would quote the text
            if not isinstance(found, dict):
                raise _unreadable("it is no mapping")
            for key, value in found.items():
                if isinstance(value, list) and isinstance(merged.get(key), list):
                    merged[key] = [*merged[key], *value]
                else:
                    merged[key] = merged.get(key) or value
        return merged

    def target(self) -> Target | None:
        """The cluster that is meant, as far as the kubeconfig tells; None when it does not."""
        try:
            document = self.document()
        except Unconfigured:
            return None
        context = _named(document, "contexts", self.context or document.get("current-context"))
        cluster = _named(document, "clusters", self.cluster or context.get("context", {}).get("cluster"))
        found = cluster.get("cluster") or {}
        authority = found.get("certificate-authority-data") or found.get("certificate-authority") or ""
        return Target(found["server"], str(authority)) if found.get("server") else None


def settings_of(values: Values, environ: Mapping[str, str]) -> Settings | None:
    """The settings in the inputs of a provider resource; None while they are not known.

    Pulumi's SDK passes what is no text as JSON.
    """
    if has_unknown({key: values.get(key) for key in (*WHERE, "namespace")}):
        return None
    stated = {key: str(values.get(key) or "") for key in (*WHERE, "namespace")}
    kubeconfig = values.get("kubeconfig")
    if isinstance(kubeconfig, dict):
        stated["kubeconfig"] = json.dumps(kubeconfig)
    return Settings(**{**stated, "kubeconfig": stated["kubeconfig"] or environ.get("KUBECONFIG") or DEFAULT})


def moved(old: Settings, new: Settings) -> bool:
    """Whether the settings name another cluster, as far as the kubeconfigs tell."""
    before, after = old.target(), new.target()
    return before is not None and after is not None and before != after


def differing(old: Values, new: Values) -> tuple[str, ...]:
    """The inputs that decide which cluster is meant and that differ."""
    return tuple(key for key in WHERE if old.get(key) != new.get(key) and UNKNOWN not in (old.get(key), new.get(key)))


def _named(document: Mapping[str, Any], what: str, name: Any) -> dict[str, Any]:
    items = document.get(what)
    found = next((item for item in items or () if isinstance(item, dict) and item.get("name") == name), None)
    return found or {}


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise Unconfigured(f"The kubeconfig {path} cannot be read: {reason}.") from error


def _unreadable(why: str) -> Unconfigured:
    return Unconfigured(
        f"The kubeconfig cannot be used: {why}.", remedy="Look at it with `kubectl config view`; make it anew."
    )
