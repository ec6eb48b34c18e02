"""How requests are spread over serving groups, and how they are kept secret on the way."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.rules.registry import Violation, rule
from schemas.spec import GkeCluster, LocalCluster, Serving, Spec, Traffic
from schemas.suggest import listed
from schemas.tree import Tree


def targets_of(traffic: Traffic, spec: Spec) -> tuple[Serving, ...]:
    """The serving groups of a split that exist, in its order."""
    groups = {group.name: group for group in spec.serving}
    return tuple(groups[name] for name in traffic.split if name in groups)


@rule("TRAFFIC001")
def shares_make_a_whole(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """The shares of a traffic split are 100 together.

    Why: They are percentages of all requests.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits}, {name: two, model: digits}]
        traffic: [{name: all, split: {one: 80, two: 30}}]
    Remedy: Change them until they are 100 together; 0 is allowed.
    """
    for traffic in spec.traffic:
        total = sum(traffic.split.values())
        if total != 100:
            yield Violation(f"{traffic.at}.split", f"the shares of `{traffic.name}` are {total} together, not 100")


@rule("TRAFFIC002")
def traffic_is_spread_on_clusters(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Traffic is spread on clusters.

    Why: Gateways and meshes that spread requests run on Kubernetes; on this machine nothing stands before the groups.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits}, {name: two, model: digits}]
        traffic: [{name: all, split: {one: 80, two: 20}}]
    Remedy: Delete `traffic`; clients call each group by its own address (`inferstack outputs`).
    """
    if isinstance(spec.cluster, LocalCluster):
        for traffic in spec.traffic:
            yield Violation(traffic.at, f"nothing on this machine spreads the traffic of `{traffic.name}`")


@rule("TRAFFIC003")
def targets_answer_alike(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """All groups of a split serve the same model by the same protocol.

    Why: A client knows neither which group answers nor that there are several: path and format of its request must be
        right for each.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving:
          - {name: one, model: digits, platform: ovms, protocol: v1}
          - {name: two, model: digits, platform: ovms, protocol: v2}
        traffic: [{name: all, split: {one: 80, two: 20}, gatewayClass: istio}]
    Remedy: Give the groups one protocol and one model, or spread their requests separately.
    """
    for traffic in spec.traffic:
        targets = targets_of(traffic, spec)
        for what, values in (
            ("models", {group.model for group in targets}),
            ("protocols", {group.protocol for group in targets}),
        ):
            if len(values) > 1:
                yield Violation(f"{traffic.at}.split", f"the groups have different {what}: {listed(sorted(values))}")


@rule("TRAFFIC004")
def a_split_has_one_gateway(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Requests enter by one gateway: one that exists, or one that is made of a class.

    Why: The Gateway API leaves the load balancer to a class, such as istio, or gke-l7-global-external-managed and
        gke-l7-rilb on GKE: which one there is, and whether the whole world may reach it, nobody can guess.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms}]
        traffic: [{name: all, split: {one: 100}}]
    Remedy: Write `gatewayClass`, or `gateway: NAMESPACE/NAME`, with `via: gateway`.
    """
    for traffic in spec.traffic:
        match traffic.via, traffic.gateway_class, traffic.gateway:
            case "gateway", None, None if not isinstance(spec.cluster, LocalCluster):
                yield Violation(traffic.at, f"`{traffic.name}` names neither `gatewayClass` nor `gateway`")
            case "gateway", str(), str():
                yield Violation(f"{traffic.at}.gatewayClass", "a gateway that exists has a class already", key=True)
            case (("istio" | "platform"), str(), _):
                yield Violation(f"{traffic.at}.gatewayClass", f"`via: {traffic.via}` makes no such gateway", key=True)
            case _:
                pass


@rule("TRAFFIC005")
def certificates_come_from_somewhere(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A certificate is made by an issuer for host names, or lies in a Secret, and belongs to a gateway that is made.

    Why: cert-manager makes certificates for names only; a gateway that exists has its own.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms}]
        traffic: [{name: all, split: {one: 100}, gatewayClass: istio, tls: {issuer: letsencrypt}}]
    Remedy: Write `hostnames` and `tls: {issuer: NAME}`, or `tls: {secret: NAME}`; without `gateway` beside it.
    """
    for traffic in spec.traffic:
        tls, at = traffic.tls, f"{traffic.at}.tls"
        if tls is None:
            continue
        if traffic.gateway is not None:
            yield Violation(at, "the certificate is that of a gateway which is not made here", key=True)
        elif tls.issuer is None and tls.secret is None:
            yield Violation(at, "neither `issuer` nor `secret` is given", key=True)
        elif tls.issuer is not None and not traffic.hostnames:
            yield Violation(f"{at}.issuer", "there are no `hostnames` to make a certificate for")
        elif tls.issuer is None and tree.has(f"{at}.kind"):
            yield Violation(f"{at}.kind", "`kind` without `issuer`", key=True)


