"""Seldon Core 1: SeldonDeployments."""

from components.extensions.entry import Around, Chart, Entry, Licence, Values


def _values(around: Around) -> Values:
    """Without Istio, every predictor has a plain Service, and nothing routes to it from outside."""
    return {"istio": {"enabled": "istio" in around.present}}


ENTRY = Entry(
    name="seldon-core",
    what="SeldonDeployments, for `platform: seldon`",
    version="1.17.1",
    namespace="seldon-system",
    licences=(
        Licence("Apache-2.0"),
        Licence("BUSL-1.1", since="1.18.0", says="production use needs a licence of Seldon's; 1.17.1 needs none"),
    ),
    charts=(
        Chart(
            "seldon-core",
            "seldon-core-operator",
            "https://storage.googleapis.com/seldon-charts",
            values=_values,
        ),
    ),
    after=("istio",),
    deployments=("seldon-controller-manager",),
    warnings=("the last version of Seldon Core 1 under the Apache licence, 1.17.1, is of August 2023",),
)
