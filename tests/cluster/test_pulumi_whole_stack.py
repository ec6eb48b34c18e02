"""A whole stack on the cluster, made by the embedded engine, lives on Pulumi's own and comes back, by the command line.

Needs the cluster, this program's image on it, and the real command line (INFERSTACK_TEST_PULUMI).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.pulumi_cli import needed_pulumi, real_pulumi
from tests.cluster.kubectl import Kubectl
from tests.cluster.test_whole_stack_on_cluster import ELASTIC, Stack
from tests.components.models.web_store import web_store
from tests.stack.commands import Ran, inferstack

pytestmark = pytest.mark.timeout(1800)
LIMIT_S = 600.0


@pytest.fixture
def stack(tmp_path: Path, kubectl: Kubectl, kubeconfig: Path, image: str, address: str) -> Iterator[Stack]:
    """A spec in a folder of its own, and the store that its pods reach."""
    name = f"moved-{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:8]}"
    with web_store(address=address) as store:
        yield Stack(tmp_path, name, kubeconfig, image, store)
        kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=false")


def test_a_stack_moves_to_pulumi_is_changed_there_and_moves_back(stack: Stack, tmp_path: Path) -> None:
    environ = real_pulumi(needed_pulumi(), tmp_path / "home")

    def run(*words: str) -> Ran:
        return inferstack(stack.folder, *words, limit_s=LIMIT_S, **environ)

    slower = ELASTIC.replace("drain: 2s", "drain: 3s")
    stack.write(ELASTIC)
    run("up", "stack.yaml", "--yes")

    run("state", "move", "--to", "pulumi")
    stack.write(f"{ELASTIC}engine: pulumi\n")
    taken = run("preview", "stack.yaml")
    assert taken.out.startswith("No changes"), taken.out
    assert "Pulumi's own" in taken.out
    assert run("refresh", "--dry-run").out.startswith("No drift")

    stack.write(f"{slower}engine: pulumi\n")
    changed = run("up", "stack.yaml", "--yes")
    assert "1 to update, 1 to replace" in changed.out, changed.out

    run("state", "move", "--to", "embedded")
    stack.write(slower)
    back = run("preview", "stack.yaml")
    assert back.out.startswith("No changes"), back.out
    run("destroy", "stack.yaml", "--yes")
