"""Models that servers read from a bucket by themselves, as they lie there: with whose rights, and how a plan tells it.

OVMS takes who it is from its environment (docs/using_cloud_storage.md of github.com/openvinotoolkit/model_server, and
src/filesystem there). It asks Google Cloud as nobody unless GOOGLE_APPLICATION_CREDENTIALS is set; set but empty, it
names no file, and Google's library goes on to the identity of the pod. An S3_ENDPOINT is asked over plain HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

import pulumi

from components.models.access import ModelAccess
from components.models.digest import value_digest
from components.models.shelf import s3_shelf
from schemas.spec import GcsStore, GkeCluster, Model, S3Store, Spec, Store
from schemas.stores import BUCKET_ACCOUNT, bucket_of, scheme_of, way_of

KEY_DIGITS: Final = 16
AS_THE_POD: Final[Mapping[str, str]] = {"GOOGLE_APPLICATION_CREDENTIALS": ""}


def read_as_it_is(model: Model, store: Store | None, identity: pulumi.Resource | None) -> ModelAccess:
    """How pods read a model from its bucket.

    Args:
        store: the store of the stack; `s3://` is asked of the same service, with the same credentials.
        identity: the Kubernetes service account for buckets of Google Cloud, where there is one.
    """
    source = model.source or ""
    access = ModelAccess(
        name=model.name, key=value_digest(source)[:KEY_DIGITS], path=source, volumes=(), mounts=(),
        init_containers=lambda _: (), uri=source,
    )  # fmt: skip
    match scheme_of(source), store:
        case "gs", _ if identity is not None:
            return replace(access, needs=(identity,), service_account=BUCKET_ACCOUNT, env=AS_THE_POD)
        case "s3", S3Store():
            shelf = s3_shelf(store)
            return replace(access, env=_service(store), env_from=shelf.env_from, host=shelf.host, ports=(shelf.port,))
        case _:
            return access


def _service(store: S3Store) -> dict[str, str]:
    endpoint = {"S3_ENDPOINT": f"http://{urlsplit(store.endpoint).netloc}"} if store.endpoint else {}
    return {"AWS_REGION": store.region, **endpoint}


def reading_notes(spec: Spec, own: str) -> tuple[str, ...]:
    """What a plan says of the rights that pods need for what they read; `own` is the bucket that the stack makes."""
    return tuple(dict.fromkeys(_notes(spec, own)))


def _notes(spec: Spec, own: str) -> Iterator[str]:
    store, gke = spec.store, isinstance(spec.cluster, GkeCluster)
    account = store.account if isinstance(store, GcsStore) else None
    for model in spec.models:
        bucket, scheme = bucket_of(model.source), scheme_of(model.source)
        address = f"{model.name}: pods read {scheme}://{bucket}"
        match scheme:
            case "gs" if account:
                yield f"{address} as {account}, which the stack gives no rights"
            case "gs" if gke and bucket != own:
                yield f"{address}; the stack gives them the right to, if whoever runs `up` may give it"
            case "gs" if not gke and way_of(model) == "as-is" and not isinstance(store, GcsStore):
                yield f"{address} as nobody: make it public, or name an `account` in a `store` of type gcs"
            case "s3" if way_of(model) == "as-is" and not isinstance(store, S3Store):
                yield f"{address} of AWS as nobody: make it public, or name `credentials` in a `store` of type s3"
            case "az" if way_of(model) == "as-is":
                yield f"{address} as nobody, unless `env` of the group says AZURE_STORAGE_CONNECTION_STRING"
            case _:
                pass
