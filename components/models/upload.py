"""A model that was made on this machine, brought into the store of a cluster, as a resource of the program.

A Job in the cluster waits for it (`errands.receive_job`), gets its folder as a tar by `exec`, checks its digest and
puts it into the store: one way for volumes, buckets and web servers, and no credentials of a store on this machine. The
Job is deleted at once; after a kill it ends and deletes itself.

Deleting the resource leaves the store alone: a volume goes with the stack, a bucket outlives it.
"""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pulumi
from pulumi import dynamic

from components import codec
from components.benchmarks.on_cluster.api import KubernetesCluster
from components.benchmarks.on_cluster.watch import state_of_job
from components.kubernetes import pod_exec
from components.kubernetes.client import connect
from components.kubernetes.pod_exec import PIECE_BYTES, Container
from components.models.errands import WORK, order_text
from components.models.order import Order
from components.progress import give_way, say
from schemas.errors import InferstackError, PreflightError

Props = dict[str, Any]

OUTPUTS: Final = ("stored",)
DECISIVE: Final = ("order", "digest", "volume")
PATIENCE_S: Final = 180.0
"""How long the pod may wait for a node, an image or a volume."""

LOOK_S: Final = 0.5
SLOWEST_BYTES_PER_S: Final = 200_000
JOB_NAME: Final = "batch.kubernetes.io/job-name"


def send(props: Mapping[str, Any]) -> Props:
    """Bring the model to the store.

    Raises:
        PreflightError: the cluster refuses, or there is no place for the pod.
        InferstackError: the store does not take the model.
    """
    job, xml = props["job"], Path(props["path"])
    name, namespace = job["metadata"]["name"], job["metadata"]["namespace"]
    cluster = KubernetesCluster(props["kubeconfig"], props["context"], namespace)
    tar = _tar(xml.parents[2])
    order = replace(
        codec.decode(Order, json.loads(props["order"])), digest=props["digest"], received_bytes=len(tar), folder=WORK
    )
    say("making room in the cluster")
    cluster.delete_job(name)
    _until(lambda: cluster.job(name) is None, f"Job {name} of an earlier try is still there")
    cluster.create_job(job)
    try:
        pod = _running(cluster, name)
        say(f"sending {len(tar) / 1e6:.1f} MB")
        client = connect(props["kubeconfig"], props["context"])
        ran = pod_exec.run(
            client, Container(namespace, pod, "receive"),
            ["python", "-m", "components.models.pod", "receive", order_text(order)],
            given=_pieces(tar), timeout_s=PATIENCE_S + len(tar) / SLOWEST_BYTES_PER_S,
        )  # fmt: skip
    finally:
        cluster.delete_job(name)
    return {"stored": _answer(ran, order)["key"]}


class UploadProvider(dynamic.ResourceProvider):
    """Brings models into stores; the id is the key."""

    serialize_as_secret_always = False

    def diff(self, _id: str, olds: Props, news: Props) -> dynamic.DiffResult:
        """Whether another model is to be there, or the store is another."""
        return dynamic.DiffResult(changes=any(olds.get(key) != news.get(key) for key in DECISIVE))

    def create(self, props: Props) -> dynamic.CreateResult:
        """Bring the model there."""
        stored = send(props)
        return dynamic.CreateResult(stored["stored"], {**props, **stored})

    def update(self, _id: str, _olds: Props, news: Props) -> dynamic.UpdateResult:
        """Bring the model there; the old one stays."""
        return dynamic.UpdateResult({**news, **send(news)})

    def delete(self, _id: str, _props: Props) -> None:
        """Nothing: what is in the store goes with the store."""


class UploadResource(dynamic.Resource, module="inferstack", name="Upload"):
    """A model in the store of a cluster."""

    stored: pulumi.Output[str]

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        """
        Args:
            inputs: `order` (its text, without the digest), `digest` and `path` of the model's `model.xml` here, `job`
                (the manifest of the Job that receives it), `volume` (changes when the store is another one),
                `kubeconfig` and `context`.
        """
        super().__init__(UploadProvider(), name, {**dict.fromkeys(OUTPUTS), **inputs}, opts)


def _running(cluster: KubernetesCluster, job: str) -> str:
    """The name of the Job's pod, once it runs."""
    end = time.monotonic() + PATIENCE_S
    while True:
        pods = cluster.pods({JOB_NAME: job})
        pod = pods[0] if pods else None
        events = cluster.events("Pod", pod["metadata"]["name"]) if pod else cluster.events("Job", job)
        state = state_of_job(cluster.job(job) or {}, pod, events)
        if pod is not None and state.phase == "running":
            return str(pod["metadata"]["name"])
        if state.phase in ("failed", "succeeded") or time.monotonic() > end:
            raise PreflightError(
                "the pod that takes the model does not run", why=state.why or f"it is {state.phase}",
                remedy="see that the image can be pulled and the volume bound, then try again",
            )  # fmt: skip
        say(f"waiting for a pod: {state.why}" if state.why else "waiting for a pod")
        give_way("bringing a model to the cluster")
        time.sleep(LOOK_S)


def _until(true: Any, otherwise: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > end:
            raise InferstackError(otherwise)
        time.sleep(LOOK_S)


def _answer(ran: pod_exec.Ran, order: Order) -> Mapping[str, Any]:
    lines = ran.output.decode(errors="replace").strip().splitlines()
    try:
        answer: Mapping[str, Any] = json.loads(lines[-1])
    except (IndexError, ValueError):
        answer = {}
    if error := answer.get("error"):
        raise InferstackError(error["message"], why=error["why"], remedy=error["remedy"])
    if ran.code or "key" not in answer:
        told = ran.errors.decode(errors="replace").strip()
        raise InferstackError(f"the store did not take model {order.name}", why=told[-1000:] or f"exit code {ran.code}")
    return answer


def _tar(folder: Path) -> bytes:
    """The files of a model's folder in the store, nothing about their owners and times."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = tarfile.TarInfo(path.relative_to(folder).as_posix())
            entry.size = path.stat().st_size
            with path.open("rb") as file:
                archive.addfile(entry, file)
    return buffer.getvalue()


def _pieces(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), PIECE_BYTES):
        yield data[at : at + PIECE_BYTES]
