"""What a plan means for the nodes of a cloud's cluster, the pods on them, and its cost: values, and their words.

Only what is told; `gke_impact.py` finds it out. Imports nothing, since every plan holds one of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Fate = Literal["deleted", "replaced", "recreated", "resized", "moved", "unsettled", "changed", "untouched"]
_OFTEN: Final = {1: "once", 2: "twice"}


@dataclass(frozen=True)
class PoolImpact:
    """What becomes of the nodes of one pool.

    Attributes:
        nodes: fewest and most nodes over all zones, as they are.
        becomes: the same as they will be; None where the number stays.
        rounds: how many times every node is recreated, one round after another.
        added: nodes that are there in addition meanwhile.
        missing: nodes that may be missing meanwhile.
        batch: nodes emptied at a time by a blue-green upgrade; 0 where it is none.
    """

    pool: str
    fate: Fate
    nodes: tuple[int, int]
    becomes: tuple[int, int] | None = None
    rounds: int = 0
    added: int = 0
    missing: int = 0
    batch: int = 0

    @property
    def drained(self) -> int:
        """How many nodes are emptied at a time."""
        match self.fate:
            case "deleted" | "replaced":
                return self.nodes[1]
            case "recreated":
                return self.batch or self.added + self.missing
            case "resized" | "moved":
                return max(0, self.nodes[0] - self.becomes[0]) if self.becomes else 1
            case _:
                return 0

    @property
    def text(self) -> str:
        """What happens, in words."""
        match self.fate:
            case "deleted":
                return f"its {_count(self.nodes)} go"
            case "replaced":
                return f"its {_count(self.nodes)} go before new ones come"
            case "recreated":
                return f"{self._recreated()}{self._number()}"
            case "resized":
                return self._number().removeprefix("; ")
            case "moved":
                return f"nodes come and go by zone{self._number()}"
            case "unsettled":
                return "what becomes of its nodes is not documented"
            case "changed":
                return "changed on its running nodes"
            case "untouched":
                return "its nodes stay as they are"

    def _recreated(self) -> str:
        often = _OFTEN.get(self.rounds, f"{self.rounds} times")
        nodes = "its node" if self.nodes == (1, 1) else f"each of its {_count(self.nodes)}"
        head = f"{nodes} is recreated {often}"
        if self.batch:
            return f"{head}: as many new ones beside them first, then {self.batch} emptied at a time (blue-green)"
        added = f", {self.added} more meanwhile (surge)" if self.added else ""
        missing = f", up to {self.missing} missing meanwhile" if self.missing else ""
        return f"{head}, {max(1, self.drained)} at a time{added}{missing}"

    def _number(self) -> str:
        return f"; {_span(self.nodes)} -> {_count(self.becomes)}" if self.becomes else ""


@dataclass(frozen=True)
class PodsLeft:
    """How many replicas of a serving group answer while its nodes go."""

    group: str
    replicas: int
    left: int

    @property
    def interrupted(self) -> bool:
        """Whether there is a time in which no replica answers."""
        return self.left == 0

    @property
    def text(self) -> str:
        """The same in words."""
        if self.interrupted:
            return "INTERRUPTED: no replica answers meanwhile"
        return f"at least {self.left} of {self.replicas} replicas answer throughout"


@dataclass(frozen=True)
class CostChange:
    """USD an hour at list price, with the fewest and the most nodes, before and after."""

    before: tuple[float, float]
    after: tuple[float, float]

    @property
    def text(self) -> str:
        """The same in words."""
        if self.before == self.after:
            return f"{_money(self.after)} USD an hour, as before"
        least, most = (after - before for before, after in zip(self.before, self.after, strict=True))
        change = f"{least:+.2f}" if round(least - most, 2) == 0 else f"{least:+.2f} to {most:+.2f}"
        return f"{_money(self.before)} -> {_money(self.after)} USD an hour ({change})"


@dataclass(frozen=True)
class CloudImpact:
    """All of it; `kept`: left out by the program, kept by the cloud; `unsent`: changes that no request carries."""

    pools: tuple[PoolImpact, ...] = ()
    groups: tuple[PodsLeft, ...] = ()
    cost: CostChange | None = None
    kept: tuple[str, ...] = ()
    unsent: tuple[str, ...] = ()


def from_json(data: Mapping[str, Any]) -> CloudImpact:
    """What `dataclasses.asdict` made of one.

    Raises:
        KeyError, TypeError: it is not of that form.
    """
    cost = data["cost"]
    return CloudImpact(
        pools=tuple(
            PoolImpact(**{**pool, "nodes": tuple(pool["nodes"]), "becomes": _pair(pool["becomes"])})
            for pool in data["pools"]
        ),
        groups=tuple(PodsLeft(**group) for group in data["groups"]),
        cost=CostChange(tuple(cost["before"]), tuple(cost["after"])) if cost else None,
        kept=tuple(data["kept"]),
        unsent=tuple(data["unsent"]),
    )


def _pair(value: Any) -> Any:
    return None if value is None else tuple(value)


def _span(nodes: tuple[int, int]) -> str:
    return f"{nodes[0]}" if nodes[0] == nodes[1] else f"{nodes[0]} to {nodes[1]}"


def _count(nodes: tuple[int, int]) -> str:
    return f"{_span(nodes)} node{'s' * (nodes != (1, 1))}"


def _money(usd: tuple[float, float]) -> str:
    return f"{usd[0]:.2f}" if round(usd[0] - usd[1], 2) == 0 else f"{usd[0]:.2f} to {usd[1]:.2f}"
