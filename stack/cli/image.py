"""The command that builds this program's image for clusters."""

from __future__ import annotations

import click

from stack.cli.options import as_json
from stack.cli.terminal import print_json


@click.command()
@click.option("--tag", "name", metavar="NAME", help="Name of the image; localhost/inferstack:VERSION when absent.")
@click.option("--push", is_flag=True, help="Push it to the registry in its name.")
@click.option("--base", default="", metavar="IMAGE", help="Build on this image with Python 3.11, best by its digest.")
@click.option(
    "--tool", type=click.Choice(("podman", "docker", "buildah")), help="The first that is installed if absent."
)
@click.option("-q", "--quiet", is_flag=True, help="Print the image's reference and digest only.")
@as_json
def image(name: str | None, push: bool, base: str, tool: str | None, quiet: bool, as_json: bool) -> int:
    """Build the image that pods run: the server, the conversion, the load generator."""
    from components.image.build import TOOLS, build, default_name, find_tool

    chosen = next((known for known in TOOLS if known == tool), None) or find_tool()
    silent = quiet or as_json
    made = build(
        name or default_name(), tool=chosen, base=base, push=push,
        tell=lambda line: None if silent else click.echo(line, err=True),
    )  # fmt: skip
    if as_json:
        print_json({"name": made.name, "digest": made.digest, "pushed": made.pushed})
        return 0
    click.echo(f"{made.name}  {made.pushed.partition('@')[2] or made.digest}")
    if made.pushed:
        click.echo(f"cluster: {{image: {made.pushed}}}")
    return 0
