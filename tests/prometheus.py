"""A Prometheus of this machine for tests: the binary that INFERSTACK_TEST_PROMETHEUS names, else the one on PATH."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.builders.programs import LOCALHOST, free_port, is_well, running

VARIABLE: Final = "INFERSTACK_TEST_PROMETHEUS"
# How relabelings are written in a monitor, and in Prometheus' own configuration.
_OWN: Final = {"sourceLabels": "source_labels", "targetLabel": "target_label"}


@dataclass(frozen=True)
class Prometheus:
    """The server at work."""

    url: str

    def query(self, expression: str) -> list[Mapping[str, Any]]:
        """The series of an expression at this moment: `metric` has the labels, `value` the time and the number."""
        found: list[Mapping[str, Any]] = self._asked("query", query=expression)["result"]
        return found

    def values(self, label: str, series: str) -> list[str]:
        """The values of a label in these series, sorted."""
        found: list[str] = self._asked(f"label/{label}/values", **{"match[]": series})
        return sorted(found)

    def targets(self) -> dict[str, str | None]:
        """By job, which address is asked for metrics; None where the target was left out. One target a job."""
        told = self._asked("targets")
        found = [*told["activeTargets"], *told["droppedTargets"]]
        return {one["discoveredLabels"]["job"]: one.get("scrapeUrl") for one in found}

    def _asked(self, path: str, **parameters: str) -> Any:
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=20)
        assert answer.is_success, answer.text
        return answer.json()["data"]


@contextmanager
def prometheus(folder: Path, jobs: Sequence[Mapping[str, Any]]) -> Iterator[Prometheus]:
    """The server with these scrape configurations; the test is skipped where there is no binary."""
    if not (binary := os.environ.get(VARIABLE) or shutil.which("prometheus")):
        pytest.skip(f"needs Prometheus: install it, or set {VARIABLE} to its binary")
    folder.mkdir()
    config = folder / "prometheus.yaml"
    config.write_text(json.dumps({"scrape_configs": list(jobs)}))
    address = f"{LOCALHOST}:{free_port()}"
    flags = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}"]
    with running([binary, *flags], folder) as program:
        program.until(lambda: is_well(f"http://{address}/-/ready"))
        yield Prometheus(f"http://{address}")


def relabel_configs(relabelings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Relabelings of a monitor as Prometheus' operator writes them."""
    return [{_OWN.get(key, key): value for key, value in one.items()} for one in relabelings]
