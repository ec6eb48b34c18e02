"""Extensions, clusters and what is planned for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.extensions.planning import ExtensionSet, Planned, plan_extensions
from components.extensions.release import Release
from schemas.spec import Cluster, Extension, GkeCluster, KubernetesCluster

ANYWHERE = KubernetesCluster(provider="kubernetes")


def an_extension(name: str, **said: Any) -> Extension:
    """An extension of a spec."""
    return Extension(name=name, at=f"extensions.{name}", **said)


def on_gke(**said: Any) -> GkeCluster:
    """A GKE cluster."""
    return GkeCluster(provider="gke", project="my-project", location="europe-west4-a", **said)


def planned(
    *asked: str | Extension, cluster: Cluster = ANYWHERE, installed: Mapping[str, str] | None = None
) -> ExtensionSet:
    """What is planned for extensions, given by name or whole."""
    extensions = [an_extension(one) if isinstance(one, str) else one for one in asked]
    return plan_extensions(extensions, cluster, installed=installed)


def the(extensions: ExtensionSet, name: str) -> Planned:
    """One of them."""
    return next(one for one in extensions.planned if one.name == name)


def release_of(extensions: ExtensionSet, name: str) -> Release:
    """A Helm release by its name."""
    return next(r for one in extensions.planned for r in one.releases if r.name == name)


def names(extensions: ExtensionSet) -> list[str]:
    """What is installed, in order."""
    return [one.name for one in extensions.planned]


def a_file(folder: Path, text: str, name: str = "objects.yaml") -> Path:
    """A file of manifests."""
    path = folder / name
    path.write_text(text)
    return path
