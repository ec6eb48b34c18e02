"""Small real models in every format that is read, with data to judge them: each is the same linear classifier.

Rows [N, 4] go in, the scores of three classes come out: `scores = rows @ WEIGHTS`. TensorFlow and TensorFlow Lite are
not installed, so their files are written byte by byte: protocol buffers by `message`, a flat buffer by `Table`.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

os.environ.setdefault("CI", "true")  # before OpenVINO is imported: its converters phone home otherwise

FEATURES, CLASSES = 4, 3
WEIGHTS = np.array([[4, 0, 0], [0, 4, 0], [0, 0, 4], [1, 1, 1]], np.float32)


def rows(count: int, seed: int = 1) -> np.ndarray:
    """Rows [count, 4] for the classifier."""
    return np.random.default_rng(seed).random((count, FEATURES), np.float32)


def labels(of: np.ndarray) -> np.ndarray:
    """The class that the classifier finds for each row."""
    return (of @ WEIGHTS).argmax(1)


def a_data_set(path: Path, *, count: int = 60, wrong: int = 0, **arrays: np.ndarray) -> Path:
    """An .npz with rows and labels, of which the first `wrong` are false; or just the arrays given."""
    x = rows(count)
    y = labels(x)
    y[:wrong] = (y[:wrong] + 1) % CLASSES
    np.savez(path, **(arrays or {"x": x, "y": y}))
    return path


def an_onnx(path: Path, *, weights: np.ndarray = WEIGHTS, batch: int | str = "batch") -> Path:
    """The classifier as ONNX: input `pixels`, output `scores`."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["pixels", "weights"], ["scores"])],
        "classifier",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [batch, FEATURES])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [batch, CLASSES])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return path


def an_ir(path: Path, *, named: bool = True, half: bool = False) -> Path:
    """The classifier as OpenVINO IR, with or without names of its tensors, stored in f32 or f16."""
    import openvino as ov
    from openvino import opset13 as ops

    pixels = ops.parameter([-1, FEATURES], ov.Type.f32)
    scores = ops.matmul(pixels, ops.constant(WEIGHTS), False, False)
    if named:
        pixels.output(0).set_names({"pixels"})
        scores.output(0).set_names({"scores"})
    ov.save_model(ov.Model([scores], [pixels], "classifier"), str(path), compress_to_fp16=half)
    return path


# ------------------------------------------------------------------------------------ TensorFlow (protocol buffers)

FLOAT = 1


def message(*fields: tuple[int, int | bytes | str]) -> bytes:
    """A protocol buffer from (field number, whole number or bytes)."""
    return b"".join(
        _varint(number << 3) + _varint(value)
        if isinstance(value, int)
        else _varint(number << 3 | 2) + _varint(len(_raw(value))) + _raw(value)
        for number, value in fields
    )


def a_frozen_graph(path: Path) -> Path:
    """The classifier as a TensorFlow GraphDef with constants: Placeholder, Const, MatMul."""
    path.write_bytes(_graph())
    return path


def a_saved_model(folder: Path) -> Path:
    """The classifier as a TensorFlow SavedModel: the same graph with a signature, and no variables."""
    signature = message(
        (1, message((1, "x"), (2, _tensor_info("pixels:0", FEATURES)))),
        (2, message((1, "output_0"), (2, _tensor_info("scores:0", CLASSES)))),
        (3, "tensorflow/serving/predict"),
    )
    meta = message(
        (1, message((4, "serve"), (5, "2.15.0"))),
        (2, _graph()),
        (5, message((1, "serving_default"), (2, signature))),
    )
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(message((1, 1), (2, meta)))
    return folder


def _graph() -> bytes:
    kind = message((6, FLOAT))
    tensor = message((1, FLOAT), (2, _shape(FEATURES, CLASSES)), (4, WEIGHTS.tobytes()))
    nodes = (
        _node("pixels", "Placeholder", (), {"dtype": kind, "shape": message((7, _shape(-1, FEATURES)))}),
        _node("weights", "Const", (), {"dtype": kind, "value": message((8, tensor))}),
        _node("scores", "MatMul", ("pixels", "weights"), {
            "T": kind, "transpose_a": message((5, 0)), "transpose_b": message((5, 0)),
        }),
    )  # fmt: skip
    return message(*((1, node) for node in nodes), (4, message((1, 1087))))


