"""The command `extensions`: what the catalogue can install on a cluster."""

from __future__ import annotations

import click

from stack.cli.options import as_json
from stack.cli.terminal import print_json


@click.command()
@as_json
def extensions(as_json: bool) -> int:
    """List what `extensions:` of a spec can install: versions, licences, what GKE has built in."""
    from components.extensions.catalogue import CATALOGUE
    from stack.render.extensions_text import extensions_json, render_extensions

    entries = [CATALOGUE[name] for name in sorted(CATALOGUE)]
    if as_json:
        print_json(extensions_json(entries))
    else:
        click.echo(render_extensions(entries), nl=False)
    return 0
