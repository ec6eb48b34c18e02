"""Fields that nothing carries out yet: refused, with what to use today, and never silently ignored.

A rule here goes when its field is carried out; its id is not used again.
"""

from __future__ import annotations

from collections.abc import Iterator

from schemas.rules.registry import Violation, rule
from schemas.spec import LocalCluster, Spec
from schemas.tree import Tree


@rule("NOTYET004")
def layouts_are_not_searched_yet(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Benchmarks do not search for a layout as part of `up`.

    Why: An `up` makes what the spec says; a search for the cheapest layout that keeps an objective is a command.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits}]
        benchmarks: [{name: layouts, targets: [one], search: {objective: {p99: 50ms}}}]
    Remedy: Give the benchmark a `load` and an `objective` and run `inferstack tune`; on a cluster, declare a serving
        group for each layout and name all of them as `targets` of one benchmark.
    """
    for benchmark in spec.benchmarks:
        if benchmark.search is not None:
            yield Violation(f"{benchmark.at}.search", f"benchmark `{benchmark.name}` asks for a search", key=True)


@rule("NOTYET011")
def platform_versions_are_fixed_yet(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """The version of a platform on this machine cannot be chosen yet.

    Why: openvino, kserve and mlserver are installed from locked lists that come with this program, so that results can
        be repeated.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits, platform: kserve, version: "0.20.0"}]
    Remedy: Delete `version`; `inferstack doctor` says which versions are used.
    """
    if isinstance(spec.cluster, LocalCluster):
        for group in spec.serving:
            if group.version is not None:
                yield Violation(f"{group.at}.version", f"the version of {group.platform} is fixed here", key=True)
