"""What a field of the spec is made of: its explanation, its restrictions, the texts and numbers that recur."""

from collections.abc import Mapping
from dataclasses import MISSING, field
from typing import Annotated, Any, Literal

from schemas.record import record


def item(doc: str, *, default: Any = MISSING, key: str = "") -> Any:
    """A field of the spec, with its explanation for people and editors."""
    metadata = {"doc": doc, **({"key": key} if key else {})}
    return field(default=default, metadata=metadata) if default is not MISSING else field(metadata=metadata)


def where() -> Any:
    """The `at` field: where an item stands in the merged tree; no part of what the spec says."""
    return field(default="", compare=False, repr=False, metadata={"internal": True})


@record
class Pattern:
    """A restriction on a text, carried in its annotation."""

    regex: str
    says: str


@record
class Range:
    """A restriction on a number, carried in its annotation: both ends belong to it; None is open."""

    least: float | None = None
    most: float | None = None


@record
class Path:
    """Marks a text as a path: the builder resolves it against the file that states it; a URL (`://`) stays."""


@record
class OneOrMore:
    """Marks a list for which a single item may stand without brackets."""


@record
class ByName:
    """Marks an item for which its bare name may stand."""


FilePath = Annotated[str, Path(), Pattern(r"^[^\u0000-\u001f]+$", "a path")]
Name = Annotated[
    str, Pattern("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", "lower-case letters, digits and hyphens, 63 at most")
]
CpuList = Annotated[
    str, Pattern("^[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*$", "a list of CPUs such as 0-3,8")
]
Sha256 = Annotated[str, Pattern("^[0-9a-f]{64}$", "64 hexadecimal digits")]
MOST = 2**31 - 1  # what clouds, Kubernetes and OpenVINO count to
Positive = Annotated[int, Range(1, MOST)]
Count = Annotated[int, Range(0, MOST)]
Whole = Annotated[int, Range(-MOST, MOST)]
Seed = Annotated[int, Range(0, 2**53 - 1)]  # what JSON carries unharmed
Port = Annotated[int, Range(1, 65535)]
Percentage = Annotated[int, Range(0, 100)]
Scalar = str | int | float | bool
Values = Mapping[str, Any]

Precision = Literal["fp32", "fp16", "int8"]
Platform = Literal["openvino", "ovms", "kserve", "mlserver", "seldon"]
Protocol = Literal["v1", "v2", "v2-binary", "grpc"]
Layout = Literal["latency", "throughput"]
Arrivals = Literal["constant", "poisson"]
Tool = Literal["builtin", "hey", "wrk", "vegeta", "ghz", "locust"]
