"""Commands that plan and make: preview, up, refresh, destroy."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from components.site import Site
from schemas.errors import PolicyError, PreflightError, UsageError
from stack.cli import tell
from stack.cli.confirm import confirm
from stack.cli.options import Opened, as_json, here_workspace, open_spec, open_stack, spec_argument, yes
from stack.cli.terminal import print_json, wants_colour

if TYPE_CHECKING:
    from components.kubernetes.objects import Manifest
    from stack.engines.engine import Engine
    from stack.engines.events import Outcome
    from stack.plan import Plan
    from stack.plan_file import SavedPlan
    from stack.program import Program
    from stack.programs.program import Installed

FAIL_ON = ("change", "replace", "delete", "interrupt")

detailed = click.option("--detailed-exitcode", "detailed", is_flag=True, help="Exit code 2 when there are changes.")
fail_on = click.option(
    "--fail-on", "forbidden", multiple=True, type=click.Choice(FAIL_ON), help="Exit code 5 if the plan does this."
)


@click.command()
@spec_argument
@click.option("--out", type=click.Path(path_type=Path), help="Save the plan: `up FILE` does exactly that, or refuses.")
@click.option("--rerun", is_flag=True, help="Plan to measure every benchmark again.")
@click.option("--offline", is_flag=True, help="GKE: plan by rules about it, and do not ask the cloud.")
@click.option("--markdown", is_flag=True, help="Markdown, for a comment on a pull request.")
@detailed
@fail_on
@as_json
def preview(
    spec: Path | None,
    sets: tuple[str, ...],
    state_dir: str | None,
    out: Path | None,
    rerun: bool,
    offline: bool,
    markdown: bool,
    detailed: bool,
    forbidden: tuple[str, ...],
    as_json: bool,
) -> int:
    """Show what `up` would change. Reads only: nothing is made, started or downloaded."""
    opened = open_spec(spec, sets, state_dir)
    program, plan = _plan(opened, _benchmarks(opened) if rerun else (), offline=offline)
    if out is not None:
        from stack.plan_file import SavedPlan, save

        save(out, SavedPlan(plan, opened.invocation, program.tokens))
    show(plan, as_json=as_json, markdown=markdown, refusal=program.refusal)
    if out is not None:
        click.echo(f"\nSaved to {out}; `inferstack up {out}` does exactly this, or refuses.", err=True)
    check_policy(plan, forbidden)
    return 2 if detailed and not plan.empty else 0


@click.command()
@spec_argument
@click.option("--rerun", is_flag=True, help="Measure every benchmark again.")
@click.option(
    "--parallel", type=click.IntRange(1, 256), default=16, show_default=True, help="Most operations at a time."
)
@yes
@detailed
@fail_on
@as_json
def up(
    spec: Path | None,
    sets: tuple[str, ...],
    state_dir: str | None,
    rerun: bool,
    parallel: int,
    yes: bool,
    detailed: bool,
    forbidden: tuple[str, ...],
    as_json: bool,
) -> int:
    """Make it so: convert models, start serving, run the benchmarks, and say what they found.

    SPEC is a spec, or a plan that `preview --out` saved. Asks before anything is deleted or replaced.
    """
    from stack.plan_file import is_plan, load

    saved = load(spec) if spec is not None and is_plan(spec) else None
    if saved is not None:
        if sets or rerun:
            option = "--set" if sets else "--rerun"
            remedy = f"inferstack preview {saved.invocation.spec} {option} ... --out {spec} plans anew"
            raise UsageError(f"a saved plan takes no {option}", why="it is carried out as it was made", remedy=remedy)
        spec, sets = Path(saved.invocation.spec), saved.invocation.sets
    opened = open_spec(spec, sets, state_dir)
    program, plan = _plan(opened, _benchmarks(opened) if rerun else (), saved, download=True)
    if not as_json:
        show(plan)
    check_policy(plan, forbidden)
    if plan.empty:
        if plan.bookkeeping:
            _end(_apply(opened, program, plan, quiet=True))
        if as_json:
            print_json({"changes": False, "outputs": engine_of(opened.site).outputs()})
        _judge_again(opened)
        return 0
    if program.refusal:
        raise PreflightError("this plan cannot be applied from here", why=program.refusal)
    if plan.counts["delete"] or plan.counts["replace"]:
        confirm("This deletes or replaces what is there. Go on?", assume_yes=yes)
    outcome = _apply(opened, program, plan, parallel=parallel, quiet=as_json)
    return _tell(opened.site, outcome, detailed=detailed, as_json=as_json)


@click.command()
@spec_argument
@click.option("--stack", metavar="NAME", help="Which stack, when no spec is named and several are up.")
@click.option("--dry-run", is_flag=True, help="Look only; leave the state as it is.")
@detailed
@as_json
def refresh(
    spec: Path | None,
    sets: tuple[str, ...],
    state_dir: str | None,
    stack: str | None,
    dry_run: bool,
    detailed: bool,
    as_json: bool,
) -> int:
    """Compare the stack with the world: dead or altered instances, changed or missing files. `up` then mends it."""
    from stack.cli.progress import display
    from stack.render.drift_text import drift_json, render_drift

    site = _site(spec, sets, state_dir, stack)
    with display(quiet=True) as listener:
        drift = engine_of(site).refresh(dry_run=dry_run, on_event=listener)
    if as_json:
        print_json(drift_json(drift))
    else:
        click.echo(render_drift(drift, colour=wants_colour(sys.stdout), dry_run=dry_run), nl=False)
    if drift.failed:
        return 7
    return 2 if detailed and drift.found else 0


@click.command()
@spec_argument
@click.option("--stack", metavar="NAME", help="Which stack, when no spec is named and several are up.")
@click.option("--purge", is_flag=True, help="Delete the store as well: models, results, environments of platforms.")
@yes
@as_json
def destroy(
    spec: Path | None,
    sets: tuple[str, ...],
    state_dir: str | None,
    stack: str | None,
    purge: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Take everything away: processes, ports, files. The store stays unless --purge."""
    site = _site(spec, sets, state_dir, stack)
    engine = engine_of(site)
    plan = engine.preview_destroy()
    if not as_json:
        show(plan)
    if purge:
        _check_purge(site)
    if not plan.empty or purge:
        confirm(f"Destroy {site.stack}{' and the store' if purge else ''}?", assume_yes=yes)
    outcome = None
    if not plan.empty or site.state.exists():
        outcome = _destroy(engine, site, plan, quiet=as_json)
    if purge:
        shutil.rmtree(site.store, ignore_errors=True)
    if as_json:
        print_json({"destroyed": not plan.empty, "purged": purge})
    elif outcome is not None:
        click.echo(
            f"{site.stack} is gone" + (", the store too" if purge else f"; the store stays: {_short(site.store)}")
        )
    return 0


