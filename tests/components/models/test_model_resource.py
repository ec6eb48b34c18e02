"""A model as a resource: planned by reading alone, made as planned, unchanged when nothing changed."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from components.models.material import Planner
from components.models.plan import Unusable, check_files, model_bytes, plan_inputs
from components.models.resource import OUTPUTS, ModelProvider
from components.models.store import StoredModel, check_drop
from schemas.errors import InferstackError, PreflightError, UsageError
from schemas.spec import Benchmark, Convert, Model, Spec, Train
from tests.components.models import model_builders as build
from tests.components.models.file_server import FileServer, serving

WRITES_AN_ONNX = """
import os, shutil
for name in ("net.onnx", "holdout.npz"):
    shutil.copy(name, os.environ["INFERSTACK_OUT"])
"""


def a_model(source: Path | str, **changes: Any) -> Model:
    return Model(**{"name": "net", "source": str(source), **changes})


def a_trained_model(folder: Path, **changes: Any) -> Model:
    build.an_onnx(folder / "net.onnx")
    build.a_data_set(folder / "holdout.npz", count=50, wrong=5)
    (folder / "train.py").write_text(WRITES_AN_ONNX)
    train = Train(command=("{python}", "train.py"), outputs=("net.onnx", "holdout.npz"))
    return Model(**{"name": "net", "train": train, "evaluation": "train://net/holdout.npz", **changes})


def planned(model: Model, folder: Path, *others: Model) -> dict[str, Any]:
    """The inputs of a model of a spec in `folder`, as they come out of a state: plain JSON."""
    planner = Planner({each.name: each for each in (model, *others)}, lambda _: folder)
    return json.loads(json.dumps(plan_inputs(model, planner, folder / "store")))


def made(inputs: dict[str, Any]) -> dict[str, Any]:
    outs = ModelProvider().create(inputs).outs
    assert outs is not None
    return outs


def is_changed(olds: dict[str, Any], news: dict[str, Any]) -> bool:
    return bool(ModelProvider().diff("net", olds, news).changes)


def test_planning_leaves_no_trace(tmp_path: Path) -> None:
    model = a_trained_model(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    planned(model, tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


def test_trained_model_is_made_measured_and_then_unchanged(tmp_path: Path) -> None:
    model = a_trained_model(tmp_path)
    outs = made(planned(model, tmp_path))
    assert Path(outs["path"]).exists()
    assert outs["accuracy"] == 0.9
    assert not is_changed(outs, planned(model, tmp_path))


def test_model_takes_the_output_of_the_training_of_another(tmp_path: Path) -> None:
    trained = a_trained_model(tmp_path)
    other = a_model("train://net/net.onnx", name="half", convert=Convert(precision="fp16"))
    outs = made(planned(other, tmp_path, trained))
    assert outs["precision"] == "fp16"


def test_changed_file_changes_the_plan_and_a_moved_checkout_does_not(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    build.an_onnx(here / "net.onnx")
    olds = made(planned(a_model(here / "net.onnx"), here))
    shutil.move(here / "net.onnx", build.an_onnx(there / "net.onnx"))
    news = planned(a_model(there / "net.onnx"), there) | {"store": olds["store"]}
    assert not is_changed(olds, news)
    build.an_onnx(there / "net.onnx", weights=build.WEIGHTS * 2)
    assert is_changed(olds, planned(a_model(there / "net.onnx"), there) | {"store": olds["store"]})


def test_model_gone_from_the_store_is_made_again(tmp_path: Path) -> None:
    inputs = planned(a_model(build.an_onnx(tmp_path / "net.onnx")), tmp_path)
    outs = made(inputs)
    shutil.rmtree(tmp_path / "store")
    assert is_changed(outs, inputs)
    assert ModelProvider().read("net", outs).id == ""


def test_altered_model_is_found_by_reading(tmp_path: Path) -> None:
    outs = made(planned(a_model(build.an_onnx(tmp_path / "net.onnx")), tmp_path))
    assert ModelProvider().read("net", outs).id == "net"
    Path(outs["path"]).with_suffix(".bin").write_bytes(b"altered")
    assert ModelProvider().read("net", outs).id == ""


def test_other_limit_on_accuracy_keeps_the_outputs(tmp_path: Path) -> None:
    source, data = build.an_onnx(tmp_path / "net.onnx"), build.a_data_set(tmp_path / "data.npz")

    def limited(drop: float) -> dict[str, Any]:
        convert = Convert(precision="int8", calibration=str(data), max_accuracy_drop=drop)
        return planned(a_model(source, convert=convert), tmp_path)

    outs = limited(0.01) | {"path": str(source)}  # as if it had been made: only its existence is looked at
    diff = ModelProvider().diff("net", outs, limited(0.5))
    assert diff.changes
    assert diff.stables == list(OUTPUTS)


def test_deleting_a_model_keeps_it_in_the_store(tmp_path: Path) -> None:
    outs = made(planned(a_model(build.an_onnx(tmp_path / "net.onnx")), tmp_path))
    ModelProvider().delete("net", outs)
    assert Path(outs["path"]).exists()


def test_model_from_the_web_is_made_and_says_how_to_pin_it(tmp_path: Path) -> None:
    content = build.an_onnx(tmp_path / "net.onnx").read_bytes()
    with serving(FileServer({"/net.onnx": content})) as server:
        model = a_model(f"{server.url}/net.onnx")
        outs = made(planned(model, tmp_path))
        assert not is_changed(outs, planned(model, tmp_path))
    assert f"sha256: {hashlib.sha256(content).hexdigest()}" in outs["warnings"][0]


def test_wrong_digest_of_a_local_file_is_found_by_planning(tmp_path: Path) -> None:
    source = build.an_onnx(tmp_path / "net.onnx")
    with pytest.raises(PreflightError, match="another digest"):
        planned(a_model(source, sha256="0" * 64), tmp_path)
    assert planned(a_model(f"file://{source}", sha256=hashlib.sha256(source.read_bytes()).hexdigest()), tmp_path)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("/nowhere/net.onnx", "/nowhere/net.onnx is missing"),
        ("https://example.com/net.h5", r"net\.h5 cannot be converted"),
        ("s3://bucket/net.onnx", "cannot be fetched"),
        ("file://net.onnx", "names no file of this machine"),
        ("train://nothing/net.onnx", "no model 'nothing' has a `train` section"),
        (None, "has no source"),
    ],
)
def test_source_that_cannot_be_had_is_told_when_it_is_planned(tmp_path: Path, source: str | None, says: str) -> None:
    with pytest.raises((PreflightError, UsageError), match=says):
        planned(Model(name="net", source=source), tmp_path)


def test_all_missing_files_of_a_spec_are_told_at_once_with_their_fields(tmp_path: Path) -> None:
    source = str(build.an_onnx(tmp_path / "net.onnx"))
    models = (
        Model(name="a", source="/nowhere/net.onnx", at="models.a"),
        Model(name="b", source=source, evaluation="/nowhere/b.npz", at="models.b"),
    )
    benchmark = Benchmark(name="steady", targets=(), data="/nowhere/c.npz", at="benchmarks.steady")
    spec = Spec(api_version="inferstack/v1", name="net", models=models, benchmarks=(benchmark,))
    with pytest.raises(Unusable) as caught:
        check_files(spec, Planner({model.name: model for model in models}, lambda _: tmp_path))
    assert caught.value.at == ("models.a.source", "models.b.evaluation", "benchmarks.steady.data")
    assert caught.value.problems[0].message == "/nowhere/net.onnx is missing"


def test_folder_without_a_model_is_found_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    model = Model(name="a", source=str(tmp_path / "empty"), at="models.a")
    spec = Spec(api_version="inferstack/v1", name="net", models=(model,))
    with pytest.raises(Unusable) as caught:
        check_files(spec, Planner({"a": model}, lambda _: tmp_path))
    assert caught.value.at == ("models.a.source",)
    assert "holds no single model" in caught.value.problems[0].message


def test_folder_is_no_data_set(tmp_path: Path) -> None:
    source = build.an_onnx(tmp_path / "net.onnx")
    with pytest.raises(PreflightError, match="is no data set"):
        planned(a_model(source, evaluation=str(tmp_path)), tmp_path)


def test_file_that_no_training_writes_lists_those_it_does(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        planned(a_trained_model(tmp_path, evaluation="train://net/other.npz"), tmp_path)
    assert caught.value.remedy == "it writes net.onnx, holdout.npz"


def test_file_that_changed_between_plan_and_apply_is_refused(tmp_path: Path) -> None:
    inputs = planned(a_model(build.an_onnx(tmp_path / "net.onnx")), tmp_path)
    build.an_onnx(tmp_path / "net.onnx", weights=build.WEIGHTS * 2)
    with pytest.raises(PreflightError, match="has changed since it was planned"):
        made(inputs)


def a_stored_model(before: float, after: float) -> StoredModel:
    return StoredModel("key", "net", Path("model.xml"), "d", "int8", 1, after, before, "net.onnx", "2026", ())


def test_accuracy_lost_over_the_limit_is_an_error_with_both_figures() -> None:
    check_drop(a_stored_model(0.98, 0.97), limit=0.01)
    with pytest.raises(InferstackError, match=r"3\.00% where 1\.00% is allowed") as caught:
        check_drop(a_stored_model(0.98, 0.95), limit=0.01)
    assert caught.value.why == "before: 98.00%, after: 95.00%"


def test_size_is_known_before_for_a_local_model_only(tmp_path: Path) -> None:
    source = build.an_onnx(tmp_path / "net.onnx")
    trained = a_trained_model(tmp_path)
    planner = Planner({"net": trained}, lambda _: tmp_path)
    assert model_bytes(a_model(source), planner) == source.stat().st_size
    assert model_bytes(trained, planner) is None
