"""The operator for OpenVINO Model Server. Deprecated; `platform: ovms` does without it."""

from components.extensions.entry import Around, Entry
from components.kubernetes.objects import Manifest


def _subscription(around: Around) -> tuple[Manifest, ...]:
    """What asks the Operator Lifecycle Manager for the operator; `operators` is where its group for all is."""
    return (
        {
            "apiVersion": "operators.coreos.com/v1alpha1",
            "kind": "Subscription",
            "metadata": {"name": "ovms-operator", "namespace": around.namespace},
            "spec": {
                "name": "ovms-operator",
                "channel": "alpha",
                "source": "operatorhubio-catalog",
                "sourceNamespace": "olm",
                "installPlanApproval": "Automatic",
                "startingCSV": f"openvino-operator.v{around.version}",
            },
        },
    )


ENTRY = Entry(
    name="ovms-operator",
    what="ModelServer objects (deprecated; `platform: ovms` needs none)",
    version="1.2.0",
    namespace="operators",
    objects=_subscription,
    deployments=("openvino-operator-controller-manager",),
    warnings=(
        "the OVMS operator is deprecated, and starts no image from 2026.3 on: it passes a flag that they refuse",
        "the OVMS operator is installed by the Operator Lifecycle Manager, which must be on the cluster already",
    ),
)