# ---------------------------------------------------------------------------------------------- for other commands


def engine_of(site: Site) -> Engine:
    """The engine that has the state of a stack."""
    from stack.engines.choice import engine_for

    return engine_for(None, site, os.environ)


def carry_out(opened: Opened, *, rerun: tuple[str, ...] = (), quiet: bool = False) -> None:
    """Do what a spec says without a question, and measure some benchmarks again.

    Raises:
        InferstackError: something of it could not be done.
    """
    program, plan = _plan(opened, rerun, download=True)
    _end(_apply(opened, program, plan, quiet=quiet))


def take_away(site: Site) -> None:
    """Destroy a stack without a word; its store stays."""
    engine = engine_of(site)
    _destroy(engine, site, engine.preview_destroy(), quiet=True)


def measure_again(site: Site, name: str | None, *, quiet: bool) -> None:
    """Run one benchmark of a stack again, or all, and nothing else.

    Raises:
        UsageError: the spec that the stack was brought up with is not known, or has changed since.
    """
    from stack.plan import BENCHMARKS
    from stack.workspace import Invocation

    invocation = Invocation.read(site)
    if invocation is None:
        raise UsageError(f"{site.stack} is not up", remedy="inferstack up SPEC --rerun")
    opened = open_spec(Path(invocation.spec), invocation.sets, str(site.state.parent))
    names = _benchmarks(opened)
    if name is not None and name not in names:
        raise UsageError(f"the spec has no benchmark `{name}`", why=f"benchmarks: {', '.join(names) or 'none'}")
    program, plan = _plan(opened, (name,) if name else names)
    others = [change for change in plan.changing if change.type not in BENCHMARKS]
    if others:
        altered = not any(change.properties for change in others)
        raise UsageError(
            f"{site.stack} is not as it was made" if altered else "the spec has changed since the stack was brought up",
            why=f"measuring would also change {', '.join(change.name for change in others)}",
            remedy=f"inferstack up {invocation.spec} --rerun",
        )
    _end(_apply(opened, program, plan, quiet=quiet))


