"""Rules at their edges: what they let pass, and which of several they name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.schemas.spec_texts import GOOD, HEAD, MODELS, a_file, loaded, problems, rules

GKE = """cluster:
  provider: gke
  project: my-project
  location: europe-west4-a
  nodePools: [{name: serving, machineType: n2-standard-32, %s}]
models: [{name: digits, source: gs://models/digits}]
serving: [{name: one, model: digits, platform: ovms, nodePool: serving, instances: {perNumaNode: 1, cores: 7}}]
"""


def _accepted(folder: Path, text: str) -> None:
    loaded(a_file(folder, HEAD + text))


def _refused(folder: Path, text: str) -> list[str]:
    return rules(problems(a_file(folder, HEAD + text)))


@pytest.mark.parametrize(
    "pool",
    [
        "minCpuPlatform: Intel Cascade Lake, threadsPerCore: 1, cpuManager: static, topologyManager: single-numa-node",
        "cpuManager: static, topologyManager: restricted, memoryManager: Static",
        "nodes: {min: 0, max: 4}, spot: true, compactPlacement: true, zones: [europe-west4-b]",
        "upgrade: {maxSurge: 0, maxUnavailable: 1}, hugepages: {size2m: 1024}",
        "upgrade: {blueGreen: {batchNodes: 2, poolSoak: 1h}}",
    ],
)
def test_pools_that_gke_takes_are_accepted(tmp_path: Path, pool: str) -> None:
    _accepted(tmp_path, GKE % pool)


@pytest.mark.parametrize("machine", ["e2-standard-4", "n2d-standard-8", "c3-standard-22", "n1-standard-1"])
def test_known_machine_types_and_those_of_other_series_are_accepted(tmp_path: Path, machine: str) -> None:
    _accepted(tmp_path, (GKE % "spot: false").replace("n2-standard-32", machine))


@pytest.mark.parametrize(
    ("machine", "says"),
    [
        ("n2-standard-33", "did you mean"),
        ("n2-custom-8-16384", "custom"),
        ("n2standard32", "`n2-standard-32`"),
        ("x", "x"),
    ],
)
def test_unknown_machine_types_are_refused(tmp_path: Path, machine: str, says: str) -> None:
    (found,) = problems(a_file(tmp_path, HEAD + (GKE % "spot: false").replace("n2-standard-32", machine)))
    assert found.rule == "GKE001"
    assert says in found.message


@pytest.mark.parametrize(
    ("version", "refused"),
    [
        ("1.31.9-gke.1000", True), ("1.32.3-gke.1784999", True), ("1.32.3-gke.1785000", False), ("1.33", False),
        ("1.32", False), ("1.31", True), ("latest", False),
    ],
)  # fmt: skip
def test_the_topology_manager_needs_a_version_that_has_it(tmp_path: Path, version: str, refused: bool) -> None:
    text = GKE.replace("location:", f"version: '{version}'\n  location:")
    text %= "cpuManager: static, topologyManager: single-numa-node"
    if refused:
        assert _refused(tmp_path, text) == ["GKE003"]
    else:
        _accepted(tmp_path, text)


@pytest.mark.parametrize(
    ("platform", "protocol", "accepted"),
    [
        ("openvino", "v1", True), ("openvino", "v2-binary", True), ("kserve", "v1", True), ("kserve", "grpc", True),
        ("kserve", "v2-binary", True), ("mlserver", "v2", True), ("mlserver", "grpc", True), ("mlserver", "v1", False),
        ("mlserver", "v2-binary", False),
    ],
)  # fmt: skip
def test_platforms_speak_what_they_speak(tmp_path: Path, platform: str, protocol: str, accepted: bool) -> None:
    text = f"{MODELS}serving: [{{name: one, model: digits, platform: {platform}, protocol: {protocol}}}]\n"
    if accepted:
        _accepted(tmp_path, text)
    else:
        assert _refused(tmp_path, text) == ["SERVE002"]


@pytest.mark.parametrize(
    ("version", "accepted"), [("2026.2.1", True), ("2026.3", False), ("latest", False), (None, True)]
)
def test_ovms_speaks_v1_until_2026_3(tmp_path: Path, version: str | None, accepted: bool) -> None:
    stated = "" if version is None else f", version: '{version}'"
    text = (GKE % "spot: false").replace("platform: ovms", f"platform: ovms, protocol: v1{stated}")
    if accepted:
        _accepted(tmp_path, text)
    else:
        assert _refused(tmp_path, text) == ["SERVE002"]


def test_a_benchmark_may_not_ask_a_platform_for_what_it_does_not_speak(tmp_path: Path) -> None:
    text = GOOD.replace("layout: throughput", "platform: mlserver").replace(
        "targets:", "protocol: v2-binary\n    targets:"
    )
    assert rules(problems(a_file(tmp_path, text))) == ["SERVE002"]


def test_ports_of_groups_keep_apart(tmp_path: Path) -> None:
    text = MODELS + "serving:\n  - {name: one, model: digits, instances: {count: 2}, port: 8500}\n"
    _accepted(tmp_path, text + "  - {name: two, model: digits, port: 8502}\n")
    assert _refused(tmp_path, text + "  - {name: two, model: digits, port: 8400, grpcPort: 8501}\n") == ["SERVE003"]
    assert _refused(tmp_path, text + "  - {name: two, model: digits, port: 8600, grpcPort: 8600}\n") == ["SERVE003"]


def test_cores_by_hand_may_be_shared_when_both_say_so(tmp_path: Path) -> None:
    both = "  - {name: %s, model: digits, cores: 0-1, exclusive: false}\n"
    _accepted(tmp_path, MODELS + "serving:\n" + both % "one" + both % "two")
    shared = both % "one" + "  - {name: two, model: digits, cores: '1'}\n"
    assert _refused(tmp_path, MODELS + "serving:\n" + shared) == ["NUMA004"]


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::", "::1", "localhost", "fe80::1"])
def test_any_address_may_be_listened_on_if_it_is_stated(tmp_path: Path, host: str) -> None:
    _accepted(tmp_path, f"{MODELS}serving: [{{name: one, model: digits, host: '{host}'}}]\n")


@pytest.mark.parametrize(
    "source", ["m/digits.onnx", "https://example.com/a.onnx?x=1", "file:///srv/a.xml", "folder", "train://other/a.npz"]
)
def test_sources_of_this_machine_are_accepted(tmp_path: Path, source: str) -> None:
    other = "{name: other, train: {command: [make], outputs: [a.onnx, a.npz]}}"
    if source.startswith("train://"):
        text = f"models: [{other}, {{name: digits, source: m.onnx, evaluation: '{source}'}}]\n"
    else:
        text = f"models: [{{name: digits, source: '{source}'}}]\n"
    _accepted(tmp_path, text)


@pytest.mark.parametrize("source", ["a.h5", "a.pt2", "A.KERAS", "https://x.example/a.pth", "model.tar.gz", "m.pkl"])
def test_sources_that_cannot_be_read_say_what_would(tmp_path: Path, source: str) -> None:
    found = problems(a_file(tmp_path, f"{HEAD}models: [{{name: digits, source: '{source}'}}]\n"))
    assert rules(found) == ["MODEL005"]
    assert found[0].remedy


def test_int8_without_labels_is_accepted_when_any_loss_is(tmp_path: Path) -> None:
    text = (
        "models: [{name: a, source: a.onnx, convert: {precision: int8, calibration: c.npz, maxAccuracyDrop: 100%}}]\n"
    )
    _accepted(tmp_path, text)


def test_a_list_of_loads_names_the_one_that_is_wrong(tmp_path: Path) -> None:
    text = GOOD.replace("{rate: 50/s, duration: 5s}", "[{rate: 50/s}, {clients: 2}, {clients: 2, rate: 1/s}]")
    (found,) = problems(a_file(tmp_path, text))
    assert found.rule == "BENCH001"
    assert found.location is not None
    assert text.splitlines()[found.location.line - 1][found.location.column - 1 :].startswith("clients: 2, rate")


@pytest.mark.parametrize(
    "url",
    ["https://[::1/m.onnx", "https://a b/m.onnx", "https://a:99999/m.onnx", "https://a:x/m.onnx", "https:///m.onnx"],
)
def test_malformed_urls_are_refused_where_they_stand(tmp_path: Path, url: str) -> None:
    (found,) = problems(a_file(tmp_path, f"{HEAD}models: [{{name: digits, source: '{url}'}}]\n"))
    assert found.rule == "MODEL011"
    assert found.location is not None
    assert found.location.line == 3


@pytest.mark.parametrize("url", ["https://[::1]:8443/m.onnx", "https://a/my model.onnx?b=c d", "file:///a/m.onnx"])
def test_urls_with_addresses_and_spaces_in_paths_are_accepted(tmp_path: Path, url: str) -> None:
    _accepted(tmp_path, f"models: [{{name: digits, source: '{url}'}}]\n")
