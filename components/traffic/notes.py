"""What a plan says of gateways and meshes that it cannot see to by itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from components.traffic import gateway, istio
from schemas.spec import Spec, Traffic


def notes(spec: Spec, elsewhere: Mapping[str, str]) -> tuple[str, ...]:
    """What to know of a spec's traffic.

    Args:
        elsewhere: extensions that others have installed, and their namespaces.
    """
    found = [note for traffic in spec.traffic for note in (*_of_class(traffic), *_of_certificate(traffic))]
    if "istio" in elsewhere:
        found += _of_their_istio(spec)
    return tuple(found)


def _of_class(traffic: Traffic) -> Iterator[str]:
    known = (gateway.ISTIO, gateway.GKE)
    if traffic.gateway_class and not traffic.gateway_class.startswith(known) and not traffic.gateway_namespace:
        yield (
            f"{traffic.name}: a gateway of class {traffic.gateway_class} reaches the groups from pods beside them; "
            "if it has a namespace of its own, say `gatewayNamespace`"
        )


def _of_certificate(traffic: Traffic) -> Iterator[str]:
    """cert-manager never deletes the Secret that it has made; elsewhere it goes with the stack's namespace."""
    if traffic.via != "gateway" and traffic.tls and traffic.tls.issuer:
        yield f"{traffic.name}: its key and certificate stay in {istio.NAMESPACE} when the stack is destroyed"


def _of_their_istio(spec: Spec) -> Iterator[str]:
    """What our own extension sets, so that pods with a proxy start where the `restricted` standard is kept."""
    if meshed := [one.name for one in spec.serving if one.mesh]:
        yield (
            f"{', '.join(meshed)}: Istio, which is somebody else's, needs its chart `cni` and the value "
            "`pilot.cni.enabled: true`"
        )
