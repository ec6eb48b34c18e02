"""Where models come from and what they become."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from schemas.model_formats import UNREADABLE
from schemas.rules.registry import Violation, rule
from schemas.spec import LocalCluster, Model, Spec
from schemas.stores import scheme_of
from schemas.tree import Tree
from schemas.urls import parsed

FETCHED_HERE: Final = ("https", "http", "file", "train")
FETCHED_FOR_CLUSTERS: Final = (*FETCHED_HERE, "gs", "s3", "az")


@rule("MODEL001")
def a_model_comes_from_one_place(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A model has either a `source` or a `train`.

    Why: It is fetched or it is made by a script; with both, nobody knows which is meant.
    Example:
        models: [{name: digits}]
    Remedy: Add `source: model.onnx`, or `train: {command: [...], outputs: [model.onnx]}`.
    """
    for model in spec.models:
        if model.source is None and model.train is None:
            yield Violation(model.at, f"model `{model.name}` has neither `source` nor `train`")
        if model.source is not None and model.train is not None:
            yield Violation(
                f"{model.at}.train",
                f"model `{model.name}` has both `source` and `train`",
                remedy="Keep one of them; in an overlay, take the other away with `source: null`.",
                key=True,
            )


@rule("MODEL002")
def int8_is_calibrated(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`precision: int8` has calibration samples.

    Why: Quantization measures the range of every activation on samples like those served later.
    Example:
        models: [{name: digits, source: digits.onnx, convert: {precision: int8}, evaluation: test.npz}]
    Remedy: Add `calibration: samples.npz` (an array for each input, a few hundred rows), or use fp16.
    """
    for model in spec.models:
        if model.convert.precision == "int8" and model.convert.calibration is None:
            yield Violation(f"{model.at}.convert.precision", "int8 needs `calibration`")


@rule("MODEL003")
def int8_loss_is_measured(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A model in int8 has labelled data, or says that any loss of accuracy is accepted.

    Why: Quantization may lose accuracy; `maxAccuracyDrop` (1% unless stated) can be kept only where it is measured.
    Example:
        models: [{name: digits, source: digits.onnx, convert: {precision: int8, calibration: samples.npz}}]
    Remedy: Add `evaluation: labelled.npz` (inputs and labels `y`) to the model, or accept any loss with
        `maxAccuracyDrop: 100%`.
    """
    for model in spec.models:
        convert = model.convert
        if convert.precision == "int8" and model.evaluation is None and convert.max_accuracy_drop < 1.0:
            yield Violation(
                f"{model.at}.convert.maxAccuracyDrop" if tree.has(f"{model.at}.convert.maxAccuracyDrop") else model.at,
                f"model `{model.name}` becomes int8 without `evaluation` data, so that its loss of accuracy is unknown",
            )


@rule("MODEL004")
def digests_belong_to_sources(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`sha256` is the digest of a `source`.

    Why: A trained model is made here and has no digest to be compared with.
    Example:
        models:
          - name: digits
            train: {command: ["{python}", train.py], outputs: [digits.onnx]}
            sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    Remedy: Delete `sha256`.
    """
    for model in spec.models:
        if model.sha256 is not None and model.source is None:
            yield Violation(f"{model.at}.sha256", "`sha256` without a `source`", key=True)


@rule("MODEL005")
def sources_can_be_read(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A model's source is of a kind that OpenVINO reads.

    Why: It reads ONNX, OpenVINO IR (.xml), TensorFlow SavedModel (a folder) and frozen graphs (.pb), TensorFlow Lite
        and PaddlePaddle; other frameworks' own files need that framework, and some run code when they are read.
    Example:
        models: [{name: digits, source: digits.keras}]
    Remedy: Export the model to ONNX, which every framework can, and name that file.
    """
    for model in spec.models:
        for path, name in _model_files(model):
            found = UNREADABLE.get(PurePosixPath(name).suffix.lower())
            if found is not None:
                message = f"`{PurePosixPath(name).name}` cannot be converted"
                yield Violation(path, message, why=_sentence(found.why), remedy=_sentence(found.remedy))


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _model_files(model: Model) -> Iterator[tuple[str, str]]:
    if model.source is not None:
        yield f"{model.at}.source", model.source.split("?")[0]
    if model.train is not None and model.train.outputs:
        yield f"{model.at}.train.outputs.0", model.train.outputs[0]


@rule("MODEL006")
def sources_can_be_fetched(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A model's source is fetched in a way that its cluster knows.

    Why: On this machine a source is a path, file://, https://, or train://MODEL/FILE for a file that another model's
        training writes. Buckets (gs://, s3://, az://) are read in clusters, with the identity of their pods.
    Example:
        models: [{name: digits, source: gs://my-models/digits.onnx}]
    Remedy: Copy the model here and name its path, or name an https:// address.
    """
    local = isinstance(spec.cluster, LocalCluster)
    for model in spec.models:
        scheme = scheme_of(model.source)
        if scheme and scheme not in (FETCHED_HERE if local else FETCHED_FOR_CLUSTERS):
            message = f"`{scheme}://` is not fetched{' on this machine' if local else ''}"
            yield Violation(f"{model.at}.source", message)


@rule("MODEL007")
def calibration_is_for_int8(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`calibration`, `samples` and `maxAccuracyDrop` stand beside `precision: int8`.

    Why: Only quantization uses them; with another precision they would do nothing.
    Example:
        models: [{name: digits, source: digits.onnx, convert: {calibration: samples.npz}}]
    Remedy: Add `precision: int8`, or delete the key.
    """
    for model in spec.models:
        if model.convert.precision == "int8":
            continue
        for key in ("calibration", "samples", "maxAccuracyDrop"):
            path = f"{model.at}.convert.{key}"
            if tree.has(path):
                yield Violation(path, f"`{key}` does nothing with precision {model.convert.precision}", key=True)


@rule("MODEL008")
def training_has_command_and_output(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`train` names a program to run and at least one file that it writes.

    Why: The first of `outputs` is the model; without one there is nothing to serve.
    Example:
        models: [{name: digits, train: {command: ["{python}", train.py], outputs: []}}]
    Remedy: Write, for example, `command: ["{python}", train.py]` and `outputs: [model.onnx]`.
    """
    for model in spec.models:
        if model.train is None:
            continue
        if not model.train.command:
            why = "The program is what makes the model."
            yield Violation(f"{model.at}.train.command", "`command` is an empty list", why=why)
        if not model.train.outputs:
            yield Violation(f"{model.at}.train.outputs", "`outputs` is an empty list")


@rule("MODEL009")
def training_writes_into_its_folder(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A training's outputs are relative paths within the folder that is made for them.

    Why: That folder is kept in the store by the digest of the training's inputs; `{out}` in the command, and
        INFERSTACK_OUT in its environment, name it.
    Example:
        models: [{name: digits, train: {command: [make], outputs: [../digits.onnx]}}]
    Remedy: Let the script write into the folder that INFERSTACK_OUT names, and name the file relative to that.
    """
    for model in spec.models:
        for index, output in enumerate(model.train.outputs if model.train else ()):
            path = PurePosixPath(output)
            if path.is_absolute() or ".." in path.parts or not path.parts:
                yield Violation(f"{model.at}.train.outputs.{index}", f"`{output}` lies outside the training's folder")


@rule("MODEL010")
def plain_http_is_verified(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A source over plain http:// has a `sha256`.

    Why: Anybody on the way could put another file in its place.
    Example:
        models: [{name: digits, source: "http://example.com/digits.onnx"}]
    Remedy: Use https://, or state the digest as `sha256`.
    """
    for model in spec.models:
        loopback = re.match("http://(localhost|127[.][0-9.]+|\\[::1\\])(:|/)", model.source or "")
        if scheme_of(model.source) == "http" and model.sha256 is None and not loopback:
            yield Violation(f"{model.at}.source", "http:// without `sha256`")


@rule("MODEL011")
def urls_are_well_formed(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A URL has a host, and what stands before and after it is no slip of the pen.

    Why: A source, data for calibration and labelled data may be URLs; nothing can be fetched from a malformed one.
    Example:
        models: [{name: digits, source: "https://example.com:99999/digits.onnx"}]
    Remedy: Write `https://HOST/PATH`, or `https://HOST:PORT/PATH` with a port up to 65535.
    """
    for path, text in named_materials(spec):
        try:
            parsed(text)
        except ValueError as error:
            yield Violation(path, f"`{text}` is no URL: {error}")


def named_materials(spec: Spec) -> Iterator[tuple[str, str]]:
    """Every text of the spec that names a model or data (a path, a URL, an output of a training), with its path."""
    fields = [
        *((f"{model.at}.source", model.source) for model in spec.models),
        *((f"{model.at}.convert.calibration", model.convert.calibration) for model in spec.models),
        *((f"{model.at}.evaluation", model.evaluation) for model in spec.models),
        *((f"{benchmark.at}.data", benchmark.data) for benchmark in spec.benchmarks),
    ]
    return ((path, text) for path, text in fields if text is not None)
