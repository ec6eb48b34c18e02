"""Software installed on a cluster."""

from schemas.record import record
from schemas.spec.fields import FilePath, Name, Values, item, where
from schemas.units import Seconds


@record(kw_only=True)
class Extension:
    """Software installed on the cluster. A bare name stands for `{name: ...}`."""

    name: Name = item("Name in the catalogue, or a name of your own with `chart` or `manifests`.")
    version: str | None = item("Version; the catalogue's when absent.", default=None)
    chart: str | None = item(
        "Helm chart: its name in `repo`, an oci:// address, or the absolute path of a folder.", default=None
    )
    repo: str | None = item("Helm repository of the chart.", default=None)
    values: Values | None = item(
        "Helm values, merged into the catalogue's; those of a second chart stand under its release's name.",
        default=None,
    )
    manifests: FilePath | None = item("A file or folder of manifests instead of a chart.", default=None)
    namespace: Name | None = item("Namespace; the catalogue's, or the extension's name, when absent.", default=None)
    timeout_s: Seconds | None = item(
        "Longest wait until it is ready; 10 minutes when absent.", default=None, key="timeout"
    )
    at: str = where()
