"""What a pod is told to do with a model, as one JSON object: written by the program, read in the pod. Plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

# What a Job with an errand requests, and the memory that it may use unless a quota leaves less.
JOB_MILLICPUS: Final = 250
JOB_LEAST_MIB: Final = 512
JOB_MOST_MIB: Final = 8192

Auth = Literal["none", "s3", "gcs"]


@dataclass(frozen=True)
class Place:
    """Where models are kept: a folder, or what lies below a URL and who asks for it; `region` is S3's."""

    folder: str = ""
    url: str = ""
    auth: Auth = "none"
    region: str = ""


@dataclass(frozen=True)
class Original:
    """What is fetched: a URL as it is asked for, how it is called in the spec, and its digest."""

    url: str
    shown: str
    sha256: str | None = None
    auth: Auth = "none"
    region: str = ""


@dataclass(frozen=True)
class Data:
    """A data set: a file that is mounted, or what is fetched from a URL."""

    file: str = ""
    original: Original | None = None


@dataclass(frozen=True)
class Conversion:
    """How a model is made of its source; `max_accuracy_drop` is a share of one, None where any will do."""

    source: Original
    precision: str
    samples: int = 300
    calibration: Data | None = None
    evaluation: Data | None = None
    input_shape: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    max_accuracy_drop: float | None = None


@dataclass(frozen=True)
class Order:
    """One errand of a pod.

    Attributes:
        name: the model's name, also that of its folder.
        key: the folder of the store that it is kept under.
        store: where it is kept.
        digest: what its files must be (SHA-256 of `model.xml` and `model.bin`); None: what its manifest says.
        folder: a folder of the pod: `fetch` writes the model there, `convert` and `receive` work there.
        conversion: what `convert` does.
        received_bytes: how much `receive` reads from its standard input: a tar of the model's folder.
    """

    name: str
    key: str
    store: Place
    digest: str | None = None
    folder: str = "/tmp"
    conversion: Conversion | None = None
    received_bytes: int = 0
