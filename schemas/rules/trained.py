"""What trainings write, and who refers to it as `train://MODEL/FILE`."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.rules.models import named_materials
from schemas.rules.registry import Violation, rule
from schemas.spec import Spec
from schemas.suggest import did_you_mean, listed
from schemas.tree import Tree

SCHEME = "train://"


@rule("REF005")
def trained_files_exist(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`train://MODEL/FILE` names a file that the training of a model of the spec writes.

    Why: A training's `outputs` are kept in the store; other fields refer to them by the model's name.
    Example:
        models:
          - name: digits
            train: {command: ["{python}", train.py], outputs: [model.onnx, holdout.npz]}
            evaluation: train://digits/test.npz
    Remedy: Name one of the training's `outputs`, or add the file to them.
    """
    outputs = {model.name: model.train.outputs for model in spec.models if model.train is not None}
    for path, text in named_materials(spec):
        if not text.startswith(SCHEME):
            continue
        name, _, file = text.removeprefix(SCHEME).partition("/")
        if name not in outputs:
            message = f"there is no training of a model `{name}`{did_you_mean(name, outputs)}"
            why = f"There are trainings of {listed(outputs)}." if outputs else "No model of the spec has `train`."
            yield Violation(path, message, why=why)
        elif file not in outputs[name]:
            message = f"the training of `{name}` does not write `{file}`{did_you_mean(file, outputs[name])}"
            yield Violation(path, message, why=f"It writes {listed(outputs[name])}.")
