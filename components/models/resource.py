"""A model as a resource of the program: its inputs say what it is made of and how, its outputs where it stands.

The inputs come from `plan.py`. Whether a model has to be made again is decided by contents, never by places: moving the
checkout changes nothing. Deleting a model leaves the store alone: what was converted once may be used again, by any
stack.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
from pulumi import dynamic

from components.models import material
from components.models.digest import check_digest
from components.models.store import Conversion, check_drop, converted, is_intact
from components.progress import say

OUTPUTS = ("path", "digest", "precision", "bytes", "accuracy", "accuracy_before", "warnings")
Props = dict[str, Any]


def make(props: Mapping[str, Any]) -> Props:
    """Have the model that `props` (the inputs) describe in the store; returns the outputs.

    Raises:
        InferstackError: something it is made of cannot be had, it cannot be converted, or it lost too much accuracy.
    """
    store, convert = Path(props["store"]), props["convert"]
    source = material.obtain(material.from_json(props["source"]), "model", store)
    check_digest(str(source.path), props.get("sha256"), source.digest)
    conversion = Conversion(
        name=props["name"], source=source, origin=material.shown(material.from_json(props["source"])),
        precision=convert["precision"], calibration=_data(convert.get("calibration"), store),
        samples=int(convert.get("samples", 0)), evaluation=_data(props.get("evaluation"), store),
        input_shape={name: tuple(map(int, shape)) for name, shape in convert.get("input_shape", {}).items()},
    )  # fmt: skip
    stored = converted(conversion, store / "models")
    if (limit := convert.get("max_accuracy_drop")) is not None:
        check_drop(stored, float(limit))
    warnings = [*conversion.warnings, *stored.warnings]
    for warning in warnings:
        say(warning)
    outputs = {
        "path": str(stored.path), "digest": stored.digest, "precision": stored.precision, "bytes": stored.bytes,
        "accuracy": stored.accuracy, "accuracy_before": stored.accuracy_before, "warnings": warnings,
    }  # fmt: skip
    return {key: value for key, value in outputs.items() if value is not None}


class ModelProvider(dynamic.ResourceProvider):
    """Makes models by their inputs; knows nothing but what it is given."""

    serialize_as_secret_always = False

    def diff(self, _id: str, olds: Props, news: Props) -> dynamic.DiffResult:
        """Whether the model has to be made again: another content or recipe, or it has gone from the store."""
        gone = not Path(olds.get("path") or "/nowhere").exists()
        changed = _essence(olds) != _essence(news)
        same_model = not gone and _essence(olds, limit=False) == _essence(news, limit=False)
        return dynamic.DiffResult(changes=gone or changed, stables=list(OUTPUTS) if same_model else [])

    def create(self, props: Props) -> dynamic.CreateResult:
        """Make the model; the second time it is found in the store."""
        return dynamic.CreateResult(props["name"], {**props, **make(props)})

    def read(self, id_: str, props: Props) -> dynamic.ReadResult:
        """The model as it stands; none if it is gone from the store or was altered there."""
        path = Path(props.get("path") or "/nowhere")
        return dynamic.ReadResult(id_, props) if is_intact(path.parents[2]) else dynamic.ReadResult("", {})

    def update(self, _id: str, _olds: Props, news: Props) -> dynamic.UpdateResult:
        """Make the model as it is now described; the old one stays in the store."""
        return dynamic.UpdateResult({**news, **make(news)})

    def delete(self, _id: str, _props: Props) -> None:
        """Nothing: the store outlives the stack, until it is purged."""


class ModelResource(dynamic.Resource, module="inferstack", name="Model"):
    """A model in the store, converted as the spec says; `inputs` come from `plan_inputs`."""

    path: pulumi.Output[str]
    digest: pulumi.Output[str]
    precision: pulumi.Output[str]
    bytes: pulumi.Output[int]
    accuracy: pulumi.Output[float | None]
    accuracy_before: pulumi.Output[float | None]
    warnings: pulumi.Output[list[str]]

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(ModelProvider(), name, {**dict.fromkeys(OUTPUTS), **inputs}, opts)


def _data(value: Mapping[str, Any] | None, store: Path) -> material.Obtained | None:
    return material.obtain(material.from_json(value), "data", store) if value else None


def _essence(props: Props, *, limit: bool = True) -> Props:
    """What decides a model: contents by identity, wherever they lie; with or without the limit on its accuracy."""
    convert = {key: value for key, value in props["convert"].items() if limit or key != "max_accuracy_drop"}
    essence = {key: props.get(key) for key in ("name", "store", "sha256", "source", "evaluation")} | {
        f"convert.{key}": value for key, value in convert.items()
    }
    return {
        key: material.identity(material.from_json(value)) if isinstance(value, dict) and "kind" in value else value
        for key, value in essence.items()
    }
