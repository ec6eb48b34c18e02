"""Rules of extensions at their edges: what they let pass, and what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.schemas.spec_texts import HEAD, a_file, loaded, problems, rules

CLUSTER = f"{HEAD}cluster: {{provider: kubernetes}}\n"
MIRROR = "chart: oci://mirror.example/charts"


def _refused(folder: Path, extensions: str) -> list[str]:
    return rules(problems(a_file(folder, f"{CLUSTER}extensions: [{extensions}]\n")))


@pytest.mark.parametrize(
    "extension",
    [
        "kserve",
        "{name: kserve, version: v0.20.0, values: {kserve: {controller: {deploymentMode: Standard}}}}",
        "{name: seldon-core, version: 1.18.2}",
        "{name: mlflow, namespace: ml, timeout: 20m}",
        "{name: redis, chart: redis, repo: 'https://charts.example', version: 20.1.0, values: {a: 1}}",
        f"{{name: redis, {MIRROR}/redis, version: 20.1.0}}",
        "{name: mine, chart: /charts/mine}",
        "{name: mine, manifests: objects/}",
        "{name: gateway-api, manifests: standard-install.yaml}",
        f"{{name: kserve, {MIRROR}/kserve, version: v0.16.0}}",
    ],
)
def test_extensions_that_can_be_installed_are_accepted(tmp_path: Path, extension: str) -> None:
    loaded(a_file(tmp_path, f"{CLUSTER}extensions: [{extension}]\n"))


def test_a_misspelt_extension_gets_a_suggestion(tmp_path: Path) -> None:
    (found,) = problems(a_file(tmp_path, f"{CLUSTER}extensions: [certmanager]\n"))

    assert found.message.endswith("did you mean `cert-manager`?")
    assert found.remedy == "Write cert-manager."


@pytest.mark.parametrize(
    ("extension", "rule"),
    [
        ("{name: certmanager}", "EXT002"),
        ("{name: mine, manifests: a.yaml, timeout: 1m}", "EXT003"),
        ("{name: mine, manifests: a.yaml, chart: /b}", "EXT003"),
        ("{name: keda, repo: 'https://charts.example'}", "EXT003"),
        ("{name: gateway-api, values: {a: 1}}", "EXT003"),
        ("{name: ovms-operator, timeout: 1m}", "EXT003"),
        (f"{{name: a, {MIRROR}/a, repo: 'https://charts.example', version: 1.0.0}}", "EXT003"),
        ("{name: a, chart: charts/a, version: 1.0.0}", "EXT004"),
        ("{name: a, chart: a, version: 1.0.0}", "EXT004"),
        ("{name: keda, version: '2.18'}", "EXT005"),
        ("{name: keda, version: '>=2.18.0'}", "EXT005"),
        (f"{{name: a, {MIRROR}/a}}", "EXT005"),
        ("{name: kserve, version: 0.16.0}", "EXT006"),
        ("{name: seldon-core, version: 2.10.2}", "EXT006"),
        ("cert-manager, {name: certs, chart: cert-manager, repo: 'https://charts.example', version: 1.21.1}", "EXT007"),
        ("istio, {name: consul, chart: consul, repo: 'https://charts.example', version: 1.0.0}", "EXT007"),
        ("istio, {name: kserve, values: {kserve: {controller: {deploymentMode: Serverless}}}}", "EXT008"),
    ],
)
def test_extensions_that_cannot_be_installed_are_refused(tmp_path: Path, extension: str, rule: str) -> None:
    assert _refused(tmp_path, extension) == [rule]


def test_kserve_in_knative_mode_is_accepted_beside_knative_and_istio(tmp_path: Path) -> None:
    kserve = "{name: kserve, values: {kserve: {controller: {deploymentMode: Knative}}}}"
    loaded(a_file(tmp_path, f"{CLUSTER}extensions: [istio, knative, {kserve}]\n"))


def test_a_version_that_cannot_be_installed_says_what_to_do(tmp_path: Path) -> None:
    (found,) = problems(a_file(tmp_path, f"{CLUSTER}extensions: [{{name: kserve, version: 0.16.0}}]\n"))

    assert "another name" in found.why
    assert "oci://ghcr.io/kserve/charts/kserve" in found.remedy


@pytest.mark.parametrize("values", ["[a]", "words", "3"])
def test_values_that_are_no_map_are_refused(tmp_path: Path, values: str) -> None:
    (found,) = problems(a_file(tmp_path, f"{CLUSTER}extensions: [{{name: keda, values: {values}}}]\n"))

    assert found.rule.startswith("SPEC")
    assert found.location is not None


def test_an_extension_on_this_machine_is_refused_once_for_all(tmp_path: Path) -> None:
    (found,) = problems(a_file(tmp_path, f"{HEAD}extensions: [keda, mlflow]\n"))

    assert found.rule == "EXT001"
    assert "`keda` and `mlflow`" in found.message
