"""The extensions that the catalogue knows, as far as a spec can be wrong about them.

How each is installed is in `components/extensions/catalogue/`; a test keeps the names equal. Versions are those of the
charts, without a leading `v`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from schemas.record import record


@record(kw_only=True)
class Known:
    """What a spec may say of an extension of the catalogue.

    Attributes:
        oldest: the first version that can be installed, and `below` the first that cannot any more; empty is open.
        why: what is different outside of these versions, and `instead` what to do.
        excludes: names of extensions, or of charts, that cannot stand beside it.
        takes: the keys that do something for it.
    """

    name: str
    oldest: str = ""
    below: str = ""
    why: str = ""
    instead: str = ""
    excludes: tuple[str, ...] = ()
    takes: tuple[str, ...] = ("version", "values", "namespace", "timeout")


_ALL: Final = (
    Known(name="argo-workflows"),
    Known(name="cert-manager", excludes=("jetstack",)),
    Known(name="docker-registry"),
    Known(name="gateway-api", takes=("version",)),
    Known(name="gitea"),
    Known(name="istio", excludes=("istiod", "linkerd", "linkerd-control-plane", "kuma", "consul")),
    Known(name="keda"),
    Known(name="knative"),
    Known(name="kserve", oldest="0.17.0", why="Up to 0.16 the chart had another name and other values.",
          instead="Name 0.17.0 or later, or write the old chart out: "
          "`{name: kserve, chart: oci://ghcr.io/kserve/charts/kserve, version: v0.16.0}`."),
    Known(name="kube-prometheus-stack", excludes=("prometheus-operator",)),
    Known(name="locust"),
    Known(name="metrics-server"),
    Known(name="minio", oldest="5.0.15", why="Earlier charts take no Secret of ours, and would use a known password."),
    Known(name="mlflow"),
    Known(name="nifi"),
    Known(name="node-feature-discovery"),
    Known(name="ovms-operator", takes=("version", "namespace")),
    Known(name="rook-ceph", oldest="1.20.0", why="Earlier versions bring the drivers for volumes themselves."),
    Known(name="seldon-core", below="2.0.0", why="Core 2 is another program with other charts and other objects.",
          instead="Name 1.17.1, the last version under the Apache licence."),
    Known(name="tekton"),
)  # fmt: skip
KNOWN: Final[Mapping[str, Known]] = {known.name: known for known in _ALL}


def numbers(version: str) -> tuple[int, ...] | None:
    """The numbers of a version such as `1.17.1` or `v0.20.0-rc1`; None for what is no version of a chart."""
    found = re.fullmatch(r"v?([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})([-+][0-9A-Za-z.+-]+)?", version)
    return tuple(int(part) for part in found.groups()[:3]) if found else None