def show(plan: Plan, *, as_json: bool = False, markdown: bool = False, refusal: str = "") -> None:
    """Print a plan; `refusal` says why it could not be applied from here."""
    from stack.render.plan_text import render_plan

    if as_json:
        from stack.render.plan_json import plan_json

        print_json({**plan_json(plan), "refusal": refusal})
        return
    if markdown:
        from stack.render.plan_markdown import plan_markdown

        click.echo(plan_markdown(plan), nl=False)
    else:
        click.echo(render_plan(plan, colour=wants_colour(sys.stdout)), nl=False)
    if refusal and not plan.empty:
        click.echo(f"\nThis cannot be applied from here: {refusal}.")


def check_policy(plan: Plan, forbidden: tuple[str, ...]) -> None:
    """Whether the plan does what `--fail-on` forbids.

    Raises:
        PolicyError: it does; the message says what.
    """
    done = {
        "change": [change.name for change in plan.changing],
        "replace": [change.name for change in plan.changing if change.op == "replace"],
        "delete": [change.name for change in plan.changing if change.op == "delete"],
        "interrupt": list(plan.impact.interrupted),
    }
    broken = [f"{word}: {', '.join(done[word])}" for word in forbidden if done[word]]
    if broken:
        raise PolicyError("the plan does what --fail-on forbids", why="\n".join(broken))


# ---------------------------------------------------------------------------------------------- inside


def _site(spec: Path | None, sets: tuple[str, ...], state_folder: str | None, stack: str | None) -> Site:
    """The stack that a command means: by its spec, by its name, or the only one that is up."""
    if spec is not None:
        return open_spec(spec, sets, state_folder).site
    return open_stack(stack, state_folder)


