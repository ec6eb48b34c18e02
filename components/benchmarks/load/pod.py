"""A load generator's containers: `python -m components.benchmarks.load.pod measure|prepare|collect ORDER.json`.

`measure` makes a measurement with the built-in generator. With another tool the pod has three kinds of containers, one
after the other on the same volume, so that no image needs a shell and no two of them run at once: `prepare` asks the
target what its model takes and writes what the tool reads; the tool's own image sends; `collect` reads what it wrote.
What was found leaves by the log (`parcel.py`). Everything is written below the folder that the order names.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from components import codec
from components.benchmarks import probe, surroundings
from components.benchmarks import samples as sample_files
from components.benchmarks.description import Subject
from components.benchmarks.load.arguments import Arguments, ModelInput
from components.benchmarks.load.parcel import Parcel, pack
from components.benchmarks.result import Measurement
from components.benchmarks.samples import Samples
from components.cluster import topology
from schemas.errors import InferstackError, PreflightError

NODE: Final = "INFERSTACK_NODE"
"""Environment: the name of the pod's node."""

READY_S: Final = 30.0
"""How long a Service may take to lead to pods that are ready."""

AGAIN_S: Final = 0.5


@dataclass(frozen=True)
class Order:
    """What a pod is told.

    Attributes:
        arguments: the measurement; its files lie in the volume of the pod, its data set's path is filled in here.
        subject: the target, to be asked whether it is there.
        parts: files that are the data set one after the other; a ConfigMap holds little.
        url: where the data set is fetched from instead, with its digest if that is stated.
        cores: how many whole CPUs the container asked for; 0 where it takes what is free.
        target_nodes: the nodes with pods of the target.
    """

    arguments: Arguments
    subject: Subject
    parts: tuple[str, ...] = ()
    url: str = ""
    sha256: str | None = None
    cores: int = 0
    target_nodes: tuple[str, ...] = ()


def measure(order: Order) -> None:
    """Make the measurement with the built-in generator, and tell it."""
    from components.benchmarks.load import generator

    arguments = _completed(order)
    generator.measure(arguments)
    made = codec.decode(Measurement, json.loads(Path(arguments.summary).read_text()))
    _tell(order, made, sample_files.read(Path(arguments.samples)))


def prepare(order: Order) -> None:
    """Write what the tool reads, and what `collect` needs to know."""
    from components.benchmarks.tools.drive import write_files

    arguments = _completed(order)
    write_files(arguments, _folder(order))
    _arguments_file(order).write_text(json.dumps(codec.encode(arguments)))


def collect(order: Order) -> None:
    """Read what the tool wrote, and tell it."""
    from components.benchmarks.tools.drive import collect as read

    arguments = codec.decode(Arguments, json.loads(_arguments_file(order).read_text()))
    _tell(order, *read(arguments, _folder(order)))


def _completed(order: Order) -> Arguments:
    """The arguments with what only the pod can know: the model's inputs, the data set's path, its own CPUs."""
    cpus = tuple(sorted(os.sched_getaffinity(0)))
    own = order.cores > 0 and len(cpus) == order.cores
    return replace(
        order.arguments,
        inputs=_wait_for(order.subject),
        data=_data(order),
        cpus=cpus if own else (),
        shared=os.environ.get(NODE, "") in order.target_nodes and not own,
    )


def _wait_for(subject: Subject) -> tuple[ModelInput, ...]:
    """The inputs of the target's model, as soon as the target answers.

    Raises:
        PreflightError: it does not, or serves another model.
    """
    end = time.monotonic() + READY_S
    while True:
        try:
            return probe.inputs_of(subject)
        except PreflightError:
            if time.monotonic() > end:
                raise
            time.sleep(AGAIN_S)


def _data(order: Order) -> str | None:
    """The path of the whole data set, if there is one."""
    path = _folder(order) / "data.npz"
    if order.url:
        from components.models.fetch import fetch

        return str(fetch(order.url, sha256=order.sha256, store=_folder(order)).path)
    if not order.parts:
        return None
    with path.open("wb") as whole:
        for part in order.parts:
            with Path(part).open("rb") as file:
                shutil.copyfileobj(file, whole)
    return str(path)


def _tell(order: Order, made: Measurement, samples: Samples | None) -> None:
    node = os.environ.get(NODE, "")
    if node and node in order.target_nodes:
        note = f"the load generator ran on {node}, where the target has pods too"
        made = replace(made, notes=(*made.notes, note))
    for line in pack(Parcel(made, surroundings.read(topology.read()), node), samples):
        print(line, flush=True)


def _folder(order: Order) -> Path:
    return Path(order.arguments.summary).parent


def _arguments_file(order: Order) -> Path:
    return _folder(order) / "arguments.json"


def main(argv: list[str]) -> int:
    """Run one container; a failure is told in words on standard error, with the exit code of its class."""
    work = {"measure": measure, "prepare": prepare, "collect": collect}
    if len(argv) != 3 or argv[1] not in work:
        print("usage: python -m components.benchmarks.load.pod measure|prepare|collect ORDER.json", file=sys.stderr)
        return 3
    try:
        work[argv[1]](codec.decode(Order, json.loads(Path(argv[2]).read_text())))
    except InferstackError as error:
        print(": ".join(part for part in (error.message, error.why) if part), file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
