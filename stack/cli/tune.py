"""`tune`: the cheapest layout of a serving group that keeps a benchmark's objective on this machine, by measuring it.

Each layout is an ordinary `up` of the group alone, in a stack of its own beside the one that the spec describes, with
everything else as the spec says. Layouts that take as many cores as each other are measured one after the other; the
search ends with the first number of cores that suffices, and takes its stack away.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from schemas.errors import ObjectiveError, UsageError
from schemas.spec import Benchmark, LocalCluster, Serving
from stack.cli.options import Opened, as_json, open_spec, spec_argument
from stack.cli.terminal import print_json

if TYPE_CHECKING:
    from components.serving.layouts import Layout
    from stack.render.tune_text import Tried

SUFFIX: Final = "-tune"


@click.command()
@spec_argument
@click.option(
    "--benchmark", metavar="NAME", help="Whose loads and objective count. [default: the only one with an objective]"
)
@click.option("--group", metavar="NAME", help="Whose layout is sought. [default: the first target of the benchmark]")
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

    Serves and measures one layout after the other, the cheapest first, in a stack of its own that is gone afterwards;
    its results stay. Exit code 8 when no layout keeps the objective.
    """
    from components.cluster import topology
    from components.serving.layouts import layouts
    from components.serving.placement_request import request_of
    from stack.render.tune_text import cheapest, tune_json, tune_text

    opened = open_spec(spec, sets, state_dir)
    if not isinstance(cluster := opened.loaded.spec.cluster, LocalCluster) or cluster.topology is not None:
        raise UsageError(
            "layouts are sought on this machine",
            why="the spec is for another one",
            remedy="on a cluster, declare a group for each layout and name all as `targets` of one benchmark",
        )
    judged = _benchmark(opened, benchmark)
    served = _group(opened, judged, group)
    found = layouts(topology.read(), request_of(served))
    tried: list[Tried] = []
    with contextlib.closing(Search(opened, judged, served, quiet=as_json)) as search:
        for _, equals in groupby(found, key=lambda layout: layout.total):
            for layout in equals:
                click.echo(f"{layout} ({len(tried) + 1} of at most {len(found)}) ...", err=True)
                tried.append(search(layout))
            if cheapest(tried) and not everything:
                break
    if as_json:
        print_json(tune_json(served.name, judged.name, tried, len(found)))
    else:
        click.echo(tune_text(served.name, judged.name, tried, len(found)), nl=False)
    if not cheapest(tried):
        raise ObjectiveError(
            f"no layout of {served.name} is shown to keep the objective of {judged.name}",
            remedy="measure longer where it is undecided, ask for less, or change the model's precision",
        )
    return 0


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
            "which objective shall be kept?",
            why=f"benchmarks with an objective: {names}",
            remedy="--benchmark NAME" if judged else "give a benchmark an objective, such as {p99: 50ms}",
        )
    return judged[name or names]


def _group(opened: Opened, benchmark: Benchmark, name: str | None) -> Serving:
    """The serving group that is meant.

    Raises:
        UsageError: there is none.
    """
    groups = {one.name: one for one in opened.loaded.spec.serving}
    if name is not None and name not in groups:
        raise UsageError(f"no serving group `{name}`", why=f"groups: {', '.join(groups)}")
    return groups[name or benchmark.targets[0]]


class Search:
    """Serves and measures layouts of one group, one after the other, in a stack of its own."""

    def __init__(self, opened: Opened, benchmark: Benchmark, group: Serving, *, quiet: bool) -> None:
        self._opened, self._benchmark, self._group, self._quiet = opened, benchmark, group, quiet
        self._spec = Path(opened.invocation.spec)
        self._state = str(opened.site.state.parent)
        self._name = f"{opened.loaded.spec.name[: 63 - len(SUFFIX)].rstrip('-')}{SUFFIX}"

    def __call__(self, layout: Layout) -> Tried:
        """Bring the group up in this layout, and measure it."""
        from components.benchmarks import results
        from stack.cli.deploy import carry_out
        from stack.render.tune_text import Tried

        opened = open_spec(self._spec, (*self._opened.invocation.sets, *self._sets(layout)), self._state)
        carry_out(opened, rerun=(self._benchmark.name,), quiet=self._quiet)
        stored = results.latest(opened.site.results, self._benchmark.name)
        assert stored is not None
        return Tried(layout, stored.result)

    def close(self) -> None:
        """Take the stack away."""
        from stack import workspace
        from stack.cli.deploy import take_away

        place = workspace.Workspace(Path(self._state))
        if self._name in place.stacks():
            take_away(place.site(self._name))

    def _sets(self, layout: Layout) -> Iterator[str]:
        """What makes of the spec one that has this layout of the group, its benchmark, and nothing else."""
        spec, at = self._opened.loaded.spec, f"serving.{self._group.name}"
        yield f"name={self._name}"
        yield "traffic=null"
        yield from (f"serving.{one.name}=!remove" for one in spec.serving if one.name != self._group.name)
        yield from (f"benchmarks.{one.name}=!remove" for one in spec.benchmarks if one.name != self._benchmark.name)
        yield from (f"{at}.{key}=null" for key in ("layout", "cores", "port", "grpcPort", "instances"))
        yield f"{at}.instances={{count: {layout.count}, cores: {layout.cores}}}"
        yield f"benchmarks.{self._benchmark.name}.targets=[{self._group.name}]"
