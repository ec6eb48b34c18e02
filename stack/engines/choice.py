"""Which engine plans and applies a spec.

The embedded engine does this machine and Kubernetes clusters, Pulumi's own does clouds and whatever a spec says
`engine: pulumi` for. Where a cloud is only to be planned and Pulumi's command line or credentials are missing, the
embedded engine plans offline, from the state that Pulumi left if that lies here; the choice says so.

A stack has one state. An engine that would begin a second one beside the other's is refused: `hand_over` moves it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from components.site import Site
from schemas.errors import PreflightError, UsageError
from schemas.rules.engine import uses_pulumi
from schemas.spec import GkeCluster, Spec
from stack.engines import store
from stack.engines.secrets import passphrase_from
from stack.program import PROJECT

if TYPE_CHECKING:
    from stack.engines.embedded import EmbeddedEngine
    from stack.engines.engine import Engine
    from stack.engines.pulumi.engine import PulumiEngine

Name = Literal["embedded", "pulumi"]
FOLDER: Final = "pulumi"  # of Pulumi's settings of a stack, in its own folder
INSTALL: Final = "inferstack doctor --install-pulumi"
_TOKENS: Final = ("GOOGLE_OAUTH_ACCESS_TOKEN", "GOOGLE_CREDENTIALS", "GCE_METADATA_HOST")
LOGIN: Final = "gcloud auth application-default login, or GOOGLE_APPLICATION_CREDENTIALS"


@dataclass(frozen=True)
class Choice:
    """The engine of a stack. `notes` tell in a plan how it came about; `refusal` says why nothing can be applied."""

    name: Name
    engine: Engine
    notes: tuple[str, ...] = ()
    refusal: str = ""


def choose(
    spec: Spec | None,
    site: Site,
    environ: Mapping[str, str],
    *,
    parallel: int = 16,
    targets: tuple[str, ...] = (),
    offline: bool = False,
) -> Choice:
    """The engine for a spec; for a command that names none, the engine that has the stack's state.

    Args:
        parallel: most operations at a time.
        targets: URNs that alone are planned and applied; for Pulumi's engine.
        offline: ask no cloud, even where it could be asked.

    Raises:
        UsageError: there is no cloud that could be asked.
        PreflightError: the other engine has the state; or the spec says `engine: pulumi`, and that is not installed.
    """
    keeper = keeper_of(site)
    wanted: Name = keeper or "embedded" if spec is None else "pulumi" if uses_pulumi(spec) else "embedded"
    in_cloud = spec is not None and isinstance(spec.cluster, GkeCluster)
    if offline and not in_cloud:
        raise UsageError(
            "--offline is for plans of clouds", why="this spec is planned without one", remedy="leave it out"
        )
    missing = missing_for(spec, environ) if spec is not None and in_cloud else ""
    if offline or missing:
        missing = missing or "--offline asks for it"
        note = f"Planned offline, by rules about GKE and not by its provider: {missing}."
        return Choice("embedded", _offline(site, environ), (note,), missing)
    if keeper is not None and keeper != wanted:
        raise _kept_by(keeper, wanted, site)
    if wanted == "embedded":
        return Choice(wanted, embedded(site, environ, parallel=parallel))
    return Choice(wanted, pulumi(spec, site, environ, parallel=parallel, targets=targets))


def engine_for(spec: Spec | None, site: Site, environ: Mapping[str, str], *, parallel: int = 16) -> Engine:
    """The engine that `choose` chooses."""
    return choose(spec, site, environ, parallel=parallel).engine


def keeper_of(site: Site) -> Name | None:
    """The engine that has a stack's state; None where there is no state on this machine."""
    if (site.state / FOLDER / "Pulumi.yaml").exists():
        return "pulumi"
    if any((site.state / file).exists() for file in (store.CHECKPOINT, store.JOURNAL)):
        return "embedded"
    return None


def missing_for(spec: Spec, environ: Mapping[str, str]) -> str:
    """What Pulumi lacks here for applying a spec on a cloud, with what to do about it; empty when nothing."""
    from stack.engines.pulumi.command import find

    if find(environ) is None:
        return f"Pulumi's command line is not installed (do: {INSTALL})"
    if isinstance(spec.cluster, GkeCluster) and not has_google_credentials(environ):
        return f"there are no Google credentials (do: {LOGIN})"
    return ""


