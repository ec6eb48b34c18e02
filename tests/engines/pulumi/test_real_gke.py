"""The real command line with the real provider of Google Cloud: what it plans for GKE is what is planned offline.

There is no cloud: the token is none, and every call out of this machine fails at once, at a proxy that is not there.
A stack that is up is one whose resources the provider itself planned, taken as made (`pretending_cloud`).
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from components.site import Site
from schemas.errors import PreflightError, StoppedError
from schemas.load import load
from stack import workspace
from stack.engines import choice
from stack.engines.pulumi.command import command_in
from stack.engines.pulumi.engine import PulumiEngine
from stack.engines.pulumi.workspace import keeping
from stack.plan import Plan
from stack.program import PROJECT, build
from stack.render.plan_text import render_plan
from tests.builders.pretending_cloud import pretending
from tests.builders.pulumi_cli import needed_plugin, needed_pulumi, real_pulumi
from tests.stack.commands import inferstack

pytestmark = pytest.mark.timeout(900)
ENVIRONMENTS: Final = Path(__file__).parents[3] / "environments"
NOWHERE: Final = "http://127.0.0.1:9"
LIMIT_S: Final = 300.0
# Charts come from the web, and benchmarks would be measured. From the labels of a bucket that it has only planned the
# provider takes back the one that it adds by itself.
BARE: Final = (
    "benchmarks=[]",
    "extensions=[]",
    "traffic=[]",
    "serving.digits-kserve=!remove",
    "serving.digits-seldon=!remove",
    "cluster.labels=null",
)
POOL: Final = "cluster.nodePools.serving"
OF_DEV: Final = (
    f"{POOL}.machineType=n2-standard-48",
    f"{POOL}.minCpuPlatform=null",
    f"{POOL}.nodes.max=3",
    f"{POOL}.taints=[]",
    f"{POOL}.labels.tier=gold",
    f"{POOL}.cpuManager=none {POOL}.topologyManager=none serving.digits.exclusive=false",
    f"{POOL}.topologyManager=none",
    f"{POOL}.threadsPerCore=2",
    f"{POOL}.disk.size=200GiB",
    f"{POOL}.spot=true",
    f"{POOL}.maxPods=32",
    "cluster.location=europe-west4-a",
    "cluster.releaseChannel=stable",
    "cluster.network.dataplaneV2=false",
    "cluster.network.privateNodes=false",
    "cluster.network.authorizedNetworks=[192.0.2.0/24]",
    "cluster.network.nodesCidr=10.0.0.0/19",
    "cluster.deletionProtection=true",
    "cluster.bucket.name=other",
    "cluster.registry.name=other",
    "cluster.name=other",
    "serving.digits.replicas=3",
)
OF_PROD: Final = (
    "cluster.network.authorizedNetworks=[]",
    "cluster.network.controlPlaneCidr=172.16.1.0/28",
    "cluster.location=europe-west1 cluster.zones=[europe-west1-b]",
    "cluster.maintenance=null",
    "cluster.zones=[europe-west4-a,europe-west4-b]",
    f"{POOL}.upgrade=null",
    f"{POOL}.drain=null",
    "cluster.nodePools.loadtest.spot=false",
)


@dataclass(frozen=True)
class Made:
    """A stack that is up, and the environment in which it can be planned either way."""

    name: str
    site: Site
    environ: Mapping[str, str]
    first: tuple[str, ...] = ()

    def planned(self, *sets: str, offline: bool) -> Plan:
        """The plan of a change."""
        environ = {key: value for key, value in self.environ.items() if not (offline and "TOKEN" in key)}
        loaded = load(ENVIRONMENTS / f"{self.name}.yaml", sets=(*self.first, *sets))
        program, chosen = build(loaded, self.site), choice.choose(loaded.spec, self.site, environ)
        assert chosen.name == ("embedded" if offline else "pulumi")
        return chosen.engine.preview(program.run, program.origins, notes=(*program.notes, *chosen.notes))

    def made(self, plugins: Path) -> Made:
        """The same, once everything is there."""
        loaded = load(ENVIRONMENTS / f"{self.name}.yaml", sets=self.first)
        with pretending(plugins, self.environ, "gcp", "kubernetes") as more:
            engine = choice.pulumi(loaded.spec, self.site, {**self.environ, **more})
            outcome = engine.up(build(loaded, self.site).run)
        assert outcome.complete, outcome.failed
        return self


@pytest.fixture(scope="module")
def plugins() -> Path:
    """The folder of the command line and its plugins."""
    folder = needed_pulumi()
    for name in ("gcp", "kubernetes"):
        needed_plugin(folder, name)
    return folder


def a_stack(folder: Path, plugins: Path, name: str, *first: str) -> Made:
    """A stack that is not there yet, with an environment that reaches no cloud."""
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), NOWHERE)
    environ = {
        **real_pulumi(plugins, folder / "home"),
        **nowhere,
        "NO_PROXY": "127.0.0.1,localhost",
        "GOOGLE_OAUTH_ACCESS_TOKEN": "none",
        "PULUMI_GCP_SKIP_REGION_VALIDATION": "true",
    }
    site = workspace.Workspace(folder / ".inferstack").site(load(ENVIRONMENTS / f"{name}.yaml").spec.name)
    return Made(name, site, environ, first)


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory, plugins: Path) -> Made:
    """The stack of gke-dev.yaml, up."""
    return a_stack(tmp_path_factory.mktemp("dev"), plugins, "gke-dev").made(plugins)


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory, plugins: Path) -> Made:
    """The stack of gke-prod.yaml, up, without what the web or a cluster is needed for."""
    return a_stack(tmp_path_factory.mktemp("prod"), plugins, "gke-prod", *BARE).made(plugins)


def steps(plan: Plan) -> set[tuple[str, str, str]]:
    """What is done with which resource."""
    return {(change.op, change.type, change.name) for change in plan.changes}


def deleted_first(plan: Plan) -> set[str]:
    """What is deleted before it is made again."""
    return {change.urn for change in plan.changes if change.delete_first}


def consequences(plan: Plan) -> tuple[object, ...]:
    """What the changes mean for nodes, pods and cost, in no order."""
    found = plan.cloud
    assert found is not None
    return (set(found.pools), set(found.groups), found.cost, set(found.kept), set(found.unsent))


def assert_both_say_the_same(stack: Made, setting: str) -> None:
    """Compare the plan of the provider with that of our rules."""
    ours, theirs = (stack.planned(*setting.split(), offline=offline) for offline in (True, False))
    assert steps(ours) == steps(theirs)
    assert deleted_first(ours) == deleted_first(theirs)
    assert ours.impact.groups == theirs.impact.groups
    assert consequences(ours) == consequences(theirs)
    assert {change.name: change.blocked for change in ours.blocked} == {c.name: c.blocked for c in theirs.blocked}
    assert "__defaults" not in render_plan(ours, details=True) + render_plan(theirs, details=True)


@pytest.mark.parametrize("name", ["gke-dev", "gke-prod"])
def test_a_new_stack_is_planned_by_the_provider_as_it_is_offline(tmp_path: Path, plugins: Path, name: str) -> None:
    stack = a_stack(tmp_path, plugins, name)

    assert_both_say_the_same(stack, "")
    assert not (tmp_path / ".inferstack").exists()


def test_a_preview_with_credentials_says_that_it_is_the_real_one(tmp_path: Path, plugins: Path) -> None:
    environ = dict(a_stack(tmp_path, plugins, "gke-dev").environ)

    told = inferstack(tmp_path, "preview", str(ENVIRONMENTS / "gke-dev.yaml"), limit_s=LIMIT_S, **environ).out

    assert "This preview is Pulumi's own" in told
    assert "Planned offline" not in told
    assert "cannot be applied from here" not in told
    assert "digits: 2 x 7 cores on n2-standard-32" in told
    assert "USD an hour in all" in told


@contextlib.contextmanager
def a_key_of_nobody(folder: Path, on_call: Callable[[], None] = lambda: None) -> Iterator[dict[str, str]]:
    """The environment of a service account whose tokens come from an address that takes calls and never answers."""
    key = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        account = {
            "type": "service_account",
            "private_key": key.decode(),
            "client_email": "nobody@my-project.iam.gserviceaccount.com",
            "token_uri": f"http://127.0.0.1:{nobody.getsockname()[1]}/token",
        }
        (folder / "key.json").write_text(json.dumps(account))
        called: list[socket.socket] = []

        def wait() -> None:
            with contextlib.suppress(OSError):
                called.append(nobody.accept()[0])
                on_call()

        threading.Thread(target=wait, daemon=True).start()
        try:
            yield {"GOOGLE_APPLICATION_CREDENTIALS": str(folder / "key.json")}
        finally:
            nobody.shutdown(socket.SHUT_RDWR)
            for call in called:
                call.close()


def a_plan_without_answers(folder: Path, plugins: Path, more: Mapping[str, str], **options: float) -> PulumiEngine:
    """The engine of gke-dev.yaml with such an account."""
    stack = a_stack(folder, plugins, "gke-dev")
    environ = {key: value for key, value in stack.environ.items() if "TOKEN" not in key} | more
    kept = keeping(stack.site.state / choice.FOLDER, environ)
    return PulumiEngine(PROJECT, stack.site.stack, command_in(environ), kept, **options)  # type: ignore[arg-type]


def the_program(site: Site) -> Callable[[], None]:
    """The program of gke-dev.yaml."""
    return build(load(ENVIRONMENTS / "gke-dev.yaml"), site).run


def test_a_cloud_that_does_not_answer_is_told_in_bounded_time(tmp_path: Path, plugins: Path) -> None:
    with a_key_of_nobody(tmp_path) as account:
        engine = a_plan_without_answers(tmp_path, plugins, account, patience_s=10.0)
        with pytest.raises(PreflightError, match="do not answer") as caught:
            engine.preview(the_program(a_stack(tmp_path, plugins, "gke-dev").site))

    assert "--offline" in caught.value.remedy
    assert not (tmp_path / ".inferstack").exists()


def test_a_plan_that_waits_for_a_cloud_ends_when_it_is_stopped(tmp_path: Path, plugins: Path) -> None:
    engines: list[PulumiEngine] = []
    with a_key_of_nobody(tmp_path, lambda: engines[0].stop()) as account:
        engines.append(a_plan_without_answers(tmp_path, plugins, account))
        with pytest.raises(StoppedError, match="nothing was done"):
            engines[0].preview(the_program(a_stack(tmp_path, plugins, "gke-dev").site))


def test_an_unchanged_stack_is_unchanged_for_the_provider_too(dev: Made) -> None:
    for offline in (True, False):
        plan = dev.planned(offline=offline)
        assert plan.empty, render_plan(plan)
        assert plan.outputs == ()


@pytest.mark.parametrize("setting", OF_DEV)
def test_a_change_of_a_development_cluster_is_planned_alike(dev: Made, setting: str) -> None:
    assert_both_say_the_same(dev, setting)


@pytest.mark.parametrize("setting", OF_PROD)
def test_a_change_of_a_production_cluster_is_planned_alike(prod: Made, setting: str) -> None:
    assert_both_say_the_same(prod, setting)


def test_the_real_plan_shows_what_was_asked_for_and_where_it_comes_from(dev: Made) -> None:
    plan = dev.planned("cluster.nodePools.serving.threadsPerCore=2", offline=False)

    (pool,) = [change for change in plan.changing if change.type.endswith(":NodePool")]
    (found,) = pool.properties
    assert (found.path, found.old, found.new) == ("nodeConfig.advancedMachineFeatures.threadsPerCore", 1, 2)
    assert found.forces_replacement
    assert found.source is not None
    assert found.source.text == "--set cluster.nodePools.serving.threadsPerCore=2"
    assert plan.outputs == ()


def test_the_real_plan_tells_what_a_change_costs(dev: Made) -> None:
    told = render_plan(dev.planned("cluster.nodePools.serving.nodes.max=3", offline=False))

    assert "cost: 2.22 to 4.10 -> 2.22 to 5.98 USD an hour (+0.00 to +1.88)" in told
