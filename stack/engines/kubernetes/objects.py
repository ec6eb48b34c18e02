"""Manifests as resources: what they are known by, how they are named, how the state keeps them. Pure."""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Final

from stack.engines import urns
from stack.engines.kubernetes.trees import READ_ONLY, Tree, in_the_state, on_the_wire
from stack.engines.providers import CheckFailure
from stack.engines.values import UNKNOWN

RELEASE: Final = "kubernetes:helm.sh/v3:Release"
_PREFIX: Final = "pulumi.com/"


def annotation(obj: Tree, name: str) -> str:
    """What an object says to Pulumi in the annotation `pulumi.com/NAME`; '' when it says nothing."""
    metadata = obj.get("metadata")
    notes = metadata.get("annotations") if isinstance(metadata, dict) else None
    value = notes.get(f"{_PREFIX}{name}", "") if isinstance(notes, dict) else ""
    return value if isinstance(value, str) else ""


def id_of(obj: Tree) -> str:
    """`namespace/name`, or `name` where there is no namespace."""
    metadata = obj["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else str(metadata["name"])


def label(obj: Tree) -> str:
    """How messages name an object: `Deployment demo/web`."""
    return f"{obj.get('kind', 'object')} {id_of(obj)}"


def kind_of(obj: Tree) -> str:
    """`apps/v1/Deployment`."""
    return f"{obj.get('apiVersion')}/{obj.get('kind')}"


def named(type_: str, id_: str) -> Tree:
    """The least that names an object: from its type (`kubernetes:apps/v1:Deployment`) and its id."""
    _, version, kind = type_.split(":", 2)
    namespace, _, name = id_.rpartition("/")
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": version.removeprefix("core/"), "kind": kind, "metadata": metadata}


def same_namespace(one: Any, other: Any) -> bool:
    """Whether two namespaces are the same: none stated means `default`."""
    return (one or "default") == (other or "default")


def manager_of(urn: str, inputs: Tree, outputs: Tree) -> str:
    """The field manager of an object: the one that it has, else one that follows from the URN, so that a create that is
    repeated after a crash knows its own object.
    """
    chosen = annotation(inputs, "patchFieldManager") or outputs.get("__fieldManager")
    return str(chosen or f"pulumi-kubernetes-{digest(urn)}")


def digest(text: str) -> str:
    """Eight characters that follow from a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def failures(type_: str, new: Tree) -> tuple[CheckFailure, ...]:
    """What of a resource cannot be an object here."""
    found = []
    if type_.endswith("Patch") and str(new.get("kind", "")) + "Patch" == type_.rpartition(":")[2]:
        found.append(CheckFailure("kind", "changing objects of others is left to the Pulumi engine"))
    if str(new.get("kind", "")).endswith("List") and "items" in new:
        found.append(CheckFailure("kind", "a list is no object: declare its items"))
    if not isinstance(new.get("metadata", {}), dict) and new.get("metadata") != UNKNOWN:
        found.append(CheckFailure("metadata", "it must be a mapping"))
    return tuple(found)


def checked(urn: str, type_: str, old: Tree, new: Tree, namespace: str = "") -> Tree:
    """The manifest as the state keeps it: named, in its namespace, the text of a Secret encoded.

    Args:
        old: the manifest as it was kept before, empty for a new object.
        namespace: where an object goes that does not say so.
    """
    manifest: Tree = {**_typed(type_), **on_the_wire(new)}
    if isinstance(metadata := manifest.get("metadata") or {}, dict):
        manifest["metadata"] = _named({k: v for k, v in metadata.items() if k not in READ_ONLY}, urn, old)
        if namespace and not manifest["metadata"].get("namespace"):
            manifest["metadata"]["namespace"] = namespace
    if manifest["kind"] == "Secret" and isinstance(text := manifest.pop("stringData", None), dict):
        manifest["data"] = {**(manifest.get("data") or {}), **{key: _encoded(value) for key, value in text.items()}}
    return manifest


def _typed(type_: str) -> Tree:
    first = named(type_, "")
    return {"apiVersion": first["apiVersion"], "kind": first["kind"]}


def _named(metadata: Tree, urn: str, old: Tree) -> Tree:
    """The metadata with a name; one that nobody chose keeps what it has."""
    if metadata.get("name"):
        return metadata
    if prefix := metadata.get("generateName"):
        return {**metadata, "name": f"{prefix}{digest(urn)}"}
    kept = old["metadata"]["name"] if annotation(old, "autonamed") == "true" else ""
    name = kept or f"{urns.name_of(urn)}-{digest(urn)}"
    return {
        **metadata,
        "name": name,
        "annotations": {**(metadata.get("annotations") or {}), f"{_PREFIX}autonamed": "true"},
    }


def _encoded(value: Any) -> Any:
    return value if value == UNKNOWN else base64.b64encode(str(value).encode()).decode()


def kept(live: Tree, inputs: Tree, manager: str, first_version: str = "") -> Tree:
    """The outputs that the state keeps: the whole live object, and how it came about."""
    return {
        **in_the_state(live),
        "__inputs": in_the_state(inputs),
        "__initialApiVersion": first_version or inputs["apiVersion"],
        "__fieldManager": manager,
    }


_COMPUTED: Final = {"v1/Service": {"spec": ("clusterIP", "clusterIPs")}}


def foretold(inputs: Tree) -> Tree:
    """The outputs of an object that is yet to be made: what the cluster will choose is unknown."""
    told: Tree = {**in_the_state(inputs), "status": UNKNOWN}
    for top, keys in _COMPUTED.get(kind_of(inputs), {}).items():
        if isinstance(stated := told.get(top), dict):
            told[top] = {**dict.fromkeys(keys, UNKNOWN), **stated}
    return told
