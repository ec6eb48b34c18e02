"""A stack's network policies on a cluster that enforces them: packets where they shall pass, none anywhere else.

Whether the cluster does is found out by a policy of nobody's that denies everything; the tests are skipped where it
does not hold a packet up, as with a network of plain bridges. The stack's policies are followed, without a cluster, in
tests/components/serving/pods/test_flows.py.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from components.cluster.nodes_reader import Client, read_cluster
from components.serving.placement_nodes import plan_pods_anywhere
from components.serving.pods import tenant
from components.serving.pods.surroundings import Surroundings
from schemas.spec import Clients
from tests.cluster.kubectl import Kubectl
from tests.cluster.test_pods_serve import a_stored_model
from tests.components.serving.pods.pod_builders import a_group, a_home, manifests

# The stack's namespace, and who there is around it.
PLACES: Final = ("stack", "client", "monitoring", "store", "elsewhere")
PORT: Final = 8080
PATIENCE_S: Final = 30.0
PROBE_S: Final = 10.0
TRY: Final = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor

def answers(address):
    try:
        socket.create_connection(address.rsplit(":", 1), timeout=2).close()
        return True
    except OSError:
        return False

with ThreadPoolExecutor() as pool:
    print(json.dumps(list(pool.map(answers, sys.argv[1:]))))
"""

pytestmark = pytest.mark.timeout(300)


@dataclass(frozen=True)
class Neighbourhood:
    """A group and a pod of a stack, and a pod of each neighbour: each listens, and can try to call the others."""

    kubectl: Kubectl
    token: str

    def namespace(self, place: str) -> str:
        return f"test-{self.token}-{place}"

    def address(self, name: str) -> str:
        """Where a pod listens: `client`, or for the group `digits:8000`."""
        place, _, port = name.partition(":")
        owner, selector = ("stack", "app.kubernetes.io/name=digits") if port else (place, "app=neighbour")
        path = "jsonpath={.items[0].status.podIP}"
        found = self.kubectl("get", "pods", "-n", self.namespace(owner), "-l", selector, "-o", path)
        return f"{found}:{port or PORT}"

    def reached(self, caller: str, *addresses: str) -> set[str]:
        """Those of the addresses at which the pod of a neighbour, or of the group (`digits`), gets a connection."""
        where, what = ("stack", "deployment/digits") if caller == "digits" else (caller, "pod/neighbour")
        command = ["exec", "-n", self.namespace(where), what, "--", "python", "-c", TRY]
        answers = json.loads(self.kubectl(*command, *addresses))
        return {address for address, answer in zip(addresses, answers, strict=True) if answer}

    def calls(self, caller: str, *, open: tuple[str, ...], closed: tuple[str, ...]) -> None:
        """Nothing, if the caller soon reaches all that is open to it, and nothing that is closed."""
        addresses = [self.address(name) if "." not in name else name for name in (*open, *closed)]
        wanted, found = set(addresses[: len(open)]), set[str]()

        def as_wanted() -> bool:
            nonlocal found
            found = self.reached(caller, *addresses)
            return found == wanted

        soon(as_wanted)
        assert found == wanted

    def apply(self, manifest: Any) -> None:
        self.kubectl("apply", "--server-side", "-f", "-", given=json.dumps(manifest))

    def pod(self, place: str, image: str) -> None:
        """A neighbour's pod, which is called and calls."""
        container = {
            "name": "neighbour", "image": image, "command": ["python", "-m", "http.server", str(PORT)],
            "workingDir": "/tmp", "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
        }  # fmt: skip
        metadata = {"name": "neighbour", "namespace": self.namespace(place), "labels": {"app": "neighbour"}}
        service = {"selector": {"app": "neighbour"}, "ports": [{"port": 80, "targetPort": PORT}]}
        spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
        self.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        self.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service})


def soon(holds: Callable[[], bool], limit_s: float = PATIENCE_S) -> bool:
    """Whether it holds before the limit: policies take a while to get to the nodes."""
    end = time.monotonic() + limit_s
    while not (found := holds()) and time.monotonic() < end:
        time.sleep(0.2)
    return found


