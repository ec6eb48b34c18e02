"""The way to the cluster: unreachable, another one, expired credentials, missing rights. Clear errors, nothing lost."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from stack.engines.kubernetes.errors import AnotherCluster, Forbidden, Unauthorized, Unconfigured, Unreachable
from tests.cluster.kubectl import Kubectl
from tests.cluster.stacks import Stack, the_change

NOBODY = "https://127.0.0.1:9"  # the discard port: nobody listens
OTHER = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def stack(tmp_path: Path, kubeconfig: Path, namespace: str) -> Stack:
    return Stack(tmp_path, kubeconfig, namespace)


def a_kubeconfig(stack: Stack, *, server: str = "", user: Mapping[str, Any] | None = None) -> str:
    """The tests' kubeconfig as text, with another server or other credentials."""
    document = yaml.safe_load(stack.kubeconfig.read_text())
    for cluster in document["clusters"]:
        cluster["cluster"]["server"] = server or cluster["cluster"]["server"]
    for known in document["users"]:
        known["user"] = dict(user) if user is not None else known["user"]
    return json.dumps(document)


def written(stack: Stack, text: str) -> str:
    """A kubeconfig as a file that can be rewritten later; its path."""
    path = stack.place / "kubeconfig"
    path.write_text(text)
    return str(path)


def test_without_an_answer_a_preview_compares_the_inputs_and_says_so(stack: Stack) -> None:
    path = written(stack, a_kubeconfig(stack))
    stack.made({"a": stack.config({"x": "1"}), "b": stack.service()}, kubeconfig=path)
    written(stack, a_kubeconfig(stack, server=NOBODY))
    changed = {"a": stack.config({"x": "2"}), "b": stack.service(clusterIP="None"), "c": stack.deployment()}

    plan = stack.preview(changed, kubeconfig=path)

    assert {change.name: change.op for change in plan.changing} == {"a": "update", "b": "replace", "c": "create"}
    (note,) = plan.notes
    assert note.startswith("This plan was made without asking the cluster: No answer from the Kubernetes API server")
    assert NOBODY in note


def test_without_an_answer_nothing_is_begun_and_nothing_lost(stack: Stack) -> None:
    path = written(stack, a_kubeconfig(stack))
    stack.made({"a": stack.config({"x": "1"})}, kubeconfig=path)
    written(stack, a_kubeconfig(stack, server=NOBODY))
    before = stack.engine().export()["deployment"]["resources"]

    with pytest.raises(Unreachable) as caught:
        stack.up({"a": stack.config({"x": "2"})}, kubeconfig=path)
    same = stack.up({"a": stack.config({"x": "1"})}, kubeconfig=path)
    gone = stack.engine().destroy()
    drift = stack.engine().refresh()
    after = stack.engine().export()["deployment"]["resources"]
    written(stack, a_kubeconfig(stack))
    stack.made({"a": stack.config({"x": "3"})}, kubeconfig=path)

    assert caught.value.exit_code == 4
    assert same.error is None
    assert [failed.message for failed in (*gone.failed, *drift.failed)] == [caught.value.message] * 2
    assert [(r["urn"], r.get("outputs")) for r in after] == [(r["urn"], r.get("outputs")) for r in before]


def test_without_a_kubeconfig_a_preview_goes_on_and_an_up_does_not(stack: Stack) -> None:
    path = str(stack.place / "none")

    plan = stack.preview({"a": stack.config({"x": "1"})}, kubeconfig=path)
    with pytest.raises(Unconfigured, match="There is no kubeconfig at") as caught:
        stack.up({"a": stack.config({"x": "1"})}, kubeconfig=path)

    assert the_change(plan).op == "create"
    assert "There is no kubeconfig at" in plan.notes[0]
    assert caught.value.exit_code == 4


def test_an_expired_token_is_told_as_such(stack: Stack) -> None:
    kubeconfig = a_kubeconfig(stack, user={"token": "very-hidden-and-expired"})

    with pytest.raises(Unauthorized) as caught:
        stack.preview({"a": stack.config({"x": "1"})}, kubeconfig=kubeconfig)

    assert caught.value.exit_code == 4
    assert "expired" in caught.value.why
    assert "very-hidden" not in f"{caught.value} {caught.value.why} {caught.value.remedy}"


def test_what_the_credentials_may_not_do_is_refused_in_the_preview(stack: Stack, kubectl: Kubectl) -> None:
    words = ("-n", stack.namespace)
    kubectl(*words, "create", "serviceaccount", "reader")
    kubectl(*words, "create", "role", "reader", "--verb=get,list", "--resource=configmaps")
    kubectl(*words, "create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={stack.namespace}:reader")
    token = kubectl(*words, "create", "token", "reader").strip()
    kubeconfig = a_kubeconfig(stack, user={"token": token})

    with pytest.raises(Forbidden) as caught:
        stack.up({"a": stack.config({"x": "1"})}, kubeconfig=kubeconfig)

    assert caught.value.exit_code == 4
    assert caught.value.message == f"ConfigMap {stack.namespace}/config: the cluster does not allow it."
    assert "cannot patch resource" in caught.value.why
    assert token not in stack.files()


