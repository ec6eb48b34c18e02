"""Commands about the machine: topology and doctor."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stack.cli.options import as_json
from stack.cli.terminal import print_json

if TYPE_CHECKING:
    from schemas.spec import KubernetesCluster


@click.command()
@click.option("--root", type=click.Path(path_type=Path), default=Path("/"), help="A recorded machine's folder.")
@click.option("--ascii", "plain", is_flag=True, help="Draw with ASCII only.")
@as_json
def topology(root: Path, plain: bool, as_json: bool) -> int:
    """Show sockets, NUMA nodes, cores, threads and caches, limited to what this process may use."""
    from components.cluster import picture
    from components.cluster import topology as machine

    found = machine.read(root)
    if as_json:
        print_json(machine.as_json(found))
    else:
        click.echo(picture.draw(found, ascii_only=plain), nl=False)
    return 0


@click.command()
@click.argument("spec", required=False, type=click.Path(path_type=Path))
@click.option("--install-pulumi", is_flag=True, help="Install Pulumi's command line, which clouds are applied with.")
@as_json
def doctor(spec: Path | None, install_pulumi: bool, as_json: bool) -> int:
    """Check what this machine has and lacks for serving; exit code 4 when something needed is missing.

    With a SPEC for a cluster that exists: what that cluster has and lacks. With one for GKE: what it is applied with.
    """
    from schemas.load import load
    from schemas.spec import GkeCluster, KubernetesCluster
    from stack.cli.checkup import check_cloud, check_machine

    if install_pulumi:
        from stack.engines.pulumi.command import install

        installed = install(os.environ)
        click.echo(f"Pulumi {installed.version}: {installed.command}")
        return 0
    said = None if spec is None else load(spec, environ=os.environ).spec
    if said is not None and isinstance(said.cluster, KubernetesCluster):
        return _cluster(said.cluster, said.name, as_json=as_json)
    in_cloud = said is not None and isinstance(said.cluster, GkeCluster)
    findings = check_cloud(os.environ) if in_cloud else check_machine(os.environ)
    if as_json:
        print_json([{"check": f.check, "state": f.state, "found": f.found, "remedy": f.remedy} for f in findings])
    else:
        width = max(len(f.check) for f in findings)
        for f in findings:
            click.echo(f"{f.state:5} {f.check:{width}}  {f.found}")
            if f.remedy:
                click.echo(f"{'':5} {'':{width}}  do: {f.remedy}")
    return 4 if any(f.state == "fail" for f in findings) else 0


def _cluster(cluster: KubernetesCluster, stack: str, *, as_json: bool) -> int:
    """Print what a cluster is for a stack."""
    from components.cluster.nodes_reader import Client, read_cluster
    from components.cluster.preflight import cluster_json, describe_cluster
    from components.extensions.planning import installed_by_others

    facts = read_cluster(Client(cluster.kubeconfig or "", cluster.context or ""), stack=stack)
    installed = installed_by_others(facts.deployments, facts.kinds, ())
    if as_json:
        print_json(cluster_json(facts, installed))
    else:
        click.echo("\n".join(describe_cluster(facts, installed)))
    return 0
