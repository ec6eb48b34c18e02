"""Clients made from kubeconfigs, without a word of what is in them, and what clusters refuse in our words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client import ApiException
from websocket import WebSocketBadStatusException, WebSocketConnectionClosedException

from components.kubernetes.client import IN_POD, asking, connect
from schemas.errors import InferstackError, PreflightError

SECRET = "very-hidden"


def a_kubeconfig(user: Any = None, **cluster: Any) -> str:
    """A kubeconfig with the contexts `one`, the current one, and `two`; the user is both's."""
    return yaml.safe_dump(
        {
            "current-context": "one",
            "contexts": [{"name": name, "context": {"cluster": name, "user": "me"}} for name in ("one", "two")],
            "clusters": [
                {"name": name, "cluster": {"server": f"https://{name}.test", **cluster}} for name in ("one", "two")
            ],
            "users": [{"name": "me", **(user or {"user": {"token": SECRET}})}],
        }
    )


def refusal(kubeconfig: str, context: str = "") -> PreflightError:
    with pytest.raises(PreflightError) as caught:
        connect(kubeconfig, context)
    return caught.value


@pytest.mark.parametrize(("context", "host"), [("", "https://one.test"), ("two", "https://two.test")])
def test_a_kubeconfig_is_a_path_or_a_text(tmp_path: Path, context: str, host: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(a_kubeconfig())
    for given in (str(path), a_kubeconfig(), json.dumps(yaml.safe_load(a_kubeconfig()))):
        wire = connect(given, context, retries=False).configuration
        assert (wire.host, wire.retries, wire.api_key) == (host, False, {"BearerToken": f"Bearer {SECRET}"})


def test_of_several_files_the_first_says_which_context_is_the_current_one(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text(a_kubeconfig())
    (tmp_path / "other").write_text(yaml.safe_dump({"current-context": "two"}))
    files = ":".join(str(tmp_path / name) for name in ("absent", "mine", "other"))
    assert connect(files).configuration.host == "https://one.test"
    assert connect(files, "two").configuration.host == "https://two.test"


def test_a_file_names_certificates_by_paths_from_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").touch()
    (tmp_path / "kubeconfig").write_text(a_kubeconfig(**{"certificate-authority": "ca.crt"}))
    assert connect(str(tmp_path / "kubeconfig")).configuration.ssl_ca_cert == str(tmp_path / "ca.crt")


def test_what_is_missing_is_told_by_its_name(tmp_path: Path) -> None:
    nowhere = refusal(str(tmp_path / "none"))
    assert nowhere.message == f"the kubeconfig {tmp_path}/none cannot be used"
    assert "No configuration found" in nowhere.why
    assert "name three in kube-config/contexts" in refusal(a_kubeconfig(), "three").why
    assert "/nowhere/ca.crt" in refusal(a_kubeconfig(**{"certificate-authority": "/nowhere/ca.crt"})).why


def test_a_kubeconfig_that_is_no_yaml_is_named_with_the_place(tmp_path: Path) -> None:
    (file := tmp_path / "config").write_text(f"users:\n- token: {SECRET}\n  - [\n")
    error = refusal(str(file))
    assert error.message == f"the kubeconfig {file} cannot be used"
    assert error.why == "it is no YAML, line 3, column 3"


def test_outside_of_a_pod_there_is_no_service_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert refusal(IN_POD).message == f"the kubeconfig {IN_POD} cannot be used"


@pytest.mark.parametrize(
    "text",
    [
        a_kubeconfig({"token": SECRET}),
        a_kubeconfig({"user": {"tokenFile": SECRET}}),
        a_kubeconfig({"user": {"client-key": f"-----BEGIN PRIVATE KEY-----\n{SECRET}"}}),
        a_kubeconfig({"user": {"client-key": SECRET * 100}}),
        a_kubeconfig({"user": {"client-key-data": f"{SECRET}!"}}),
        f"token: {SECRET}\n- broken",
        f"- {SECRET}\n",
        f"users:\n{SECRET}",
        f"{SECRET}\n",
    ],
)
def test_no_error_tells_what_is_in_a_kubeconfig(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    for error in (refusal(text), refusal(str(path))):
        assert SECRET not in f"{error.message} {error.why} {error.remedy}"
        assert error.why
        assert error.__suppress_context__


def the_error(raised: Exception) -> InferstackError:
    with pytest.raises(InferstackError) as caught, asking(connect(a_kubeconfig()), "Job load"):
        raise raised
    return caught.value


def handshake_that_failed(cause: Exception) -> ApiException:
    """What the client raises where a web socket does not open."""
    try:
        raise cause
    except Exception:
        try:
            raise ApiException(0, str(cause))
        except ApiException as error:
            return error


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (401, PreflightError, "the cluster does not know this user"),
        (403, PreflightError, "the cluster refuses Job load"),
        (409, InferstackError, "the cluster refuses Job load"),
    ],
)
def test_what_the_cluster_refuses_is_told_in_its_own_words(
    status: int, kind: type[InferstackError], message: str
) -> None:
    error = the_error(ApiException(status, "No", body=json.dumps({"message": "because"})))
    assert (type(error), error.message, error.why) == (kind, message, "because")
    assert the_error(ApiException(status, "No", body="<html>")).why == f"HTTP {status} No"


def test_a_cluster_that_does_not_answer_is_named() -> None:
    error = the_error(ConnectionRefusedError("refused"))
    assert isinstance(error, PreflightError)
    assert (error.message, error.why) == ("the cluster at https://one.test does not answer", "Job load: refused")


def test_what_a_web_socket_is_refused_is_told_in_the_clusters_words() -> None:
    body = json.dumps({"message": "because"}).encode()
    error = the_error(handshake_that_failed(WebSocketBadStatusException("Handshake status 403", 403, resp_body=body)))
    assert (type(error), error.message, error.why) == (PreflightError, "the cluster refuses Job load", "because")
    assert "does not answer" in the_error(handshake_that_failed(ConnectionRefusedError("refused"))).message
    assert "does not answer" in the_error(WebSocketConnectionClosedException("closed")).message
