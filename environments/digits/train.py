"""Trains the example model: handwritten digits, from the 1,797 labelled images that scikit-learn ships.

The images (8 x 8 grey) are enlarged to 32 x 32 x 3, so that the model has the size and shape of one for CIFAR-10: four
convolutions and a hidden layer, about 5 MB of weights, a fraction of a millisecond a picture. The filters stay random
and only the last layer is learned, by ridge regression: that takes seconds, needs no framework for training, and gets
about 98 % of the held-out images right, with weights of 32 bits or of 8. (Why random filters do so well: K. Jarrett et
al., "What is the best multi-stage architecture for object recognition?", ICCV 2009.)

Written into the folder that INFERSTACK_OUT names:
    model.xml, model.bin   the model, OpenVINO IR; input [-1, 32, 32, 3], output [-1, 10]: a probability for each digit
    calibration.npz        300 images it was trained on, to quantize it
    holdout.npz            447 images it has never seen, with their labels y, to measure it
"""

import os
from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as ops
from sklearn.datasets import load_digits

TRAINED = 1350
CALIBRATION = 300
HIDDEN = 512
RIDGE = 1.0
SHARPNESS = 8.0  # spreads the regression's answers, which lie between 0 and 1, before they become probabilities


def images() -> tuple[np.ndarray, np.ndarray]:
    """The digits in random order: images [1797, 32, 32, 3] between 0 and 1, and their labels [1797]."""
    digits = load_digits()
    order = np.random.default_rng(1).permutation(len(digits.target))
    enlarged = (digits.images / 16).repeat(4, axis=1).repeat(4, axis=2)
    pictures = np.broadcast_to(enlarged[..., None], (*enlarged.shape, 3)).astype(np.float32)
    return pictures[order], digits.target[order]


def features(pixels: ov.Output) -> ov.Node:
    """The random part of the network: pixels [-1, 32, 32, 3] to [-1, HIDDEN] features."""
    random = np.random.default_rng(0)

    def weights(*shape: int) -> ov.Node:
        """Random weights that keep the size of what flows through them (He initialisation)."""
        scale = np.sqrt(2 / np.prod(shape[1:]))
        return ops.constant((random.standard_normal(shape) * scale).astype(np.float32))

    def convolved(layer: ov.Node, filters: int, channels: int, pad: int) -> ov.Node:
        kernel = weights(filters, channels, 3, 3)
        return ops.relu(ops.convolution(layer, kernel, [1, 1], [pad, pad], [pad, pad], [1, 1]))

    def halved(layer: ov.Node) -> ov.Output:
        return ops.max_pool(layer, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2]).output(0)

    layer = ops.transpose(pixels, [0, 3, 1, 2])
    layer = halved(convolved(convolved(layer, 32, 3, pad=1), 32, 32, pad=0))
    layer = halved(convolved(convolved(layer, 64, 32, pad=1), 64, 64, pad=0))
    flat = ops.reshape(layer, [0, -1], special_zero=True)
    return ops.relu(ops.matmul(flat, weights(HIDDEN, 64 * 6 * 6), False, True))


def last_layer(known: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights [HIDDEN, 10] and bias [10] that come nearest to the labels: ridge regression.

    The features are not scaled one by one: that would blow up the weights of those that hardly ever fire, and eight
    bits a weight could not hold both the large and the small ones.
    """
    mean, wanted = known.mean(axis=0), np.eye(10)[labels]
    centred = (known - mean).astype(np.float64)
    weights = np.linalg.solve(centred.T @ centred + RIDGE * np.eye(HIDDEN), centred.T @ wanted)
    bias = wanted.mean(axis=0) - mean @ weights
    return (weights * SHARPNESS).astype(np.float32), (bias * SHARPNESS).astype(np.float32)


def run(model: ov.Model, pictures: np.ndarray) -> np.ndarray:
    """The model's output for each picture, computed in f32."""
    return ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(pictures)[0]


def main() -> None:
    """Train, measure and write."""
    pictures, labels = images()
    pixels = ops.parameter([-1, 32, 32, 3], ov.Type.f32, name="input")
    pixels.output(0).set_names({"input"})
    hidden = features(pixels)
    known = run(ov.Model([hidden], [pixels], "features"), pictures[:TRAINED])
    weights, bias = last_layer(known, labels[:TRAINED])
    digits = ops.softmax(ops.add(ops.matmul(hidden, ops.constant(weights), False, False), ops.constant(bias)), 1)
    digits.output(0).set_names({"output"})
    model = ov.Model([digits], [pixels], "digits")

    held_out = slice(TRAINED, None)
    accuracy = (run(model, pictures[held_out]).argmax(axis=1) == labels[held_out]).mean()
    print(f"{accuracy:.1%} of {len(labels[held_out])} held-out images are right")

    out = Path(os.environ.get("INFERSTACK_OUT", "."))
    ov.save_model(model, out / "model.xml", compress_to_fp16=False)
    np.savez_compressed(out / "calibration.npz", input=pictures[:CALIBRATION])
    np.savez_compressed(out / "holdout.npz", input=pictures[held_out], y=labels[held_out])


if __name__ == "__main__":
    main()
