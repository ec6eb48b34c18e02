"""The command that proves which CPUs instances and pods really have, and says what broke their pinning."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from schemas.errors import UsageError
from stack.cli.options import as_json, open_stack, stack_options
from stack.cli.terminal import print_json, wants_colour

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.serving.pinning import Verdict
    from components.serving.status import InstanceStatus
    from components.site import Site
    from stack.cli.clusters import OnCluster


@click.command()
@click.argument("group", required=False)
@stack_options
@as_json
def verify(group: str | None, stack: str | None, state_dir: str | None, as_json: bool) -> int:
    """Prove CPUs, NUMA node and threads of every instance or pod from inside. Exit code 1 when one is not as asked."""
    from stack.cli.clusters import on_cluster
    from stack.render.pinning_text import pinning_json, render_pinning

    site = open_stack(stack, state_dir)
    cluster = on_cluster(site)
    found = _in_pods(cluster, group) if cluster is not None else _here(site, group)
    idle = not found and not (cluster and cluster.groups)
    if as_json:
        print_json(pinning_json(found))
    else:
        click.echo(render_pinning(found, idle=idle, colour=wants_colour(sys.stdout)), nl=False)
    return 0 if idle or (found and all(one.ok for one in found)) else 1


def _in_pods(cluster: OnCluster, name: str | None) -> Sequence[Verdict]:
    """The verdicts on pods; all groups are read, so that pods that share CPUs are found."""
    from components.serving import pinning, pinning_reader

    _known(name, [group.name for group in cluster.groups])
    facts = pinning_reader.read(cluster.client(), cluster.groups)
    asked = {group.name: group.pinned for group in cluster.groups}
    return [one for one in pinning.judge(facts, asked=asked) if name in (None, one.group)]


def _here(site: Site, name: str | None) -> Sequence[Verdict]:
    """The verdicts on this machine's processes, which `status` looks at as well."""
    from components.serving import status

    found = status.read(site.run).instances
    _known(name, [one.group for one in found])
    return [_of_instance(one) for one in found if name in (None, one.group)]


def _of_instance(one: InstanceStatus) -> Verdict:
    from components.serving import binding
    from components.serving.pinning import Verdict

    seen = binding.verify(one.pid, one.cpus_wanted, one.memory_node) if one.pid else None
    cpus = tuple(sorted(seen.cpus or ())) if seen else ()
    return Verdict(
        pod=one.name,
        group=one.group,
        node="this machine",
        pinned=seen is not None and seen.ok and bool(cpus),
        cpus=cpus,
        numa_nodes=() if one.memory_node is None else (one.memory_node,),
        threads=None,
        facts=seen.words if seen else (),
        broken=one.wrong or (() if seen and seen.ok else ("it does not run",)),
    )


def _known(name: str | None, groups: Sequence[str]) -> None:
    if name is not None and name not in groups:
        raise UsageError(f"there is no serving group {name}", why=f"groups: {', '.join(sorted(set(groups))) or 'none'}")