@rule("TRAFFIC006")
def platforms_split_their_own(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`via: platform` joins groups of Seldon Core, each in one split, under at most one host name.

    Why: The groups become predictors of one SeldonDeployment, and Seldon routes to them through Istio by its own path.
        No other platform splits requests between groups; KServe splits those of one group between its revisions.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: kserve}]
        traffic: [{name: all, via: platform, split: {one: 100}}]
    Remedy: Use `via: gateway` or `via: istio`; for a new revision of a KServe group, its own `canary`.
    """
    taken: dict[str, str] = {}
    for traffic in spec.traffic:
        if traffic.via != "platform":
            continue
        for group in targets_of(traffic, spec):
            at = f"{traffic.at}.split.{group.name}"
            if group.platform != "seldon":
                yield Violation(at, f"platform {group.platform} does not split requests", key=True)
            elif group.name in taken:
                yield Violation(at, f"`{group.name}` is split by `{taken[group.name]}` already", key=True)
            taken[group.name] = traffic.name
        if len(traffic.hostnames) > 1:
            yield Violation(f"{traffic.at}.hostnames", "Seldon Core knows one host name only")
        if tree.has(f"{traffic.at}.path"):
            yield Violation(f"{traffic.at}.path", "Seldon Core chooses the path itself", key=True)


@rule("TRAFFIC007")
def mutual_tls_has_a_proxy_at_both_ends(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Mutual TLS is Istio's, and every target has its proxy.

    Why: The proxies make and check the certificates. A pod without one answers in plain text, and would refuse nobody.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms}]
        traffic: [{name: all, split: {one: 100}, via: istio, mtls: true}]
    Remedy: Write `via: istio`, and `mesh: true` with `exclusive: false` in the groups; or delete `mtls`.
    """
    for traffic in spec.traffic:
        if not traffic.mtls:
            continue
        if traffic.via != "istio":
            yield Violation(f"{traffic.at}.mtls", f"`via: {traffic.via}` knows no mutual TLS", key=True)
        for group in targets_of(traffic, spec):
            if not group.mesh:
                yield Violation(f"{traffic.at}.mtls", f"the pods of `{group.name}` have no proxy", key=True)


@rule("TRAFFIC008")
def proxies_stand_beside_shared_cores_only(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`mesh` stands in groups on a cluster that share their cores.

    Why: Istio's proxy requests less than it is limited to, which takes the exclusive cores of the whole pod away.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms, mesh: true}]
    Remedy: Add `exclusive: false`, or delete `mesh`.
    """
    for group in spec.serving:
        if group.mesh and isinstance(spec.cluster, LocalCluster):
            yield Violation(f"{group.at}.mesh", "there is no mesh on this machine", remedy="Delete `mesh`.", key=True)
        elif group.mesh and group.exclusive:
            yield Violation(f"{group.at}.mesh", f"`{group.name}` has cores of its own", key=True)


@rule("TRAFFIC009")
def grpc_is_spread_where_it_can_be(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """gRPC is spread without a path, and not by GKE's gateways.

    Why: The path of a gRPC request is the name of its method; GKE's classes know HTTPRoutes alone.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms, protocol: grpc}]
        traffic: [{name: all, split: {one: 100}, gatewayClass: istio, path: /digits}]
    Remedy: Tell splits of gRPC apart by `hostnames`, and use `via: istio` on GKE.
    """
    for traffic in spec.traffic:
        if not any(group.protocol == "grpc" for group in targets_of(traffic, spec)):
            continue
        if traffic.path != "/":
            yield Violation(f"{traffic.at}.path", "gRPC has paths of its own", key=True)
        of_gke = isinstance(spec.cluster, GkeCluster) and (traffic.gateway_class or "gke-").startswith("gke-")
        if traffic.via == "gateway" and of_gke:
            yield Violation(f"{traffic.at}.split", f"GKE's gateways do not spread the gRPC of `{traffic.name}`")


@rule("TRAFFIC010")
def splits_have_names_of_their_own(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A traffic split is named otherwise than every serving group.

    Why: Routes and groups become objects of the same kinds in one namespace: Seldon Core names its routes after groups.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms}]
        traffic: [{name: one, split: {one: 100}, gatewayClass: istio}]
    Remedy: Rename the split.
    """
    groups = {group.name for group in spec.serving}
    for traffic in spec.traffic:
        if traffic.name in groups:
            at = f"{traffic.at}.name" if tree.has(f"{traffic.at}.name") else traffic.at
            yield Violation(at, f"`{traffic.name}` is a serving group as well")


@rule("TRAFFIC011")
def benchmarks_can_call_their_targets(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """No benchmark measures a group that takes mutual TLS only.

    Why: The load comes from pods without a proxy, and the group's proxies would refuse all of it.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms, exclusive: false, mesh: true}]
        traffic: [{name: all, split: {one: 100}, via: istio, mtls: true}]
        benchmarks: [{name: steady, targets: [one], load: {rate: 50/s}}]
    Remedy: Measure a group of the same shape that no split with `mtls` leads to.
    """
    guarded = {name: traffic.name for traffic in spec.traffic if traffic.mtls for name in traffic.split}
    for benchmark in spec.benchmarks:
        for index, name in enumerate(benchmark.targets):
            if name in guarded:
                message = f"`{name}` takes mutual TLS only, by the traffic of `{guarded[name]}`"
                yield Violation(f"{benchmark.at}.targets.{index}", message)


@rule("TRAFFIC012")
def a_port_is_that_of_a_gateway_which_is_made(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`port` stands where a gateway is made.

    Why: A gateway that exists listens where it does already.
    Example:
        cluster: {provider: kubernetes}
        models: [{name: digits, source: gs://models/digits}]
        serving: [{name: one, model: digits, platform: ovms}]
        traffic: [{name: all, split: {one: 100}, gateway: shared/public, port: 8000}]
    Remedy: Delete `port`, or write `gatewayClass` instead of `gateway`.
    """
    for traffic in spec.traffic:
        if traffic.port is not None and traffic.gateway is not None:
            yield Violation(f"{traffic.at}.port", f"`{traffic.name}` makes no gateway", key=True)
