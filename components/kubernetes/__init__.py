"""Objects of Kubernetes as plain manifests, and what declares them. Nothing here talks to a cluster."""
