"""What a model of the spec comes to, known before anything is made: the inputs of its resource.

Only files are read: local ones stand in the inputs by their digests, trainings by their keys, files of the web by what
the spec states about them. Nothing is fetched, trained or looked up in the store, so that the plan after an `up` is the
plan before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from components.models import material
from components.models.formats import model_files
from schemas.errors import InferstackError, Problem, SpecError
from schemas.spec import Model, Precision, Spec

Props = dict[str, Any]

RULE: Final = "FILE001"
WEIGHT_BYTES: Final[dict[Precision, int]] = {"fp32": 4, "fp16": 2, "int8": 1}


class Unusable(SpecError):
    """Files of a spec that are missing or cannot be used: each with the path of its field, which `at` has."""

    def __init__(self, found: Sequence[tuple[str, InferstackError]]) -> None:
        super().__init__(tuple(Problem(RULE, e.message, why=e.why, remedy=e.remedy) for _, e in found))
        self.at = tuple(at for at, _ in found)


def check_files(spec: Spec, planner: material.Planner) -> None:
    """Whether all files that models and benchmarks name are there and of a kind that can be used.

    Raises:
        Unusable: some are not; with all of them at once.
    """
    found: list[tuple[str, InferstackError]] = []
    for at, read in _named_files(spec, planner):
        try:
            read()
        except InferstackError as error:
            found.append((at, error))
    if found:
        raise Unusable(found)


def plan_inputs(model: Model, planner: material.Planner, store: Path) -> Props:
    """The inputs of a model's resource, as plain JSON values without absent ones; reads files and changes nothing.

    Raises:
        PreflightError, UsageError: a file is missing, or of a kind that cannot be used.
    """
    convert: Props = {"precision": model.convert.precision}
    if model.convert.precision == "int8":
        convert |= {"samples": model.convert.samples, "max_accuracy_drop": model.convert.max_accuracy_drop}
        if model.convert.calibration is not None:
            convert["calibration"] = material.as_json(planner.material(model.convert.calibration, "data"))
    if model.convert.input_shape:
        convert["input_shape"] = {name: list(shape) for name, shape in model.convert.input_shape.items()}
    inputs = {"name": model.name, "store": str(store), "source": material.as_json(planner.source(model))}
    if model.sha256 is not None:
        inputs["sha256"] = model.sha256
    if model.evaluation is not None:
        inputs["evaluation"] = material.as_json(planner.material(model.evaluation, "data"))
    return {**inputs, "convert": convert}


def model_bytes(model: Model, planner: material.Planner) -> int | None:
    """About how large the converted model will be; None for one that is fetched or trained.

    Such a model's size is known once it is there, but a plan that knew more after `up` than before would change by it.
    """
    source = planner.source(model)
    if not isinstance(source, material.Local):
        return None
    files = [path for file in model_files(Path(source.path)) for path in (file, *file.rglob("*")) if path.is_file()]
    return sum(path.stat().st_size for path in files) * WEIGHT_BYTES[model.convert.precision] // WEIGHT_BYTES["fp32"]


def _named_files(spec: Spec, planner: material.Planner) -> Iterator[tuple[str, Callable[[], object]]]:
    """Each field that names a file, with what reads it."""
    for model in spec.models:
        yield f"{model.at}.{'train' if model.train else 'source'}", partial(planner.source, model)
        if model.convert.calibration is not None:
            yield f"{model.at}.convert.calibration", partial(planner.material, model.convert.calibration, "data")
        if model.evaluation is not None:
            yield f"{model.at}.evaluation", partial(planner.material, model.evaluation, "data")
    for benchmark in spec.benchmarks:
        if benchmark.data is not None:
            yield f"{benchmark.at}.data", partial(planner.material, benchmark.data, "data")
