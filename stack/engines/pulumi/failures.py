"""Pulumi's errors as ours. Pure.

Pulumi tells most errors as text on the error stream; what can be known from it is in the table below and nowhere else.
What the table does not know is told in Pulumi's own words.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pulumi.automation.errors import CommandError, ConcurrentUpdateError, InvalidVersionError

from schemas.errors import InferstackError, LockedError, PartlyAppliedError, PolicyError, PreflightError, StoppedError


@dataclass(frozen=True)
class _Known:
    """An error that can be recognised: what Pulumi says, and what we say."""

    pattern: str
    kind: type[InferstackError]
    message: str
    remedy: str


_INSTALL: Final = "inferstack doctor --install-pulumi"
_KEEPER: Final = (
    "Look at `pulumi.secrets` of the spec and at what its keeper wants: a login of its cloud that may encrypt and"
    " decrypt, and for hashivault:// VAULT_SERVER_URL and VAULT_SERVER_TOKEN."
)
_KNOWN: Final = (
    _Known(
        r"stack is currently locked by|Another update is currently in progress",
        LockedError,
        "Another Pulumi is working on this stack.",
        "Wait for it. If it was killed: `pulumi cancel --stack STACK` in the stack's folder takes its lock away.",
    ),
    _Known(
        r"incorrect passphrase",
        PreflightError,
        "The passphrase does not fit this stack.",
        "Set PULUMI_CONFIG_PASSPHRASE to the passphrase that the stack was made with.",
    ),
    _Known(
        r"passphrase must be set|passphrase is required",
        PreflightError,
        "The stack's secrets need a passphrase.",
        "Set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE.",
    ),
    _Known(
        r"no (?:resource|language) plugin '?[\w-]+'?|[Cc]ould not find plugin|failed to (?:install|download) plugin"
        r"|error downloading (?:provider|plugin)|failed to load plugin",
        PreflightError,
        "A plugin of Pulumi is missing.",
        f"{_INSTALL} installs those that this program uses.",
    ),
    _Known(
        r"could not find default credentials|no credentials loaded|Failed to get existing workspaces.*oauth2"
        r"|oauth2: .*(?:invalid_grant|cannot fetch token)|UNAUTHENTICATED|reauth related error",
        PreflightError,
        "There are no valid credentials for the cloud.",
        "gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS to a key file.",
    ),
    _Known(
        r"secrets \(code=|open keeper |secrets manager of type|get stack secrets manager|create secrets manager",
        PreflightError,
        "The key that the stack's secrets are sealed with cannot be used.",
        _KEEPER,
    ),
    _Known(
        r"quotaExceeded|QUOTA_EXCEEDED|Quota '\w+' exceeded|[Ii]nsufficient (?:regional )?quota"
        r"|ZONE_RESOURCE_POOL_EXHAUSTED|RESOURCE_EXHAUSTED",
        PreflightError,
        "The cloud's quota or capacity does not suffice.",
        "Ask for more quota (IAM & Admin, Quotas), take a smaller pool, or another zone.",
    ),
    _Known(
        r"PERMISSION_DENIED|Error 403|accessNotConfigured|SERVICE_DISABLED",
        PreflightError,
        "The cloud refuses: a permission is missing, or an API is not enabled.",
        "Grant the role that is named, or enable the API; then run the same command again.",
    ),
    _Known(
        r"currently marked for protection",
        PolicyError,
        "The plan touches what is protected.",
        "Take `protect` off in the program and run `up` once with the resource still in it; then delete it.",
    ),
    _Known(
        r"configured Kubernetes cluster is unreachable|unable to load (?:Kubernetes client|schema information)",
        PreflightError,
        "The Kubernetes cluster does not answer.",
        "kubectl --context CONTEXT get nodes",
    ),
    _Known(
        r"PULUMI_ACCESS_TOKEN|[Nn]ot logged in|Unauthorized: No credentials|could not (?:open|access) bucket"
        r"|unable to check bucket|blob \(code=",
        PreflightError,
        "The place where Pulumi keeps the state cannot be reached.",
        "Look at `pulumi.backend` of the spec and PULUMI_BACKEND_URL; log in with `pulumi login`.",
    ),
    _Known(
        r"no previous deployment|snapshot integrity failure|is not a valid (?:checkpoint|deployment)",
        PreflightError,
        "The stack's state does not hold together.",
        "`pulumi state repair` in the stack's folder, or import a copy: `inferstack state import FILE`.",
    ),
    _Known(
        r"update canceled|update cancelled|preview canceled|operation canceled",
        StoppedError,
        "Stopped.",
        "Run the same command again.",
    ),
)
_EXISTS: Final = re.compile(r"already exists|AlreadyExists|alreadyExists")
_ADOPT: Final = (
    "Pulumi made it in a run that was killed and does not know it, or somebody else made it. Delete it, or take it into"
    " the state: `pulumi import TYPE NAME ID` in the stack's folder."
)
_TRACE: Final = re.compile(r"\ATraceback \(most recent call last\):\n.*\n  [^\n]*\n", re.DOTALL)
_OWN: Final = re.compile(r"\A(?:schemas|components|stack)\.[\w.]+: ")
_PROGRAM: Final = re.compile(r"python inline source runtime error: (.*?)\n(Traceback .*)", re.DOTALL)
_FRAME: Final = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')
_FOREIGN: Final = ("/site-packages/", "/asyncio/")
_NOISE: Final = re.compile(r"^(?:warning: |Previewing |Updating |Destroying |Refreshing |@ |\s*$| code: | stdout: )")


def explained(error: CommandError | InvalidVersionError, said: Sequence[str] = ()) -> InferstackError:
    """An error of the Automation API in our words; `said` are the errors that its events told."""
    if isinstance(error, InvalidVersionError):
        return PreflightError("Pulumi's command line is too old.", why=str(error), remedy=_INSTALL)
    text = "\n".join([*said, str(error)])
    told = "\n".join(dict.fromkeys([*said, *_errors_in(str(error))]))
    if isinstance(error, ConcurrentUpdateError):
        return LockedError(_KNOWN[0].message, why=told, remedy=_KNOWN[0].remedy)
    if raised := _PROGRAM.search(text):
        return _program_error(raised[1], raised[2])
    for known in _KNOWN:
        if re.search(known.pattern, text):
            return known.kind(known.message, why=told, remedy=known.remedy)
    if _EXISTS.search(text):
        return PartlyAppliedError("Something that was to be made exists already.", why=told, remedy=_ADOPT)
    return InferstackError("Pulumi failed.", why=told)


def silent(seconds: float) -> PreflightError:
    """The error of a plan of which nothing was heard for so long."""
    return PreflightError(
        "The providers that Pulumi asks do not answer.",
        why=f"Nothing was heard of them for {seconds:.0f} s: they wait for a network, or for who gives out tokens.",
        remedy="Look at the network, a proxy, and GOOGLE_APPLICATION_CREDENTIALS; `inferstack preview --offline` plans"
        " for GKE without asking the cloud.",
    )


def not_sealed(how: str, error: CommandError) -> PreflightError:
    """The error of a stack whose secrets could not be handed from one keeper to another."""
    told = "\n".join(_errors_in(str(error)))
    return PreflightError(f"The stack's secrets cannot be handed {how}.", why=told, remedy=_KEEPER)


@contextlib.contextmanager
def explaining() -> Iterator[None]:
    """A block in which Pulumi's errors become ours."""
    try:
        yield
    except (CommandError, InvalidVersionError) as error:
        raise explained(error) from error


