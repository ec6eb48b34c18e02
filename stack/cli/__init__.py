"""The command line: parse, call, render, exit code.

One module holds one group of commands and is imported only when one of its commands runs, so that `--help` and
`validate` start in a moment. `main` is the only place that turns an error into words and an exit code.
"""

from __future__ import annotations

import atexit
import errno
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Final

import click

from schemas.errors import InferstackError, PreflightError, SpecError, StoppedError, UsageError

EXIT_CODES: Final = """\b
Exit codes:
  0    fine
  1    unexpected
  2    changes (only under --detailed-exitcode)
  3    usage, or a problem in the spec
  4    preflight, credentials or quota
  5    policy, or --fail-on
  6    locked by another process
  7    partly applied: some resources failed
  8    a benchmark's objective missed, or a regression
  130  interrupted
"""

DISK_ERRORS: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)

# command -> (module, section of the help, one line); the module is imported when its command is called
COMMANDS: Final = {
    "init": ("describe", "Describe", "Write a commented spec for this machine."),
    "validate": ("describe", "Describe", "Check a spec; say all that is wrong with it at once."),
    "render": ("describe", "Describe", "Print the merged spec, each value with its origin."),
    "schema": ("describe", "Describe", "Print the JSON Schema of a spec, for editors."),
    "explain": ("describe", "Describe", "Explain a rule by its id."),
    "topology": ("machine", "Describe", "Show this machine's sockets, NUMA nodes, cores and limits."),
    "doctor": ("machine", "Describe", "Check what this machine has and lacks for serving."),
    "extensions": ("extensions", "Describe", "List the software that a spec can install on a cluster."),
    "image": ("image", "Make", "Build the image that a cluster's pods run."),
    "preview": ("deploy", "Make", "Show what `up` would change; changes nothing."),
    "plan": ("deploy", "Make", "The same as preview."),
    "up": ("deploy", "Make", "Make it so: convert, serve, load-test."),
    "refresh": ("deploy", "Make", "Compare the stack with the world; say what drifted."),
    "destroy": ("deploy", "Make", "Take everything away; the store stays unless --purge."),
    "status": ("observe", "Watch", "Show every instance: ready, cores, model, memory."),
    "verify": ("verify", "Watch", "Prove CPUs, NUMA node and threads from inside; say what broke the pinning."),
    "outputs": ("observe", "Watch", "Print the stack's outputs: addresses, digests, results."),
    "logs": ("observe", "Watch", "Print or follow an instance's log."),
    "predict": ("observe", "Watch", "Send one prediction to a serving group."),
    "models": ("observe", "Watch", "List the model store: sizes, precisions, digests, accuracy."),
    "tune": ("tune", "Judge", "Find the cheapest layout that keeps an objective here."),
    "bench": ("measure", "Judge", "Show a benchmark's result, or measure again with --rerun."),
    "compare": ("measure", "Judge", "Compare two results; find regressions."),
    "report": ("measure", "Judge", "Write one HTML file with every result."),
    "graph": ("inspect", "Inspect", "Draw the resources as Mermaid or DOT."),
    "state": ("inspect", "Inspect", "List, show, export or import the stack's state."),
    "completion": ("describe", "Inspect", "Print the shell completion script."),
}


class Commands(click.Group):
    """A group that knows its commands by name and imports a module only to run one of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"stack.cli.{COMMANDS[cmd_name][0]}")
        command = getattr(module, "preview" if cmd_name == "plan" else cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            import difflib

            near = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f"did you mean `inferstack {near[0]}`?" if near else "`inferstack --help` lists the commands"
            raise UsageError(f"there is no command `{name}`", remedy=hint)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; when its reader goes away (`| head`) it ends as if it had been read."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Python would complain again when it flushes standard output at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.exceptions.Exit(0) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, (_, section, line) in COMMANDS.items():
            sections.setdefault(section, []).append((name, line))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl(rows)


@click.command(cls=Commands, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(None, "--version", "-V", package_name="inferstack", message="inferstack %(version)s")
def cli() -> None:
    """One YAML spec to a pinned, benchmarked inference platform on Intel CPUs.

    \b
    inferstack init             write a spec for this machine
    inferstack preview SPEC     see what would change
    inferstack up SPEC          make it so, measure, and say which way of serving is best
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code. Every error is told in words, never as a traceback."""
    gc.set_threshold(10_000, *gc.get_threshold()[1:])  # what is imported stays: looking through it finds no garbage
    atexit.register(gc.freeze)  # a process that ends need not look for garbage: a tenth of what a large plan costs
    try:
        code = cli.main(
            args=list(arguments) if arguments is not None else None, prog_name="inferstack", standalone_mode=False
        )
        return code if isinstance(code, int) else 0
    except InferstackError as error:
        return tell(error)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return UsageError.exit_code
    except click.UsageError as error:
        usage = error.ctx.get_usage().removeprefix("Usage: ") if error.ctx else ""
        return tell(UsageError(error.format_message(), remedy=f"{usage}   (--help explains)" if usage else ""))
    except click.ClickException as error:
        return tell(UsageError(error.format_message()))
    except (click.Abort, KeyboardInterrupt):
        return tell(StoppedError("stopped"))
    except Exception as error:
        return tell_unexpected(error)


def tell(error: InferstackError) -> int:
    """Write an error to standard error; return its exit code."""
    from stack.cli.terminal import wants_colour
    from stack.render.errors import render_error
    from stack.render.problems import render_problems

    colour = wants_colour(sys.stderr)
    if isinstance(error, SpecError):
        sys.stderr.write(render_problems(error.problems, colour=colour))
    else:
        sys.stderr.write(render_error(error, colour=colour))
    return error.exit_code


def tell_unexpected(error: Exception) -> int:
    """Something that the program did not foresee: keep the traceback for a report, show one line.

    A full or read-only disk is nobody's fault, and told as what it is.
    """
    import tempfile
    import traceback

    if isinstance(error, OSError) and error.errno in DISK_ERRORS:
        where = error.filename or "a file"
        return tell(
            PreflightError(f"{where} cannot be written: {error.strerror}", remedy="make room, or give the right")
        )
    with tempfile.NamedTemporaryFile("w", prefix="inferstack-", suffix=".log", delete=False) as file:
        traceback.print_exception(error, file=file)
    summary = InferstackError(
        f"unexpected: {type(error).__name__}: {error}",
        why="this is a fault of inferstack, not of your spec",
        remedy=f"please report it with {file.name}, which holds the details",
    )
    return tell(summary)
