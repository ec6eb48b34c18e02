"""Where a stack runs: this machine, a cluster that exists, or GKE."""

from typing import Literal

from schemas.record import record
from schemas.spec.fields import FilePath, Name, item, where
from schemas.spec.gke import GkeCluster
from schemas.spec.monitoring import Prometheus
from schemas.spec.tenant import Quota


@record(kw_only=True)
class LocalCluster:
    """This machine, or a recorded one to plan for."""

    provider: Literal["local"] = item("This machine.", default="local")
    topology: FilePath | None = item("Folder with a recorded `/sys` and `/proc` to plan for instead.", default=None)
    at: str = where()


@record(kw_only=True)
class KubernetesCluster:
    """A cluster that exists."""

    provider: Literal["kubernetes"] = item("An existing Kubernetes cluster.")
    kubeconfig: FilePath | None = item("Path of the kubeconfig; the usual places when absent.", default=None)
    context: str | None = item("Context of the kubeconfig; the current one when absent.", default=None)
    namespace: Name | None = item("Namespace of what is served; the stack's name when absent.", default=None)
    threads_per_core: Literal[1, 2] | None = item(
        "Hardware threads (CPUs) of a core on its nodes; as the nodes' labels say, or 1, when absent.", default=None
    )
    image: str | None = item(
        "This program's image as nodes pull it; the one that `inferstack image` makes when absent.", default=None
    )
    prometheus: Prometheus | None = item(
        "The Prometheus of the cluster; that of extension kube-prometheus-stack, or one that groups are scaled by, "
        "when absent.",
        default=None,
    )
    quota: Quota | None = item("Most that the stack's namespace may request.", default=None)
    at: str = where()


Cluster = LocalCluster | KubernetesCluster | GkeCluster
