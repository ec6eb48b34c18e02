"""How models reach the pods of a cluster."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.rules.registry import Violation, rule
from schemas.spec import GcsStore, GkeCluster, KubernetesCluster, LocalCluster, S3Store, Spec
from schemas.stores import BUCKET_ACCOUNT, reads, scheme_of, store_of, way_of
from schemas.tree import Tree


@rule("STORE001")
def stores_belong_to_clusters(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`store`, and `where: cluster`, stand in specs for a cluster.

    Why: On this machine models are converted here and kept beside the stack's state, and servers read them from there.
    Example:
        store: {type: http, url: "https://models.example.com"}
    Remedy: Delete the key, or set `cluster.provider`.
    """
    if not isinstance(spec.cluster, LocalCluster):
        return
    if spec.store is not None:
        yield Violation("store", "`store` does nothing with provider local", key=True)
    for model in spec.models:
        if model.convert.place == "cluster":
            yield Violation(f"{model.at}.convert.where", "there is no cluster to convert in")


@rule("STORE002")
def models_of_clusters_are_kept_in_a_store(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A model that is trained, converted or verified for a cluster has a store to be kept in.

    Why: Pods run on any node; they get their model from a place that all nodes reach. Only what lies ready in a bucket
        (gs://, s3://, az://), with neither `convert` nor `sha256` nor `evaluation`, is read from there as it is.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits, platform: ovms}]
    Remedy: Add `store: {type: pvc}` (a volume), or one of the types s3, gcs and http.
    """
    if isinstance(spec.cluster, KubernetesCluster) and spec.store is None:
        for model in spec.models:
            if way_of(model) != "as-is":
                yield Violation(model.at, f"model `{model.name}` has no store to be kept in")


@rule("STORE003")
def jobs_convert_what_they_can_fetch(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`where: cluster` converts what a Job can fetch: https://, s3:// with an s3 store, gs:// with a gcs store.

    Why: A Job does not see the files of this machine, and reads buckets with the identity that it has for the store.
    Example:
        cluster: {provider: kubernetes}
        store: {type: pvc}
        models: [{name: digits, source: digits.onnx, convert: {where: cluster}}]
    Remedy: Write `where: here` (the default for files and trainings), or put the model where the Job can fetch it.
    """
    if isinstance(spec.cluster, LocalCluster):
        return
    for model in spec.models:
        scheme = scheme_of(model.source)
        way = way_of(model)
        if way == "cluster" and not reads(store_of(spec), scheme):
            at = "train" if model.train is not None else "source"
            message = f"a Job of this stack cannot fetch {f'{scheme}://' if scheme else 'files of this machine'}"
            yield Violation(f"{model.at}.{at}", message, key=at == "train")
        if way == "here" and scheme in ("gs", "s3", "az"):
            yield Violation(f"{model.at}.convert.where", f"{scheme}:// is not fetched on this machine")


@rule("STORE004")
def what_jobs_convert_has_a_digest(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A model that a Job converts states `sha256`.

    Why: The store keeps it under the digest of its source and of how it is converted: a new digest is a new model,
        which pods roll over to. Without one nobody here would know that the file behind the address has changed.
    Example:
        cluster: {provider: kubernetes}
        store: {type: pvc}
        models: [{name: digits, source: "https://example.com/digits.onnx"}]
    Remedy: Add `sha256: ...` (`sha256sum FILE` prints it; of an IR: of model.xml and model.bin, one after the other).
    """
    if isinstance(spec.cluster, LocalCluster):
        return
    for model in spec.models:
        if way_of(model) == "cluster" and model.sha256 is None:
            yield Violation(model.at, f"model `{model.name}` is converted in the cluster, but has no `sha256`")


@rule("STORE005")
def jobs_get_data_that_they_can_read(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Data for a conversion in the cluster is a small file, or an https:// address.

    Why: A file travels in a ConfigMap, which holds 1 MiB; what a training writes is not there when the Job is planned.
    Example:
        cluster: {provider: kubernetes}
        store: {type: pvc}
        models:
          - {name: maker, train: {command: ["{python}", train.py], outputs: [model.onnx, data.npz]}}
          - name: digits
            source: https://example.com/digits.onnx
            sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
            evaluation: train://maker/data.npz
    Remedy: Name a file or an https:// address, or write `where: here`.
    """
    if isinstance(spec.cluster, LocalCluster):
        return
    for model in spec.models:
        if way_of(model) != "cluster":
            continue
        for key, data in (("convert.calibration", model.convert.calibration), ("evaluation", model.evaluation)):
            if data is not None and scheme_of(data) not in ("", "file", "https"):
                yield Violation(f"{model.at}.{key}", f"`{scheme_of(data)}://` does not reach a Job")


@rule("STORE006")
def servers_read_buckets_if_they_can(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A model that is served from a bucket as it is, is served by OVMS.

    Why: OVMS reads buckets by itself. The pods of our own server and of MLServer get models from the stack's store,
        verified.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: openvino}]
    Remedy: Name the model's file (gs://models/digits/1/model.xml) and state its `sha256`: then a Job brings it into the
        store. Or use `platform: ovms` (for KServe and Seldon Core `runtime: ovms`).
    """
    if isinstance(spec.cluster, LocalCluster):
        return
    as_is = {model.name for model in spec.models if way_of(model) == "as-is"}
    for group in spec.serving:
        if group.model in as_is and "ovms" not in (group.platform, group.runtime):
            at = f"{group.at}.model"
            server = group.runtime or group.platform
            yield Violation(at, f"{server} does not read model `{group.model}` from its bucket")


@rule("STORE007")
def a_bucket_of_google_cloud_has_a_name(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A store of type gcs names its bucket, unless the stack makes the cluster on GKE.

    Why: With `cluster.provider: gke` the stack makes a bucket, and an account that may use it; elsewhere it does not.
    Example:
        cluster: {provider: kubernetes}
        store: {type: gcs}
    Remedy: Add `bucket: NAME`.
    """
    if isinstance(spec.store, GcsStore) and spec.store.bucket is None and isinstance(spec.cluster, KubernetesCluster):
        yield Violation("store", "the store has no `bucket`")


@rule("STORE008")
def a_bucket_is_mounted_where_the_driver_is(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`mount: fuse` needs Cloud Storage FUSE, which GKE switches on with `gcsFuse`.

    Why: Without the driver the volume is never mounted, and pods wait for it without end.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          gcsFuse: false
          nodePools: [{name: serving, machineType: n2-standard-8}]
        store: {type: gcs, mount: fuse}
    Remedy: Delete `gcsFuse: false`, or write `mount: copy`.
    """
    fuse = isinstance(spec.store, GcsStore) and spec.store.mount == "fuse"
    if fuse and isinstance(spec.cluster, GkeCluster) and not spec.cluster.gcs_fuse:
        yield Violation("store.mount", "the cluster has no Cloud Storage FUSE (`gcsFuse: false`)")


@rule("STORE009")
def ovms_asks_other_services_in_plain_words(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """OVMS reads s3:// from an `endpoint` of http://, or from AWS.

    Why: OVMS asks the service that S3_ENDPOINT names over plain HTTP, whatever stands before its name.
    Example:
        cluster: {provider: kubernetes}
        store: {type: s3, bucket: models, endpoint: "https://minio.example.com"}
        models: [{name: digits, source: s3://models/digits}]
        serving: [{name: one, model: digits, platform: ovms}]
    Remedy: Name the model's file and its `sha256`: then a Job fetches it over https, and pods from the store.
    """
    store = spec.store
    if not isinstance(store, S3Store) or not (store.endpoint or "").startswith("https://"):
        return
    for model in spec.models:
        if way_of(model) == "as-is" and scheme_of(model.source) == "s3":
            yield Violation(f"{model.at}.source", f"OVMS would ask {store.endpoint} over plain HTTP")


@rule("STORE010")
def the_identity_of_the_store_keeps_its_name(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """No serving group is called `models` where pods read Cloud Storage.

    Why: Pods read the bucket as the service account `models`; a group's own account has the group's name.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-8}]
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: models, model: digits, platform: ovms}]
    Remedy: Name the group otherwise.
    """
    as_is = any(way_of(model) == "as-is" and scheme_of(model.source) == "gs" for model in spec.models)
    if not isinstance(store_of(spec), GcsStore) and not (as_is and isinstance(spec.cluster, GkeCluster)):
        return
    for group in spec.serving:
        if group.name == BUCKET_ACCOUNT:
            message = f"`{BUCKET_ACCOUNT}` is the name of the service account that reads the bucket"
            yield Violation(f"{group.at}.name", message)
