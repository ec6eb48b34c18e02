"""The kubeconfig of a GKE cluster: its address and certificate, and Google's plugin for tokens; no secret in it."""

from __future__ import annotations

import json


def gke_kubeconfig(name: str, endpoint: str, ca_certificate: str) -> str:
    """A kubeconfig (JSON, which is YAML) that signs in with `gke-gcloud-auth-plugin`; the certificate is base64."""
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "gke-gcloud-auth-plugin",
        "provideClusterInfo": True,
        "interactiveMode": "Never",
    }
    cluster = {"server": f"https://{endpoint}", "certificate-authority-data": ca_certificate}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": {"exec": plugin}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    return json.dumps(config)
