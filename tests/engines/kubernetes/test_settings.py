"""Which cluster the settings of a provider resource mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from stack.engines.kubernetes import KubernetesProviders
from stack.engines.kubernetes.connection import Connection
from stack.engines.kubernetes.errors import Unconfigured
from stack.engines.kubernetes.settings import Settings, Target, settings_of
from stack.engines.values import UNKNOWN


def a_kubeconfig(**servers: str) -> str:
    """A kubeconfig with a context for each server; the first is the current one."""
    document: dict[str, Any] = {
        "current-context": next(iter(servers)),
        "contexts": [{"name": name, "context": {"cluster": f"c-{name}"}} for name in servers],
        "clusters": [{"name": f"c-{name}", "cluster": {"server": server}} for name, server in servers.items()],
    }
    return yaml.safe_dump(document)


def test_a_context_names_the_cluster() -> None:
    text = a_kubeconfig(one="https://192.0.2.1", two="https://192.0.2.2")

    assert Settings(text).target() == Target("https://192.0.2.1")
    assert Settings(text, context="two").target() == Target("https://192.0.2.2")
    assert Settings(text, context="three").target() is None


def test_several_files_are_read_as_one_and_the_first_word_counts(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(a_kubeconfig(one="https://192.0.2.1"))
    (tmp_path / "b").write_text(a_kubeconfig(two="https://192.0.2.2"))
    settings = Settings(f"{tmp_path}/a:{tmp_path}/b:{tmp_path}/absent", context="two")

    assert settings.target() == Target("https://192.0.2.2")
    assert settings.document()["current-context"] == "one"


def test_the_environment_says_where_the_kubeconfig_lies_when_nobody_else_does() -> None:
    found = settings_of({"context": "two"}, {"KUBECONFIG": "/somewhere"})

    assert found == Settings("/somewhere", context="two")
    assert settings_of({"kubeconfig": UNKNOWN}, {}) is None


def test_a_kubeconfig_that_is_none_is_refused_without_quoting_it(tmp_path: Path) -> None:
    with pytest.raises(Unconfigured, match="There is no kubeconfig at"):
        Settings(str(tmp_path / "none")).document()
    with pytest.raises(Unconfigured) as caught:
        Settings("token: very-hidden\n- broken").document()
    assert "very-hidden" not in f"{caught.value} {caught.value.why}"


@pytest.mark.parametrize(
    ("new", "replaces"),
    [
        ({"context": "one"}, ()),
        ({"context": "two"}, ("context",)),
        ({"kubeconfig": UNKNOWN}, ()),
        ({"namespace": "other"}, ()),
    ],
)
def test_settings_that_mean_another_cluster_replace_the_provider(
    new: dict[str, str], replaces: tuple[str, ...]
) -> None:
    nobody = "https://127.0.0.1:9"
    text = a_kubeconfig(one=nobody, two=f"{nobody}/other")
    old = {"kubeconfig": text}

    assert KubernetesProviders().diff_settings("", old, {**old, **new}).replaces == replaces


def test_a_context_that_is_none_is_told_when_the_cluster_is_first_asked() -> None:
    with pytest.raises(Unconfigured, match="There is no way to the cluster") as caught:
        Connection(Settings(a_kubeconfig(one="https://192.0.2.1"), context="two")).identity()
    assert "name two in kube-config/contexts" in caught.value.why
