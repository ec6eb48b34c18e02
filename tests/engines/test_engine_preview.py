"""Previews read and never write, whatever they plan."""

from __future__ import annotations

import os
from pathlib import Path

import pulumi
import pytest

from schemas.errors import Location, PreflightError
from schemas.overlay import Origin
from stack.plan import Source
from tests.fakes import File, Group, a_program, an_engine, logged


def a_gke_program(nodes: int = 3) -> None:
    """A cluster with a node pool, as generic resources."""
    network = pulumi.CustomResource("gcp:compute/network:Network", "net", {"autoCreateSubnetworks": False})
    props = {"network": network.id, "location": "europe-central2-a", "selfLink": None}
    parent = Group("gke")
    opts = pulumi.ResourceOptions(parent=parent, version="10.2.0")
    cluster = pulumi.CustomResource("gcp:container/cluster:Cluster", "cluster", props, opts)
    pool = {"cluster": cluster.id, "nodeCount": nodes, "nodeConfig": {"machineType": "n2-standard-32"}}
    pulumi.CustomResource("gcp:container/nodePool:NodePool", "serving", pool, opts)
    chart = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "ovms"}}
    pulumi.CustomResource("kubernetes:apps/v1:Deployment", "ovms", chart)


def test_a_preview_touches_no_file(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.preview(a_program(out, {"a": File(), "b": File("from", uses="a")}, exports=["b"]))
    engine.preview_destroy()
    engine.resources()
    engine.refresh(dry_run=True)
    assert list(tmp_path.iterdir()) == []


def test_a_preview_leaves_an_existing_state_alone(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File("one")}))
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()}

    engine.preview(a_program(out, {"b": File("two")}))
    engine.preview_destroy()

    after = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


def test_a_preview_works_on_a_state_that_may_not_be_written(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File("one")}))
    (tmp_path / "state").chmod(0o500)
    try:
        assert engine.preview(a_program(out, {"a": File("one")})).empty
    finally:
        (tmp_path / "state").chmod(0o700)


def test_a_cluster_is_planned_without_tools_or_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    plan = an_engine(tmp_path).preview(a_gke_program)

    assert {change.name: change.op for change in plan.changing} == {
        "net": "create",
        "cluster": "create",
        "serving": "create",
        "ovms": "create",
    }
    pool = next(change for change in plan.changes if change.name == "serving")
    assert {found.path: found.new for found in pool.properties if not found.unknown} == {
        "nodeCount": 3,
        "nodeConfig": {"machineType": "n2-standard-32"},
    }
    assert [found.path for found in pool.properties if found.unknown] == ["cluster"]


def test_what_nothing_here_applies_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"

    def program() -> None:
        a_program(out, {"a": File()})()
        a_gke_program()

    with pytest.raises(PreflightError, match="plans resources of gcp, kubernetes; it does not apply them") as refused:
        engine.up(program)

    assert "gcp:container/nodePool:NodePool" in refused.value.why
    assert logged(out) == []


def test_each_changed_value_says_where_it_comes_from(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    engine.up(a_program(out, {"a": File("one")}))
    base = Origin("base", Location("base.yaml", 9, 5), "base.yaml:9:5")
    local = Origin("file", Location("local.yaml", 14, 7), "local.yaml:14:7", overrides=base)

    def origins(type_: str, name: str, path: str) -> Origin | None:
        return local if (name, path) == ("a", "content") and type_.endswith(":File") else None

    (change,) = engine.preview(a_program(out, {"a": File("two")}), origins).changing
    assert change.properties[0].source == Source("local.yaml:14:7", "file", ("base.yaml:9:5",))


def test_the_digest_follows_the_program_and_the_state(tmp_path: Path) -> None:
    engine, out = an_engine(tmp_path), tmp_path / "out"
    one, two = a_program(out, {"a": File("one")}), a_program(out, {"a": File("two")})
    digests = [engine.preview(one).digest, engine.preview(one).digest, engine.preview(two).digest]
    engine.up(one)
    digests.append(engine.preview(two).digest)

    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_the_order_of_a_plan_is_the_programs(tmp_path: Path) -> None:
    names = [f"f{index}" for index in range(40)]
    engine = an_engine(tmp_path)
    plans = [engine.preview(a_program(tmp_path / "out", {name: File() for name in names})) for _ in range(3)]
    assert [change.name for change in plans[0].changing] == names
    assert plans[0] == plans[1] == plans[2]
