"""`tune`: the cheapest layout of a serving group that keeps a benchmark's objective on this machine, by measuring it.

Each layout is an ordinary `up` of the group alone, in a stack of its own beside the one that the spec describes, with
everything else as the spec says. Layouts that take as many cores as each other are measured one after the other; the
search ends with the first number of cores that suffices, and takes its stack away.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from components.site import Site
from schemas.errors import InferstackError, ObjectiveError, UsageError
from schemas.spec import Benchmark, LocalCluster, Serving
from stack.cli.options import Opened, as_json, open_spec, spec_argument
from stack.cli.terminal import print_json
from stack.workspace import Invocation, Workspace

if TYPE_CHECKING:
    from components.serving.layouts import Candidate
    from stack.render.tune_text import Tried

SUFFIX: Final = "-tune"
LONGEST_NAME: Final = 63


@click.command()
@spec_argument
@click.option(
    "--benchmark", metavar="NAME", help="Whose loads and objective. [default: the only one with an objective]"
)
@click.option("--group", metavar="NAME", help="Target to search a layout for. [default: the benchmark's first]")
@click.option("--all", "everything", is_flag=True, help="Measure every layout, also when a cheaper one suffices.")
@as_json
def tune(
    spec: Path | None,
    sets: tuple[str, ...],
    state_dir: str | None,
    benchmark: str | None,
    group: str | None,
    everything: bool,
    as_json: bool,
) -> int:
    """Find the layout with the fewest cores that keeps an objective here, and say how to write it into the spec.

    Serves and measures one layout after the other, the cheapest first, each alone and in a stack of its own that is
    gone afterwards; its results stay. Sizes and numbers of instances double from one to the next. Exit code 8 when no
    layout is shown to keep the objective.
    """
    from components import codec
    from stack.render.tune_text import cheapest, table, tune_json, tune_text

    opened = open_spec(spec, sets, state_dir)
    _refuse_other_machines(opened)
    judged = _benchmark(opened, benchmark)
    served = _target(opened, judged, group)
    found = _layouts(served)
    tried: list[Tried] = []
    try:
        with _searching(opened, judged, served, quiet=as_json) as measure:
            for _, equals in groupby(found, key=lambda one: one.total):
                for candidate in equals:
                    click.echo(f"{candidate} ({len(tried) + 1} of at most {len(found)}) ...", err=True)
                    tried.append(measure(candidate))
                if cheapest(tried) and not everything:
                    break
    except InferstackError:
        if tried and not as_json:
            click.echo("\n".join(table(tried)))
        raise
    if as_json:
        print_json(codec.encode(tune_json(served.name, judged.name, tried, len(found))))
    else:
        click.echo(tune_text(served.name, judged.name, tried, len(found)), nl=False)
    if not cheapest(tried):
        raise ObjectiveError(
            f"no layout of {served.name} is shown to keep the objective of {judged.name}",
            remedy="measure longer where it is undecided, ask for less, or change the model's precision",
        )
    return 0


def _refuse_other_machines(opened: Opened) -> None:
    """Nothing, if the spec is for this machine.

    Raises:
        UsageError: it is for another one.
    """
    cluster = opened.loaded.spec.cluster
    if not isinstance(cluster, LocalCluster) or cluster.topology is not None:
        raise UsageError(
            "layouts are searched for on this machine",
            why="the spec is for another one",
            remedy="on a cluster, declare a group for each layout and name all as `targets` of one benchmark",
        )


def _benchmark(opened: Opened, name: str | None) -> Benchmark:
    """The benchmark that is meant.

    Raises:
        UsageError: there is none, or it is not clear which.
    """
    judged = {one.name: one for one in opened.loaded.spec.benchmarks if one.objective is not None}
    names = ", ".join(judged) or "none"
    if name is not None and name not in judged:
        raise UsageError(f"no benchmark `{name}` with an objective", why=f"benchmarks with one: {names}")
    if name is None and len(judged) != 1:
        raise UsageError(
            "which objective is to be kept?",
            why=f"benchmarks with an objective: {names}",
            remedy="--benchmark NAME" if judged else "give a benchmark an objective, such as {p99: 50ms}",
        )
    return judged[name or names]


def _target(opened: Opened, benchmark: Benchmark, name: str | None) -> Serving:
    """The serving group that is meant.

    Raises:
        UsageError: it is no target of the benchmark.
    """
    if name is not None and name not in benchmark.targets:
        raise UsageError(f"`{name}` is no target of {benchmark.name}", why=f"targets: {', '.join(benchmark.targets)}")
    (served,) = (one for one in opened.loaded.spec.serving if one.name == (name or benchmark.targets[0]))
    return served


def _layouts(group: Serving) -> tuple[Candidate, ...]:
    """The layouts to measure.

    Raises:
        UsageError: the group fits this machine in no way.
    """
    from components.cluster import topology
    from components.serving.layouts import layouts
    from components.serving.placement_request import request_of

    found = layouts(topology.read(), request_of(group))
    if not found:
        raise UsageError(
            f"no layout of {group.name} fits this machine",
            why="its `threads` or a CFS quota leave no room for one instance of one core",
            remedy="inferstack topology shows what there is",
        )
    return found


@contextlib.contextmanager
def _searching(
    opened: Opened, benchmark: Benchmark, group: Serving, *, quiet: bool
) -> Iterator[Callable[[Candidate], Tried]]:
    """What measures a layout, in a stack of its own that is gone afterwards.

    A file beside that stack says that a search made it, also after a kill, and holds off other searches meanwhile.

    Raises:
        UsageError: a stack that no search made has the name.
        LockedError: another search of this spec goes on.
    """
    from stack.cli.deploy import take_away
    from stack.engines.lock import held

    name = f"{opened.loaded.spec.name[: LONGEST_NAME - len(SUFFIX)].rstrip('-')}{SUFFIX}"
    site = Workspace(opened.site.state.parent).site(name)
    mark = site.state.with_name(f".{name}.lock")
    if site.state.exists() and not mark.exists():
        raise UsageError(
            f"a stack {name} is here already, and no search made it",
            remedy=f"inferstack destroy --stack {name}, or give the spec another name",
        )

    def clear() -> None:
        if site.state.exists():
            take_away(site)

    def measure(candidate: Candidate) -> Tried:
        clear()  # so that nothing of the one before has a core or memory
        return _measured(_with(opened, site, benchmark, group, candidate), benchmark, candidate, quiet=quiet)

    with held(mark):
        try:
            yield measure
        finally:
            clear()
            mark.unlink()


def _measured(opened: Opened, benchmark: Benchmark, candidate: Candidate, *, quiet: bool) -> Tried:
    """Bring a spec up, and what its benchmark found."""
    from components.benchmarks import results
    from stack.cli.deploy import carry_out
    from stack.render.tune_text import Tried

    carry_out(opened, rerun=(benchmark.name,), quiet=quiet)
    return Tried(candidate, results.find(opened.site.results, benchmark.name).result)


def _with(opened: Opened, site: Site, benchmark: Benchmark, group: Serving, candidate: Candidate) -> Opened:
    """The spec with this layout of the group, its benchmark, and nothing else that serves or measures.

    The stack that the spec describes may be up, and keeps its ports.
    """
    placed = replace(group, layout=None, cores=None, instances=candidate.instances, port=None, grpc_port=None)
    spec = replace(
        opened.loaded.spec,
        name=site.stack,
        serving=(placed,),
        traffic=(),
        benchmarks=(replace(benchmark, targets=(group.name,)),),
    )
    given = opened.invocation
    return Opened(
        loaded=replace(opened.loaded, spec=spec),
        site=site,
        invocation=Invocation(given.spec, (*given.sets, f"name={site.stack}")),
    )
