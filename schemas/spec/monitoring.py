"""The Prometheus of a cluster that exists."""

from collections.abc import Mapping

from schemas.record import record
from schemas.spec.fields import Name, item


@record(kw_only=True)
class Prometheus:
    """A Prometheus that others run on the cluster."""

    namespace: Name = item("Namespace of its pods, which may then ask those of the groups for their metrics.")
    labels: Mapping[str, str] | None = item(
        "Labels by which its operator finds monitors, for example `release: prometheus`; a PodMonitor is then made "
        "for each group. Without them it is taken to read annotations, unless its operator is found.",
        default=None,
    )
