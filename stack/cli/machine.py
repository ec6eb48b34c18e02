"""Commands about the machine: topology and doctor."""

from __future__ import annotations

from pathlib import Path

import click

from stack.cli.options import as_json
from stack.cli.terminal import print_json


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
@as_json
def doctor(as_json: bool) -> int:
    """Check what this machine has and lacks for serving; exit code 4 when something needed is missing."""
    from stack.cli.checkup import check_machine

    findings = check_machine()
    if as_json:
        print_json([{"check": f.check, "state": f.state, "found": f.found, "remedy": f.remedy} for f in findings])
    else:
        width = max(len(f.check) for f in findings)
        for f in findings:
            click.echo(f"{f.state:5} {f.check:{width}}  {f.found}")
            if f.remedy:
                click.echo(f"{'':5} {'':{width}}  do: {f.remedy}")
    return 4 if any(f.state == "fail" for f in findings) else 0
