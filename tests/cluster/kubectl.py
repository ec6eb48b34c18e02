"""`kubectl` on the cluster of the tests."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Kubectl:
    """Runs `kubectl`; raises AssertionError with what it said when it fails."""

    kubeconfig: Path

    def __call__(self, *arguments: str, given: str | None = None, timeout_s: float = 120) -> str:
        command = ["kubectl", "--kubeconfig", str(self.kubeconfig), *arguments]
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=timeout_s, check=False)
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def get(self, kind: str, name: str, namespace: str) -> Any:
        """One object as it is."""
        return json.loads(self("get", kind, name, "-n", namespace, "-o", "json"))

    def names(self, kind: str, namespace: str) -> tuple[str, ...]:
        """Names of the objects of a kind, sorted."""
        found = self("get", kind, "-n", namespace, "-o", "jsonpath={.items[*].metadata.name}").split()
        return tuple(sorted(found))

    def accepts(self, manifest: Mapping[str, Any]) -> None:
        """Nothing, if the API server would create this object, with no field that it does not know."""
        self(
            "create", "--dry-run=server", "--validate=strict", "-f", "-", given=json.dumps(manifest)
        )  # fmt: skip

    @contextmanager
    def forwarded(self, service: str, namespace: str) -> Iterator[str]:
        """The URL of the port `http` of a Service's pod on this machine, while the block runs.

        What comes this way comes from the pod's own node, so that no network policy holds it up.
        """
        command = ["kubectl", "--kubeconfig", str(self.kubeconfig), "port-forward", "-n", namespace]
        with subprocess.Popen([*command, f"service/{service}", ":http"], stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                found = re.search(r"127\.0\.0\.1:\d+", said := process.stdout.readline())
                assert found, f"no port is forwarded: {said}"
                yield f"http://{found[0]}"
            finally:
                process.terminate()
