"""Where a cluster keeps models, so that pods find them on whatever node they run."""

from typing import Annotated, Literal

from schemas.record import record
from schemas.spec.fields import Name, Pattern, item, where
from schemas.units import Bytes

Prefix = Annotated[str, Pattern(r"^[^/\s]([^\s]*[^/\s])?$", "a path without slashes at its ends")]
WebAddress = Annotated[str, Pattern(r"^https?://[^/\s][^\s]*$", "an address that begins with https:// or http://")]


@record(kw_only=True)
class VolumeStore:
    """A volume of the cluster that the pods mount."""

    type: Literal["pvc"] = item("A PersistentVolumeClaim.")
    claim: Name | None = item("An existing claim in the stack's namespace; one is made when absent.", default=None)
    size_bytes: Bytes = item("Size of the volume.", default=10 * 2**30, key="size")
    storage_class: str | None = item("Storage class; the cluster's default when absent.", default=None)
    access_mode: Literal["ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"] = item(
        "ReadWriteOnce: pods of one node; ReadWriteMany: of all nodes, where the storage class can.",
        default="ReadWriteOnce",
    )
    at: str = where()


@record(kw_only=True)
class S3Store:
    """A bucket of S3, or of what speaks like it (MinIO, Ceph)."""

    type: Literal["s3"] = item("A bucket of S3 or MinIO.")
    bucket: str = item("Name of the bucket.")
    prefix: Prefix | None = item("Folder of the bucket.", default=None)
    endpoint: WebAddress | None = item("Address of the service; that of AWS when absent.", default=None)
    region: str = item("Region of the bucket.", default="us-east-1")
    credentials: Name | None = item(
        "Secret in the stack's namespace with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; anonymous when absent.",
        default=None,
    )
    at: str = where()


@record(kw_only=True)
class GcsStore:
    """A bucket of Google Cloud Storage, read by the pods' own identity."""

    type: Literal["gcs"] = item("A bucket of Google Cloud Storage.")
    bucket: str | None = item("Name of the bucket; the one that the stack makes when absent.", default=None)
    prefix: Prefix | None = item("Folder of the bucket.", default=None)
    mount: Literal["copy", "fuse"] = item(
        "copy: a pod fetches its model when it starts; fuse: it mounts the bucket (Cloud Storage FUSE).",
        default="copy",
    )
    account: str | None = item(
        "Google service account that pods act as; the one that the stack makes when absent.", default=None
    )
    at: str = where()


@record(kw_only=True)
class HttpStore:
    """A web server that gives files and, where models are written from here, takes them by PUT."""

    type: Literal["http"] = item("A web server.")
    url: WebAddress = item("Address below which models lie.")
    at: str = where()


Store = VolumeStore | S3Store | GcsStore | HttpStore
