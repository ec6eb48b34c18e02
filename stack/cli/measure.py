"""Commands that judge: bench, compare, report. They work on stored results; only `bench --rerun` measures."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from components.site import Site
from schemas.errors import ObjectiveError, UsageError
from schemas.words import counted
from stack.cli.options import as_json, stack_options
from stack.cli.terminal import print_json, wants_colour, write_file
from stack.cli.verdicts import judge, newest, no_results, result_site


@click.command()
@click.argument("name", required=False)
@click.option("--rerun", is_flag=True, help="Measure again now, then show what was found.")
@click.option("--list", "listing", is_flag=True, help="List all stored runs instead, oldest first, and judge none.")
@stack_options
@as_json
def bench(name: str | None, rerun: bool, listing: bool, stack: str | None, state_dir: str | None, as_json: bool) -> int:
    """Show the newest result of benchmark NAME, or of every benchmark.

    Exit code 8 when an objective is missed, or not shown because the runs are invalid; 0 where it is undecided.
    """
    from components import codec
    from stack.render.benchmark_text import benchmark_text

    if rerun and listing:
        raise UsageError("--rerun measures, --list only looks", remedy="inferstack bench --rerun, then --list")
    site = result_site(stack, state_dir)
    if listing:
        _list(site, name, as_json=as_json)
        return 0
    if rerun:
        from stack.cli.deploy import measure_again

        measure_again(site, name, quiet=as_json)
    found = newest(site, name)
    if as_json:
        print_json([codec.encode(stored.result) for stored in found])
    else:
        click.echo("\n".join(benchmark_text(stored.result) for stored in found), nl=False)
    judge(found)
    return 0


def _list(site: Site, name: str | None, *, as_json: bool) -> None:
    from components.benchmarks import results
    from components.benchmarks.answer import answer
    from stack.render.benchmark_text import runs_text

    found = [stored.result for stored in results.list_results(site.results, name)]
    if not found:
        raise no_results(site, name)
    if as_json:
        named = [(run, {"id": run.id, "benchmark": run.benchmark, "started": run.started}) for run in found]
        print_json([{**names, "answer": list(answer(run).sentences)} for run, names in named])
    else:
        click.echo(runs_text(found), nl=False)


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--force", is_flag=True, help="Compare although machine, kernel, model or data differ.")
@stack_options
@as_json
def compare(a: str, b: str, force: bool, stack: str | None, state_dir: str | None, as_json: bool) -> int:
    """Compare two results: A is the old one, B the new one. Exit code 8 when B is slower beyond the noise.

    A and B are a benchmark's name (its newest result), the id of a result, the beginning of one, or a folder;
    with `:target` behind it, one target of it. What can be named: `inferstack bench --list`.

    \b
    inferstack compare 20261121T0301 20261121T0417
    inferstack compare layouts:digits-latency layouts:digits-throughput
    """
    from components.benchmarks import results
    from components.benchmarks.compare import compare as compare_results
    from components.benchmarks.compare import split_reference
    from stack.render.compare_text import comparison_json, render_comparison, summary

    root = result_site(stack, state_dir).results
    (run_a, target_a), (run_b, target_b) = split_reference(a), split_reference(b)
    found = compare_results(
        results.find(root, run_a), results.find(root, run_b), target_a=target_a, target_b=target_b, force=force
    )
    if as_json:
        print_json(comparison_json(found))
    else:
        click.echo(render_comparison(found, colour=wants_colour(sys.stdout)), nl=False)
    if found.regression:
        raise ObjectiveError(summary(found))
    return 0


@click.command()
@click.argument("names", nargs=-1, metavar="[RESULT]...")
@click.option(
    "-o", "--out", default="report.html", show_default=True, type=click.Path(path_type=Path), help="The file."
)
@stack_options
def report(names: tuple[str, ...], out: Path, stack: str | None, state_dir: str | None) -> int:
    """Write one HTML file, without outside references, with the newest result of every benchmark or those named."""
    from components.benchmarks import results
    from components.benchmarks.report.page import render

    site = result_site(stack, state_dir)
    found = [results.find(site.results, name) for name in names] or newest(site, None)
    write_file(out, render(found))
    count = counted(len(found), "result")
    click.echo(f"wrote {out} ({count}, {out.stat().st_size / 1024:.0f} KiB)")
    return 0
