"""Knative Serving: scale to zero, for KServe's Knative mode. An operator, and the object that tells it what to make."""

from components.extensions.entry import Around, Chart, Entry
from components.kubernetes.objects import Manifest

SERVING = "knative-serving"
# What the pods of serving groups state and Knative refuses unless it is told otherwise.
FEATURES = (
    "init-containers",
    "nodeselector",
    "persistent-volume-claim",
    "priorityclassname",
    "securitycontext",
    "tolerations",
    "topologyspreadconstraints",
    "volumes-csi",
)


def _serving(around: Around) -> tuple[Manifest, ...]:
    """Knative Serving behind Istio where there is one, else behind Kourier, which the operator brings."""
    istio = "istio" in around.present
    network = "istio.ingress.networking.knative.dev" if istio else "kourier.ingress.networking.knative.dev"
    return (
        {
            "apiVersion": "operator.knative.dev/v1beta1",
            "kind": "KnativeServing",
            "metadata": {
                "name": SERVING,
                "namespace": SERVING,
                "annotations": {"pulumi.com/waitFor": "condition=Ready"},
            },
            "spec": {
                "ingress": {"istio": {"enabled": istio}, "kourier": {"enabled": not istio}},
                "config": {
                    "network": {"ingress-class": network},
                    "features": {f"kubernetes.podspec-{name}": "enabled" for name in FEATURES},
                },
            },
        },
    )


ENTRY = Entry(
    name="knative",
    what="serverless pods that scale to zero",
    version="1.23.0",
    namespace="knative-operator",
    namespaces=(SERVING,),
    charts=(Chart("knative-operator", "knative-operator", "https://knative.github.io/operator", prefix="v"),),
    objects=_serving,
    after=("istio",),
    deployments=("knative-operator", "autoscaler-hpa"),
    warnings=("its queue-proxy has no CPU limit: pods of Knative get no exclusive cores",),
)
