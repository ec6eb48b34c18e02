"""A user's script makes the model, once for the same inputs, and never outlives whoever started it."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.models.train import plan, run, trained_folder
from schemas.errors import InferstackError, PreflightError, UsageError
from schemas.spec import Train
from tests.components.models.processes import is_running, kill, python, until

WRITES_A_MODEL = """
import os, pathlib
counter = pathlib.Path("runs")
counter.write_text(counter.read_text() + "." if counter.exists() else ".")
out = pathlib.Path(os.environ["INFERSTACK_OUT"])
(out / "model.xml").write_text(pathlib.Path("data").read_text())
"""


def a_training(folder: Path, script: str = WRITES_A_MODEL, **changes: object) -> Train:
    (folder / "train.py").write_text(script)
    (folder / "data").write_text("1")
    stated = {"command": ("{python}", "train.py"), "inputs": (str(folder / "data"),), "outputs": ("model.xml",)}
    return Train(**{**stated, **changes})  # type: ignore[arg-type]


def trained(train: Train, folder: Path, store: Path) -> Path:
    return run(plan(train, folder), store, "digits")


def test_output_of_the_script_is_kept_in_the_store(tmp_path: Path) -> None:
    folder = trained(a_training(tmp_path), tmp_path, tmp_path / "store")
    assert (folder / "model.xml").read_text() == "1"


def test_same_inputs_train_once(tmp_path: Path) -> None:
    train = a_training(tmp_path)
    assert trained(train, tmp_path, tmp_path / "store") == trained(train, tmp_path, tmp_path / "store")
    assert (tmp_path / "runs").read_text() == "."


@pytest.mark.parametrize("changed", ["train.py", "data"])
def test_changed_script_or_input_trains_again(tmp_path: Path, changed: str) -> None:
    train = a_training(tmp_path)
    trained(train, tmp_path, tmp_path / "store")
    (tmp_path / changed).write_text((tmp_path / changed).read_text() + "\n")
    trained(train, tmp_path, tmp_path / "store")
    assert (tmp_path / "runs").read_text() == ".."


def test_moved_checkout_does_not_train_again(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    here, there = a_training(tmp_path / "here"), a_training(tmp_path / "there")
    assert plan(here, tmp_path / "here").key == plan(there, tmp_path / "there").key


def test_planning_runs_and_writes_nothing(tmp_path: Path) -> None:
    train = a_training(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    recipe = plan(train, tmp_path)
    assert not trained_folder(recipe, tmp_path / "store").exists()
    assert sorted(tmp_path.rglob("*")) == before


def test_out_stands_for_the_folder_of_the_outputs(tmp_path: Path) -> None:
    train = a_training(tmp_path, command=("sh", "-c", "echo made > {out}/model.xml"))
    assert (trained(train, tmp_path, tmp_path / "store") / "model.xml").read_text() == "made\n"


def test_failure_shows_the_last_lines_and_keeps_the_log(tmp_path: Path) -> None:
    train = a_training(tmp_path, "print('epoch 1')\nraise SystemExit('the data is odd')")
    with pytest.raises(InferstackError, match="failed with exit code 1") as caught:
        trained(train, tmp_path, tmp_path / "store")
    assert caught.value.why.endswith("the data is odd")
    assert Path(caught.value.remedy.removeprefix("the whole log: ")).read_text().startswith("epoch 1")


def test_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InferstackError, match="exit code 127") as caught:
        trained(a_training(tmp_path, command=("no-such-program",)), tmp_path, tmp_path / "store")
    assert "no-such-program: No such file" in caught.value.why


def test_output_that_was_not_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(InferstackError, match=r"did not write model\.xml"):
        trained(a_training(tmp_path, "print('done')"), tmp_path, tmp_path / "store")


def test_missing_input_is_told_when_it_is_planned(tmp_path: Path) -> None:
    train = a_training(tmp_path)
    (tmp_path / "data").unlink()
    with pytest.raises(PreflightError, match="data is missing"):
        plan(train, tmp_path)


def test_missing_script_is_told_when_it_is_planned(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match=r"nofile\.py is missing"):
        plan(Train(command=("{python}", "nofile.py"), outputs=("model.xml",)), tmp_path)
    assert plan(Train(command=("make", "{out}/made.py", "made.sh"), outputs=("made.sh",)), tmp_path)


@pytest.mark.parametrize("name", ["../model.xml", "/tmp/model.xml", ""])
def test_output_outside_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no name for an output"):
        plan(a_training(tmp_path, outputs=(name,)), tmp_path)


def test_input_that_changed_since_the_plan_is_refused(tmp_path: Path) -> None:
    recipe = plan(a_training(tmp_path), tmp_path)
    (tmp_path / "data").write_text("2")
    with pytest.raises(PreflightError, match="have changed since it was planned"):
        run(recipe, tmp_path / "store", "digits")


SLEEPS_WITH_A_CHILD = """
import os, pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path("child.pid").write_text(str(child.pid))
pathlib.Path("pid").write_text(str(os.getpid()))
time.sleep(600)
"""


def test_training_over_its_time_is_ended_with_its_children(tmp_path: Path) -> None:
    train = a_training(tmp_path, SLEEPS_WITH_A_CHILD, timeout_s=1.0)
    with pytest.raises(InferstackError, match="took longer than 1 s"):
        trained(train, tmp_path, tmp_path / "store")
    assert not is_running(tmp_path / "pid")
    until(lambda: not is_running(tmp_path / "child.pid"), "the child ends")


STARTS_A_TRAINING = """
import sys
from pathlib import Path
from components.models.train import plan, run
from schemas.spec import Train
folder = Path(sys.argv[1])
run(plan(Train(command=("{python}", "train.py"), outputs=("model.xml",)), folder), folder / "store", "digits")
"""


def test_killed_starter_leaves_no_training_behind(tmp_path: Path) -> None:
    a_training(tmp_path, SLEEPS_WITH_A_CHILD)
    starter = python(STARTS_A_TRAINING, tmp_path)
    until(lambda: (tmp_path / "pid").exists(), "the training begins")
    kill(starter)
    until(lambda: not is_running(tmp_path / "pid"), "the training ends")
    until(lambda: not is_running(tmp_path / "child.pid"), "its child ends")


def test_stop_of_the_user_ends_the_training(tmp_path: Path) -> None:
    from components.progress import listener
    from schemas.errors import StoppedError

    def stop(_text: str, _fraction: float | None) -> None:
        if (tmp_path / "pid").exists():
            raise StoppedError("stopped")

    token = listener.set(stop)
    with pytest.raises(StoppedError):
        trained(a_training(tmp_path, SLEEPS_WITH_A_CHILD), tmp_path, tmp_path / "store")
    listener.reset(token)
    assert not is_running(tmp_path / "pid")
