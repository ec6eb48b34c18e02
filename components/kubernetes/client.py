"""The client of a cluster: the official one, made from a kubeconfig, and its errors turned into ours.

Nothing is asked here. A kubeconfig holds tokens: what is in it never gets into the text of an error.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from schemas.errors import InferstackError, PreflightError

IN_POD: Final = "/var/run/secrets/kubernetes.io/serviceaccount/token"
CONNECTIONS: Final = 32
# The client names an item of a kubeconfig by all that is in it, and a missing file by what stands in its place.
QUOTED: Final = re.compile(r"\{.*\}|\S{256,}|\n.*", re.DOTALL)


def is_text(kubeconfig: str) -> bool:
    """Whether the kubeconfig itself is given, not where it lies."""
    return "\n" in kubeconfig or kubeconfig.lstrip().startswith("{")


def files_of(kubeconfig: str) -> tuple[Path, ...]:
    """The files that a kubeconfig lies in, joined as in `KUBECONFIG`; nothing where it is a text."""
    if is_text(kubeconfig):
        return ()
    return tuple(Path(part).expanduser() for part in kubeconfig.split(os.pathsep) if part)


def connect(kubeconfig: str = "", context: str = "", *, retries: int | bool = 1) -> Any:
    """An `ApiClient` of one's own: an exec and a port forwarding change the client that they use.

    Args:
        kubeconfig: a path, or the text of a kubeconfig; empty for the usual places; `IN_POD` for the service account of
            the pod that this runs in.
        context: empty for the current one.
        retries: how often what breaks is tried again; False for errors as they come.

    Raises:
        PreflightError: the client is not installed, or the kubeconfig cannot be used.
    """
    try:
        import urllib3
        import yaml
        from kubernetes import client, config
    except ImportError as error:
        remedy = "pip install 'inferstack[kubernetes]'"
        raise PreflightError("the Kubernetes client is not installed", why=str(error), remedy=remedy) from error
    wire = client.Configuration()
    wire.retries, wire.connection_pool_maxsize = retries, CONNECTIONS
    given = kubeconfig or config.KUBE_CONFIG_DEFAULT_LOCATION
    try:
        context = context or _current(given)
        options = {"context": context or None, "client_configuration": wire, "persist_config": False}
        if given == IN_POD:
            config.load_incluster_config(client_configuration=wire)
        elif is_text(given):
            config.load_kube_config_from_dict(yaml.safe_load(given), **options)
        else:  # not by its text: it may name certificates by a relative path
            config.load_kube_config(given, **options)
        made = client.ApiClient(wire)
    except Exception as error:  # the client lets through whatever it stumbles over
        raise PreflightError(
            "the kubeconfig cannot be used" if is_text(given) else f"the kubeconfig {given} cannot be used",
            why=QUOTED.sub("…", str(error)) if isinstance(error, config.ConfigException) else _kind_of(error),
            remedy="set `cluster.kubeconfig` and `cluster.context`; `kubectl config get-contexts` lists contexts",
        ) from None  # a trace of the cause would quote the file
    if not wire.verify_ssl:
        # The kubeconfig asks for it (insecure-skip-tls-verify); a warning at every request helps nobody.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return made


def _current(kubeconfig: str) -> str:
    """The current context of several files: that of the first that has one, as for kubectl; the client takes the last.

    Empty where there is but one file, or a text.
    """
    import yaml

    files = files_of(kubeconfig)
    texts = (file.read_text() for file in files if file.exists()) if len(files) > 1 else ()
    return next((name for text in texts if (name := yaml.safe_load(text).get("current-context"))), "")


def _kind_of(error: Exception) -> str:
    """What went wrong with a kubeconfig, without a word of what stands in it."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return type(error).__name__
    return f"it is no YAML, line {mark.line + 1}, column {mark.column + 1}"


@contextlib.contextmanager
def asking(client: Any, what: str) -> Iterator[None]:
    """Say in words what the cluster refuses, or that it does not answer.

    Raises:
        PreflightError: it does not answer, does not know this user, or does not let this user.
        InferstackError: it refuses for another reason.
    """
    from kubernetes.client import ApiException
    from urllib3.exceptions import HTTPError
    from websocket import WebSocketException

    try:
        yield
    except (ApiException, HTTPError, WebSocketException, OSError) as error:
        raise _ours(error, what, client.configuration.host) from error


def _ours(error: Any, what: str, host: str) -> InferstackError:
    handshake = error.__context__  # of a web socket that is refused the client keeps but a text
    status = getattr(handshake, "status_code", getattr(error, "status", None))
    body = getattr(handshake, "resp_body", getattr(error, "body", ""))
    reason = getattr(error, "reason", None) or error
    try:
        told = str(json.loads(body)["message"])
    except (TypeError, ValueError, KeyError):
        told = f"HTTP {status} {reason}"
    match status:
        case None | 0:
            return PreflightError(
                f"the cluster at {host} does not answer",
                why=f"{what}: {reason}",
                remedy="look whether it is up and the context is right",
            )
        case 401:
            return PreflightError("the cluster does not know this user", why=told, remedy="log in to the cluster again")
        case 403:
            return PreflightError(f"the cluster refuses {what}", why=told, remedy="ask for the right that it names")
        case _:
            return InferstackError(f"the cluster refuses {what}", why=told)
