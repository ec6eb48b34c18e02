"""A test bed: instances of any platform under a supervisor of their own, and load on them from another core."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from components import codec
from components.benchmarks.load.arguments import Arguments, Endpoint, ModelInput
from components.benchmarks.result import LoadShape, Measurement
from components.serving import supervision, supervisor
from components.serving.instance import Instance
from schemas.spec import Protocol
from tests.performance.models import SIDE
from tests.performance.quiet import undisturbed

NAME = "model"
INPUTS = (ModelInput("x", "FP32", (-1, 3, SIDE, SIDE)),)


@dataclass(frozen=True)
class Bed:
    """A stack's folders for one measurement, and the store with the platforms' environments."""

    folder: Path
    store: Path

    def instance(
        self, name: str, platform: str, model: Path, digest: str, cpus: tuple[int, ...], **more: object
    ) -> Endpoint:
        """Bring one instance up; where it listens."""
        inputs = {
            "site": {"stack": "performance", "state": str(self.folder), "store": str(self.store)},
            "group": name, "name": name,
            "platform": platform, "model": {"name": NAME, "path": str(model), "digest": digest}, "cpus": list(cpus),
            "threads": len(cpus), "streams": 1, **more,
        }  # fmt: skip
        deployed = supervision.deploy(Instance.of(inputs))
        return Endpoint("127.0.0.1", deployed.ports.rest, deployed.ports.grpc)

    def drive(
        self,
        endpoints: Sequence[Endpoint],
        protocol: Protocol,
        *,
        clients: int | None = None,
        rate_per_s: float | None = None,
        arrivals: str = "poisson",
        cpus: tuple[int, ...] = (),
        duration_s: float = 5.0,
    ) -> Measurement:
        """One undisturbed measurement by the load generator, a process of its own on `cpus`."""
        shape = LoadShape(
            label="load", rate_per_s=rate_per_s, clients=clients, arrivals=arrivals, duration_s=duration_s,
            warmup_s=1.0, connections=0, batch=1, seed=1,
        )  # fmt: skip
        arguments = Arguments(
            target="target", model=NAME, protocol=protocol, endpoints=tuple(endpoints), load=shape, inputs=INPUTS,
            samples=str(self.folder / "samples.npz"), summary=str(self.folder / "summary.json"), cpus=cpus,
            own=bool(cpus),
        )  # fmt: skip
        file = self.folder / "load.json"
        file.write_text(json.dumps(codec.encode(arguments)))

        def measure() -> Measurement:
            subprocess.run([sys.executable, "-m", "components.benchmarks.load", str(file)], check=True, timeout=120)
            return codec.decode(Measurement, json.loads((self.folder / "summary.json").read_text()))

        return undisturbed(measure)


@contextmanager
def bed() -> Iterator[Bed]:
    """A bed that leaves no process behind. Environments are kept in INFERSTACK_TEST_ENVIRONMENTS where it is set."""
    with tempfile.TemporaryDirectory(prefix="inferstack-performance-") as folder:
        made = Bed(Path(folder) / "stack", Path(os.environ.get("INFERSTACK_TEST_ENVIRONMENTS", folder)) / "store")
        made.folder.mkdir()
        try:
            yield made
        finally:
            supervisor.stop(made.folder / "run")
