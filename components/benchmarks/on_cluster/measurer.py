"""Measures from Jobs on a cluster: one Job a target and load, one after the other, deleted when its result is here.

A Job that a killed program left is never taken up: half a benchmark is worth nothing, and the rest of it would be
measured at another time. It is deleted before the first measurement, found by its labels.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from components import codec
from components.benchmarks import samples as sample_files
from components.benchmarks import verdict
from components.benchmarks.load.arguments import Arguments
from components.benchmarks.load.parcel import DamagedParcel, Parcel, unpack
from components.benchmarks.load.pod import Order
from components.benchmarks.on_cluster import manifests, nodes
from components.benchmarks.on_cluster.api import Cluster, Object
from components.benchmarks.on_cluster.place import ClusterDescription, Pods
from components.benchmarks.on_cluster.watch import PodState, containers_of, state_of_job
from components.benchmarks.result import LoadShape, Measurement, PlacedInstance, Surroundings, Target
from components.benchmarks.run import Progress, Step
from components.benchmarks.samples import Samples
from components.progress import give_way, say
from schemas.errors import InferstackError, PreflightError
from schemas.spec import Protocol

SPARE_S: Final = 120.0
"""What a Job may take beyond its load once it runs: to pull images, to start, to prepare, to look into answers."""

PATIENCE_S: Final = 120.0
"""How long a Job may wait for a node or an image."""

SCALING_S: Final = 900.0
"""How long where the cluster is making a node for it."""

CONNECTIONS_A_POD: Final = 4
LOOK_S: Final = 0.5
GONE_S: Final = 120.0


JOB_NAME: Final = "batch.kubernetes.io/job-name"
"""The label that the cluster gives to the pods of a Job."""


class JobGenerators:
    """A `run.Measurer` of Jobs."""

    def __init__(self, asked: ClusterDescription, cluster: Cluster, *, patience_s: float = PATIENCE_S) -> None:
        self._asked, self._cluster, self._patience_s = asked, cluster, patience_s
        token = hashlib.sha256(f"{asked.description.benchmark} {time.time_ns()}".encode()).hexdigest()[:6]
        self._prefix = f"{asked.description.benchmark[:40]}-{token}"
        self._data = b""
        self._targets: tuple[Target, ...] = ()
        self._parcels: list[Parcel] = []
        self._with_users: set[str] = set()

    def begin(self) -> None:
        """Read the data set, clear what an earlier run left, and see whether every target has pods."""
        asked = self._asked
        if asked.description.data and not asked.data_url:
            self._data = _small(Path(asked.description.data))
        clear(self._cluster, asked.place.labels)
        self._targets = tuple(self._target(subject.target) for subject in asked.description.subjects)

    def measure(self, step: Step, number: int, samples: Path, progress: Progress) -> Measurement:
        """Run one Job to its end, and bring home what it found."""
        name = f"{self._prefix}-{number}"
        order = self._order(step)
        try:
            self._start(name, order)
            pod = self._wait(name, order, progress)
            parcel, taken = self._result(name, pod)
        finally:
            self._cluster.delete_job(name)
        self._parcels.append(parcel)
        if taken is not None:
            sample_files.write(samples, taken)
        return replace(parcel.measurement, load=step.load)

    def targets(self) -> tuple[Target, ...]:
        """The targets, with their pods as they stood before the first measurement."""
        return self._targets

    def surroundings(self) -> Surroundings:
        """The nodes of the targets, and the software of the load generators."""
        names = {instance.node for target in self._targets for instance in target.instances}
        found = tuple(node for name in sorted(names) if (node := self._cluster.node(name)) is not None)
        return nodes.surroundings_of(found, names, self._parcels, self._asked.place.image)

    def _target(self, target: Target) -> Target:
        """A target with its pods that are ready."""
        asked = self._asked.pods[target.name]
        pods = self._settled(target.name, asked)
        instances = tuple(
            PlacedInstance(
                name=str(pod["metadata"]["name"]),
                cpus=(),
                memory_node=None,
                threads=asked.threads,
                streams=asked.streams,
                node=str(pod["spec"].get("nodeName", "")),
            )
            for pod in pods
        )
        return replace(target, instances=instances, cores=asked.cores * len(pods))

    def _settled(self, name: str, asked: Pods) -> list[Object]:
        """The pods of a target that are ready, once those of an earlier template are gone: a controller may call a
        group ready while they still answer (KServe's does), and until they have ended they take the new ones' time.

        Raises:
            StoppedError: the user wants to stop.
            PreflightError: no pod is ready, or earlier ones do not go.
        """
        end = time.monotonic() + self._patience_s
        while True:
            pods = self._cluster.pods(asked.selector)
            old = [pod for pod in pods if nodes.lives(pod) and not nodes.is_of(pod, asked.template)]
            if not old:
                break
            names = ", ".join(str(pod["metadata"]["name"]) for pod in old)
            if time.monotonic() > end:
                raise PreflightError(
                    f"{name} cannot be measured",
                    why=f"after {self._patience_s:.0f} s it still has pods of before: {names}",
                    remedy="look at `inferstack status`: its new pods may find no room, or may not start",
                )
            give_way(f"waiting for earlier pods of {name}")
            say(f"waiting for earlier pods of {name} to end: {names}")
            time.sleep(LOOK_S)
        if not (ready := [pod for pod in pods if nodes.is_ready(pod)]):
            raise PreflightError(
                f"{name} cannot be measured",
                why=f"none of its pods is ready ({manifests.selector(asked.selector)})",
                remedy="look at `inferstack status`, and bring it up with `inferstack up`",
            )
        return ready

    def _order(self, step: Step) -> Order:
        asked, description = self._asked, self._asked.description
        target = next(one for one in self._targets if one.name == step.subject.target.name)
        load = _over_all_pods(step.load, step.subject.protocol, len(target.instances))
        arguments = Arguments(
            target=target.name,
            model=target.model,
            protocol=step.subject.protocol,
            endpoints=step.subject.endpoints,
            load=load,
            samples=f"{manifests.WORK}/samples.npz",
            summary=f"{manifests.WORK}/summary.json",
            repeat=step.repeat,
            tightest_limit_s=verdict.tightest_s(description.objective or {}),
            tool=description.tool,
        )
        return Order(
            arguments=arguments,
            subject=step.subject,
            parts=manifests.part_paths(len(manifests.pieces(self._data))),
            url=asked.data_url,
            sha256=asked.data_sha256,
            cores=asked.place.cores,
            target_nodes=tuple(sorted({one.node for one in target.instances})),
        )

    def _start(self, name: str, order: Order) -> None:
        place, load = self._asked.place, order.arguments.load
        limit_s = load.warmup_s + load.duration_s + load.timeout_s + SPARE_S + SCALING_S
        avoid = self._asked.pods[order.arguments.target].selector
        parts = len(order.parts)
        job = self._cluster.create_job(
            manifests.job(name, place, order.arguments, parts=parts, avoid=avoid, deadline_s=limit_s)
        )
        # The pod waits for its ConfigMaps; owned by the Job, they cannot outlive it.
        text = json.dumps(codec.encode(order))
        for manifest in manifests.config_maps(name, place, text, self._data, manifests.owner_of(job)):
            self._cluster.create_config_map(manifest)

    def _wait(self, name: str, order: Order, progress: Progress) -> Object:
        """The pod of a Job that has succeeded.

        Raises:
            StoppedError: the user wants to stop.
            PreflightError: no node takes it, or an image cannot be had.
            InferstackError: it failed.
        """
        load = order.arguments.load
        load_s = load.warmup_s + load.duration_s
        waiting_since, running_since = time.monotonic(), None
        while True:
            state, pod = self._look(name)
            now = time.monotonic()
            match state.phase:
                case "succeeded" if pod is not None:
                    return pod
                case "waiting":
                    progress.at(0.0)
                    if now - waiting_since > (SCALING_S if state.scaling else self._patience_s):
                        raise self._failed(
                            name, f"not begun after {now - waiting_since:.0f} s: {state.why}", PreflightError
                        )
                case "running":
                    waiting_since, running_since = now, running_since or now
                    self._start_users(name, order, pod)
                    progress.at((now - running_since) / load_s)
                    if now - running_since > load_s + load.timeout_s + SPARE_S:
                        raise self._failed(name, f"not ended {now - running_since:.0f} s after its start")
                case _:
                    raise self._failed(name, state.why)
            time.sleep(LOOK_S)

    def _look(self, name: str) -> tuple[PodState, Object | None]:
        """How it stands with a Job, and its pod if it has one."""
        job = self._cluster.job(name)
        if job is None:
            return PodState("failed", "somebody deleted the Job"), None
        pods = self._cluster.pods({JOB_NAME: name})
        pod = pods[0] if pods else None
        about = ("Pod", str(pod["metadata"]["name"])) if pod else ("Job", name)
        return state_of_job(job, pod, self._cluster.events(*about)), pod

    def _start_users(self, name: str, order: Order, pod: Object | None) -> None:
        """Locust's workers are told the address of the pod that steers them, so they come second."""
        address = pod and pod["status"].get("podIP")
        if not address or not self._asked.place.workers or name in self._with_users:
            return
        self._with_users.add(name)
        job = self._cluster.job(name)
        if job is not None:
            owner = manifests.owner_of(job)
            self._cluster.create_job(
                manifests.workers_job(name, self._asked.place, parts=len(order.parts), owner=owner, steered_by=address)
            )

    def _result(self, name: str, pod: Object) -> tuple[Parcel, Samples | None]:
        container = str(pod["spec"]["containers"][0]["name"])
        try:
            return unpack(self._cluster.log(str(pod["metadata"]["name"]), container).splitlines())
        except DamagedParcel as error:
            raise self._failed(name, f"{error}; does the kubelet keep less than 10 MiB of a log?") from error

    def _failed(self, name: str, why: str, kind: type[InferstackError] = InferstackError) -> InferstackError:
        """What to say of a Job that brought no result; the logs of all its pods are kept."""
        kept = self._keep_logs(name)
        return kind(
            f"Job {name} of benchmark {self._asked.description.benchmark} brought no result",
            why=why or "no reason given",
            remedy=f"its logs are in {kept}" if kept else "no container of it has begun, so it left no log",
        )

    def _keep_logs(self, name: str) -> Path | None:
        pods = [*self._cluster.pods({JOB_NAME: name}), *self._cluster.pods({JOB_NAME: manifests.users_of(name)})]
        logs = {
            f"{pod['metadata']['name']} {container}": self._cluster.log(str(pod["metadata"]["name"]), container)
            for pod in pods
            for container in containers_of(pod)
        }
        if not logs:
            return None
        path = Path(self._asked.description.results, self._asked.description.benchmark, "failed", f"{name}.log")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"==== {whose}\n{text}\n" for whose, text in logs.items()))
        return path


