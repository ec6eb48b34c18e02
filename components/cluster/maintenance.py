"""When GKE may work on a cluster, as its API wants it. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.spec import MaintenanceExclusion, MaintenanceWindow

DAILY_HOURS: Final = 4  # what GKE's daily window has, and the least that a recurring one may have
# A recurring window repeats from a first one on; any in the past will do, and the same one is no change.
FIRST_DAY: Final = datetime(2024, 1, 1, tzinfo=UTC)


def maintenance_policy(spec: MaintenanceWindow) -> dict[str, Any]:
    """The whole policy: GKE's own daily window, or a recurring one of other days or length, and its exclusions."""
    policy = _window(spec)
    if spec.exclusions:
        policy["maintenanceExclusions"] = [_exclusion(exclusion) for exclusion in spec.exclusions]
    return policy


def _window(spec: MaintenanceWindow) -> dict[str, Any]:
    if not spec.days and spec.duration_s == DAILY_HOURS * 3600:
        return {"dailyMaintenanceWindow": {"startTime": spec.start}}
    hours, minutes = spec.start.split(":")
    first = FIRST_DAY + timedelta(hours=int(hours), minutes=int(minutes))
    days = ",".join(day[:2].upper() for day in spec.days)
    recurring = {
        "startTime": _text(first),
        "endTime": _text(first + timedelta(seconds=spec.duration_s)),
        "recurrence": f"FREQ=WEEKLY;BYDAY={days}" if days else "FREQ=DAILY",
    }
    return {"recurringWindow": recurring}


def _exclusion(spec: MaintenanceExclusion) -> dict[str, Any]:
    return {
        "exclusionName": spec.name,
        "startTime": _text(instant(spec.start)),
        "endTime": _text(instant(spec.end)),
        "exclusionOptions": {"scope": spec.scope.upper().replace("-", "_")},
    }


def instant(text: str) -> datetime:
    """A day (its beginning) or a second, in UTC."""
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
