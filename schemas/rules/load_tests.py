"""Who makes the load of a benchmark, and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from schemas.rules.registry import Violation, rule
from schemas.spec import Benchmark, GkeCluster, LocalCluster, NodePool, Spec
from schemas.suggest import did_you_mean
from schemas.tree import Tree

LOAD_TAINT: Final = "loadtester"
LOAD_POOL: Final = "loadtest"

OPEN: Final = frozenset({"builtin", "vegeta", "ghz"})
CLOSED: Final = frozenset({"builtin", "hey", "wrk", "ghz", "locust"})
ON_CLUSTERS: Final = frozenset({"builtin", "vegeta", "ghz", "locust"})
CONNECTIONS: Final = frozenset({"builtin", "vegeta", "wrk", "ghz"})

# Fields of a benchmark that only mean something where the load is a Job.
OF_JOBS: Final[Mapping[str, str]] = {
    "image": "image",
    "workers": "workers",
    "nodePool": "node_pool",
    "nodeSelector": "node_selector",
    "tolerations": "tolerations",
    "clientCores": "client_cores",
}


def load_pool(spec: Spec, benchmark: Benchmark) -> NodePool | None:
    """The node pool of a benchmark's load: the one it names, else the one named loadtest, else one tainted for load.

    None where the cluster's nodes are not the stack's, or no pool is meant for load.
    """
    if not isinstance(spec.cluster, GkeCluster):
        return None
    pools = spec.cluster.node_pools
    if benchmark.node_pool is not None:
        return next((pool for pool in pools if pool.name == benchmark.node_pool), None)
    named = [pool for pool in pools if pool.name == LOAD_POOL]
    tainted = [pool for pool in pools if any(taint.key == LOAD_TAINT for taint in pool.taints)]
    return next(iter((*named, *tainted)), None)


@rule("LOAD001")
def tools_make_the_loads_they_can(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A tool makes the load that it is asked for.

    Why: hey, wrk and Locust have clients that wait for their answers; vegeta sends at a constant rate; ghz does either,
        at whole rates. Only the built-in generator sends Poisson arrivals.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits}]
        benchmarks: [{name: steady, targets: [one], tool: wrk, load: {rate: 50/s}}]
    Remedy: Write `clients` for hey, wrk and locust, `rate` for vegeta, or delete `tool`.
    """
    for benchmark in spec.benchmarks:
        tool = benchmark.tool
        for load in benchmark.load:
            if load.rate_per_s is not None and tool not in OPEN:
                remedy = "Write `clients: N`, or use vegeta (REST), ghz (gRPC) or the built-in generator for a rate."
                yield Violation(f"{load.at}.rate", f"{tool} sends at no rate of its own", remedy=remedy, key=True)
            if load.clients is not None and tool not in CLOSED:
                remedy = "Write `rate: N/s`, or use hey, wrk, locust or the built-in generator for clients that wait."
                yield Violation(f"{load.at}.clients", f"{tool} has no clients that wait", remedy=remedy, key=True)
            if load.arrivals == "poisson" and tool != "builtin":
                remedy = "Delete `arrivals`, or delete `tool`: the built-in generator sends Poisson arrivals."
                yield Violation(f"{load.at}.arrivals", f"{tool} sends at equal distances only", remedy=remedy)
            if tool == "ghz" and load.rate_per_s is not None and not load.rate_per_s.is_integer():
                yield Violation(
                    f"{load.at}.rate", "ghz takes whole rates only", remedy="Write a whole number a second."
                )


@rule("LOAD002")
def tools_speak_the_protocol(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A tool speaks the protocol of the targets.

    Why: ghz speaks gRPC and nothing else; hey, wrk, vegeta and Locust speak HTTP and no gRPC.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits, protocol: grpc}]
        benchmarks: [{name: steady, targets: [one], tool: vegeta, load: {rate: 50/s}}]
    Remedy: Write a `protocol` that the tool speaks into the benchmark, or delete `tool`: the built-in generator speaks
        all of them.
    """
    protocols = {group.name: group.protocol for group in spec.serving}
    for benchmark in spec.benchmarks:
        if benchmark.tool == "builtin":
            continue
        for index, target in enumerate(benchmark.targets):
            protocol = benchmark.protocol or protocols.get(target)
            if protocol is not None and (protocol == "grpc") != (benchmark.tool == "ghz"):
                at = f"{benchmark.at}.protocol" if benchmark.protocol else f"{benchmark.at}.targets.{index}"
                yield Violation(at, f"{benchmark.tool} does not speak {protocol}, the protocol of `{target}`")


@rule("LOAD003")
def tools_are_where_the_load_is(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """hey and wrk make load on this machine only.

    Why: There are no images of them that this program could vouch for; vegeta, ghz, Locust and the built-in generator
        run as Jobs.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms}]
        benchmarks: [{name: most, targets: [one], tool: wrk, load: {clients: 4}}]
    Remedy: Write `tool: locust`, or delete `tool`.
    """
    if isinstance(spec.cluster, LocalCluster):
        return
    for benchmark in spec.benchmarks:
        if benchmark.tool not in ON_CLUSTERS:
            yield Violation(f"{benchmark.at}.tool", f"{benchmark.tool} does not run on a cluster")


@rule("LOAD004")
def tools_measure_no_accuracy(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Accuracy is measured by the built-in generator only.

    Why: Other tools look at the status of an answer, and throw the answer away.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits}]
        benchmarks:
          - {name: steady, targets: [one], tool: wrk, load: {clients: 4}, data: x.npz, objective: {accuracy: 90%}}
    Remedy: Delete `tool`, or measure accuracy in a benchmark of its own.
    """
    for benchmark in spec.benchmarks:
        if benchmark.tool != "builtin" and benchmark.objective and benchmark.objective.accuracy is not None:
            yield Violation(f"{benchmark.at}.objective.accuracy", f"{benchmark.tool} does not look into answers")


