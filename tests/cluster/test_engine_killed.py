"""`kill -9` at any moment of an `up` on a cluster: the next one converges, with no duplicate and no orphan.

(Pulumi's own engine ends with "already exists" there.)
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stack.engines import deployment
from tests.cluster.kubectl import Kubectl
from tests.cluster.stacks import Declared, Stack, pausing

VICTIM = """
import sys
from pathlib import Path
from stack.engines.events import Started
from tests.cluster.stacks import Stack
from tests.cluster.test_engine_killed import objects_of
place, kubeconfig, namespace, seed = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
listener = lambda event: print(event.subject.name, flush=True) if isinstance(event, Started) else None
stack = Stack(place, kubeconfig, namespace, listener=listener)
stack.up(objects_of(stack, seed))
"""
MINE = "kill=9"
BEGUN = "begun"


@pytest.fixture
def stack(tmp_path: Path, kubeconfig: Path, namespace: str) -> Stack:
    return Stack(tmp_path, kubeconfig, namespace)


def objects_of(stack: Stack, seed: int) -> dict[str, Declared]:
    """Objects of some seed: which there are, what they hold, need and are called changes with the seed."""
    chance = random.Random(seed)
    found: dict[str, Declared] = {}
    for index in chance.sample(range(20), 14):
        name = f"object-{index}"
        manifest = (
            stack.config({"x": str(chance.randrange(3))}, name=name),
            stack.secret({"x": str(chance.randrange(3))}, name=name),
            stack.service(name=name, clusterIP=chance.choice(["None", None])),
            stack.config({"x": "1"}, name=f"{name}-{chance.randrange(2)}"),
            stack.deployment(name=name, app=f"app-{chance.randrange(2)}"),
        )[index % 5]
        manifest["metadata"]["labels"] = dict([MINE.split("=")])
        found[name] = Declared(manifest, needs=(chance.choice(list(found)),) if found and index % 2 else ())
    return found


def expected(stack: Stack, seed: int) -> list[tuple[str, str]]:
    """Kind and name of every object of a seed."""
    manifests = [declared.manifest for declared in objects_of(stack, seed).values()]
    return sorted((manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests)


def live(stack: Stack, kubectl: Kubectl) -> list[tuple[str, str]]:
    """Kind and name of every object of ours that is in the namespace."""
    kinds = "configmaps,secrets,services,deployments"
    found = json.loads(kubectl("-n", stack.namespace, "get", kinds, "-l", MINE, "-o", "json"))["items"]
    return sorted((item["kind"], item["metadata"]["name"]) for item in found)


def started(stack: Stack, seed: int) -> subprocess.Popen[bytes]:
    """An `up` in a process of its own, which notes what it begins in a file."""
    words = [str(stack.place), str(stack.kubeconfig), stack.namespace, str(seed)]
    with (stack.place / BEGUN).open("wb") as begun:
        return subprocess.Popen([sys.executable, "-c", VICTIM, *words], stdout=begun)


def killed(stack: Stack, seed: int, after: int) -> None:
    """Run an `up` and kill it when `after` operations have begun (or let it end, if it has fewer)."""
    process = started(stack, seed)
    until(lambda: (stack.place / BEGUN).read_bytes().count(b"\n") >= after or process.poll() is not None)
    process.kill()
    process.wait()


@pytest.mark.parametrize("series", range(3))
def test_an_up_after_kills_converges_on_the_cluster(stack: Stack, kubectl: Kubectl, series: int) -> None:
    chance = random.Random(series)
    for attempt in range(3):
        killed(stack, seed=series * 10 + attempt % 2, after=chance.randrange(1, 16))
    seed = series * 10

    stack.made(objects_of(stack, seed))

    assert live(stack, kubectl) == expected(stack, seed)
    assert stack.preview(objects_of(stack, seed)).empty
    assert not stack.refresh().found
    assert not list(deployment.problems_of(stack.engine().export()))
    assert stack.engine().destroy().error is None
    assert live(stack, kubectl) == []


def killed_while_waiting(stack: Stack, kubectl: Kubectl) -> str:
    """Kill an `up` that waits for a Deployment which never becomes ready; the Deployment's uid."""
    script = (
        "import sys; from pathlib import Path; from tests.cluster.stacks import Stack;"
        "stack = Stack(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]);"
        "stack.up({'a': stack.deployment(replicas=1)})"
    )
    words = [str(stack.place), str(stack.kubeconfig), stack.namespace]
    process = subprocess.Popen([sys.executable, "-c", script, *words])
    until(lambda: "server" in kubectl.names("deployment", stack.namespace))
    process.kill()
    process.wait()
    return str(kubectl.get("deployment", "server", stack.namespace)["metadata"]["uid"])


def test_what_was_waited_for_when_it_was_killed_is_found_again(stack: Stack, kubectl: Kubectl) -> None:
    broken = {"a": stack.deployment(replicas=1)}
    uid = killed_while_waiting(stack, kubectl)

    (change,) = stack.preview(broken).changing
    stack.made({"a": stack.deployment(image=pausing(kubectl), replicas=1)})

    assert change.reasons == ("the last run did not finish making this",)
    assert kubectl.get("deployment", "server", stack.namespace)["metadata"]["uid"] == uid


def test_what_a_killed_run_made_is_made_again_when_it_cannot_be_changed(stack: Stack, kubectl: Kubectl) -> None:
    uid = killed_while_waiting(stack, kubectl)
    wanted = {"a": stack.deployment(image=pausing(kubectl), replicas=1, app="another")}

    assert [change.op for change in stack.preview(wanted).changing] == ["create"]
    stack.made(wanted)

    live = kubectl.get("deployment", "server", stack.namespace)
    assert live["metadata"]["uid"] != uid
    assert live["spec"]["selector"]["matchLabels"] == {"app": "another"}
    assert stack.preview(wanted).empty


def test_what_was_made_again_before_a_kill_is_deleted_too(stack: Stack, kubectl: Kubectl) -> None:
    stack.made({"a": stack.deployment(image=pausing(kubectl), replicas=1)})
    kubectl("-n", stack.namespace, "delete", "deployment", "server")
    killed_while_waiting(stack, kubectl)

    stack.made({})

    assert kubectl.names("deployment", stack.namespace) == ()


def test_what_a_killed_run_made_is_deleted_when_it_is_wanted_no_more(stack: Stack, kubectl: Kubectl) -> None:
    process = started(stack, seed=1)
    until(lambda: bool(live(stack, kubectl)))
    process.kill()
    process.wait()

    stack.made({})

    assert live(stack, kubectl) == []


def until(condition: Callable[[], bool], limit_s: float = 90.0) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.1)
