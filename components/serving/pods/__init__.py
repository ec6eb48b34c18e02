"""Serving groups as pods of a Kubernetes cluster."""
