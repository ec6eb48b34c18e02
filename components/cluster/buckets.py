"""Where a GKE cluster's models and images lie: a bucket, and a repository of Artifact Registry.

Either may exist already; then it is used as it is. The bucket is private to those with a right to it (no access lists,
never public), and is not deleted while it holds anything unless the spec says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pulumi

from components.cluster.accounts import PULL_ROLE
from components.cluster.gcp import GcpResource
from components.cluster.machines import region_of
from schemas.spec import GcsStore, GkeCluster, Spec
from schemas.stores import bucket_of, scheme_of

# Conversion Jobs write what serving pods read; both run as the same account.
STORE_ROLE: Final = "roles/storage.objectUser"
READ_ROLE: Final = "roles/storage.objectViewer"
LONGEST_BUCKET_NAME: Final = 63


def bucket_name(spec: GkeCluster, cluster: str) -> str:
    """The bucket of a cluster; `cluster` is its name."""
    return spec.bucket.name or f"{spec.project}-{cluster}-models"[:LONGEST_BUCKET_NAME].rstrip("-")


def model_bucket(spec: GkeCluster, cluster: str, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """Declare the bucket unless it exists; gives its name, known once it is there."""
    name = bucket_name(spec, cluster)
    if spec.bucket.existing:
        return pulumi.Output.from_input(name)
    props: dict[str, Any] = {
        "name": name,
        "project": spec.project,
        "location": region_of(spec.location).upper(),
        "uniformBucketLevelAccess": True,
        "publicAccessPrevention": "enforced",
        "versioning": {"enabled": spec.bucket.versioning},
        "forceDestroy": spec.bucket.delete_contents,
        **_labels(spec),
    }
    return GcpResource("gcp:storage/bucket:Bucket", f"{cluster}-models", props, opts).output("name")


def store_right(
    bucket: pulumi.Input[str],
    account: GcpResource,
    *,
    name: str,
    opts: pulumi.ResourceOptions,
    role: str = STORE_ROLE,
) -> GcpResource:
    """Let an account read a bucket's objects, and write them unless the role is another."""
    props = {"bucket": bucket, "role": role, "member": account.output("member")}
    return GcpResource("gcp:storage/bucketIAMMember:BucketIAMMember", name, props, opts)


def other_buckets(spec: Spec, own: str) -> dict[str, str]:
    """The roles that the pods' account needs on buckets besides the cluster's `own`, by bucket.

    None where the spec names an account: whose rights are not ours to give.
    """
    store = spec.store
    if isinstance(store, GcsStore) and store.account is not None:
        return {}
    read = {bucket_of(model.source): READ_ROLE for model in spec.models if scheme_of(model.source) == "gs"}
    kept = {store.bucket: STORE_ROLE} if isinstance(store, GcsStore) and store.bucket else {}
    return {bucket: role for bucket, role in sorted((read | kept).items()) if bucket != own}


def registry_location(spec: GkeCluster) -> str:
    """The region of the repository."""
    return spec.registry.location or region_of(spec.location)


def registry_address(spec: GkeCluster, cluster: str) -> str:
    """What images of a cluster's repository begin with: `REGION-docker.pkg.dev/PROJECT/REPOSITORY`."""
    return f"{registry_location(spec)}-docker.pkg.dev/{spec.project}/{spec.registry.name or cluster}"


def image_registry(
    spec: GkeCluster, cluster: str, readers: Sequence[GcpResource], opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """Declare the repository unless it exists, and let accounts pull from it; gives what an image needs."""
    place = {"project": spec.project, "location": registry_location(spec)}
    repository: pulumi.Input[str] = spec.registry.name or cluster
    made: list[pulumi.Resource] = []
    if not spec.registry.existing:
        props = {
            **place,
            "repositoryId": repository,
            "format": "DOCKER",
            "description": f"Images of {cluster}",
            **_labels(spec),
        }
        token = "gcp:artifactregistry/repository:Repository"
        own = GcpResource(token, f"{cluster}-images", props, opts, outputs=("name",))
        repository = own.output("name")
        made.append(own)
    for reader in readers:
        props = {**place, "repository": repository, "role": PULL_ROLE, "member": reader.output("member")}
        token = "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember"
        made.append(GcpResource(token, f"{cluster}-images-pull", props, opts))
    return made


def _labels(spec: GkeCluster) -> dict[str, Any]:
    return {"labels": dict(spec.labels)} if spec.labels else {}
