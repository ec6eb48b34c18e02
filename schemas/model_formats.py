"""The formats of model files: which OpenVINO reads by itself, and what to do with the others.

A format is told by the name's ending. Rules look here before anything is made, the conversion when it is made; nothing
here touches a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

SAVED_MODEL: Final = "saved_model.pb"
READABLE: Final[Mapping[str, str]] = {
    ".onnx": "ONNX",
    ".xml": "OpenVINO IR",
    ".pb": "TensorFlow frozen graph",
    ".tflite": "TensorFlow Lite",
    ".pdmodel": "PaddlePaddle",
}
# The file that holds the weights, beside the one that holds the graph.
COMPANIONS: Final[Mapping[str, str]] = {".xml": ".bin", ".pdmodel": ".pdiparams"}


@dataclass(frozen=True)
class Reason:
    """Why a format cannot be read, and what turns it into one that can."""

    why: str
    remedy: str


_KERAS = Reason(
    "Keras files are read by Keras alone, which is not part of inferstack",
    'in Keras: `model.export("folder")` (a SavedModel), or, with KERAS_BACKEND=openvino, '
    '`model.export("model.xml", format="openvino")`; then name the result as the source',
)
_TORCH = Reason(
    "PyTorch files are read by PyTorch alone, and may run code when they are",
    'in PyTorch: `torch.onnx.export(model, example, "model.onnx", dynamo=True)`; then name model.onnx as the source',
)
_PICKLE = Reason(
    "a pickle runs whatever code it holds when it is read",
    "export the model to ONNX where it was made (scikit-learn: skl2onnx; XGBoost, LightGBM: onnxmltools)",
)
_WEIGHTS = Reason(
    "the file holds weights without the graph that uses them",
    "export graph and weights together to ONNX from the framework that defines the model",
)
UNREADABLE: Final[Mapping[str, Reason]] = {
    **dict.fromkeys((".h5", ".hdf5", ".keras"), _KERAS),
    **dict.fromkeys((".pt", ".pth", ".pt2", ".ckpt"), _TORCH),
    **dict.fromkeys((".pkl", ".pickle", ".joblib", ".skops"), _PICKLE),
    **dict.fromkeys((".safetensors", ".gguf", ".bin", ".pdiparams", ".npz"), _WEIGHTS),
    ".json": Reason(
        "PaddlePaddle 3 writes its program as .json, which OpenVINO does not read",
        "export with `FLAGS_enable_pir_api=0` to get .pdmodel, or convert with paddle2onnx",
    ),
    ".mlmodel": Reason("Core ML models are read on macOS alone", "export to ONNX from the original framework"),
    **dict.fromkeys(
        (".zip", ".tar", ".gz", ".tgz"),
        Reason("an archive is no model", "unpack it and name the model or its folder as the source"),
    ),
}
