"""What can be said of the network of a GKE cluster."""

from typing import Annotated

from schemas.record import record
from schemas.spec.fields import Pattern, item

Cidr = Annotated[str, Pattern(r"^[0-9]{1,3}([.][0-9]{1,3}){3}/[0-9]{1,2}$", "a range of addresses such as 10.0.0.0/20")]


@record(kw_only=True)
class Network:
    """The cluster's network."""

    name: str | None = item("An existing network; one is made when absent.", default=None)
    subnetwork: str | None = item("An existing subnetwork of it.", default=None)
    nodes_cidr: Cidr = item("Addresses of nodes.", default="10.0.0.0/20")
    pods_cidr: Cidr = item("Addresses of pods.", default="10.4.0.0/14")
    services_cidr: Cidr = item("Addresses of services.", default="10.8.0.0/20")
    proxies_cidr: Cidr | None = item(
        "Addresses of the proxies of GKE's regional gateways; 10.9.0.0/23 when absent and one is made.", default=None
    )
    pods_range: str | None = item("Secondary range for pods that an existing subnetwork has.", default=None)
    services_range: str | None = item("Secondary range for services that an existing subnetwork has.", default=None)
    private_nodes: bool = item("Give nodes no public address; they reach out through a Cloud NAT.", default=True)
    private_endpoint: bool = item("Reach the control plane from inside the network only.", default=False)
    control_plane_cidr: Cidr | None = item(
        "Addresses of the control plane, a /28; GKE's choice when absent.", default=None
    )
    authorized_networks: tuple[Cidr, ...] = item(
        "Networks that may reach the control plane; every one when empty.", default=()
    )
    nat: bool | None = item("Make a Cloud NAT; when absent, in a network that is made here.", default=None)
    dataplane_v2: bool = item("Enforce network policies in the kernel (Dataplane V2).", default=True, key="dataplaneV2")
