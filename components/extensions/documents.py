"""Objects that stand in files of YAML: of the user, or of a project that publishes them so.

Every document is an object of the stack, declared as it stands. A file of the web is fetched once, through the store,
and is what it was for as long as the store keeps it. A plan that is only looked at fetches nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from components.kubernetes.objects import Manifest
from schemas.errors import InferstackError, PreflightError, UsageError

ENDINGS: Final = (".yaml", ".yml", ".json")
FIRST: Final = ("Namespace", "CustomResourceDefinition")


def read(source: str, store: Path) -> tuple[Manifest, ...]:
    """The objects of a file, of all such files of a folder (by name), or behind a URL.

    Raises:
        UsageError: there is no such file, or a document in it is no object.
        PreflightError: the URL cannot be fetched.
    """
    if "://" in source:
        return _objects(_fetched(source, store), source)
    path = Path(source)
    files = sorted(p for p in path.iterdir() if p.suffix in ENDINGS) if path.is_dir() else [path]
    if not files:
        raise UsageError(f"{source} has no manifests", why=f"none of its files ends with {' or '.join(ENDINGS)}")
    return tuple(found for file in files for found in _objects(file, str(file)))


def stored(source: str, store: Path) -> tuple[Manifest, ...] | None:
    """The same without asking the web: None for a URL that was not fetched yet.

    Raises:
        UsageError: there is no such file, or a document in it is no object.
    """
    if "://" not in source:
        return read(source, store)
    from components.models.fetch import stored as fetched_before

    path = fetched_before(source, store)
    return None if path is None else _objects(path, source)


def _fetched(url: str, store: Path) -> Path:
    from components.models.fetch import fetch  # here, for httpx takes its time and few plans need it

    try:
        return fetch(url, sha256=None, store=store).path
    except PreflightError as error:
        remedy = "fetch the file where there is a network, and name it as `manifests:` of the extension"
        raise PreflightError(error.message, why=error.why, remedy=remedy) from error


def _objects(path: Path, shown: str) -> tuple[Manifest, ...]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        documents = list(yaml.load_all(path.read_text(), loader))
    except OSError as error:
        raise UsageError(f"{shown} cannot be read", why=error.strerror or str(error)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{shown} is no YAML", why=" ".join(str(error).split())) from error
    found = [
        _object(document, f"{shown}, document {number}") for number, document in enumerate(documents, 1) if document
    ]
    return tuple(one for group in found for one in group)


def _object(document: Any, shown: str) -> tuple[Manifest, ...]:
    """The object of a document, or those of a list."""
    if not isinstance(document, dict) or not all(isinstance(document.get(key), str) for key in ("apiVersion", "kind")):
        raise _no_object(shown, "an object has `apiVersion` and `kind`")
    if document["kind"] == "List":
        return tuple(one for item in document.get("items") or () for one in _object(item, shown))
    if document["kind"] == "Kustomization":
        raise _no_object(shown, "a kustomization is for kubectl", "name what `kubectl kustomize FOLDER` prints")
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        raise _no_object(shown, f"{document['kind']} has no `metadata.name`; made-up names cannot be found again")
    return (document,)


def _no_object(shown: str, why: str, remedy: str = "") -> InferstackError:
    return UsageError(f"{shown}: no object of Kubernetes", why=why, remedy=remedy or "correct the file")
