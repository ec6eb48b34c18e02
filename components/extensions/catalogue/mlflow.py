"""MLflow: experiments and a registry of models, on a volume of its own unless the values say otherwise."""

from components.extensions.entry import Chart, Entry

ENTRY = Entry(
    name="mlflow",
    what="experiments and a registry of models",
    version="1.11.5",
    namespace="mlflow",
    charts=(
        Chart(
            "mlflow",
            "mlflow",
            "https://community-charts.github.io/helm-charts",
            values={
                # The server hands artifacts out itself, so that clients need no access to its store.
                "artifactRoot": {"proxiedArtifactStorage": True},
                "telemetry": {"enabled": False},
            },
        ),
    ),
    outputs={"url": "http://mlflow.{namespace}.svc"},
    deployments=("mlflow/mlflow",),
    warnings=(
        "MLflow forgets its experiments with its pod unless `backendStore` and `artifactRoot` name stores",
        "MLflow asks nobody for a password unless `auth.enabled` is set",
    ),
)
