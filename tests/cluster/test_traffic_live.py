"""Requests spread over serving groups by a real controller of gateways, from one spec of ours."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from components.benchmarks.load import dataset
from components.benchmarks.load.arguments import ModelInput
from components.serving.predict import Endpoint, predict
from schemas.errors import InferstackError
from tests.cluster import gateways, issuers
from tests.cluster.kubectl import Kubectl
from tests.cluster.test_whole_stack_on_cluster import Stack, a_stack
from tests.components.models.model_builders import a_data_set

HOST: Final = "models.example.org"
BODY: Final = {"inputs": [{"name": "pixels", "datatype": "FP32", "shape": [1, 4], "data": [1.0, 0.0, 0.0, 0.0]}]}
INFER: Final = "/v2/models/tiny/infer"
GROUPS: Final = """\
serving:
  - {{name: new, model: tiny, exclusive: false, instances: {{count: 1, cores: 1}}, drain: 2s, protocol: {protocol}}}
  - {{name: old, model: tiny, exclusive: false, instances: {{count: 1, cores: 1}}, drain: 2s, protocol: {protocol}}}
traffic:
  - {{name: both, split: {{new: {new}, old: {old}}}, gatewayClass: {class_}, port: {port}{more}}}
"""
# What `cmctl renew` writes.
RENEW: Final = """{"status": {"conditions": [{"type": "Issuing", "status": "True", "reason": "ManuallyTriggered",
 "message": "Certificate re-issuance manually triggered", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}"""
# With so many requests, shares that are drawn at random are off by less than this in all but one of ten thousand runs.
REQUESTS: Final = 1000
TOLERANCE: Final = 0.06
LIMIT_S: Final = 60.0

pytestmark = pytest.mark.timeout(900)


@dataclass(frozen=True)
class Split:
    """A stack whose two groups share the requests of one name, and the controller that spreads them."""

    stack: Stack
    controller: gateways.Controller

    def write(self, *, new: int, protocol: str = "v2", port: int = 0, more: str = "") -> None:
        """The spec with this share of the new group."""
        self.stack.write(
            GROUPS.format(
                new=new, old=100 - new, class_=self.controller.gateway_class, protocol=protocol,
                port=port or self.controller.port, more=more,
            )
        )  # fmt: skip

    def up(self) -> None:
        """Make it so, and have it succeed."""
        made = self.stack("up", "stack.yaml", "--yes")
        assert made.code == 0, made.out + made.err

    @property
    def door(self) -> tuple[str, int]:
        """Where the gateway is called."""
        return self.controller.door(self.stack.name, "both")

    def until_followed(self, client: gateways.Client) -> None:
        """Nothing, once the gateway, which learns of a change a little later than we, sends the new group the most."""
        until = time.monotonic() + LIMIT_S
        while True:
            before = self.answered()
            client.ask(100)
            if share(before, self.answered()) > 0.5:
                return
            assert time.monotonic() < until, "the gateway does not follow"

    def answered(self) -> Mapping[str, int]:
        """How many inferences each group has answered, by its own counters."""
        return {name: self._answered(name) for name in ("new", "old")}

    def _answered(self, group: str) -> int:
        path = f"/api/v1/namespaces/{self.stack.name}/services/{group}:http/proxy/metrics"
        text = self.controller.kubectl("get", "--raw", path)
        return sum(
            map(int, re.findall(r'^ovms_requests_success\{.*method="ModelInfer".*\} (\d+)$', text, re.MULTILINE))
        )


def share(before: Mapping[str, int], after: Mapping[str, int]) -> float:
    """The share of the new group in what was answered in between."""
    found = {name: after[name] - before[name] for name in after}
    return found["new"] / sum(found.values())


def until_called(gateway: Endpoint, data: dataset.Dataset) -> None:
    """Nothing, once the gateway knows its way for calls of gRPC."""
    until = time.monotonic() + LIMIT_S
    while True:
        try:
            predict([gateway], data, "grpc", [0])
        except InferstackError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return


@pytest.fixture
def split(tmp_path: Path, kubectl: Kubectl, image: str, address: str) -> Iterator[Split]:
    with (
        a_stack(tmp_path, kubectl, image, address) as stack,
        gateways.controller(kubectl, stack.name, tmp_path / "gateway") as controller,
    ):
        yield Split(stack, controller)


def test_requests_are_spread_by_their_shares_and_none_is_lost_when_they_change(split: Split) -> None:
    split.write(new=20, more=f", hostnames: [{HOST}], path: /tiny")
    split.up()
    client = gateways.Client(split.door, HOST, f"/tiny{INFER}", BODY)
    client.until_answered()
    before = split.answered()
    client.ask(REQUESTS)
    assert share(before, split.answered()) == pytest.approx(0.2, abs=TOLERANCE)
    # What the controller writes into the objects is no change of ours.
    unchanged = split.stack("preview", "stack.yaml")
    assert "No changes" in unchanged.out, unchanged.out

    split.write(new=70, more=f", hostnames: [{HOST}], path: /tiny")
    with client.meanwhile():
        split.up()
    split.until_followed(client)
    before = split.answered()
    client.ask(REQUESTS)
    assert share(before, split.answered()) == pytest.approx(0.7, abs=TOLERANCE)
    assert set(client.outcomes) == {"200"}, client.outcomes

    elsewhere = gateways.Client(split.door, "somebody.example.org", f"/tiny{INFER}", BODY)
    elsewhere.ask(2)
    assert elsewhere.outcomes == {"404": 2}

    gone = split.stack("destroy", "stack.yaml", "--yes")
    assert gone.code == 0, gone.out + gone.err
    assert split.stack.name not in split.controller.kubectl("get", "namespaces", "-o", "name")


def test_calls_of_grpc_are_spread_as_well(split: Split, tmp_path: Path) -> None:
    split.write(new=20, protocol="grpc")
    split.up()
    host, port = split.door
    gateway = Endpoint("gateway", "tiny", f"http://{host}:{port}", f"{host}:{port}", "openvino")
    data = dataset.read(a_data_set(tmp_path / "data.npz"), [ModelInput("pixels", "FP32", (-1, 4))])
    until_called(gateway, data)
    before = split.answered()
    rows = [turn % data.rows for turn in range(REQUESTS)]
    answers = predict([gateway], data, "grpc", rows)
    assert share(before, split.answered()) == pytest.approx(0.2, abs=TOLERANCE)
    assert all(one.values.argmax() == one.label for one in answers)


def test_a_certificate_of_the_authority_is_shown_and_renewed(split: Split, kubectl: Kubectl, tmp_path: Path) -> None:
    """Clients verify it; a renewed one takes its place with no request lost, and is no change of ours."""
    name = split.stack.name
    kubectl("create", "namespace", name)
    with issuers.authority(kubectl, name, tmp_path / "cert-manager") as authority:
        tls = f", hostnames: [{HOST}], tls: {{issuer: {authority.issuer}}}"
        split.write(new=50, port=split.controller.secure_port, more=tls)
        split.up()
        client = gateways.Client(split.door, HOST, INFER, BODY, tls=authority.trusting())
        client.until_answered()
        first = client.certificate()
        assert ("DNS", HOST) in first["subjectAltName"]

        kubectl("patch", "certificate/both", "-n", name, "--subresource=status", "--type=merge", "-p", RENEW)
        with client.meanwhile():
            until = time.monotonic() + LIMIT_S
            while (renewed := client.certificate())["serialNumber"] == first["serialNumber"]:
                assert time.monotonic() < until, "the gateway shows the old certificate"
        assert renewed["subjectAltName"] == first["subjectAltName"]
        assert set(client.outcomes) == {"200"}, client.outcomes
        unchanged = split.stack("preview", "stack.yaml")
        assert "No changes" in unchanged.out, unchanged.out

        strangers = gateways.Client(split.door, "somebody.example.org", INFER, BODY, tls=authority.trusting())
        strangers.ask(2)
        assert "200" not in strangers.outcomes
        gone = split.stack("destroy", "stack.yaml", "--yes")
        assert gone.code == 0, gone.out + gone.err
