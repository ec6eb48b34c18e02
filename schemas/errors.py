"""What can go wrong, as classes; each owns its exit code.

InferstackError                 1   unexpected
├── UsageError                  3   a command line that cannot be carried out
│   └── SpecError               3   a spec with problems: all of them at once
├── PreflightError              4   preflight, credentials or quota
├── PolicyError                 5   policy or --fail-on
├── LockedError                 6   somebody else is writing the stack's state
├── PartlyAppliedError          7   some resources failed; their siblings were done
├── ObjectiveError              8   a benchmark's objective missed, or a regression
└── StoppedError              130   stopped by the user, in order
"""

from __future__ import annotations

from typing import ClassVar

from schemas.record import record
from schemas.words import counted


class InferstackError(Exception):
    """A problem that the program can explain: what happened, why, and what to do about it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, why: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.message, self.why, self.remedy = message, why, remedy


class UsageError(InferstackError):
    """The command line cannot be carried out as it stands."""

    exit_code = 3


@record
class Location:
    """A place in a text: file as the user named it; line and column count from 1; `length` characters are meant."""

    file: str
    line: int
    column: int
    length: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@record
class Problem:
    """One thing that is wrong with a spec.

    `rule` is a stable id (`NUMA001`) that `inferstack explain` knows; `source_line` is the text of the line that
    `location` points into; both are absent for a value that came from the command line or the environment, where
    `origin` says so in words (`--set serving.digits.cores=9`).
    """

    rule: str
    message: str
    location: Location | None = None
    source_line: str = ""
    why: str = ""
    remedy: str = ""
    origin: str = ""


class SpecError(UsageError):
    """A spec that cannot be used, with every problem that was found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(f"{counted(len(problems), 'problem')} in the spec")
        self.problems = problems


class PreflightError(InferstackError):
    """Something the work needs is not there: a tool, a credential, a quota, a free port, a file."""

    exit_code = 4


class PolicyError(InferstackError):
    """A plan does what `--fail-on` or a policy forbids."""

    exit_code = 5


class LockedError(InferstackError):
    """Another process is writing this stack's state."""

    exit_code = 6


class PartlyAppliedError(InferstackError):
    """Some resources failed; what could be done was done, and the state says which."""

    exit_code = 7


class ObjectiveError(InferstackError):
    """A benchmark's objective was missed, or a comparison found a regression."""

    exit_code = 8


class StoppedError(InferstackError):
    """The user stopped the work; what was under way ended in order."""

    exit_code = 130