def _node(name: str, op: str, inputs: Sequence[str], attributes: dict[str, bytes]) -> bytes:
    return message(
        (1, name), (2, op), *((3, other) for other in inputs),
        *((5, message((1, key), (2, value))) for key, value in attributes.items()),
    )  # fmt: skip


def _tensor_info(name: str, width: int) -> bytes:
    return message((1, name), (2, FLOAT), (3, _shape(-1, width)))


def _shape(*sizes: int) -> bytes:
    return message(*((2, message((1, size))) for size in sizes))


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _raw(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else value


# ------------------------------------------------------------------------------------ TensorFlow Lite (flat buffer)


@dataclass(frozen=True)
class Table:
    """A table of a flat buffer: by field number, scalars as (struct format, value), or what they refer to."""

    fields: dict[int, object]


def a_tflite(path: Path) -> Path:
    """The classifier as TensorFlow Lite: one FULLY_CONNECTED operator; weights as [classes, features]."""
    fully_connected = 9
    tensors = [
        _lite_tensor("pixels", (1, FEATURES), buffer=0),
        _lite_tensor("weights", (CLASSES, FEATURES), buffer=1),
        _lite_tensor("scores", (1, CLASSES), buffer=0),
    ]
    options = Table({0: ("b", 0)})
    operator = Table({
        0: ("I", 0), 1: _ints(0, 1, -1), 2: _ints(2), 3: ("B", 8), 4: options,
    })  # fmt: skip
    graph = Table({0: tensors, 1: _ints(0), 2: _ints(2), 3: [operator], 4: "main"})
    code = Table({0: ("b", fully_connected), 2: ("i", 1), 3: ("i", fully_connected)})
    buffers = [Table({}), Table({0: WEIGHTS.T.copy().view(np.uint8).ravel()})]
    model = Table({0: ("I", 3), 1: [code], 2: [graph], 3: "classifier", 4: buffers})
    path.write_bytes(_flat_buffer(model, b"TFL3"))
    return path


def _lite_tensor(name: str, shape: tuple[int, ...], buffer: int) -> Table:
    return Table({0: _ints(*shape), 1: ("b", 0), 2: ("I", buffer), 3: name})


def _ints(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def _flat_buffer(root: Table, identifier: bytes) -> bytes:
    """Everything is written after what refers to it, aligned to 16 bytes, so that all offsets point forward."""
    out = bytearray(struct.pack("<I4s", 0, identifier))

    def align() -> int:
        out.extend(b"\0" * (-len(out) % 16))
        return len(out)

    def point(at: int, to: int) -> None:
        struct.pack_into("<I", out, at, to - at)

    def write(value: object) -> int:
        if isinstance(value, Table):
            return table(value)
        if isinstance(value, str):
            start = align()
            out.extend(struct.pack("<I", len(value)) + value.encode() + b"\0")
            return start
        if isinstance(value, np.ndarray):
            start = align() + 12  # the content after the length falls on a multiple of 16
            out.extend(b"\0" * 12 + struct.pack("<I", len(value)) + value.tobytes())
            return start
        assert isinstance(value, list)
        start = align()
        out.extend(struct.pack("<I", len(value)) + b"\0" * 4 * len(value))
        for index, item in enumerate(value):
            point(start + 4 + 4 * index, write(item))
        return start

    def table(value: Table) -> int:
        slots = max(value.fields, default=-1) + 1
        vtable = align()
        out.extend(struct.pack("<HH", 4 + 2 * slots, 4 + 8 * slots) + b"\0" * 2 * slots)
        start = align()
        out.extend(struct.pack("<i", start - vtable) + b"\0" * (8 * slots + 4))
        for slot, cell in value.fields.items():
            at = 4 + 8 * slot  # eight bytes for each field, whatever it is
            struct.pack_into("<H", out, vtable + 4 + 2 * slot, at)
            if isinstance(cell, tuple):
                struct.pack_into("<" + cell[0], out, start + at, cell[1])
            else:
                point(start + at, write(cell))
        return start

    point(0, table(root))
    return bytes(out)
