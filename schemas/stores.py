"""Which store a stack on a cluster has, and which way each of its models takes there. Pure."""

from __future__ import annotations

import re
from typing import Final, Literal, assert_never

from schemas.spec import Convert, GcsStore, GkeCluster, HttpStore, Model, S3Store, Spec, Store, VolumeStore

Way = Literal["as-is", "here", "cluster"]
# The Kubernetes service account, in the stack's namespace, of pods that read or write a bucket of Google Cloud. It
# carries the annotation `iam.gke.io/gcp-service-account` with the e-mail address of the account that it acts as.
BUCKET_ACCOUNT: Final = "models"


def store_of(spec: Spec) -> Store | None:
    """The store that is stated; on GKE else the bucket that the stack makes."""
    if spec.store is None and isinstance(spec.cluster, GkeCluster):
        return GcsStore(type="gcs")
    return spec.store


def way_of(model: Model) -> Way:
    """How a model reaches a cluster.

    `here`: made on this machine, then put into the store. `cluster`: made by a Job. `as-is`: it lies in a bucket as
    servers read it, nothing is said about its digest or conversion, and it is served from there.
    """
    scheme = scheme_of(model.source)
    plain = model.convert == Convert() and model.sha256 is None and model.evaluation is None
    if scheme in ("gs", "s3", "az") and plain:
        return "as-is"
    if model.convert.place is not None:
        return model.convert.place
    return "here" if scheme in ("", "file", "train") else "cluster"


def uses_google(spec: Spec) -> bool:
    """Whether pods use buckets of Google Cloud with an identity of their own; on GKE the stack always has one."""
    models = {(way_of(model) == "as-is", scheme_of(model.source)) for model in spec.models}
    if isinstance(store_of(spec), GcsStore):
        return any(not as_is or scheme == "gs" for as_is, scheme in models)
    return isinstance(spec.cluster, GkeCluster) and (True, "gs") in models


def bucket_of(source: str | None) -> str:
    """`bucket` of `gs://bucket/model`; empty for a path."""
    return re.sub("^[^/]*://", "", source or "").partition("/")[0] if scheme_of(source) else ""


def scheme_of(source: str | None) -> str:
    """`gs` of `gs://bucket/model`; empty for a path."""
    found = re.match("([A-Za-z][A-Za-z0-9+.-]*)://", source or "")
    return found[1].lower() if found else ""


def reads(store: Store | None, scheme: str) -> bool:
    """Whether what converts models for a store can fetch from addresses of a scheme."""
    return scheme in ("https", "http") or scheme in buckets_of(store)


def buckets_of(store: Store | None) -> frozenset[str]:
    """The schemes of buckets that are read with the identity that Jobs have for a store."""
    match store:
        case S3Store():
            return frozenset({"s3"})
        case GcsStore():
            return frozenset({"gs"})
        case VolumeStore() | HttpStore() | None:
            return frozenset()
        case _:
            assert_never(store)
