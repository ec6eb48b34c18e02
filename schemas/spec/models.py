"""Models: where they come from, what they become, how their accuracy is known."""

from collections.abc import Mapping
from typing import Literal

from schemas.record import record
from schemas.spec.fields import FilePath, Name, Positive, Precision, Sha256, Whole, item, where
from schemas.units import Fraction, Seconds


@record(kw_only=True)
class Train:
    """A script of the user's that makes the model."""

    command: tuple[str, ...] = item(
        "Program and arguments; `{python}` stands for this interpreter, `{out}` (or INFERSTACK_OUT in its environment) "
        "for the folder to write to. It runs in the folder of this file; arguments that name files count as inputs."
    )
    outputs: tuple[str, ...] = item(
        "Files the command writes; the first is the model. Other fields name them as `train://MODEL/FILE`."
    )
    inputs: tuple[FilePath, ...] = item("Files the result depends on; a change trains again.", default=())
    timeout_s: Seconds = item("Longest the command may take.", default=3600.0)
    at: str = where()


@record(kw_only=True)
class Convert:
    """How a model becomes OpenVINO IR."""

    precision: Precision = item("Precision of the stored weights; int8 quantizes.", default="fp32")
    calibration: FilePath | None = item("Samples for int8: an .npz with one array for each input.", default=None)
    samples: Positive = item("How many calibration samples to use.", default=300)
    max_accuracy_drop: Fraction = item("Most accuracy that int8 may lose.", default=0.01)
    input_shape: Mapping[str, tuple[Whole, ...]] | None = item("Shapes to fix, by input; -1 is dynamic.", default=None)
    place: Literal["here", "cluster"] | None = item(
        "Where it is converted: on this machine, or by a Job in the cluster; by what the source is when absent.",
        default=None,
        key="where",
    )
    at: str = where()


@record(kw_only=True)
class Model:
    """A model: where it comes from, what it becomes, how its accuracy is known."""

    name: Name = item("Name of the model, also in its address.")
    source: FilePath | None = item(
        "A path, file://, https://, a folder (SavedModel), train://MODEL/FILE (what another training wrote), or, "
        "for clusters, an address in a bucket (gs://, s3://, az://).",
        default=None,
    )
    train: Train | None = item("Make the model by a script instead of fetching it.", default=None)
    sha256: Sha256 | None = item(
        "SHA-256 that the source must have; of an IR: of model.xml and model.bin, one after the other.", default=None
    )
    convert: Convert = item("Conversion to OpenVINO IR.", default=Convert())
    evaluation: FilePath | None = item("Labelled data to measure accuracy: an .npz with inputs and `y`.", default=None)
    at: str = where()
