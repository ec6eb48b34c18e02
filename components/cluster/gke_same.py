"""Which differences of a value the provider takes for none, and which changes of a value replace nevertheless. Pure.

The words are those of the columns `same` and `replace_when` of `gke_changes.csv`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, Final

_UNITS_S: Final[Mapping[str, float]] = {
    "ns": 1e-9,
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
}
_ALL_WEEK: Final = frozenset({"MO", "TU", "WE", "TH", "FR", "SA", "SU"})


def is_nothing(value: Any) -> bool:
    """Whether a value counts as left out: the provider's library knows no difference between the two."""
    return value is None or value == "" or value is False or value == 0 or value == [] or value == {}


def is_off(block: Any) -> bool:
    """Whether a block switches nothing on."""
    values = block.values() if isinstance(block, Mapping) else ()
    return all(is_nothing(value) or str(value).upper().startswith("DISABLED") for value in values)


def as_set(value: Any) -> Any:
    """A list without its order; what is no list stays."""
    return sorted(set(map(str, value))) if isinstance(value, list | tuple) else value


def same(rule: str, old: Any, new: Any) -> bool:
    """Whether a difference of plain values is none by a rule of the table."""
    match rule:
        case "":
            return False
        case "case":
            return str(old).lower() == str(new).lower()
        case "link":
            return _link(old, new) == _link(new, old)
        case "project":
            return str(old).removeprefix("projects/") == str(new).removeprefix("projects/")
        case "size":
            return str(new).startswith("/") and str(old).endswith(str(new))
        case "clock":
            return str(old).zfill(5) == str(new).zfill(5)
        case "duration":
            return _seconds(old) == _seconds(new) is not None
        case "daily":
            return _is_daily(old) and _is_daily(new)
        case _:
            return {_text(old), _text(new)} <= set(rule.split("|"))


def replaces_when(rule: str, old: Any, new: Any) -> bool:
    """Whether an update replaces nevertheless."""
    match rule:
        case "off":
            return old is True and new is not True
        case "unlocked":
            return new is None and isinstance(old, Mapping) and old.get("isLocked") is True
        case "less":
            return bool(set(map(str, old or ())) - set(map(str, new or ())))
        case "shrinks":
            return old is not None and not _grows(old, new)
        case "removed":
            return bool(old) and new is None
        case _:
            return False


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _link(value: Any, other: Any) -> str:
    """What of a link is compared: the path within its project, or the name alone when the other is only a name."""
    text = _text(value).rstrip("/")
    return text.partition("projects/")[2] or text if "/" in _text(other) else text.rpartition("/")[2]


def _seconds(value: Any) -> float | None:
    parts = re.findall(r"([0-9.]+)(ns|us|ms|s|m|h|d)", _text(value))
    return sum(float(number) * _UNITS_S[unit] for number, unit in parts) if parts else None


def _is_daily(value: Any) -> bool:
    text = _text(value)
    days = re.search("BYDAY=([A-Z,]+)", text)
    return text == "FREQ=DAILY" or (days is not None and set(days[1].split(",")) == _ALL_WEEK)


def _grows(old: Any, new: Any) -> bool:
    """Whether a range of addresses contains the one it replaces: only then is it changed in place."""
    try:
        return ipaddress.ip_network(str(old)).subnet_of(ipaddress.ip_network(str(new)))  # type: ignore[arg-type]
    except ValueError:
        return False
