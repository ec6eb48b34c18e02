"""Tekton Pipelines and Triggers. An operator, and the object that tells it what to make."""

from components.extensions.entry import Around, Chart, Entry
from components.kubernetes.objects import Manifest

PIPELINES = "tekton-pipelines"


def _config(_around: Around) -> tuple[Manifest, ...]:
    """Pipelines and Triggers. Ours instead of the operator's own: it goes before the operator does, as it must."""
    return (
        {
            "apiVersion": "operator.tekton.dev/v1alpha1",
            "kind": "TektonConfig",
            "metadata": {"name": "config", "annotations": {"pulumi.com/waitFor": "condition=Ready"}},
            "spec": {"profile": "basic", "targetNamespace": PIPELINES, "pruner": {"disabled": True}},
        },
    )


ENTRY = Entry(
    name="tekton",
    what="pipelines of tasks",
    version="0.81.1",
    namespace="tekton-operator",
    namespaces=(PIPELINES,),
    charts=(
        Chart(
            "tekton-operator",
            "oci://ghcr.io/tektoncd/operator/charts/tekton-operator",
            values={"installCRDs": True, "operator": {"autoInstallComponents": False}},
        ),
    ),
    objects=_config,
    deployments=("tekton-operator", "tekton-pipelines-controller"),
)