def has_google_credentials(environ: Mapping[str, str]) -> bool:
    """Whether credentials of Google Cloud are where its libraries look for them; nobody is asked about them."""
    if any(environ.get(name) for name in _TOKENS):
        return True
    if named := environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
        return Path(named).is_file()
    home = Path(environ.get("HOME") or Path.home())
    folder = Path(environ.get("CLOUDSDK_CONFIG") or home / ".config" / "gcloud")
    return (folder / "application_default_credentials.json").is_file()


def embedded(site: Site, environ: Mapping[str, str], *, parallel: int = 16) -> EmbeddedEngine:
    """The embedded engine of a stack, with its provider for Kubernetes."""
    from stack.engines.embedded import EmbeddedEngine
    from stack.engines.kubernetes import KubernetesProviders

    return EmbeddedEngine(
        PROJECT,
        site.stack,
        site.state,
        providers={"kubernetes:": KubernetesProviders()},
        parallel=parallel,
        passphrase=passphrase_from(environ),
    )


def pulumi(
    spec: Spec | None, site: Site, environ: Mapping[str, str], *, parallel: int = 16, targets: tuple[str, ...] = ()
) -> PulumiEngine:
    """Pulumi's own engine of a stack; without a spec, as it was kept before.

    Raises:
        PreflightError: its command line is not installed.
    """
    from stack.engines.pulumi.command import command_in
    from stack.engines.pulumi.engine import PulumiEngine
    from stack.engines.pulumi.workspace import keeping

    said = spec.pulumi if spec is not None else None
    kept = keeping(
        site.state / FOLDER,
        environ,
        backend=(said.backend if said else None) or "",
        secrets=said.secrets if said else "passphrase" if spec is not None else "",
    )
    return PulumiEngine(PROJECT, site.stack, command_in(environ), kept, parallel=parallel, targets=targets)


def hand_over(site: Site, environ: Mapping[str, str], to: Name, spec: Spec | None = None) -> int:
    """Move a stack's state to the other engine; gives the number of resources.

    Nothing is made or deleted by it; what the state's former keeper wrote is put aside, not deleted.

    Raises:
        PreflightError: there is no state, or Pulumi is not installed.
        UsageError: that engine has it already.
    """
    keeper = keeper_of(site)
    if keeper is None:
        raise PreflightError(f"{site.stack} has no state here.", remedy="inferstack up SPEC")
    if keeper == to:
        raise UsageError(f"the {to} engine has the state of {site.stack} already")
    source: Engine
    target: Engine
    if to == "pulumi":
        source, target = embedded(site, environ), pulumi(spec, site, environ)
    else:
        source, target = pulumi(spec, site, environ), embedded(site, environ)
    count = target.import_(source.export(show_secrets=True))  # each seals them with a passphrase of its own
    _put_aside(site, keeper)
    return count


def _put_aside(site: Site, keeper: Name) -> None:
    """Rename what an engine wrote, so that it counts no more and can be taken back by hand."""
    what = site.state / (FOLDER if keeper == "pulumi" else store.CHECKPOINT)
    what.rename(what.with_name(f"{what.name}.handed-over-{store.now().replace(':', '')}"))


def _kept_by(keeper: Name, wanted: Name, site: Site) -> PreflightError:
    return PreflightError(
        f"The {keeper} engine has the state of {site.stack}; this would be done by the {wanted} one.",
        why="A second state would know nothing of what was made, and everything would be made again.",
        remedy=f"inferstack state move --to {wanted} (nothing else is touched), or set `engine: {keeper}`",
    )


def _offline(site: Site, environ: Mapping[str, str]) -> EmbeddedEngine:
    """The embedded engine for plans alone, from the state that either engine left here: nobody is asked anything."""
    from stack.engines.embedded import EmbeddedEngine
    from stack.engines.pulumi.offline import OfflineEngine

    left = site.state / FOLDER / ".pulumi" / "stacks" / PROJECT / f"{site.stack}.json"
    if left.exists():
        key = site.state / FOLDER / store.KEY
        return OfflineEngine(PROJECT, site.stack, left, passphrase=passphrase_from(environ), key=key)
    return EmbeddedEngine(PROJECT, site.stack, site.state, passphrase=passphrase_from(environ))