def clear(cluster: Cluster, labels: Mapping[str, str]) -> None:
    """Delete the Jobs with these labels and wait until their pods are gone: they would disturb a measurement.

    Raises:
        StoppedError: the user wants to stop.
        InferstackError: they do not go.
    """
    for name in cluster.jobs(labels):
        cluster.delete_job(name)
    end = time.monotonic() + GONE_S
    while left := cluster.pods(labels):
        names = ", ".join(str(pod["metadata"]["name"]) for pod in left)
        give_way("clearing what an earlier benchmark left")
        say(f"waiting for {names} of an earlier benchmark to end")
        if time.monotonic() > end:
            raise InferstackError(f"{names} of an earlier benchmark does not end", why=f"{GONE_S:.0f} s have passed")
        time.sleep(LOOK_S)


def _over_all_pods(load: LoadShape, protocol: Protocol, pods: int) -> LoadShape:
    """The load with gRPC connections for all pods: a Service spreads connections, and gRPC keeps to one of them."""
    if protocol != "grpc" or load.connections or pods < 2:
        return load
    return replace(load, connections=CONNECTIONS_A_POD * pods)


def _small(path: Path) -> bytes:
    """A data set that goes to the cluster in ConfigMaps.

    Raises:
        PreflightError: it is too large, or not there.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PreflightError(f"the data set {path} cannot be read", why=str(error)) from error
    most = manifests.MOST_PARTS * manifests.PART_BYTES
    if len(data) > most:
        raise PreflightError(
            f"the data set {path} is too large to be handed to a cluster in ConfigMaps",
            why=f"it has {len(data) / 2**20:.1f} MiB, they take {most / 2**20:.1f} MiB",
            remedy="put it where pods can fetch it, and write `data: https://...`; or use fewer rows of it",
        )
    return data
