"""Reads what `pinning.py` judges: pods and kubelets from the API server, CPUs and memory from inside the pods.

Inside, one shell reads files of /proc and /sys; nothing is written and nothing stays. What may not be read is left out,
and the verdict says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

from components.cluster.cpulist import parse_list
from components.cluster.nodes import Kubelet, kubelet_of
from components.kubernetes import pod_exec
from components.kubernetes.pod_exec import Container
from components.kubernetes.port_forward import connected
from components.kubernetes.quantity import mebibytes, millicpus
from components.serving.binding import pages_by_node
from components.serving.pinning import ContainerFacts, Inside, PodFacts
from components.serving.pods.live import PATIENCE_S, Group, pods_of
from schemas.errors import InferstackError

Json = Mapping[str, Any]

EXEC_S: Final = 30.0
MARK: Final = "==> "
CGROUP: Final = "/sys/fs/cgroup"
FILES: Final = (
    "/proc/[0-9]*/task/[0-9]*/status",
    "/proc/1/numa_maps",
    "/sys/devices/system/node/node[0-9]*/cpulist",
    # Version 2 of control groups, then version 1.
    f"{CGROUP}/cpuset.cpus.effective", f"{CGROUP}/cpuset/cpuset.effective_cpus", f"{CGROUP}/cpuset/cpuset.cpus",
    f"{CGROUP}/cpu.max", f"{CGROUP}/cpu/cpu.cfs_quota_us", f"{CGROUP}/cpu/cpu.cfs_period_us",
)  # fmt: skip
# Threads come and go while their files are read: what is gone is no error.
SCRIPT: Final = (
    f'echo "{MARK}self"; echo $$; for file in {" ".join(FILES)}; do '
    f'[ -r "$file" ] && echo "{MARK}$file" && cat "$file"; done 2>/dev/null; true'
)


def read(client: Any, groups: Iterable[Group]) -> tuple[PodFacts, ...]:
    """The facts about all pods of the groups.

    Raises:
        PreflightError: the cluster does not answer, or refuses to list pods.
    """
    kubelets: dict[str, Kubelet | None] = {}
    found = []
    for group in groups:
        for pod in pods_of(client, group):
            facts = pod_facts(group, pod)
            if facts.node not in kubelets:
                kubelets[facts.node] = _kubelet(client, facts.node)
            facts = replace(facts, kubelet=kubelets[facts.node])
            found.append(_looked_into(client, group, facts, rest_port(group, pod)))
    return tuple(found)


def pod_facts(group: Group, pod: Json) -> PodFacts:
    """What the API says of a pod. Pure."""
    spec, status = pod["spec"], pod.get("status") or {}
    return PodFacts(
        name=pod["metadata"]["name"],
        group=group.name,
        node=spec.get("nodeName", ""),
        phase="Terminating" if pod["metadata"].get("deletionTimestamp") else status.get("phase", "Unknown"),
        qos=status.get("qosClass", ""),
        serving=group.container,
        containers=(
            *(_container(one, init=True) for one in spec.get("initContainers") or ()),
            *(_container(one, init=False) for one in spec["containers"]),
        ),
    )


def rest_port(group: Group, pod: Json) -> int:
    """The port of REST in the pod, which its Service may map to another."""
    serving: Json = next((one for one in pod["spec"]["containers"] if one["name"] == group.container), {})
    ports = [one["containerPort"] for one in serving.get("ports") or () if "grpc" not in one.get("name", "")]
    return int(ports[0]) if ports else group.rest_port


def inside_of(text: str) -> Inside:
    """What the script printed, as values. Pure.

    Raises:
        ValueError: it lacks the processes or the cpuset.
    """
    files = dict(_sections(text))
    numa = {
        int(found[1]): parse_list(content.strip())
        for path, content in files.items()
        if (found := re.search(r"/node(\d+)/cpulist$", path))
    }
    threads = tuple(_threads(files))
    names = (
        f"{CGROUP}/cpuset.cpus.effective",
        f"{CGROUP}/cpuset/cpuset.effective_cpus",
        f"{CGROUP}/cpuset/cpuset.cpus",
    )
    cpuset = next((content.strip() for name in names if (content := files.get(name, "")).strip()), "")
    if not threads:
        raise ValueError("its processes cannot be seen")
    return Inside(
        # Where control groups are hidden, the mask of process 1 is what the cpuset leaves it.
        cpuset=parse_list(cpuset) if cpuset else frozenset().union(*threads),
        threads=threads,
        quota_cpus=_quota(files),
        numa=numa,
        pages=pages_by_node(files.get("/proc/1/numa_maps", "")),
    )


def _looked_into(client: Any, group: Group, pod: PodFacts, port: int) -> PodFacts:
    if pod.phase != "Running":
        return pod
    where = Container(group.namespace, pod.name, group.container)
    try:
        ran = pod_exec.run(client, where, ["sh", "-c", SCRIPT], timeout_s=EXEC_S)
        inside = inside_of(ran.output.decode(errors="replace"))
    except InferstackError as error:
        return replace(pod, unread=": ".join(filter(None, (error.message, error.why))))
    except ValueError as error:
        return replace(pod, unread=str(error))
    return replace(pod, inside=replace(inside, inference_threads=_inference_threads(client, group, pod.name, port)))


def _threads(files: Mapping[str, str]) -> Iterator[frozenset[int]]:
    """The CPUs of each thread, without those of the shell that reads them and what it has started."""
    shell = files.get("self", "").strip()
    for path, status in files.items():
        found = re.match(r"/proc/(\d+)/task/", path)
        cpus = re.search(r"^Cpus_allowed_list:\s*(\S+)", status, re.MULTILINE)
        parent = re.search(r"^PPid:\s*(\d+)", status, re.MULTILINE)
        if found and cpus and shell not in (found[1], parent[1] if parent else ""):
            yield parse_list(cpus[1])


def _quota(files: Mapping[str, str]) -> float | None:
    stated = files.get(f"{CGROUP}/cpu.max", "").split() or [
        files.get(f"{CGROUP}/cpu/cpu.cfs_{what}_us", "").strip() for what in ("quota", "period")
    ]
    numbers = [int(word) for word in stated if re.fullmatch(r"\d+", word)]
    return numbers[0] / numbers[1] if len(numbers) == 2 else None


def _sections(text: str) -> Iterator[tuple[str, str]]:
    for section in text.split(MARK)[1:]:
        path, _, content = section.partition("\n")
        yield path.strip(), content


def _container(one: Json, *, init: bool) -> ContainerFacts:
    resources = one.get("resources") or {}
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    # What is only limited requests just that: the API server fills it in, a template may leave it out.
    requests = {**limits, **requests}

    def stated(quantities: Json, name: str, read: Any) -> int | None:
        return read(quantities[name]) if name in quantities else None

    return ContainerFacts(
        name=one["name"],
        init=init,
        cpu_request=stated(requests, "cpu", millicpus),
        cpu_limit=stated(limits, "cpu", millicpus),
        memory_request_mib=stated(requests, "memory", mebibytes),
        memory_limit_mib=stated(limits, "memory", mebibytes),
    )


def _kubelet(client: Any, node: str) -> Kubelet | None:
    """What a node's kubelet does; None where it may not be asked."""
    from kubernetes.client import CoreV1Api

    def asked() -> bytes:
        answer = CoreV1Api(client).connect_get_node_proxy_with_path(
            node, "configz", _preload_content=False, _request_timeout=PATIENCE_S
        )
        content: bytes = answer.data
        return content

    config = _json(asked) if node else None
    return kubelet_of(config) if config else None


def _inference_threads(client: Any, group: Group, pod: str, port: int) -> int | None:
    """How many threads our own server says that OpenVINO infers with; None where another platform serves.

    Not asked through the API server's proxy: where that runs on no node of the cluster, the pods are closed to it.
    """

    def asked() -> bytes:
        connection = HTTPConnection(pod)
        with closing(connected(client, group.namespace, pod, port)) as connection.sock:
            connection.sock.settimeout(max(PATIENCE_S))
            connection.request("GET", f"/v2/models/{group.model}")
            return connection.getresponse().read()

    threads = ((_json(asked) or {}).get("parameters") or {}).get("threads")
    return threads if isinstance(threads, int) else None


def _json(ask: Callable[[], bytes]) -> Json | None:
    """The JSON object that is answered; None for any other answer, and for none."""
    from kubernetes.client import ApiException
    from urllib3.exceptions import HTTPError

    try:
        found = json.loads(ask())
    except (ApiException, HTTPError, HTTPException, InferstackError, OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
