"""Software installed on a cluster."""

from schemas.record import record
from schemas.spec.fields import FilePath, Name, Values, item, where


@record(kw_only=True)
class Extension:
    """Software installed on the cluster. A bare name stands for `{name: ...}`."""

    name: Name = item("Name in the catalogue, or a name of your own with `chart` or `manifests`.")
    version: str | None = item("Version; the catalogue's when absent.", default=None)
    chart: str | None = item("Helm chart.", default=None)
    repo: str | None = item("Helm repository of the chart.", default=None)
    values: Values | None = item("Helm values.", default=None)
    manifests: FilePath | None = item("A file or folder of manifests instead of a chart.", default=None)
    at: str = where()
