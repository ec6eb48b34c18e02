"""Commands about the resources themselves: graph and state."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from components.site import Site
from schemas.errors import UsageError
from stack.cli.confirm import confirm
from stack.cli.options import as_json, here_workspace, open_spec, open_stack, spec_argument, stack_options, yes
from stack.cli.terminal import print_json, write_file


@click.command()
@spec_argument
@click.option("--stack", metavar="NAME", help="Draw a stack that is up instead of a spec.")
@click.option("--format", "form", type=click.Choice(["mermaid", "dot"]), default="mermaid", show_default=True)
def graph(spec: Path | None, sets: tuple[str, ...], state_dir: str | None, stack: str | None, form: str) -> int:
    """Draw the resources of a spec, or of a stack that is up, and what needs what.

    \b
    inferstack graph environments/local.yaml --format dot | dot -Tsvg > stack.svg
    """
    from stack.cli.deploy import engine_of
    from stack.program import build
    from stack.render import graph as drawing

    if stack is not None:
        nodes = drawing.of_deployment(engine_of(open_stack(stack, state_dir)).export(show_secrets=True))
    else:
        opened = open_spec(spec, sets, state_dir)
        program = build(opened.loaded, opened.site)
        nodes = drawing.of_plan(engine_of(opened.site).preview(program.run, program.origins))
    click.echo(drawing.dot(nodes) if form == "dot" else drawing.mermaid(nodes), nl=False)
    return 0


@click.group()
def state() -> None:
    """List, show, export or import the stack's state: a Pulumi deployment, version 3."""


@state.command("list")
@stack_options
@as_json
def list_resources(stack: str | None, state_dir: str | None, as_json: bool) -> int:
    """List the resources of the state, each after those it needs."""
    from stack.cli.deploy import engine_of

    site = open_stack(stack, state_dir)
    records = engine_of(site).resources()
    if not records:
        raise _no_state(site)
    if as_json:
        print_json([{"urn": r.urn, "type": r.type, "id": r.id} for r in records])
    else:
        for record in records:
            click.echo(record.urn)
    return 0


@state.command("show")
@click.argument("name")
@stack_options
def show_resource(name: str, stack: str | None, state_dir: str | None) -> int:
    """Show one resource of the state: by its name or URN, secrets masked."""
    import difflib

    from stack.cli.deploy import engine_of

    records = engine_of(open_stack(stack, state_dir)).resources()
    found = [record for record in records if name in (record.urn, record.name)]
    if not found:
        near = difflib.get_close_matches(name, [record.name for record in records], 3)
        raise UsageError(
            f"no resource `{name}` in the state",
            remedy=f"did you mean {' or '.join(near)}?" if near else "inferstack state list",
        )
    print_json(
        [
            {"urn": r.urn, "type": r.type, "id": r.id, "inputs": _masked(r.inputs), "outputs": _masked(r.outputs)}
            for r in found
        ]
    )
    return 0


def _masked(value: Any) -> Any:
    """A value of the state for reading: secrets masked, pickled providers left out."""
    from stack.engines.values import PROVIDER_KEY, Secret

    match value:
        case Secret():
            return "[secret]"
        case dict():
            return {key: _masked(item) for key, item in value.items() if key != PROVIDER_KEY}
        case list():
            return [_masked(item) for item in value]
        case _:
            return value


@state.command("export")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The file; standard output when absent.")
@click.option("--show-secrets", is_flag=True, help="Write secrets as plain text.")
@stack_options
def export_state(out: Path | None, show_secrets: bool, stack: str | None, state_dir: str | None) -> int:
    """Write the state as `pulumi stack import` takes it.

    Secrets stay encrypted: Pulumi opens them with INFERSTACK_PASSPHRASE as its PULUMI_CONFIG_PASSPHRASE, or with the
    key that is named.
    """
    from stack.cli.deploy import engine_of

    site = open_stack(stack, state_dir)
    exported = engine_of(site).export(show_secrets=show_secrets)
    if not exported["deployment"].get("resources"):
        raise _no_state(site)
    text = json.dumps(exported, indent=2) + "\n"
    if out is None:
        click.echo(text, nl=False)
    else:
        write_file(out, text, private=True)
        click.echo(f"wrote {out} ({len(exported['deployment'].get('resources') or ())} resources)", err=True)
    keeper = exported["deployment"].get("secrets_providers") or {}
    if not show_secrets and keeper.get("type") == "passphrase" and (key := _key_of(site)):
        click.echo(f"Pulumi opens its secrets with PULUMI_CONFIG_PASSPHRASE_FILE={key}", err=True)
    return 0


def _key_of(site: Site) -> Path | None:
    """The file with the passphrase of a stack's secrets, where nobody has chosen one."""
    from stack.engines.choice import FOLDER, keeper_of
    from stack.engines.secrets import passphrase_from
    from stack.engines.store import KEY

    key = (site.state / FOLDER if keeper_of(site) == "pulumi" else site.state) / KEY
    return key if passphrase_from(os.environ) is None and key.exists() else None


def _no_state(site: Site) -> UsageError:
    return UsageError(f"{site.stack} has no state", why="nothing of it is up", remedy="inferstack up SPEC")


@state.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--stack", metavar="NAME", required=True, help="The stack to import into; it is made when there is none.")
@click.option("--state-dir", metavar="FOLDER", help="The state folder.")
def import_state(file: Path, stack: str, state_dir: str | None) -> int:
    """Replace the state by a deployment that `pulumi stack export` or `state export` wrote."""
    from stack.cli.deploy import engine_of

    site = here_workspace(state_dir).site(stack)
    try:
        data = json.loads(sys.stdin.read() if str(file) == "-" else file.read_text())
    except OSError as error:
        raise UsageError(f"{file} cannot be read", why=error.strerror or str(error)) from error
    except ValueError as error:
        raise UsageError(f"{file} is no deployment", why=f"it is not JSON: {error}") from error
    count = engine_of(site).import_(data)
    click.echo(f"imported {count} resources into {stack}")
    return 0


@state.command("forget-cluster")
@stack_options
@yes
def forget_cluster(stack: str | None, state_dir: str | None, yes: bool) -> int:
    """Drop what was on a cluster that is gone for good: nothing is deleted, `up` makes it anew.

    A cluster counts as gone when it does not answer, or when the kubeconfig means another one by now.
    """
    from stack.engines.choice import embedded

    engine = embedded(open_stack(stack, state_dir), os.environ)
    lost = engine.forget_clusters(dry_run=True)
    if not lost:
        click.echo("Every cluster of this stack is there: nothing to forget.")
        return 0
    for subject in lost:
        click.echo(f"  {subject.name} ({subject.type})")
    confirm(f"Forget these {len(lost)} resources?", assume_yes=yes)
    engine.forget_clusters()
    click.echo("Forgotten; `inferstack up` makes them where the kubeconfig points now.")
    return 0


@state.command("move")
@click.option("--to", required=True, type=click.Choice(["embedded", "pulumi"]), help="The engine that gets the state.")
@stack_options
def move_state(to: str, stack: str | None, state_dir: str | None) -> int:
    """Hand a stack's state over to the other engine. Nothing is made or deleted; the old state is put aside."""
    from stack.engines.choice import hand_over

    site = open_stack(stack, state_dir)
    count = hand_over(site, os.environ, "pulumi" if to == "pulumi" else "embedded")
    click.echo(f"moved {count} resources of {site.stack} to the {to} engine")
    return 0