def words_of(told: Sequence[str]) -> tuple[str, str]:
    """What a resource failed with: message and why. Of what a dynamic provider raised, the error without its trace."""
    text = "\n".join(told).strip() or "the provider does not say why"
    message, _, why = _OWN.sub("", _TRACE.sub("", text)).partition("\n")
    return message, why


def remedy_for(message: str) -> str:
    """What to do about a resource that failed with a message; empty where nothing is known."""
    if _EXISTS.search(message):
        return _ADOPT
    return next((known.remedy for known in _KNOWN if re.search(known.pattern, message)), "")


def _program_error(message: str, trace: str) -> InferstackError:
    """The error of a program of which only the text came back: something that it awaited raised."""
    own = [frame for frame in _FRAME.findall(trace) if not any(part in frame[0] for part in _FOREIGN)]
    where = "It was raised at {}:{}, in {}.".format(*own[-1]) if own else ""
    return InferstackError(f"The program failed: {message.strip()}", why=where)


def _errors_in(text: str) -> Iterable[str]:
    """What Pulumi wrote on its error stream, without its progress."""
    _, found, errors = text.partition(" stderr:")
    lines = (errors if found else text).splitlines()
    return [line.strip().removeprefix("error: ") for line in lines if not _NOISE.match(line.strip() and line)]
