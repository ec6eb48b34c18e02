"""What `up` would do, as a frozen value: every text, JSON and Markdown rendering comes from it, and `up FILE` obeys it.

A plan holds no secret: where one would stand, `old` and `new` are None and `secret` says why. Pure: making, comparing
and judging plans touches nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal

from components.cluster import node_impact
from components.cluster.node_impact import CloudImpact, PodsLeft, PoolImpact

Op = Literal["create", "update", "replace", "delete", "same", "read"]
OPS: Final[tuple[Op, ...]] = ("create", "update", "replace", "delete", "read", "same")
CHANGING: Final[frozenset[Op]] = frozenset({"create", "update", "replace", "delete"})

INSTANCE: Final = "pulumi-python:dynamic/inferstack:Instance"
MODEL: Final = "pulumi-python:dynamic/inferstack:Model"
SUPERVISOR: Final = "pulumi-python:dynamic/inferstack:Supervisor"
BENCHMARKS: Final = ("pulumi-python:dynamic/inferstack:Benchmark", "pulumi-python:dynamic/inferstack:JobBenchmark")
_STACK_TYPE: Final = "pulumi:pulumi:Stack"


@dataclass(frozen=True)
class Source:
    """Where a value comes from (`environments/local.yaml:14:7`), its layer, and what it overrides, nearest first."""

    text: str
    layer: str = ""
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True)
class PropertyChange:
    """One place in a resource's properties that changes.

    `old` and `new` are JSON; None where there is nothing, where the value is secret, or (new) where it is `unknown`
    until other resources are done. `seal` stands for both where they are secret: a hash under the state's own key.
    `forces_replacement` says that this place replaces the resource, `why` in words.
    """

    path: str
    kind: Literal["add", "delete", "update"]
    old: Any = None
    new: Any = None
    secret: bool = False
    unknown: bool = False
    seal: str = ""
    forces_replacement: bool = False
    why: str = ""
    source: Source | None = None

    def what(self, op: Op) -> tuple[Any, ...]:
        """What happens at the place of a resource, by which plans are compared.

        Where the resource is made anew only what was there counts: what is asked for is in the plan's `inputs_digest`,
        and a name that a provider makes up is another one each time.
        """
        return (self.kind, self.old, self.new, self.unknown, self.seal) if op == "update" else (self.kind, self.old)


@dataclass(frozen=True)
class Change:
    """What happens to one resource; `op` is `same` for those that stay as they are.

    `component` marks a group of resources that is nothing by itself. `reasons` say in words why a resource is replaced
    or touched although no property of it changes. `delete_first` tells a replacement that deletes before it creates.
    `blocked` says why it may not happen (the resource is protected); then `up` refuses the whole plan. `dependencies`
    are the URNs of what it needs, for pictures.
    """

    op: Op
    urn: str
    type: str
    name: str
    parent: str = ""
    component: bool = False
    properties: tuple[PropertyChange, ...] = ()
    reasons: tuple[str, ...] = ()
    delete_first: bool = False
    retained: bool = False
    blocked: str = ""
    plans_only: bool = False
    dependencies: tuple[str, ...] = ()

    @property
    def changing(self) -> bool:
        """Whether anything happens to the resource."""
        return self.op in CHANGING


@dataclass(frozen=True)
class GroupImpact:
    """What becomes of one serving group: names of instances, and how many answer throughout."""

    group: str
    starts: tuple[str, ...] = ()
    restarts: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()

    @property
    def interrupted(self) -> bool:
        """Whether there is a time in which no instance of the group answers, though one did before."""
        return bool(self.restarts or self.stops) and not self.stays

    @property
    def touched(self) -> bool:
        """Whether anything happens to the group."""
        return bool(self.starts or self.restarts or self.stops)


@dataclass(frozen=True)
class Impact:
    """What the changes mean for those who use the stack."""

    groups: tuple[GroupImpact, ...] = ()
    models: tuple[str, ...] = ()
    benchmarks: tuple[str, ...] = ()
    removed_benchmarks: tuple[str, ...] = ()
    pools: tuple[PoolImpact, ...] = ()
    pods: tuple[PodsLeft, ...] = ()

    @property
    def interrupted(self) -> tuple[str, ...]:
        """Serving groups that stop answering for a while, or for good."""
        found = [group.group for group in self.groups if group.interrupted]
        return tuple(dict.fromkeys([*found, *(pods.group for pods in self.pods if pods.interrupted)]))


@dataclass(frozen=True)
class Plan:
    """What would be done to bring a stack from its state to its program.

    `serial` and `lineage` name the state it was made from; `inputs_digest` covers all that the program asks for,
    secrets included. `notes` are lines of the program for people (how instances fit the NUMA nodes, costs). `outputs`
    are changes of the stack's own outputs. `bookkeeping` tells that the state has to be written although no resource
    changes. `cloud` says what the changes mean for the nodes of a cloud's cluster.
    """

    project: str
    stack: str
    lineage: str
    serial: int
    changes: tuple[Change, ...]
    outputs: tuple[PropertyChange, ...] = ()
    notes: tuple[str, ...] = ()
    destroy: bool = False
    bookkeeping: bool = False
    inputs_digest: str = ""
    cloud: CloudImpact | None = None

    @property
    def changing(self) -> tuple[Change, ...]:
        """The changes that do something, components left out: they are nothing by themselves."""
        return tuple(change for change in self.changes if change.changing and not change.component)

    @property
    def empty(self) -> bool:
        """Whether nothing at all would be done to any resource."""
        return not any(change.changing for change in self.changes)

    @property
    def counts(self) -> Mapping[Op, int]:
        """How many resources each operation meets, components left out; zero where none."""
        found = Counter(change.op for change in self.changes if not change.component)
        return {op: found[op] for op in OPS}

    @property
    def blocked(self) -> tuple[Change, ...]:
        """Changes that may not happen."""
        return tuple(change for change in self.changes if change.blocked)

    @property
    def plans_only(self) -> tuple[Change, ...]:
        """Changes that the engine can plan and cannot apply."""
        return tuple(change for change in self.changes if change.plans_only and change.changing)

    @property
    def impact(self) -> Impact:
        """What the changes mean for those who use the stack."""
        found = impact_of(self.changes)
        return replace(found, pools=self.cloud.pools, pods=self.cloud.groups) if self.cloud else found

    @property
    def digest(self) -> str:
        """SHA-256 over what the program asks for, and the state and values it meets: equal plans do equal things."""
        what = [self.project, self.stack, self.lineage, self.serial, self.destroy, self.inputs_digest]
        done = [
            (c.urn, c.op, [(p.path, *p.what(c.op)) for p in sorted(c.properties, key=lambda p: p.path)])
            for c in sorted(self.changes, key=lambda c: (c.urn, c.op))
        ]
        text = json.dumps([*what, done], separators=(",", ":"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def impact_of(changes: Iterable[Change]) -> Impact:
    """What changes mean: which instances start, restart or stop, which benchmarks run again."""
    changes = tuple(changes)
    of_type: dict[str, list[Change]] = {INSTANCE: [], MODEL: [], SUPERVISOR: []}
    measured = [change for change in changes if change.type in BENCHMARKS]
    for change in changes:
        if change.type in of_type:
            of_type[change.type].append(change)
    shaken = any(change.op in ("replace", "delete") for change in of_type[SUPERVISOR])
    groups: dict[str, list[Change]] = {}
    for change in of_type[INSTANCE]:
        groups.setdefault(_group_of(change), []).append(change)
    return Impact(
        groups=tuple(_group_impact(name, members, shaken) for name, members in groups.items()),
        models=tuple(c.name for c in of_type[MODEL] if c.op in ("create", "update", "replace")),
        benchmarks=tuple(c.name for c in measured if c.op in ("create", "update", "replace")),
        removed_benchmarks=tuple(c.name for c in measured if c.op == "delete"),
    )


def _group_of(change: Change) -> str:
    """An instance belongs to the component it is a child of; below the stack itself its name without the index says."""
    in_component = change.parent and _STACK_TYPE not in change.parent
    return change.parent.rpartition("::")[2] if in_component else change.name.rpartition("-")[0]


def _group_impact(name: str, members: Iterable[Change], shaken: bool) -> GroupImpact:
    by_op: dict[str, list[str]] = {op: [] for op in OPS}
    for change in members:
        by_op[change.op].append(change.name)
    still = [*by_op["same"], *by_op["read"]]
    return GroupImpact(
        group=name,
        starts=tuple(by_op["create"]),
        restarts=(*by_op["update"], *by_op["replace"], *(still if shaken else ())),
        stops=tuple(by_op["delete"]),
        stays=() if shaken else tuple(still),
    )


def as_json(plan: Plan) -> dict[str, Any]:
    """The plan as JSON values; `from_json` reads it back."""
    return asdict(plan)


def from_json(data: Mapping[str, Any]) -> Plan:
    """The plan that `as_json` wrote.

    Raises:
        KeyError, TypeError: it is not of that form.
    """
    changes = tuple(
        Change(
            **{
                **change,
                "properties": _properties(change["properties"]),
                "reasons": tuple(change["reasons"]),
                "dependencies": tuple(change.get("dependencies", ())),
            }
        )
        for change in data["changes"]
    )
    cloud = node_impact.from_json(data["cloud"]) if data.get("cloud") else None
    outputs, notes = _properties(data["outputs"]), tuple(data["notes"])
    return Plan(**{**data, "changes": changes, "outputs": outputs, "notes": notes, "cloud": cloud})


def _properties(items: Iterable[Mapping[str, Any]]) -> tuple[PropertyChange, ...]:
    return tuple(PropertyChange(**{**item, "source": _source(item["source"])}) for item in items)


def _source(data: Mapping[str, Any] | None) -> Source | None:
    return None if data is None else Source(data["text"], data["layer"], tuple(data["overrides"]))
