"""Network policies as a cluster that enforces them reads them: who may call whom on which port. Pure.

https://kubernetes.io/docs/concepts/services-networking/network-policies/ - a pod that no policy selects is open; one
that is selected is called, and calls, as any rule of any policy allows. Ports are those of pods, behind what Services
translate. What a node sends to its own pods, as the kubelet's probes, passes always and is no matter of policies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

NAME = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class Peer:
    """A pod by its namespace and labels, or with an address and no namespace something outside of the cluster."""

    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    address: str = ""


def admitted(
    policies: Iterable[Mapping[str, Any]], source: Peer, target: Peer, port: int, protocol: str = "TCP"
) -> bool:
    """Whether the source may open a connection to this port of the target's."""
    all_of_them = list(policies)
    return _passes(all_of_them, "Egress", source, target, port, protocol) and _passes(
        all_of_them, "Ingress", target, source, port, protocol
    )


def _passes(policies: Iterable[Mapping[str, Any]], way: str, own: Peer, other: Peer, port: int, protocol: str) -> bool:
    limiting = [one for one in policies if way in one["spec"]["policyTypes"] and _selects(one, own)]
    return not limiting or any(
        _port_matches(rule, port, protocol) and _peer_matches(rule, way, own, other)
        for one in limiting
        for rule in one["spec"].get(way.lower(), ())
    )


def _selects(policy: Mapping[str, Any], pod: Peer) -> bool:
    return policy["metadata"]["namespace"] == pod.namespace and _labels_match(policy["spec"]["podSelector"], pod.labels)


def _labels_match(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    assert selector.keys() <= {"matchLabels"}
    return dict(selector.get("matchLabels", {})).items() <= dict(labels).items()


def _port_matches(rule: Mapping[str, Any], port: int, protocol: str) -> bool:
    ports = rule.get("ports")
    return not ports or {"protocol": protocol, "port": port} in ports


def _peer_matches(rule: Mapping[str, Any], way: str, own: Peer, other: Peer) -> bool:
    peers = rule.get("from" if way == "Ingress" else "to")
    return not peers or any(_is(peer, own, other) for peer in peers)


def _is(peer: Mapping[str, Any], own: Peer, other: Peer) -> bool:
    if "ipBlock" in peer:
        return bool(other.address) and ip_address(other.address) in ip_network(peer["ipBlock"]["cidr"])
    if other.address:
        return False
    if "namespaceSelector" in peer:
        in_place = _labels_match(peer["namespaceSelector"], {NAME: other.namespace})
    else:
        in_place = other.namespace == own.namespace
    return in_place and _labels_match(peer.get("podSelector", {}), other.labels)