@pytest.fixture(scope="module")
def around(
    kubectl: Kubectl, kubeconfig: Path, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Neighbourhood]:
    """A stack with one group that `client` may call, whose metrics `monitoring` collects, with its model in `store`."""
    made = Neighbourhood(kubectl, uuid.uuid4().hex[:8])
    try:
        for place in PLACES:
            kubectl("create", "namespace", made.namespace(place))
            made.pod(place, image)
        for place in PLACES:
            kubectl("wait", "pod/neighbour", "-n", made.namespace(place), "--for=condition=Ready", "--timeout=90s")
        skip_unless_enforced(made)
        bring_about(made, kubeconfig, image, tmp_path_factory.mktemp("model") / "model")
        yield made
    finally:
        names = [made.namespace(place) for place in PLACES]
        kubectl("delete", "namespace", *names, "--ignore-not-found", "--wait=false")


def skip_unless_enforced(around: Neighbourhood) -> None:
    """Deny every call to a pod that answers, see whether that is so, and open it again."""
    metadata = {"name": "closed", "namespace": around.namespace("elsewhere")}
    spec = {"podSelector": {}, "policyTypes": ["Ingress"]}
    address = around.address("elsewhere")

    def answers() -> bool:
        return bool(around.reached("stack", address))

    assert soon(answers)
    around.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec})
    if not soon(lambda: not answers(), PROBE_S):
        pytest.skip("needs a cluster whose network enforces NetworkPolicies: one that denies everything holds nothing")
    around.kubectl("delete", "networkpolicy", "closed", "-n", around.namespace("elsewhere"))
    assert soon(answers)


def bring_about(around: Neighbourhood, kubeconfig: Path, image: str, folder: Path) -> None:
    """The stack, without what its namespace's pods must be like."""
    own = around.namespace("stack")
    host = f"neighbour.{around.namespace('store')}.svc"
    home = a_home(namespace=own, image=image)
    access = a_stored_model(around.kubectl, own, image, folder, 2.0, uri="s3://models", host=host, ports=(80,))
    serving = a_group(exclusive=False, clients=Clients(namespaces=(around.namespace("client"),)))
    plan = plan_pods_anywhere(serving, None, read_cluster(Client(str(kubeconfig)), stack=home.stack))
    neighbours = Surroundings(monitoring=(around.namespace("monitoring"),))
    for one in [*tenant.limits(home, None), *manifests(serving, neighbours, plan=plan, access=access, home=home)]:
        around.apply(one)
    around.kubectl("rollout", "status", "deployment/digits", "-n", own, "--timeout=120s")


@pytest.mark.parametrize("caller", ["stack", "client"])
def test_a_group_is_called_from_its_own_namespace_and_by_clients_of_the_spec(
    around: Neighbourhood, caller: str
) -> None:
    around.calls(caller, open=("digits:8000", "digits:9000"), closed=())
    host = f"digits.{around.namespace('stack')}.svc"
    assert around.reached(caller, f"{host}:8000", f"{host}:9000") == {f"{host}:8000", f"{host}:9000"}


def test_a_collector_of_metrics_reaches_the_port_that_has_them_alone(around: Neighbourhood) -> None:
    around.calls("monitoring", open=("digits:8000",), closed=("digits:9000", "stack"))


@pytest.mark.parametrize("caller", ["elsewhere", "store"])
def test_nobody_else_reaches_any_pod_of_the_stack(around: Neighbourhood, caller: str) -> None:
    around.calls(caller, open=(), closed=("digits:8000", "digits:9000", "stack"))


def test_a_client_of_a_group_reaches_no_other_pod_of_its_namespace(around: Neighbourhood) -> None:
    around.calls("client", open=("digits:8000",), closed=("stack",))


def test_a_server_asks_for_names_and_reaches_its_store_and_nobody_else(around: Neighbourhood) -> None:
    store = f"neighbour.{around.namespace('store')}.svc:80"
    around.calls("digits", open=(store,), closed=("stack", "client", "monitoring", "elsewhere"))


def test_other_pods_of_a_stack_call_whom_they_must(around: Neighbourhood) -> None:
    around.calls("stack", open=("store", "elsewhere"), closed=())
