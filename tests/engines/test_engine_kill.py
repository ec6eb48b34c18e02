"""`kill -9` at any moment: the next `up` converges, nothing lost, nothing doubled, no orphan."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from stack.engines import deployment
from stack.engines.records import Record
from tests.fakes import File, a_program, an_engine, files_in, logged, until

VICTIM = """
import sys
from pathlib import Path
from tests.engines.test_engine_kill import program_of
from tests.fakes import an_engine
place, seed = Path(sys.argv[1]), int(sys.argv[2])
an_engine(place, parallel=4).up(program_of(place, seed))
"""


def files_of(seed: int) -> dict[str, File]:
    """A program of some seed: which files it has, what they hold and what they need changes with the seed."""
    chance = random.Random(seed)
    files: dict[str, File] = {}
    for index in chance.sample(range(14), 10):
        uses = chance.choice(["", *files])
        kind = {"kind": str(chance.randrange(2)), "delete_first": index % 3 == 0, "pause_s": 0.01}
        files[f"f{index}"] = File(f"text {chance.randrange(3)}", uses=uses, group="g" if index % 2 else "", props=kind)
    return files


def program_of(place: Path, seed: int) -> Callable[[], None]:
    """The program of a seed, its files below `place`."""
    return a_program(place / "out", files_of(seed))


def expected(files: Mapping[str, File]) -> dict[str, str]:
    """What the files hold once the program is applied; digests of others are left out."""
    return {name: file.content for name, file in files.items()}


def killed(place: Path, seed: int, after: int) -> None:
    """Run an `up` and kill it when `after` operations have begun."""
    begun = len(logged(place / "out"))
    process = subprocess.Popen([sys.executable, "-c", VICTIM, str(place), str(seed)])
    until(lambda: len(logged(place / "out")) >= begun + after or process.poll() is not None, limit_s=60)
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize("seed", range(3))
def test_an_up_after_kills_converges(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    for attempt in range(2):
        killed(tmp_path, seed + attempt % 2, after=chance.randrange(1, 9))
    files = files_of(seed)
    engine = an_engine(tmp_path)
    outcome = engine.up(program_of(tmp_path, seed))

    assert outcome.error is None, outcome
    found = files_in(tmp_path / "out")
    assert set(found) == set(files)
    assert all(found[name].startswith(content) for name, content in expected(files).items())
    assert engine.preview(program_of(tmp_path, seed)).empty
    assert not list(deployment.problems_of(engine.export()))
    assert names_in(engine.resources()) == sorted(files)
    assert engine.destroy().error is None
    assert files_in(tmp_path / "out") == {}


def names_in(records: tuple[Record, ...]) -> list[str]:
    """Names of the files in a state, doubled if they are."""
    return sorted(record.name for record in records if record.type.endswith(":File"))


def test_an_interrupted_create_is_adopted(tmp_path: Path) -> None:
    out = tmp_path / "out"
    program = a_program(out, {"a": File(props={"wait": "create"})})
    script = (
        "import sys; from pathlib import Path; from tests.fakes import *; place = Path(sys.argv[1]);"
        "an_engine(place).up(a_program(place / 'out', {'a': File(props={'wait': 'create'})}))"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)])
    until(lambda: logged(out) == ["create a"])
    process.kill()
    process.wait()

    engine = an_engine(tmp_path)
    (change,) = engine.preview(program).changing
    pending = engine.export()["deployment"]["pending_operations"]
    (out / "go").touch()

    assert change.reasons == ("the last run did not finish making this",)
    assert [(entry["type"], entry["resource"]["urn"].rpartition("::")[2]) for entry in pending] == [("creating", "a")]
    assert json.loads(json.dumps(pending)) == pending
    assert engine.up(program).error is None
    assert files_in(out) == {"a": "text"}
    assert "pending_operations" not in engine.export()["deployment"]


def test_what_is_wanted_again_is_not_lost_with_what_a_replacement_left(tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = a_program(out, {"a": File(props={"name": "one", "wait": "delete"})})
    assert an_engine(tmp_path).up(first).error is None
    script = (
        "import sys; from pathlib import Path; from tests.fakes import *; place = Path(sys.argv[1]);"
        "an_engine(place).up(a_program(place / 'out', {'a': File(props={'name': 'two'})}))"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)])
    until(lambda: logged(out)[-1] == "delete one")
    process.kill()
    process.wait()
    (out / "go").touch()

    engine = an_engine(tmp_path)
    assert engine.up(first).error is None
    assert files_in(out) == {"one": "text"}
    assert engine.preview(first).empty
    assert engine.destroy().error is None
    assert files_in(out) == {}