def test_a_kubeconfig_that_now_means_another_cluster_is_refused(stack: Stack, kubectl: Kubectl) -> None:
    objects = {"a": stack.config({"x": "1"})}
    stack.made(objects)
    stack.altered(lambda deployment: _made_on(deployment, OTHER))

    with pytest.raises(AnotherCluster) as caught:
        stack.up({"a": stack.config({"x": "2"})})
    drift = stack.refresh()
    gone = stack.engine().destroy()

    assert caught.value.exit_code == 4
    assert "inferstack state forget-cluster" in caught.value.remedy
    assert {failed.message for failed in (*drift.failed, *gone.failed)} == {caught.value.message}
    assert kubectl.get("configmap", "config", stack.namespace)["data"] == {"x": "1"}
    assert "a" in [record.name for record in stack.engine().resources()]


def test_a_cluster_that_is_gone_for_good_can_be_forgotten(stack: Stack, kubectl: Kubectl) -> None:
    objects = {"a": stack.config({"x": "1"})}
    stack.made(objects)
    kubectl("-n", stack.namespace, "delete", "configmap", "config")
    stack.altered(lambda deployment: _made_on(deployment, OTHER))

    forgotten = stack.engine().forget_clusters()
    stack.made(objects)

    assert [subject.name for subject in forgotten] == ["a"]
    assert kubectl.get("configmap", "config", stack.namespace)["data"] == {"x": "1"}
    assert stack.engine().forget_clusters() == ()


def test_another_address_of_the_same_cluster_is_no_other_cluster(stack: Stack) -> None:
    objects = {"a": stack.config({"x": "1"})}
    stack.made(objects, kubeconfig=a_kubeconfig(stack))
    other = yaml.safe_load(a_kubeconfig(stack))
    other["clusters"][0]["cluster"]["server"] += "/"

    plan = stack.preview(objects, kubeconfig=json.dumps(other))
    stack.made(objects, kubeconfig=json.dumps(other))

    assert [(change.name, change.op) for change in plan.changes if change.changing] == [("cluster", "update")]


def test_a_stack_that_moves_to_another_cluster_is_made_there_and_deleted_here(stack: Stack) -> None:
    """The other cluster cannot be reached: that it is another is known by its address."""
    stack.made({"a": stack.config({"x": "1"})}, kubeconfig=a_kubeconfig(stack))

    plan = stack.preview({"a": stack.config({"x": "1"})}, kubeconfig=a_kubeconfig(stack, server=NOBODY))

    changes = {change.name: change for change in plan.changes if change.changing}
    assert {name: change.op for name, change in changes.items()} == {"cluster": "replace", "a": "replace"}
    assert not changes["a"].delete_first
    assert changes["a"].reasons == ("its provider, cluster, means another place now",)


def test_moving_back_and_forth_leaves_one_object(stack: Stack, kubectl: Kubectl) -> None:
    """The state says that it was made on another cluster, whose kubeconfig is this cluster's after all."""
    here, there = a_kubeconfig(stack), yaml.safe_load(a_kubeconfig(stack))
    there["clusters"][0]["cluster"]["server"] += "/"
    stack.made({"a": stack.config({"x": "1"}, name="old")}, kubeconfig=here)
    stack.altered(lambda deployment: _made_on(deployment, OTHER))

    outcome = stack.up({"a": stack.config({"x": "1"}, name="new")}, kubeconfig=json.dumps(there))

    # It is made there; that it cannot be deleted here (this is not the cluster that the state names) is told, and kept.
    assert {"old", "new"} <= set(kubectl.names("configmap", stack.namespace))
    assert "is another cluster" in outcome.failed[0].message
    assert [r.id for r in stack.engine().resources() if r.name == "a"] == [
        f"{stack.namespace}/new",
        f"{stack.namespace}/old",
    ]


def test_no_credentials_are_written_anywhere(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    import pulumi

    temporary = stack.place / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    user = yaml.safe_load(stack.kubeconfig.read_text())["users"][0]["user"]
    secrets = [str(value) for value in user.values()]
    told: list[str] = []

    def program() -> None:
        text = pulumi.Output.secret(stack.kubeconfig.read_text())
        stack.program({"a": stack.config({"x": "1"})}, kubeconfig=text)()

    engine = stack.engine(passphrase="words")
    outcome = engine.up(program, on_event=lambda event: told.append(repr(event)))

    assert outcome.error is None
    written_down = stack.files() + repr(outcome) + repr(engine.export()) + "".join(told)
    assert not [secret for secret in secrets if secret in written_down]
    assert not list(temporary.glob("*.json"))  # where the client would keep what it knows of the cluster


def _made_on(deployment: dict[str, Any], identity: str) -> None:
    """Have a state say that its objects are on some cluster."""
    for resource in deployment["resources"]:
        if resource["type"] == "pulumi:providers:kubernetes":
            resource["inferstackIdentity"] = identity
