"""Commands that watch what runs: status, outputs, logs, predict, models. They read; none of them changes anything."""

from __future__ import annotations

import sys
import threading
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from components.site import Site
from schemas.errors import StoppedError, UsageError
from stack.cli.options import as_json, here_workspace, open_stack, stack_options, state_dir
from stack.cli.terminal import print_json, wants_colour

if TYPE_CHECKING:
    from stack.cli.clusters import OnCluster


@click.command()
@stack_options
@as_json
def status(stack: str | None, state_dir: str | None, as_json: bool) -> int:
    """Show every instance or pod: ready, cores, model, memory. Exit code 1 when one is not as asked."""
    from components.serving import status as live
    from stack.cli.clusters import on_cluster
    from stack.render.status_text import healthy, render_status, status_json

    site = open_stack(stack, state_dir)
    if (cluster := on_cluster(site)) is not None:
        return _pods(cluster, as_json=as_json)
    found = live.read(site.run)
    if as_json:
        print_json(status_json(found))
    else:
        click.echo(render_status(found, colour=wants_colour(sys.stdout)), nl=False)
    return 0 if healthy(found) else 1


def _pods(cluster: OnCluster, *, as_json: bool) -> int:
    from stack.render.pods_text import all_ready, pods_json, render_pods

    found = cluster.pods()
    if as_json:
        print_json(pods_json(found))
    else:
        click.echo(render_pods(cluster.groups, found, datetime.now(UTC), colour=wants_colour(sys.stdout)), nl=False)
    return 0 if all_ready(cluster.groups, found) else 1


@click.command()
@click.argument("name", required=False)
@stack_options
@as_json
def outputs(name: str | None, stack: str | None, state_dir: str | None, as_json: bool) -> int:
    """Print the stack's outputs, or the one called NAME: endpoints, model digests, what benchmarks found."""
    from stack.cli.deploy import engine_of

    found = engine_of(open_stack(stack, state_dir)).outputs()
    if name is not None:
        if name not in found:
            raise UsageError(f"there is no output `{name}`", why=f"outputs: {', '.join(sorted(found)) or 'none'}")
        found = {name: found[name]}
    if as_json:
        print_json(found[name] if name is not None else found)
        return 0
    for key, value in sorted(found.items()):
        click.echo(f"{key}:")
        for line in _lines(value):
            click.echo(f"  {line}")
    return 0


def _lines(value: object) -> list[str]:
    """An output of the program for reading: mappings by key, lists one item a line."""
    match value:
        case dict():
            return [line for key, item in sorted(value.items()) for line in _keyed(str(key), _lines(item))]
        case list():
            return [str(item) for item in value]
        case _:
            return [str(value)]


def _keyed(key: str, lines: list[str]) -> list[str]:
    return [f"{key}: {lines[0]}"] if len(lines) == 1 else [f"{key}:", *(f"  {line}" for line in lines)]


@click.command()
@click.argument("name")
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines as they come, until Ctrl-C (exit code 130).")
@click.option(
    "-n", "--lines", default=50, show_default=True, type=click.IntRange(0), help="How many lines to begin with."
)
@stack_options
def logs(name: str, follow: bool, lines: int, stack: str | None, state_dir: str | None) -> int:
    """Print the log of NAME: an instance, a pod, a serving group, or `supervisord`."""
    try:
        _print_logs(open_stack(stack, state_dir), name, lines, follow=follow)
    except KeyboardInterrupt:
        if not follow:
            raise
        return StoppedError.exit_code  # Ctrl-C is how following ends, and nothing to be told.
    return 0


def _print_logs(site: Site, name: str, lines: int, *, follow: bool) -> None:
    from components.serving import supervision, supervision_logs
    from stack.cli.clusters import on_cluster

    if (cluster := on_cluster(site)) is not None:
        _pod_logs(cluster, name, lines, follow=follow)
        return
    run = site.run
    groups: dict[str, list[str]] = {}
    for instance, _ in supervision.known(run):
        groups.setdefault(instance.group, []).append(instance.name)
    found = supervision_logs.find(run, name, dict(groups))
    for log in found:
        for line in supervision_logs.tail(log, lines):
            _say(log.name, line, several=len(found) > 1)
    if follow:
        for who, line in supervision_logs.follow(found, threading.Event().wait):
            _say(who, line, several=len(found) > 1)


def _pod_logs(cluster: OnCluster, name: str, lines: int, *, follow: bool) -> None:
    from components.serving.pods import live

    pods = cluster.pods(name)
    if follow and len(pods) > 1:
        raise UsageError(f"{name} has {len(pods)} pods", remedy=f"inferstack logs -f {pods[0].name}")
    for pod in pods:
        group = cluster.group(pod.group)
        for line in live.log(cluster.client(), group, pod.name, lines, follow=follow):
            _say(pod.name, line, several=len(pods) > 1)


def _say(name: str, line: str, *, several: bool) -> None:
    click.echo(f"{name} | {line}" if several else line)


@click.command()
@click.argument("name")
@click.option(
    "--data", required=True, metavar="FILE|-|JSON", help="An .npz, .npy or .json, - for standard input, or JSON."
)
@click.option("--row", "rows", multiple=True, type=click.IntRange(0), help="Which row of the data; may be repeated.")
@click.option("--all", "every", is_flag=True, help="Every row of the data.")
@click.option(
    "--protocol",
    type=click.Choice(["v1", "v2", "v2-binary", "grpc"]),
    default="v2",
    show_default=True,
    help="Protocol.",
)
@stack_options
@as_json
def predict(
    name: str,
    data: str,
    rows: tuple[int, ...],
    every: bool,
    protocol: str,
    stack: str | None,
    state_dir: str | None,
    as_json: bool,
) -> int:
    """Send predictions to NAME, a serving group, an instance or a pod. Without --row or --all: the first row.

    \b
    inferstack predict digits-latency --data holdout.npz --row 3
    inferstack predict digits-latency --data '[[0.1, 0.2]]'
    """
    from components.serving import predict as client
    from stack.cli.clusters import on_cluster
    from stack.render.prediction_text import predictions_json, render_predictions

    if every and rows:
        raise UsageError("--all and --row exclude each other", remedy="leave one of them out")
    site = open_stack(stack, state_dir)
    cluster = on_cluster(site)
    reached = cluster.endpoints(name, protocol) if cluster else nullcontext(client.endpoints(site.run, name))
    with reached as targets:
        given = client.read_data(data, sys.stdin, client.inputs_of(targets[0]))
        chosen = range(given.rows) if every else rows or (0,)
        found = client.predict(targets, given, protocol, chosen)  # type: ignore[arg-type]  # click checked the choice
    if as_json:
        print_json(predictions_json(found))
    else:
        click.echo(render_predictions(found), nl=False)
    return 0


@click.command()
@state_dir
@as_json
def models(state_dir: str | None, as_json: bool) -> int:
    """List the model store: sizes, precisions, digests, accuracy."""
    from components.models.store import list_models
    from stack.render.models_text import models_json, render_models

    found = list_models(here_workspace(state_dir).folder / "store" / "models")
    if as_json:
        print_json(models_json(found))
    else:
        click.echo(render_models(found, home=Path.cwd()), nl=False)
    return 0
