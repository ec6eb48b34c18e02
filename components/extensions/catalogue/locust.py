"""Locust as a service with a page of its own. Benchmarks with `tool: locust` run as Jobs and need none."""

from components.extensions.entry import Chart, Entry, Licence

ENTRY = Entry(
    name="locust",
    what="load tests by hand, with a page of its own",
    version="0.35.0",
    namespace="locust",
    licences=(Licence("MIT"),),
    charts=(Chart("locust", "oci://ghcr.io/deliveryhero/helm-charts/locust"),),
    outputs={"url": "http://locust.{namespace}.svc:8089"},
    deployments=("locust/locust-master",),
    warnings=("Locust runs the chart's example until `loadtest` names a locustfile of yours",),
)
