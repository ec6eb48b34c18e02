"""Gitea: a Git server, with its data on one volume and without the chart's clusters of databases."""

from components.extensions.entry import Chart, Credentials, Entry, Licence, password_command

SECRET = "gitea-admin"

ENTRY = Entry(
    name="gitea",
    what="a Git server",
    version="12.5.0",
    namespace="gitea",
    licences=(Licence("MIT"),),
    charts=(
        Chart(
            "gitea",
            "oci://docker.gitea.com/charts/gitea",
            values={
                "gitea": {
                    # Without a Secret of ours the chart would use a password that is in its documentation.
                    "admin": {"existingSecret": SECRET},
                    "config": {
                        "database": {"DB_TYPE": "sqlite3"},
                        "session": {"PROVIDER": "memory"},
                        "cache": {"ADAPTER": "memory"},
                        "queue": {"TYPE": "level"},
                    },
                },
                "postgresql-ha": {"enabled": False},
                "postgresql": {"enabled": False},
                "valkey-cluster": {"enabled": False},
                "valkey": {"enabled": False},
                # SQLite takes one writer.
                "strategy": {"type": "Recreate"},
            },
        ),
    ),
    credentials=(Credentials(SECRET, {"username": "gitea", "password": "{password}", "email": "gitea@local.domain"}),),
    outputs={
        "url": "http://gitea-http.{namespace}.svc:3000",
        "user": "gitea",
        "password": password_command(SECRET, "password"),
    },
    deployments=("gitea/gitea",),
)
