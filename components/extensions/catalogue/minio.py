"""MinIO: an S3 store on the cluster. The operator, and a tenant with one server."""

from components.extensions.entry import Chart, Credentials, Entry, Licence, password_command

REPO = "https://operator.min.io"
SECRET = "minio-root"

ENTRY = Entry(
    name="minio",
    what="an S3 store",
    version="7.1.1",
    namespace="minio",
    licences=(Licence("AGPL-3.0", says="changes to it must be published to those who use it over a network"),),
    charts=(
        Chart("minio-operator", "operator", REPO, values={"operator": {"replicaCount": 1}}, main=False),
        Chart(
            "minio",
            "tenant",
            REPO,
            values={
                "tenant": {
                    "name": "minio",
                    # Without a Secret of ours the chart would use minio / minio123.
                    "configSecret": {"name": SECRET, "existingSecret": True},
                    "pools": [{"name": "pool-0", "servers": 1, "volumesPerServer": 1, "size": "20Gi"}],
                    "certificate": {"requestAutoCert": False},
                    "metrics": {"enabled": True},
                }
            },
        ),
    ),
    credentials=(
        Credentials(
            SECRET,
            {
                "config.env": 'export MINIO_ROOT_USER="minio"\nexport MINIO_ROOT_PASSWORD="{password}"\n',
                "user": "minio",
                "password": "{password}",
            },
        ),
    ),
    outputs={
        "url": "http://minio.{namespace}.svc",
        "user": "minio",
        "password": password_command(SECRET, "password"),
    },
    deployments=("minio-operator",),
    warnings=("MinIO publishes sources only since 2025: the chart's image is the last that was built",),
    on_gke="Cloud Storage does the same without a server; the model store uses it by itself",
)