def _plan(
    opened: Opened,
    rerun: tuple[str, ...],
    saved: SavedPlan | None = None,
    *,
    download: bool = False,
    offline: bool = False,
) -> tuple[Program, Plan]:
    """The program of a spec and its plan; a saved plan brings its own tokens for benchmarks to run again.

    `download` fetches what has to be known to carry it out: looking at a plan fetches nothing. `offline` asks no cloud.
    """
    from components import progress
    from stack.engines.choice import choose
    from stack.program import build

    tokens = _tokens(opened.site)
    if saved is not None:
        tokens |= saved.tokens
    tokens |= dict.fromkeys(rerun, f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    ours = _extensions(opened.site)
    program = build(opened.loaded, opened.site, rerun=tokens, ours=ours, download=download)
    choice = choose(opened.loaded.spec, opened.site, os.environ, offline=offline)
    program = replace(
        program, notes=(*program.notes, *choice.notes), refusal=program.refusal or choice.refusal.removesuffix(".")
    )
    heard = progress.listener.set(lambda text, _: click.echo(text, err=True))
    try:
        plan = choice.engine.preview(program.run, program.origins, notes=program.notes)
    finally:
        progress.listener.reset(heard)
    if saved is not None:
        from stack.engines.embedded import refuse_another

        refuse_another(saved.plan, plan)
    return program, plan


def _benchmarks(opened: Opened) -> tuple[str, ...]:
    return tuple(benchmark.name for benchmark in opened.loaded.spec.benchmarks)


def _tokens(site: Site) -> dict[str, str]:
    """The tokens with which benchmarks were last measured again: kept, or the next `up` would measure once more."""
    from stack.plan import BENCHMARKS

    records = [record for record in engine_of(site).resources() if record.type in BENCHMARKS]
    return {record.name: token for record in records if (token := record.inputs.get("rerun"))}


def _extensions(site: Site) -> Installed:
    """The extensions that the stack has installed, with the objects of each."""
    from components.extensions import TYPE
    from stack.engines.values import all_plain

    records = engine_of(site).resources()
    objects: dict[str, list[Manifest]] = {record.urn: [] for record in records if record.type == TYPE}
    for record in records:
        if record.parent in objects and "kind" in record.inputs:
            objects[record.parent].append(all_plain(record.inputs))
    return {record.name: objects[record.urn] for record in records if record.type == TYPE}


def _apply(opened: Opened, program: Program, plan: Plan, *, parallel: int = 16, quiet: bool = False) -> Outcome:
    from stack.cli.progress import display
    from stack.engines.choice import engine_for

    engine = engine_for(opened.loaded.spec, opened.site, os.environ, parallel=parallel)
    with display(quiet=quiet) as listener:
        outcome = engine.up(program.run, program.origins, notes=program.notes, on_event=listener, expected=plan)
    opened.invocation.write(opened.site)
    return outcome


def _tell(site: Site, outcome: Outcome, *, detailed: bool, as_json: bool) -> int:
    """What `up` says at its end; the error it ends with, or its exit code."""
    from components.benchmarks import results
    from stack.cli.verdicts import judge
    from stack.plan import BENCHMARKS
    from stack.render.benchmark_text import benchmark_text
    from stack.render.outcome_text import outcome_json, render_outcome

    measured = [done.subject.name for done in outcome.done if done.subject.type in BENCHMARKS and done.op != "delete"]
    found = [stored for name in measured if (stored := results.latest(site.results, name)) is not None]
    warnings = _warnings(site, outcome)
    if as_json:
        print_json(outcome_json(outcome, warnings))
    else:
        for stored in found:
            click.echo("\n" + benchmark_text(stored.result), nl=False)
        click.echo("\n" + render_outcome(outcome, warnings, colour=wants_colour(sys.stdout)), nl=False)
    _end(outcome, told=not as_json)
    judge(found)
    return 2 if detailed else 0


def _judge_again(opened: Opened) -> None:
    """What the newest results say still holds when there is nothing to do: an objective that is missed stays missed.

    Raises:
        ObjectiveError: one is missed.
    """
    from components.benchmarks import results
    from stack.cli.verdicts import judge

    found = [results.latest(opened.site.results, name) for name in _benchmarks(opened)]
    judge([stored for stored in found if stored is not None])


def _warnings(site: Site, outcome: Outcome) -> list[str]:
    """What the resources that were made warn of: models do, of a source that is not pinned, for example."""
    made = {done.subject.urn for done in outcome.done}
    return [
        f"{record.name}: {warning}"
        for record in engine_of(site).resources()
        if record.urn in made
        for warning in record.outputs.get("warnings") or ()
    ]


def _end(outcome: Outcome, *, told: bool = False) -> None:
    """Nothing, if everything is done; else the error that the command ends with, shorter if its failures are `told`.

    Work that was left behind would keep the process: it is ended at once, without waiting for its threads.
    """
    error = outcome.error
    if error is None:
        return
    if told and outcome.failed:
        error = type(error)(error.message, remedy=error.remedy)
    if outcome.abandoned:
        code = tell(error)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    raise error


def _destroy(engine: Engine, site: Site, plan: Plan, *, quiet: bool) -> Outcome:
    from stack.cli.progress import display

    with display(quiet=quiet) as listener:
        outcome = engine.destroy(on_event=listener, expected=plan)
    _end(outcome)
    shutil.rmtree(site.state, ignore_errors=True)
    return outcome


def _check_purge(site: Site) -> None:
    """The store is shared: it may go only when no other stack of this folder is up.

    Raises:
        UsageError: another stack is up.
    """
    place = here_workspace(str(site.state.parent))
    if others := [name for name in place.stacks() if name != site.stack]:
        raise UsageError(
            f"the store is in use by {', '.join(others)}",
            why="all stacks of a folder share one store",
            remedy=f"inferstack destroy --stack {others[0]}, or leave --purge out",
        )


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