@rule("LOAD005")
def fields_of_jobs_stand_with_clusters(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """What places a load generator's pod stands with a cluster; `workers` with Locust, `connections` where they count.

    Why: On this machine the load generator is a process, on cores that no target uses. Only Locust spreads its users
        over several pods, and it and hey have as many connections as clients.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits}]
        benchmarks: [{name: steady, targets: [one], load: {rate: 50/s}, clientCores: 2}]
    Remedy: Delete the key.
    """
    for benchmark in spec.benchmarks:
        if isinstance(spec.cluster, LocalCluster):
            for key in OF_JOBS:
                if tree.has(f"{benchmark.at}.{key}"):
                    yield Violation(f"{benchmark.at}.{key}", f"`{key}` does nothing on this machine", key=True)
        elif benchmark.workers is not None and benchmark.tool != "locust":
            yield Violation(f"{benchmark.at}.workers", f"{benchmark.tool} has no workers", key=True)
        elif benchmark.image is not None and benchmark.tool == "builtin":
            remedy = "Delete it: the built-in generator runs in the image of this program."
            yield Violation(
                f"{benchmark.at}.image", "the built-in generator has no image of its own", remedy=remedy, key=True
            )
        for load in benchmark.load:
            if load.connections is not None and benchmark.tool not in CONNECTIONS:
                message = f"`connections` does nothing with {benchmark.tool}"
                yield Violation(f"{load.at}.connections", message, key=True)


@rule("LOAD006")
def load_has_nodes(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """On GKE the load has a node pool: the one it names, one named loadtest, or one tainted `loadtester`.

    Why: A load generator on the nodes of what it measures takes cores, caches and memory from it. On other clusters
        pools have no names; labels and taints of nodes say where the load goes.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools: [{name: serving, machineType: n2-standard-8}]
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms}]
        benchmarks: [{name: steady, targets: [one], load: {rate: 50/s}}]
    Remedy: Add `{name: loadtest, machineType: n2-standard-8, taints: [{key: loadtester, value: active}]}` to
        `cluster.nodePools`.
    """
    for benchmark in spec.benchmarks:
        if isinstance(spec.cluster, GkeCluster):
            if load_pool(spec, benchmark) is not None:
                continue
            known = [pool.name for pool in spec.cluster.node_pools]
            if benchmark.node_pool is None:
                yield Violation(benchmark.at, f"no node pool is meant for the load of `{benchmark.name}`")
            else:
                message = f"there is no node pool `{benchmark.node_pool}`{did_you_mean(benchmark.node_pool, known)}"
                yield Violation(f"{benchmark.at}.nodePool", message)
        elif benchmark.node_pool is not None and not isinstance(spec.cluster, LocalCluster):
            remedy = "Write `nodeSelector` with labels of the nodes for load, and `tolerations` for their taints."
            yield Violation(
                f"{benchmark.at}.nodePool", "this cluster's pools have no names here", remedy=remedy, key=True
            )


@rule("LOAD007")
def load_and_targets_keep_apart(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A benchmark's load keeps off the node pool of its targets where there is another pool for it.

    Why: A load generator on the nodes of what it measures takes cores, caches and memory from it.
    Example:
        cluster:
          provider: gke
          project: my-project
          location: europe-west4-a
          nodePools:
            - {name: serving, machineType: n2-standard-8}
            - {name: loadtest, machineType: n2-standard-8}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms, nodePool: serving}]
        benchmarks: [{name: steady, targets: [one], load: {rate: 50/s}, nodePool: serving}]
    Remedy: Name another pool for the load, or let the targets name another one.
    """
    if not isinstance(spec.cluster, GkeCluster):
        return
    pools = [pool.name for pool in spec.cluster.node_pools]
    groups = {group.name: group for group in spec.serving}
    for benchmark in spec.benchmarks:
        pool = load_pool(spec, benchmark)
        if pool is None or len(pools) < 2:
            continue
        for target in benchmark.targets:
            if target in groups and (groups[target].node_pool or pools[0]) == pool.name:
                at = f"{benchmark.at}.nodePool" if benchmark.node_pool else benchmark.at
                yield Violation(at, f"the load of `{benchmark.name}` and `{target}` share the node pool `{pool.name}`")
                break
