"""Rook: Ceph volumes, for clusters of one's own. The operator, the drivers for volumes, and a cluster of Ceph."""

from components.extensions.entry import Around, Chart, Entry, Values

REPO = "https://charts.rook.io/release"


def _drivers(around: Around) -> Values:
    """The drivers' names begin with the operator's namespace: that is how Rook's storage classes call them."""
    switches = {"rbd": True, "cephfs": True, "nfs": False, "nvmeof": False}
    drivers = {
        kind: {"enabled": on, "name": f"{around.namespace}.{kind}.csi.ceph.com"} for kind, on in switches.items()
    }
    images = {"imageSet": {"name": "rook-csi-operator-image-set-configmap"}}
    return {"operatorConfig": {"namespace": around.namespace, "driverSpecDefaults": images}, "drivers": drivers}


def _cluster(around: Around) -> Values:
    return {"operatorNamespace": around.namespace}


ENTRY = Entry(
    name="rook-ceph",
    what="Ceph: volumes, shared file systems and S3 on the nodes' disks",
    version="1.20.6",
    namespace="rook-ceph",
    charts=(
        Chart("rook-ceph", "rook-ceph", REPO, prefix="v"),
        Chart(
            "ceph-csi-drivers",
            "ceph-csi-drivers",
            "https://ceph.github.io/ceph-csi-operator",
            version="1.0.4",
            values=_drivers,
            main=False,
        ),
        Chart("rook-ceph-cluster", "rook-ceph-cluster", REPO, prefix="v", values=_cluster, main=False),
    ),
    deployments=("rook-ceph-operator",),
    warnings=(
        "Ceph takes every empty disk of every node unless `rook-ceph-cluster: {cephClusterSpec: ...}` says less",
    ),
    on_gke="Persistent Disk and Filestore do the same without a server",
)
