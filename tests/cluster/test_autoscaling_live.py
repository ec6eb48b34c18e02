"""A group grows and shrinks with its load on a real cluster, and the program leaves its replicas alone meanwhile."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.keda import keda, said
from tests.cluster.kubectl import Kubectl
from tests.cluster.metrics_server import address_of, measured
from tests.cluster.test_pods_serve import a_caller, answers_of
from tests.cluster.test_whole_stack_on_cluster import Stack
from tests.components.models.web_store import web_store
from tests.prometheus import prometheus

ELASTIC = """\
extensions: [{extensions}]
serving:
  - name: elastic
    model: tiny
    exclusive: false
    instances: {{count: 1, cores: 1}}
    clients: {{namespaces: [{callers}]}}
    autoscale: {{max: 2, stabilization: 15s, {by}}}
    drain: 2s
"""
LIMIT_S = 240.0

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def stack(tmp_path: Path, kubectl: Kubectl, kubeconfig: Path, image: str) -> Iterator[Stack]:
    name = f"elastic-{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:8]}"
    with web_store(address=address_of(kubectl)) as store:
        yield Stack(tmp_path, name, kubeconfig, image, store)
        kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=false")


def test_a_group_grows_by_what_its_pods_use_and_shrinks_again_and_no_plan_says_otherwise(
    stack: Stack, kubectl: Kubectl, namespace: str, image: str, tmp_path: Path
) -> None:
    with measured(kubectl, namespace, tmp_path / "metrics-server"):
        stack.write(ELASTIC.format(callers=namespace, extensions="", by="metric: cpu, average: 0.03"))
        grows_and_shrinks(stack, kubectl, namespace, image)


def test_a_group_grows_by_its_requests_and_shrinks_again_and_no_plan_says_otherwise(
    stack: Stack, kubectl: Kubectl, namespace: str, image: str, tmp_path: Path
) -> None:
    pods = tmp_path / "pods.json"
    pods.write_text("[]")
    job = {"job_name": "pods", "scrape_interval": "5s", "file_sd_configs": [{"files": [str(pods)]}]}
    with prometheus(tmp_path / "prometheus", [job]) as counting, keda(kubectl, namespace, tmp_path / "keda"):
        by = f"metric: requests, average: 5, prometheus: '{counting.url}'"
        stack.write(ELASTIC.format(callers=namespace, extensions="keda", by=by))
        try:
            grows_and_shrinks(stack, kubectl, namespace, image, lambda: collect(kubectl, stack, pods))
        except AssertionError as failed:
            failed.add_note(said(tmp_path / "keda"))
            raise


def grows_and_shrinks(
    stack: Stack, kubectl: Kubectl, namespace: str, image: str, meanwhile: Callable[[], None] = lambda: None
) -> None:
    """The whole life of a group that scales; `meanwhile` is done again and again."""

    def becomes(number: int) -> bool:
        meanwhile()
        return replicas(kubectl, stack) == (number, number)

    made = stack("up", "stack.yaml", "--yes")
    assert made.code == 0, made.out + made.err
    a_caller(kubectl, namespace, image, f"http://elastic.{stack.name}.svc:8000", "tiny", name="pixels")
    assert within(LIMIT_S, lambda: becomes(2)), autoscalers(kubectl, stack)

    unchanged(stack)
    again = stack("up", "stack.yaml", "--yes")
    assert again.code == 0, again.out + again.err
    assert replicas(kubectl, stack)[0] == 2

    answers = answers_of(kubectl, namespace)
    assert len(answers) == 1, answers
    assert within(LIMIT_S, lambda: becomes(1)), autoscalers(kubectl, stack)
    unchanged(stack)
    gone = stack("destroy", "stack.yaml", "--yes")
    assert gone.code == 0, gone.out + gone.err


def unchanged(stack: Stack) -> None:
    """Neither a plan nor a look at the cluster finds a difference."""
    for command in (("preview", "stack.yaml"), ("refresh",)):
        found = stack(*command, "--detailed-exitcode")
        assert found.code == 0, found.out + found.err


def collect(kubectl: Kubectl, stack: Stack, file: Path) -> None:
    """Tell Prometheus of the pods of the group, with the labels that a monitor of ours gives them."""
    told = kubectl("get", "pods", "-n", stack.name, "-l", "app.kubernetes.io/component=serving", "-o", "json")
    pods = [one for one in json.loads(told)["items"] if one["status"].get("podIP")]
    targets = [
        {
            "targets": [f"{pod['status']['podIP']}:8000"],
            "labels": {"namespace": stack.name, "pod": pod["metadata"]["name"]},
        }
        for pod in pods
    ]
    new = file.with_suffix(".new")
    new.write_text(json.dumps(targets))
    new.rename(file)


def replicas(kubectl: Kubectl, stack: Stack) -> tuple[int, int]:
    """How many pods the group shall have, and how many of them answer."""
    found = kubectl.get("deployment", "elastic", stack.name)
    return found["spec"]["replicas"], found["status"].get("readyReplicas", 0)


def autoscalers(kubectl: Kubectl, stack: Stack) -> str:
    """What the autoscalers of the group say of themselves."""
    return kubectl("describe", "hpa", "-n", stack.name)


def within(limit_s: float, true: Callable[[], bool]) -> bool:
    """Whether the condition comes true within the limit; it is looked at every second."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(1)
    return False
