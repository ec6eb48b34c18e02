"""Where instances sit, as far as the spec alone can tell; what fits a machine is placement's to say."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.rules.registry import Violation, rule
from schemas.spec import Serving, Spec
from schemas.suggest import listed
from schemas.tree import Tree


@rule("NUMA001")
def one_way_of_placing(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A serving group says in one way where its instances sit: `layout`, `instances` or `cores`.

    Why: Each of them decides number and size of the instances: by an aim, by numbers, or by hand.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits, layout: latency, cores: 0-1}]
    Remedy: Keep one; in an overlay, take the other away with `layout: null`.
    """
    for group in spec.serving:
        ways = {"layout": group.layout, "instances": group.instances, "cores": group.cores}
        given = [key for key, value in ways.items() if value is not None]
        if len(given) > 1:
            yield Violation(f"{group.at}.{given[-1]}", f"group `{group.name}` has {listed(given)}", key=True)


@rule("NUMA002")
def cpu_lists_are_in_order(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """A list of CPUs names each once, and its ranges ascend.

    Why: `3-0` or a CPU named twice is most often a slip of the pen.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits, cores: "3-0"}]
    Remedy: Write ranges from the lower to the higher number, such as 0-3,8.
    """
    for group in spec.serving:
        seen: set[int] = set()
        for first, last in _ranges(group.cores):
            if last < first:
                yield Violation(f"{group.at}.cores", f"the range {first}-{last} runs backwards")
                continue
            twice = seen & set(range(first, last + 1))
            if twice:
                yield Violation(f"{group.at}.cores", f"CPU {min(twice)} is named twice")
            seen |= set(range(first, last + 1))


@rule("NUMA003")
def instances_are_counted_once(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """`instances` says how many there are either in all (`count`) or on each node (`perNumaNode`).

    Why: The two mean the same number on a machine of one NUMA node and different ones elsewhere.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving: [{name: one, model: digits, instances: {count: 2, perNumaNode: 1}}]
    Remedy: Keep one of them; with `cores` alone, there are as many instances as fit.
    """
    for group in spec.serving:
        asked = group.instances
        if asked is not None and asked.count is not None and asked.per_numa_node is not None:
            yield Violation(f"{group.at}.instances.perNumaNode", "both `count` and `perNumaNode` are given", key=True)


@rule("NUMA004")
def cores_by_hand_are_shared_knowingly(spec: Spec, tree: Tree) -> Iterator[Violation]:
    """Groups with CPUs given by hand share none, unless both say `exclusive: false`.

    Why: Two instances on one core slow each other down, and each looks slow in a benchmark.
    Example:
        models: [{name: digits, source: digits.onnx}]
        serving:
          - {name: one, model: digits, cores: 0-1}
          - {name: two, model: digits, cores: 1-2}
    Remedy: Give them different cores, or write `exclusive: false` in both.
    """
    by_hand = [(group, _cpus(group)) for group in spec.serving if group.cores is not None]
    for index, (group, cpus) in enumerate(by_hand):
        for other, theirs in by_hand[:index]:
            if (shared := cpus & theirs) and (group.exclusive or other.exclusive):
                yield Violation(f"{group.at}.cores", f"CPU {min(shared)} is group `{other.name}`'s already")


def _ranges(cores: str | None) -> Iterator[tuple[int, int]]:
    for part in (cores or "").split(",") if cores else ():
        first, _, last = part.partition("-")
        yield int(first), int(last or first)


def _cpus(group: Serving) -> set[int]:
    return {cpu for first, last in _ranges(group.cores) for cpu in range(first, last + 1)}
