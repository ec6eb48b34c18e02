"""A controller of gateways for tests: one that the cluster has, or Traefik as a process beside the cluster.

INFERSTACK_TEST_GATEWAY_CLASS names the class of a controller in the cluster; its gateways are called where their status
says, or at INFERSTACK_TEST_GATEWAY_ADDRESS (HOST or HOST:PORT, for example of a port that is forwarded). Without it
INFERSTACK_TEST_TRAEFIK names the binary of Traefik, which listens on 127.0.0.1 and must reach the cluster's pods.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.builders.programs import LOCALHOST, free_port, listens, running
from tests.cluster.kubectl import Kubectl

CLASS: Final = "INFERSTACK_TEST_GATEWAY_CLASS"
ADDRESS: Final = "INFERSTACK_TEST_GATEWAY_ADDRESS"
TRAEFIK: Final = "INFERSTACK_TEST_TRAEFIK"
CONTROLLER: Final = "traefik.io/gateway-controller"
START_LIMIT_S: Final = 60.0
PAUSE_S: Final = 0.01


@dataclass(frozen=True)
class Controller:
    """Who carries gateways out: their class, where those of plain HTTP and of TLS listen, and where they are called."""

    kubectl: Kubectl
    gateway_class: str
    port: int = 80
    secure_port: int = 443
    address: str = ""

    def door(self, namespace: str, name: str) -> tuple[str, int]:
        """Host and port of a Gateway that is made."""
        gateway = self.kubectl.get("gateway.gateway.networking.k8s.io", name, namespace)
        host, _, port = (self.address or gateway["status"]["addresses"][0]["value"]).partition(":")
        return host, int(port or gateway["spec"]["listeners"][0]["port"])


@contextmanager
def controller(kubectl: Kubectl, namespace: str, folder: Path) -> Iterator[Controller]:
    """The controller of gateways in a namespace, until the end of the block; skips where there is none to be had."""
    if "gateway.networking.k8s.io/v1" not in kubectl("api-versions"):
        pytest.skip("the cluster has no kinds of the Gateway API")
    if named := os.environ.get(CLASS):
        yield Controller(kubectl, named, address=os.environ.get(ADDRESS, ""))
    elif binary := os.environ.get(TRAEFIK):
        with _traefik(kubectl, namespace, folder, binary) as found:
            yield found
    else:
        pytest.skip(f"needs a controller of gateways: set {CLASS} to its class, or {TRAEFIK} to a binary of Traefik")


@contextmanager
def _traefik(kubectl: Kubectl, namespace: str, folder: Path, binary: str) -> Iterator[Controller]:
    """Traefik beside the cluster, with a class of its own."""
    plain, secure, ping = (free_port() for _ in range(3))
    command = [
        binary,
        "--global.checknewversion=false",
        "--log.nocolor=true",
        "--ping.entrypoint=ping",
        f"--entrypoints.ping.address={LOCALHOST}:{ping}",
        f"--entrypoints.web.address={LOCALHOST}:{plain}",
        f"--entrypoints.websecure.address={LOCALHOST}:{secure}",
        "--providers.kubernetesgateway=true",
        f"--providers.kubernetesgateway.namespaces={namespace}",
        f"--providers.kubernetesgateway.labelselector=inferstack/test={namespace}",
        f"--providers.kubernetesgateway.statusaddress.ip={LOCALHOST}",
    ]
    made = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": namespace, "labels": {"inferstack/test": namespace}},
        "spec": {"controllerName": CONTROLLER},
    }
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "KUBECONFIG": str(kubectl.kubeconfig.resolve())}
    with running(command, folder, environ=environ) as program:
        try:
            kubectl("apply", "-f", "-", given=json.dumps(made))
            program.until(lambda: listens(ping))
            yield Controller(kubectl, namespace, plain, secure)
        finally:
            kubectl("delete", "gatewayclass", namespace, "--ignore-not-found")


@dataclass
class Client:
    """Asks for inferences through a gateway, half of them over a connection that is kept, and counts what came of it.

    `tls` is what the gateway's certificate for the host is verified with.
    """

    door: tuple[str, int]
    host: str
    path: str
    body: Mapping[str, Any]
    tls: ssl.SSLContext | None = None
    outcomes: Counter[str] = field(default_factory=Counter)

    def ask(self, times: int = 1) -> None:
        """Ask so often, over both kinds of connections in turn."""
        with self._connected() as kept:
            for turn in range(times):
                if turn % 2:
                    self._asked(kept)
                else:
                    with self._connected() as fresh:
                        self._asked(fresh)

    def until_answered(self) -> None:
        """Nothing, once the gateway knows its way; what it said before does not count."""
        until = time.monotonic() + START_LIMIT_S
        while not self.outcomes["200"]:
            assert time.monotonic() < until, f"nothing but {dict(self.outcomes)}"
            self.ask()
        self.outcomes.clear()

    @contextmanager
    def meanwhile(self) -> Iterator[None]:
        """Ask again and again, until the end of the block."""
        done = threading.Event()

        def asking() -> None:
            while not done.wait(PAUSE_S):
                self.ask(10)

        thread = threading.Thread(target=asking)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def certificate(self) -> dict[str, Any]:
        """The gateway's certificate, which is valid for the host."""
        assert self.tls is not None
        with (
            socket.create_connection(self.door, timeout=10) as plain,
            self.tls.wrap_socket(plain, server_hostname=self.host) as secured,
        ):
            found: dict[str, Any] = secured.getpeercert() or {}
            return found

    def _asked(self, client: httpx.Client) -> None:
        try:
            answer = client.post(self.path, json=self.body, extensions={"sni_hostname": self.host})
        except httpx.HTTPError as error:
            self.outcomes[f"{type(error).__name__}: {error}"] += 1
        else:
            self.outcomes[str(answer.status_code)] += 1

    def _connected(self) -> httpx.Client:
        host, port = self.door
        url = f"{'https' if self.tls else 'http'}://{host}:{port}"
        return httpx.Client(base_url=url, headers={"Host": self.host}, verify=self.tls or False, trust_env=False)
