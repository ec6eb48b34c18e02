"""The service accounts of a GKE cluster: one that its nodes run as, one that its pods read models with.

Each has what it needs and no more: nodes join, log, are watched and pull images; pods read and write the models'
bucket. No key is made: pods are who they are by workload identity, nodes by being nodes.
"""

from __future__ import annotations

from typing import Final

import pulumi

from components.cluster.gcp import GcpResource
from schemas.stores import BUCKET_ACCOUNT

# What a node needs to join, log and be watched:
# https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#use_least_privilege_sa
NODE_ROLE: Final = "roles/container.defaultNodeServiceAccount"
PULL_ROLE: Final = "roles/artifactregistry.reader"
WORKLOAD_ROLE: Final = "roles/iam.workloadIdentityUser"
LONGEST_ID: Final = 30


def account_id(cluster: str, purpose: str) -> str:
    """The id of a service account: at most 30 characters, whatever the cluster is called."""
    suffix = f"-{purpose}"
    return cluster[: LONGEST_ID - len(suffix)].rstrip("-") + suffix


def service_account(
    cluster: str, purpose: str, *, project: str, title: str, opts: pulumi.ResourceOptions
) -> GcpResource:
    """Declare a service account of a cluster, without any right."""
    return GcpResource(
        "gcp:serviceaccount/account:Account",
        f"{cluster}-{purpose}",
        {"accountId": account_id(cluster, purpose), "project": project, "displayName": title},
        opts,
        outputs=("email", "member", "name"),
    )


def project_right(
    account: GcpResource, role: str, *, name: str, project: str, opts: pulumi.ResourceOptions
) -> GcpResource:
    """Give an account a role in the whole project."""
    props = {"project": project, "role": role, "member": account.output("member")}
    return GcpResource("gcp:projects/iAMMember:IAMMember", f"{name}-{role.removeprefix('roles/')}", props, opts)


def workload_identity(
    account: GcpResource, *, project: str, namespace: str, name: str, opts: pulumi.ResourceOptions
) -> GcpResource:
    """Let pods with the stack's Kubernetes service account act as a service account of Google Cloud."""
    props = {
        "serviceAccountId": account.output("name"),
        "role": WORKLOAD_ROLE,
        "member": f"serviceAccount:{project}.svc.id.goog[{namespace}/{BUCKET_ACCOUNT}]",
    }
    return GcpResource("gcp:serviceaccount/iAMMember:IAMMember", f"{name}-identity", props, opts)
