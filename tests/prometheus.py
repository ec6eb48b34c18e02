"""A Prometheus of this machine for tests: the binary that INFERSTACK_TEST_PROMETHEUS names, else the one on PATH."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

VARIABLE: Final = "INFERSTACK_TEST_PROMETHEUS"
START_S: Final = 60.0
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

    def targets(self) -> tuple[list[str], int]:
        """The addresses that are asked for metrics, sorted, and how many targets were left out."""
        told = self._asked("targets")
        return sorted(one["scrapeUrl"] for one in told["activeTargets"]), len(told["droppedTargets"])

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
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    flags = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}"]
    with (folder / "log").open("wb") as log, subprocess.Popen([binary, *flags], stdout=log, stderr=log) as process:
        try:
            _until_ready(f"http://{address}", process, folder / "log")
            yield Prometheus(f"http://{address}")
        finally:
            process.terminate()


def relabel_configs(relabelings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Relabelings of a monitor as Prometheus' operator writes them."""
    return [{_OWN.get(key, key): value for key, value in one.items()} for one in relabelings]


def _until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"{url}/-/ready").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"Prometheus does not answer: {log.read_text()}")
