"""Turns a model that OpenVINO reads into IR of the precision asked for.

`python -m components.models.convert ARGS.json` is a program of its own, so that converting a large model neither swells
nor endangers the process that plans and applies. The arguments:

    {"source": ".../model.onnx" or a SavedModel folder, "out": "folder/for/model.xml", "result": "result.json",
     "precision": "fp32 | fp16 | int8", "calibration": "samples.npz" or null, "samples": 300,
     "evaluation": "labelled.npz" or null, "input_shape": {"input": [1, 3, 224, 224]}}

It writes `out/model.xml`, `out/model.bin` and the result, which holds either what was made (`precision`, `inputs`,
`outputs`, `accuracy`, `accuracy_before`, `warnings`) or the `error` (`message`, `why`, `remedy`). Nothing is downloaded
and no code of a model is run.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.models import formats
from schemas.errors import InferstackError, PreflightError
from schemas.model_formats import READABLE

IR_NAME = "model.xml"
LOW = {"i8", "u8", "i4", "u4", "nf4"}
HALF = {"f16", "bf16"}
NUMBERED = re.compile(r"(Parameter|Result)_\d+")  # how OpenVINO calls what the source left nameless


@dataclass(frozen=True)
class Arguments:
    """What to convert, how, and to where."""

    source: Path
    out: Path
    result: Path
    precision: str
    calibration: Path | None
    samples: int
    evaluation: Path | None
    input_shape: Mapping[str, tuple[int, ...]]

    @classmethod
    def read(cls, path: Path) -> Arguments:
        """The arguments from a JSON file."""
        value = json.loads(path.read_text())

        def file(key: str) -> Path | None:
            return Path(value[key]) if value.get(key) else None

        shapes = {name: tuple(int(n) for n in shape) for name, shape in (value.get("input_shape") or {}).items()}
        return cls(
            Path(value["source"]), Path(value["out"]), Path(value["result"]), value["precision"], file("calibration"),
            int(value.get("samples") or 300), file("evaluation"), shapes,
        )  # fmt: skip


def convert(arguments: Arguments) -> dict[str, Any]:
    """Convert, measure and save a model; returns what was made, as plain JSON values.

    Raises:
        PreflightError: the source, a data set or a package is not there or not usable.
        InferstackError: OpenVINO cannot do it; says why.
    """
    import openvino as ov

    warnings: list[str] = []
    model = _read(arguments.source)
    _name_tensors(model)
    _reshape(model, arguments.input_shape)
    evaluation = arguments.evaluation
    accuracy, before = measure(model, evaluation) if evaluation else None, None
    if arguments.precision == "int8" and _is_quantized(model):
        warnings.append("the source is quantized already; it is kept as it is")
    elif arguments.precision == "int8":
        model = quantize(model, arguments)
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / IR_NAME
    ov.save_model(model, str(path), compress_to_fp16=arguments.precision == "fp16")
    precision = "int8" if arguments.precision == "int8" else _stored_precision(path)
    if precision != arguments.precision:
        warnings.append(f"{arguments.precision} was asked for; the source's weights are {precision} and stay so")
    if evaluation and arguments.precision != "fp32":
        before, accuracy = accuracy, measure(ov.Core().read_model(str(path)), evaluation)
    return {
        "precision": precision, "accuracy": accuracy, "accuracy_before": before, "warnings": warnings,
        "inputs": [_described(port) for port in model.inputs], "outputs": [_described(port) for port in model.outputs],
    }  # fmt: skip


def quantize(model: Any, arguments: Arguments) -> Any:
    """The model with weights and activations of 8 bits, ranges taken from the calibration samples.

    Raises:
        PreflightError: there are no samples, or NNCF is not installed.
    """
    if arguments.calibration is None:
        raise PreflightError(
            "int8 needs calibration samples", why="the ranges of activations are taken from them",
            remedy="convert: {precision: int8, calibration: samples.npz}",
        )  # fmt: skip
    try:
        import nncf
    except ImportError as error:
        raise PreflightError(
            "int8 needs the package nncf", why=str(error), remedy="pip install 'inferstack[quantize]'"
        ) from error
    from components.models.samples import read_samples

    samples = read_samples(arguments.calibration, _ports(model))
    rows = [batch for _, batch in samples.batches(most=1, rows=arguments.samples)]
    print(f"quantizing with {len(rows)} samples", flush=True)
    return nncf.quantize(model, nncf.Dataset(rows), subset_size=len(rows))


def measure(model: Any, evaluation: Path) -> float:
    """The share of rows whose largest value along the last axis of the first output stands where the label says.

    Executed in f32, so that the figure is the model's own and not the CPU's choice of bf16.

    Raises:
        PreflightError: the data set does not fit the model, or has no usable labels.
    """
    import numpy as np
    import openvino as ov

    from components.models.samples import read_samples

    samples = read_samples(evaluation, _ports(model))
    if samples.labels is None:
        raise PreflightError(
            f"{evaluation} has no labels", why="accuracy is measured against the array 'y'",
            remedy="add an array y with the right class of each row",
        )  # fmt: skip
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    print(f"measuring accuracy on {samples.rows} rows", flush=True)
    found = []
    for count, batch in samples.batches():
        output = compiled(batch)[0]
        found.append(output.argmax(-1)[:count] if np.ndim(output) > 1 else np.array([output.argmax(-1)]))
    guesses = np.concatenate(found)
    labels = samples.labels.argmax(-1) if samples.labels.ndim == guesses.ndim + 1 else samples.labels
    if labels.shape != guesses.shape:
        raise PreflightError(
            f"the labels of {evaluation} do not fit the model's output",
            why=f"the labels have the shape {list(labels.shape)}, the predicted classes {list(guesses.shape)}",
            remedy="give the number of the right class for each row",
        )
    return float((guesses == labels).mean())


def _read(source: Path) -> Any:
    import openvino as ov

    main = formats.model_files(source)[0]
    kind = "TensorFlow SavedModel" if main.is_dir() else READABLE[main.suffix.lower()]
    print(f"reading {main.name} ({kind})", flush=True)
    try:
        return ov.Core().read_model(str(main)) if main.suffix.lower() == ".xml" else ov.convert_model(str(main))
    except Exception as error:
        raise InferstackError(
            f"{main} cannot be read as {kind}", why=_short(error),
            remedy="check that the file is whole; if it uses operators that OpenVINO lacks, export it without them",
        ) from error  # fmt: skip


def _name_tensors(model: Any) -> None:
    """Give each input and output without a name, or with a number for a name, one to address it by."""
    for word, ports in (("input", model.inputs), ("output", model.outputs)):
        for index, port in enumerate(ports):
            if not port.get_names() or all(NUMBERED.fullmatch(name) for name in port.get_names()):
                port.get_tensor().set_names({word if len(ports) == 1 else f"{word}_{index}"})


def _reshape(model: Any, shapes: Mapping[str, tuple[int, ...]]) -> None:
    if not shapes:
        return
    import openvino as ov

    names = {name: port for port in model.inputs for name in port.get_names()}
    for name in shapes:
        if name not in names:
            raise PreflightError(
                f"the model has no input {name!r}", why=f"its inputs are {', '.join(map(_said, model.inputs))}",
                remedy="correct `inputShape`",
            )  # fmt: skip
    try:
        model.reshape({names[name]: ov.PartialShape(list(shape)) for name, shape in shapes.items()})
    except Exception as error:
        raise InferstackError(
            f"the model cannot take {', '.join(f'{name} {list(shape)}' for name, shape in shapes.items())}",
            why=_short(error), remedy=f"its inputs are {', '.join(map(_said, model.inputs))}",
        ) from error  # fmt: skip


def _is_quantized(model: Any) -> bool:
    return any(node.get_type_name() == "FakeQuantize" for node in model.get_ops())


def _stored_precision(path: Path) -> str:
    """The precision that most of the stored weights have, by bytes."""
    import openvino as ov

    stored: dict[str, int] = {}
    for node in ov.Core().read_model(str(path)).get_ops():
        if node.get_type_name() == "Constant":
            kind = node.get_element_type().get_type_name()
            kind = "int8" if kind in LOW else "fp16" if kind in HALF else "fp32" if kind in ("f32", "f64") else ""
            stored[kind] = stored.get(kind, 0) + node.get_byte_size()
    stored.pop("", None)
    return max(stored, key=lambda kind: stored[kind]) if stored else "fp32"


def _ports(model: Any) -> list[Any]:
    from components.models.samples import Port

    return [Port(port.any_name, _shape(port), port.element_type.to_dtype()) for port in model.inputs]


def _shape(port: Any) -> tuple[int, ...]:
    return tuple(-1 if size.is_dynamic else size.get_length() for size in port.partial_shape)


def _described(port: Any) -> dict[str, Any]:
    return {"name": port.any_name, "shape": list(_shape(port)), "type": port.element_type.get_type_name()}


def _said(port: Any) -> str:
    return f"{port.any_name} {list(_shape(port))}"


def _short(error: Exception) -> str:
    """The lines of an OpenVINO error that say something, without places in its source."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines if line and not line.startswith(("Exception from", "Check '", "src/"))]
    return "\n".join(told[-6:]) or type(error).__name__


def main(path: str) -> int:
    """Convert what the arguments in `path` say; the exit code is that of the error, if there is one."""
    os.environ.setdefault("CI", "true")  # OpenVINO's converters phone home otherwise
    arguments = Arguments.read(Path(path))
    try:
        result, code = convert(arguments), 0
    except InferstackError as error:
        print(f"{error.message}\n{error.why}", file=sys.stderr)
        result = {"error": {"message": error.message, "why": error.why, "remedy": error.remedy}}
        code = error.exit_code
    arguments.result.write_text(json.dumps(result, indent=1))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
