"""A registry of images on the cluster."""

from components.extensions.entry import BuiltIn, Chart, Entry

ENTRY = Entry(
    name="docker-registry",
    what="a registry of images",
    version="3.0.0",
    namespace="docker-registry",
    charts=(
        Chart(
            "docker-registry",
            "docker-registry",
            "https://helm.twun.io",
            values={"persistence": {"enabled": True, "size": "20Gi"}},
        ),
    ),
    built_in=BuiltIn("Artifact Registry"),
    outputs={"url": "docker-registry.{namespace}.svc:5000"},
    deployments=("docker-registry/docker-registry",),
    warnings=("the registry asks nobody for a password unless `secrets.htpasswd` is set",),
)
