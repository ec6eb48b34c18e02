"""Objects on a cluster: made, changed, replaced and deleted; the plan says what the API server says."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from schemas.errors import InferstackError
from stack.engines.kubernetes.errors import Invalid
from tests.cluster.kubectl import Kubectl
from tests.cluster.stacks import Declared, Stack, paths_of, the_change


@pytest.fixture
def stack(tmp_path: Path, kubeconfig: Path, namespace: str) -> Stack:
    return Stack(tmp_path, kubeconfig, namespace)


def test_objects_are_made_changed_and_deleted_as_the_program_says(stack: Stack, kubectl: Kubectl) -> None:
    stack.made({"a": stack.config({"x": "1", "y": "2"}), "b": stack.service()})
    first = kubectl.get("configmap", "config", stack.namespace)
    change = the_change(stack.preview({"a": stack.config({"x": "3"}), "b": stack.service()}))
    stack.made({"a": stack.config({"x": "3"})})
    after = kubectl.get("configmap", "config", stack.namespace)
    left = kubectl.names("service", stack.namespace)
    outcome = stack.engine().destroy()

    assert first["data"] == {"x": "1", "y": "2"}
    assert (change.op, paths_of(change)) == ("update", {"data.x": ("1", "3"), "data.y": ("2", None)})
    assert (after["data"], after["metadata"]["uid"]) == ({"x": "3"}, first["metadata"]["uid"])
    assert left == ()
    assert outcome.error is None
    assert "config" not in kubectl.names("configmap", stack.namespace)
    assert not list((stack.place / "state").glob("*"))


def test_equal_inputs_cost_no_request(stack: Stack) -> None:
    objects = {"a": stack.config({"x": "1"}), "b": stack.deployment()}
    stack.made(objects)
    elsewhere = stack.place / "kubeconfig"
    elsewhere.write_text(stack.kubeconfig.read_text())
    program = stack.program(objects, kubeconfig=str(elsewhere))
    assert stack.engine().up(program).error is None
    elsewhere.unlink()

    plan = stack.engine().preview(program)

    assert plan.empty
    assert plan.notes == ()


def test_another_spelling_or_a_stated_default_is_no_change(stack: Stack) -> None:
    stack.made({"a": stack.deployment(cpu="1000m"), "b": stack.service()})
    spelled = {"a": stack.deployment(cpu="1"), "b": stack.service(ports=[{"port": 80, "protocol": "TCP"}])}

    assert stack.preview(spelled).empty
    stack.made(spelled)
    assert stack.preview(spelled).empty
    assert stack.preview({"a": stack.deployment(cpu="1000m"), "b": stack.service()}).empty


def test_what_cannot_be_changed_in_place_is_replaced(stack: Stack, kubectl: Kubectl) -> None:
    stack.made({"a": stack.service(), "b": stack.deployment()})
    before = kubectl.get("deployment", "server", stack.namespace)["metadata"]["uid"]
    other = {"a": stack.service(clusterIP="None"), "b": stack.deployment(app="other")}

    plan = stack.preview(other)
    forcing = {c.name: [p.path for p in c.properties if p.forces_replacement] for c in plan.changing}
    stack.made(other)

    assert {change.name: (change.op, change.delete_first) for change in plan.changing} == {
        "a": ("replace", True),
        "b": ("replace", True),
    }
    assert forcing == {"a": ["spec.clusterIP"], "b": ["spec.selector.matchLabels.app"]}
    assert kubectl.get("service", "service", stack.namespace)["spec"]["clusterIP"] == "None"
    assert kubectl.get("deployment", "server", stack.namespace)["metadata"]["uid"] != before
    assert stack.preview(other).empty


def test_a_job_is_replaced_for_another_template_and_updated_for_its_parallelism(stack: Stack) -> None:
    def job(command: str, parallelism: int = 1) -> dict[str, Declared]:
        manifest = stack.job("localhost/nowhere:1", command=command, suspend=True, parallelism=parallelism)
        return {"job": Declared(manifest)}

    stack.made(job("a"))

    assert the_change(stack.preview(job("b"))).op == "replace"
    assert the_change(stack.preview(job("a", parallelism=2))).op == "update"


def test_a_renamed_object_is_made_before_the_old_one_goes(stack: Stack, kubectl: Kubectl) -> None:
    stack.made({"a": stack.config({"x": "1"})})
    renamed = {"a": stack.config({"x": "1"}, name="renamed")}

    change = the_change(stack.preview(renamed))
    stack.made(renamed)

    assert (change.op, change.delete_first) == ("replace", False)
    assert [p.path for p in change.properties if p.forces_replacement] == ["metadata.name"]
    assert {"config", "renamed"} & set(kubectl.names("configmap", stack.namespace)) == {"renamed"}


@pytest.mark.parametrize("made", [False, True])
@pytest.mark.parametrize(("spec", "place"), [({"replicas": -1}, "spec.replicas"), ({"colour": "red"}, ".spec.colour")])
def test_what_the_api_does_not_accept_is_refused_in_the_preview(
    stack: Stack, made: bool, spec: dict[str, object], place: str
) -> None:
    if made:
        stack.made({"a": stack.deployment()})
    manifest = stack.deployment()
    manifest["spec"].update(spec)

    with pytest.raises(Invalid) as caught:
        stack.preview({"a": manifest})

    assert caught.value.exit_code == 3
    assert caught.value.message == f"Deployment {stack.namespace}/server is not valid."
    assert place in caught.value.why


def test_a_kind_that_no_plan_can_bring_is_refused_in_the_preview(stack: Stack) -> None:
    unknown = {"apiVersion": "v1", "kind": "Foo", "metadata": {"name": "a", "namespace": stack.namespace}}
    later = {"apiVersion": "tests.example.com/v1", "kind": "Foo", "metadata": {"name": "b", "namespace": "default"}}

    with pytest.raises(InferstackError, match=r"of no kind that the cluster has: v1/Foo"):
        stack.preview({"a": unknown})
    assert the_change(stack.preview({"b": later})).op == "create"  # Perhaps with a release of the same plan.


def test_an_invalid_object_is_refused_though_its_namespace_is_yet_to_be_made(stack: Stack) -> None:
    name = f"test-{uuid.uuid4().hex[:8]}"
    manifest = Stack(stack.place, stack.kubeconfig, name).deployment(replicas=-1)
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}

    with pytest.raises(Invalid) as caught:
        stack.preview({"space": space, "a": Declared(manifest, needs=("space",))})

    assert caught.value.message == f"Deployment {name}/server is not valid."


def test_a_namespace_is_made_before_and_deleted_after_what_is_in_it(stack: Stack, kubectl: Kubectl) -> None:
    name = f"test-{uuid.uuid4().hex[:8]}"
    inside = Stack(stack.place, stack.kubeconfig, name)
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"a": "b"}}}

    stack.made({"space": space, "a": Declared(inside.config({"x": "1"}), needs=("space",))})
    outcome = stack.engine().destroy()

    assert [done.subject.name for done in outcome.done][:2] == ["a", "space"]
    assert name not in kubectl("get", "namespaces", "-o", "name")


def test_a_name_that_nobody_chose_stays_and_follows_from_the_resource(stack: Stack, kubectl: Kubectl) -> None:
    unnamed = stack.config({"x": "1"})
    del unnamed["metadata"]["name"]
    stack.made({"auto": unnamed})
    (name,) = (n for n in kubectl.names("configmap", stack.namespace) if n.startswith("auto-"))
    stack.made({"auto": {**unnamed, "data": {"x": "2"}}})

    assert len(name) == len("auto-") + 8
    assert kubectl.get("configmap", name, stack.namespace)["data"] == {"x": "2"}
    assert stack.state("auto")["inputs"]["metadata"]["annotations"] == {"pulumi.com/autonamed": "true"}


def test_a_kind_is_defined_and_used_in_one_program(stack: Stack, kubectl: Kubectl) -> None:
    group = f"{stack.namespace}.example.com"
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "cores": {"type": "integer", "default": 1}, "port": {"x-kubernetes-int-or-string": True}}}}}  # fmt: skip
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"layouts.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "layouts", "singular": "layout", "kind": "Layout"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }
    custom = {
        "apiVersion": f"{group}/v1",
        "kind": "Layout",
        "metadata": {"name": "wide", "namespace": stack.namespace},
        "spec": {"port": 80},
    }
    objects = {"kind": definition, "wide": Declared(custom, needs=("kind",))}

    stack.made(objects)
    live = kubectl.get(f"layouts.{group}", "wide", stack.namespace)
    again = stack.preview(objects)
    kept = stack.state("kind")
    outcome = stack.engine().destroy()

    assert live["spec"] == {"cores": 1, "port": 80}
    assert again.empty
    assert "x-kubernetes-int-or-string" in str(kept["inputs"])
    assert "x_kubernetes_int_or_string" in str(kept["outputs"]["__inputs"])
    assert outcome.error is None


def test_a_secret_is_nowhere_shown(stack: Stack, kubectl: Kubectl) -> None:
    import pulumi

    told: list[str] = []
    stack = Stack(stack.place, stack.kubeconfig, stack.namespace, listener=lambda event: told.append(repr(event)))

    def objects(word: str) -> dict[str, Declared]:
        hidden = pulumi.Output.secret(f"very-hidden-{word}")
        environment = [{"name": "OPEN", "value": "seen"}, {"name": "TOKEN", "value": hidden}]
        return {
            "a": Declared(stack.secret({"token": f"very-hidden-{word}"})),
            "b": Declared(stack.deployment(container={"env": environment})),
        }

    def up(word: str) -> str:
        engine = stack.engine(passphrase="words")
        program = stack.program
        plan = engine.preview(lambda: program(objects(word))())
        outcome = engine.up(lambda: program(objects(word))(), on_event=stack.listener)
        assert outcome.error is None, outcome.failed
        return repr(plan) + repr(outcome)

    texts = [up("one"), up("two"), *told, stack.files()]
    exported = stack.engine(passphrase="words").export()

    live = kubectl.get("deployment", "server", stack.namespace)
    assert live["spec"]["template"]["spec"]["containers"][0]["env"][1]["value"] == "very-hidden-two"
    for text in (*texts, repr(exported)):
        assert "very-hidden" not in text
        assert "dmVyeS1oaWRkZW4" not in text
    (deployment,) = (r for r in exported["deployment"]["resources"] if r["urn"].endswith("::b"))
    first, second = deployment["inputs"]["spec"]["template"]["spec"]["containers"][0]["env"]
    assert first == {"name": "OPEN", "value": "seen"}
    assert set(second["value"]) == {"4dabf18193072939515e22adb298388d", "ciphertext"}


def test_a_secret_that_the_api_refuses_is_not_quoted(stack: Stack) -> None:
    import pulumi

    def program() -> None:
        labels = {"token": pulumi.Output.secret("no label: very-hidden")}
        stack.program({"a": stack.config({"x": "1"}, labels=labels)})()

    with pytest.raises(InferstackError) as caught:
        stack.engine().preview(program)

    assert "very-hidden" not in f"{caught.value} {caught.value.why} {caught.value.remedy}"
    assert "[secret]" in caught.value.why


def test_what_is_left_to_others_stays_theirs(stack: Stack, kubectl: Kubectl) -> None:
    def objects(**changes: object) -> dict[str, Declared]:
        config = stack.config({"ours": "1", "theirs": "1", **changes})
        return {"a": Declared(config, opts={"ignore_changes": ["data.theirs"]})}

    stack.made(objects())
    patch = f'{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"config","namespace":"{stack.namespace}"}},' \
            '"data":{"theirs":"7"}}'  # fmt: skip
    kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=other", "-f", "-", given=patch)

    assert stack.preview(objects(theirs="3")).empty
    assert paths_of(the_change(stack.preview(objects(ours="2")))) == {"data.ours": ("1", "2")}
    stack.made(objects(ours="2"))
    assert kubectl.get("configmap", "config", stack.namespace)["data"] == {"ours": "2", "theirs": "7"}
    assert stack.preview(objects(ours="2", theirs="9")).empty


def test_what_is_protected_is_not_deleted_and_nothing_before_it(stack: Stack, kubectl: Kubectl) -> None:
    objects = {
        "a": Declared(stack.config({"x": "1"}), opts={"protect": True}),
        "b": Declared(stack.config({"x": "1"}, name="other"), needs=("a",)),
    }
    stack.made(objects)

    with pytest.raises(InferstackError) as caught:
        stack.engine().destroy()

    assert caught.value.exit_code == 5
    assert "a is protected" in caught.value.why
    assert {"config", "other"} <= set(kubectl.names("configmap", stack.namespace))
    stack.made({"a": stack.config({"x": "1"}), "b": Declared(stack.config({"x": "1"}, name="other"), needs=("a",))})


def test_an_object_that_is_gone_is_made_again(stack: Stack, kubectl: Kubectl) -> None:
    stack.made({"a": stack.config({"x": "1"}), "b": stack.service()})
    kubectl("-n", stack.namespace, "delete", "configmap", "config")
    changed = {"a": stack.config({"x": "2"}), "b": stack.service()}

    change = the_change(stack.preview(changed))
    stack.made(changed)

    assert (change.op, change.reasons) == ("create", ("it is no longer there",))
    assert kubectl.get("configmap", "config", stack.namespace)["data"] == {"x": "2"}


def test_drift_made_with_kubectl_is_found_and_mended(stack: Stack, kubectl: Kubectl) -> None:
    objects = {"a": stack.config({"x": "1"}), "b": stack.service()}
    stack.made(objects)
    kubectl("-n", stack.namespace, "patch", "configmap", "config", "--type=merge", "-p", '{"data":{"x":"edited"}}')
    kubectl("-n", stack.namespace, "delete", "service", "service")

    drift = stack.refresh()
    plan = stack.preview(objects)
    stack.made(objects)

    assert [(d.subject.name, [(p.path, p.old, p.new) for p in d.properties]) for d in drift.changed] == [
        ("a", [("data.x", "1", "edited")])
    ]
    assert [subject.name for subject in drift.gone] == ["b"]
    assert {change.name: change.op for change in plan.changing} == {"a": "update", "b": "create"}
    assert kubectl.get("configmap", "config", stack.namespace)["data"] == {"x": "1"}
    assert not stack.refresh().found
