"""The store of a stack on its cluster: what is declared for it, and how pods reach it.

Manifests are pure functions of the spec. What is made here goes with the stack, volumes with all that is in them;
buckets and web servers that exist already are left as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, assert_never
from urllib.parse import urlsplit

import pulumi

from components.kubernetes.objects import Home, Manifest, declare
from components.models.order import Auth, Place
from schemas.errors import UsageError
from schemas.spec import GcsStore, HttpStore, S3Store, Store, VolumeStore
from schemas.stores import BUCKET_ACCOUNT

NAME: Final = "models"
"""Of the claim that is made, and of the service account that may read a bucket of Google Cloud."""

COMPONENT: Final = "models"
FOLDER: Final = "/models"
"""Where models are in every pod: the mounted store, or a folder of the pod that they are copied to."""

GOOGLE_ACCOUNT: Final = "iam.gke.io/gcp-service-account"
FUSE_DRIVER: Final = "gcsfuse.csi.storage.gke.io"
FUSE_PODS: Final[Mapping[str, str]] = {"gke-gcsfuse/volumes": "true"}

Volume = Mapping[str, Any]


@dataclass(frozen=True)
class Shelf:
    """A store as pods see it.

    Attributes:
        place: where models are kept, as a pod is told.
        volume: what pods mount at `FOLDER`; None where models are copied out of the store into each pod.
        writable: the same for those that write to the store.
        annotations: what pods with the volume must say.
        uri: the store's address for platforms that fetch by themselves; empty where they cannot.
        env_from: where the environment of pods that use the store comes from.
        service_account: whom they must run as; None for nobody in particular.
        needs: what was declared.
        made: changes when the store is another, empty one.
    """

    place: Place
    volume: Volume | None = None
    writable: Volume | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    uri: str = ""
    env_from: tuple[Mapping[str, Any], ...] = ()
    service_account: str | None = None
    needs: tuple[pulumi.Resource, ...] = ()
    made: pulumi.Input[str] = ""

    @property
    def host(self) -> str:
        """The host of a store that is asked over HTTP."""
        return urlsplit(self.place.url).hostname or ""

    @property
    def port(self) -> int:
        """The TCP port of a store that is asked over HTTP."""
        parts = urlsplit(self.place.url)
        return parts.port or (80 if parts.scheme == "http" else 443)


def declare_identity(
    store: Store | None, home: Home, account: pulumi.Input[str] = "", rights: Sequence[pulumi.Resource] = ()
) -> pulumi.Resource:
    """Declare the service account of pods that use buckets of Google Cloud.

    They act there as the Google service account that the store names, else as `account`, once it has its rights.
    """
    named = store.account if isinstance(store, GcsStore) else None
    return declare(service_account(home, named or account), home, needs=rights)


def declare_shelf(store: Store, home: Home, *, bucket: str = "", identity: pulumi.Resource | None = None) -> Shelf:
    """Declare what a store needs in the stack's namespace.

    Args:
        bucket: the bucket that the stack makes, for a store of Google Cloud that names none.
        identity: the service account of pods that use it, for a store of Google Cloud.

    Raises:
        UsageError: a store of Google Cloud has no bucket.
    """
    match store:
        case VolumeStore():
            return _volume(store, home)
        case S3Store():
            return s3_shelf(store)
        case GcsStore():
            assert identity is not None
            return gcs_shelf(store, store.bucket or bucket, identity)
        case HttpStore():
            return Shelf(Place(url=store.url.rstrip("/")))
        case _:
            assert_never(store)


def claim(store: VolumeStore, home: Home) -> Manifest:
    """The PersistentVolumeClaim."""
    spec = {
        "accessModes": [store.access_mode],
        "resources": {"requests": {"storage": str(store.size_bytes)}},
        **({"storageClassName": store.storage_class} if store.storage_class is not None else {}),
    }
    metadata = {
        "name": NAME,
        "namespace": home.namespace,
        "labels": home.labels(NAME, COMPONENT),
        # Many storage classes make the volume only when a pod wants it: waiting for it would wait for ever.
        "annotations": {"pulumi.com/skipAwait": "true"},
    }
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def service_account(home: Home, account: pulumi.Input[str]) -> Manifest:
    """The service account of pods that use a bucket of Google Cloud, acting as `account` there if that is named."""
    metadata = {
        "name": BUCKET_ACCOUNT,
        "namespace": home.namespace,
        "labels": home.labels(NAME, COMPONENT),
        **({"annotations": {GOOGLE_ACCOUNT: account}} if account else {}),
    }
    return {
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata, "automountServiceAccountToken": False,
    }  # fmt: skip


def s3_shelf(store: S3Store) -> Shelf:
    """A bucket of S3, addressed by path, which every service of the kind understands."""
    endpoint = (store.endpoint or f"https://s3.{store.region}.amazonaws.com").rstrip("/")
    secret = ({"secretRef": {"name": store.credentials}},) if store.credentials else ()
    return Shelf(
        Place(url=_below(f"{endpoint}/{store.bucket}", store.prefix), auth="s3", region=store.region),
        uri=_below(f"s3://{store.bucket}", store.prefix),
        env_from=secret,
    )


def gcs_shelf(store: GcsStore, bucket: str, identity: pulumi.Resource) -> Shelf:
    """A bucket of Google Cloud: pods fetch from it, or mount it.

    Raises:
        UsageError: it has no name.
    """
    if not bucket:
        raise UsageError("the store has no bucket", remedy="store: {type: gcs, bucket: NAME}")
    options = ["implicit-dirs", *([f"only-dir={store.prefix}"] if store.prefix else [])]
    attributes = {"bucketName": bucket, "mountOptions": ",".join(options)}
    mounted = {"name": NAME, "csi": {"driver": FUSE_DRIVER, "readOnly": True, "volumeAttributes": attributes}}
    fuse = store.mount == "fuse"
    return Shelf(
        Place(url=_below(f"https://storage.googleapis.com/{bucket}", store.prefix), auth="gcs"),
        volume=mounted if fuse else None,
        annotations=FUSE_PODS if fuse else {},
        uri=_below(f"gs://{bucket}", store.prefix),
        service_account=BUCKET_ACCOUNT,
        needs=(identity,),
    )


def original_url(source: str, shelf: Shelf) -> tuple[str, Auth]:
    """Where a pod fetches a source of the spec, and by what way of authentication.

    `s3://` is asked of the same service as the store; a public https address of nobody.
    """
    parts = urlsplit(source)
    match parts.scheme:
        case "gs":
            return f"https://storage.googleapis.com/{parts.netloc}{parts.path}", "gcs"
        case "s3":
            service = urlsplit(shelf.place.url)
            return f"{service.scheme}://{service.netloc}/{parts.netloc}{parts.path}", "s3"
        case _:
            return source, "none"


def _volume(store: VolumeStore, home: Home) -> Shelf:
    made: tuple[pulumi.Resource, ...] = ()
    uid: pulumi.Input[str] = ""
    if store.claim is None:
        volume = declare(claim(store, home), home)
        made = (volume,)
        metadata: pulumi.Output[Mapping[str, Any]] = volume.metadata  # type: ignore[attr-defined]
        uid = metadata.apply(lambda known: str(known.get("uid", "")))
    name = store.claim or NAME

    def mounted(read_only: bool) -> Volume:
        return {"name": NAME, "persistentVolumeClaim": {"claimName": name, "readOnly": read_only}}

    return Shelf(
        Place(folder=FOLDER), volume=mounted(True), writable=mounted(False), uri=f"pvc://{name}", needs=made, made=uid
    )


def _below(address: str, prefix: str | None) -> str:
    return f"{address}/{prefix}" if prefix else address
