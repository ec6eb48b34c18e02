"""What the server counts, under the metric names and labels of OpenVINO Model Server, in Prometheus' text format.

Dashboards and autoscalers written for OVMS work unchanged (names, labels and buckets:
https://docs.openvino.ai/latest/ovms_docs_metrics.html). A series is a plain object bound once, so that counting costs
an addition; text is made only when `/metrics` is read. A series is written by one thread, or under its owner's lock.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from typing import Final

# OVMS's buckets: 10 us times the powers of 1.8, up to about 25 minutes.
BUCKETS_US: Final = tuple(round(10 * 1.8**power) for power in range(33))

KSERVE, TENSORFLOW = "KServe", "TensorFlowServing"
METHODS: Final = (
    (KSERVE, "REST", "ModelInfer"),
    (KSERVE, "REST", "ModelMetadata"),
    (KSERVE, "REST", "ModelReady"),
    (TENSORFLOW, "REST", "Predict"),
    (TENSORFLOW, "REST", "GetModelMetadata"),
    (TENSORFLOW, "REST", "GetModelStatus"),
    (KSERVE, "gRPC", "ModelInfer"),
    (KSERVE, "gRPC", "ModelMetadata"),
    (KSERVE, "gRPC", "ModelReady"),
)
# OVMS gives these no version label.
_UNVERSIONED: Final = ("ModelReady", "GetModelStatus")

# What a value is, and how it is read.
Gauge = tuple[str, Callable[[], int]]


class Histogram:
    """A distribution of times in microseconds."""

    __slots__ = ("_counts", "_sum")

    def __init__(self) -> None:
        self._counts = [0] * (len(BUCKETS_US) + 1)
        self._sum = 0.0

    def observe(self, time_us: float) -> None:
        """Counts one time."""
        self._counts[bisect_left(BUCKETS_US, time_us)] += 1
        self._sum += time_us

    def lines(self, name: str, labels: str) -> Iterable[str]:
        """The series in text: cumulative buckets, sum and count."""
        totals = list(accumulate(self._counts))
        for edge, total in zip((*map(str, BUCKETS_US), "+Inf"), totals, strict=True):
            yield f'{name}_bucket{{{labels},le="{edge}"}} {total}'
        yield f"{name}_sum{{{labels}}} {round(self._sum)}"
        yield f"{name}_count{{{labels}}} {totals[-1]}"


class Method:
    """How often one method of one interface was carried out or failed."""

    __slots__ = ("fail", "success")

    def __init__(self) -> None:
        self.success = self.fail = 0


class Metrics:
    """All series of one server; `gauges` are read when the text is made."""

    def __init__(self, name: str, version: str, gauges: Mapping[str, Gauge]) -> None:
        self.inference, self.wait = Histogram(), Histogram()
        self.request = {"REST": Histogram(), "gRPC": Histogram()}
        self._methods = {key: Method() for key in METHODS}
        self._name, self._version, self.gauges = name, version, dict(gauges)

    def method(self, api: str, interface: str, method: str) -> Method:
        """The counters of one method, for its handler to keep."""
        return self._methods[api, interface, method]

    def text(self) -> str:
        """All series in Prometheus' text format, version 0.0.4."""
        lines: list[str] = []
        model = _labels(name=self._name, version=self._version)
        for outcome in ("success", "fail"):
            name = f"ovms_requests_{outcome}"
            said = "successful" if outcome == "success" else "failed"
            lines += _head(name, "counter", f"Number of {said} requests to a model.")
            lines += (f"{name}{{{self._series(*key)}}} {getattr(m, outcome)}" for key, m in self._methods.items())
        lines += _head("ovms_request_time_us", "histogram", "Processing time of requests to a model.")
        for interface, histogram in self.request.items():
            labels = _labels(interface=interface, name=self._name, version=self._version)
            lines += histogram.lines("ovms_request_time_us", labels)
        lines += _head("ovms_inference_time_us", "histogram", "Inference execution time in the OpenVINO backend.")
        lines += self.inference.lines("ovms_inference_time_us", model)
        lines += _head("ovms_wait_for_infer_req_time_us", "histogram", "Request waiting time in the scheduling queue.")
        lines += self.wait.lines("ovms_wait_for_infer_req_time_us", model)
        for name, (says, read) in self.gauges.items():
            lines += _head(name, "gauge", says)
            lines.append(f"{name}{{{model}}} {read()}")
        return "\n".join(lines) + "\n"

    def _series(self, api: str, interface: str, method: str) -> str:
        version = {} if method in _UNVERSIONED else {"version": self._version}
        return _labels(api=api, interface=interface, method=method, name=self._name, **version)


def _head(name: str, kind: str, says: str) -> tuple[str, str]:
    return f"# HELP {name} {says}", f"# TYPE {name} {kind}"


def _labels(**labels: str) -> str:
    escaped = {
        key: value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n") for key, value in labels.items()
    }
    return ",".join(f'{key}="{value}"' for key, value in escaped.items())
