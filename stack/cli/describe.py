"""Commands about the spec as a text: init, validate, render, schema, explain, completion. None of them needs Pulumi."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from schemas.errors import UsageError
from schemas.words import counted
from stack.cli.options import DEFAULT_SPEC, as_json, open_spec, spec_argument
from stack.cli.terminal import make_folder, print_json, wants_colour, write_file


@click.command()
@spec_argument
@as_json
def validate(spec: Path | None, sets: tuple[str, ...], state_dir: str | None, as_json: bool) -> int:
    """Check a spec; say all that is wrong with it at once."""
    from schemas.errors import SpecError

    try:
        opened = open_spec(spec, sets, state_dir)
    except SpecError as error:
        if not as_json:
            raise
        from stack.render.problems import problems_json

        print_json({"valid": False, "problems": problems_json(error.problems)})
        return error.exit_code
    if as_json:
        print_json({"valid": True, "problems": []})
        return 0
    said = opened.loaded.spec
    counts = [
        counted(len(items), word)
        for items, word in (
            (said.models, "model"),
            (said.serving, "serving group"),
            (said.benchmarks, "benchmark"),
            (said.extensions, "extension"),
            (said.traffic, "traffic split"),
        )
        if items
    ]
    click.echo(f"{said.name}: valid ({', '.join(counts) or 'nothing in it yet'}; cluster {said.cluster.provider})")
    return 0


@click.command()
@spec_argument
@as_json
def render(spec: Path | None, sets: tuple[str, ...], state_dir: str | None, as_json: bool) -> int:
    """Print the merged spec, each value with its origin."""
    from stack.render import spec_text

    loaded = open_spec(spec, sets, state_dir).loaded
    if as_json:
        print_json(spec_text.render_json(loaded))
    else:
        click.echo(spec_text.render_text(loaded, colour=wants_colour(sys.stdout)), nl=False)
    return 0


@click.command()
def schema() -> int:
    """Print the JSON Schema of a spec, for editors.

    A spec whose first line is `# yaml-language-server: $schema=PATH` is completed and checked by editors.
    """
    from schemas.json_schema import schema_text

    click.echo(schema_text(), nl=False)
    return 0


@click.command()
@click.argument("rule", required=False)
@as_json
def explain(rule: str | None, as_json: bool) -> int:
    """Explain a rule by its id, for example NUMA001; without an id, list all rules."""
    from schemas import rules

    known = rules.all_rules()
    if rule is None:
        if as_json:
            print_json([{"id": r.id, "title": r.title} for r in known])
        else:
            for r in known:
                click.echo(f"{r.id:10} {r.title}")
        return 0
    found = rules.explain(rule.upper())
    if as_json:
        print_json({"id": found.id, "title": found.title, "explanation": found.text})
    else:
        click.echo(f"{found.id}: {found.title}\n\n{found.text.rstrip()}")
    return 0


@click.command()
@click.argument("file", default=DEFAULT_SPEC, type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="Name of the stack; the folder's name when absent.")
@click.option("--model", metavar="FILE", help="The model to serve; a model file in this folder when absent.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
def init(file: Path, name: str | None, model: str | None, force: bool) -> int:
    """Write a commented spec for this machine to FILE (inferstack.yaml)."""
    from components.cluster import topology
    from stack.cli.newcomer import first_spec, found_models, is_url, source_of

    if file.exists() and not force:
        raise UsageError(f"{file} exists", remedy=f"inferstack init --force {file}, or name another file")
    folder = file.resolve().parent
    found = found_models(folder)
    source = source_of(model, folder) if model else next(iter(found), "model.onnx")
    make_folder(folder)
    write_file(file, first_spec(topology.read(), source=source, name=name or folder.name))
    click.echo(f"wrote {file}")
    if not model and len(found) > 1:
        click.echo(f"it serves {source}, one of {len(found)} models here ({', '.join(found)}); --model FILE chooses")
    if not is_url(source) and not (folder / source).exists():
        click.echo(f"first: put a model at {folder / source}, or name yours as `source:` in {file}")
    click.echo(f"next: inferstack preview {file}")
    return 0


@click.command()
@click.argument("shell", required=False, type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str | None) -> int:
    """Print the completion script of a shell.

    \b
    bash:  eval "$(inferstack completion bash)"
    zsh:   eval "$(inferstack completion zsh)"
    fish:  inferstack completion fish | source
    """
    from click.shell_completion import get_completion_class

    from stack.cli import cli

    chosen = shell or Path(os.environ.get("SHELL", "bash")).name
    kind = get_completion_class(chosen)
    if kind is None:
        raise UsageError(f"no completion for `{chosen}`", remedy="inferstack completion bash | zsh | fish")
    click.echo(kind(cli, {}, "inferstack", "_INFERSTACK_COMPLETE").source())
    return 0
