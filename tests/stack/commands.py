"""`inferstack` as its users run it: a process of its own in a folder of its own, and small specs to run it on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.components.models.model_builders import an_ir

PROGRAM = (sys.executable, "-c", "import sys; from stack.cli import main; sys.exit(main())")
LIMIT_S = 60.0

TINY = """\
apiVersion: inferstack/v1
name: tiny
models:
  - {name: tiny, source: tiny.xml}
serving:
  - {name: one, model: tiny, protocol: grpc, instances: {count: 1, cores: 1}, exclusive: false, drain: 1s}
  - {name: two, model: tiny, instances: {count: 2, cores: 1}, exclusive: false, drain: 1s}
"""
BENCHMARK = """\
benchmarks:
  - {name: quick, targets: [one, two], load: {clients: 1, duration: 200ms, warmup: 50ms}}
"""


@dataclass(frozen=True)
class Ran:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


def environment(**more: str) -> dict[str, str]:
    """A user's environment: no settings of ours, and byte code kept as an installed program has it."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("INFERSTACK_", "FORCE_", "PYTHON"))}
    cache = Path(tempfile.gettempdir()) / f"inferstack-tests-{os.getuid()}"
    root = str(Path(__file__).parents[2])
    return {**kept, "COLUMNS": "80", "PYTHONPATH": root, "PYTHONPYCACHEPREFIX": str(cache), **more}


def start(folder: Path, *arguments: str, **environ: str) -> subprocess.Popen[str]:
    """Start a command in a session of its own, as a terminal does; its output is piped."""
    return subprocess.Popen(
        [*PROGRAM, *arguments],
        cwd=folder,
        env=environment(**environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def inferstack(
    folder: Path, *arguments: str, code: int | None = 0, stdin: str = "", limit_s: float = LIMIT_S, **environ: str
) -> Ran:
    """Run a command in `folder` to its end; it has to end with `code`, if there is one, and never with a traceback."""
    done = subprocess.run(
        [*PROGRAM, *arguments],
        cwd=folder,
        env=environment(**environ),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )
    told = f"inferstack {' '.join(arguments)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert code in (None, done.returncode), told
    assert "Traceback" not in done.stderr, told
    return Ran(done.returncode, done.stdout, done.stderr)


def a_project(folder: Path, text: str = TINY, *, spec: str = "spec.yaml") -> Path:
    """A folder with a small model and a spec that serves it; the folder again."""
    folder.mkdir(parents=True, exist_ok=True)
    an_ir(folder / "tiny.xml")
    (folder / spec).write_text(text)
    return folder


def everything_in(folder: Path) -> set[str]:
    """All files and folders, by their path below `folder`."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
