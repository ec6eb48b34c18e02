"""Records behave as frozen dataclasses do."""

from __future__ import annotations

import dataclasses
import pickle

import pytest

from schemas.record import record
from schemas.spec import Instances, Serving


@record
class Point:
    """Two numbers, and a note that does not count."""

    x: int
    y: int = 0
    note: str = dataclasses.field(default="", compare=False, repr=False)


def test_fields_have_defaults_and_may_be_named() -> None:
    assert Point(1) == Point(x=1, y=0, note="elsewhere")
    assert Point(1) != Point(1, 2)
    assert repr(Point(1)) == "Point(x=1, y=0)"


def test_a_record_cannot_be_changed() -> None:
    point = Point(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del point.x


@pytest.mark.parametrize("values", [{}, {"x": 1, "z": 2}])
def test_missing_and_unknown_fields_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(TypeError):
        Point(**values)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Point(1, 2, "", 4)  # type: ignore[call-arg]


def test_the_functions_of_dataclasses_work_on_records() -> None:
    group = Serving(name="one", model="digits", instances=Instances(count=2))
    assert dataclasses.replace(group, name="two").instances == Instances(count=2)
    assert dataclasses.asdict(group)["instances"]["count"] == 2
    assert pickle.loads(pickle.dumps(group)) == group
    assert len({Point(1), Point(1), Point(2)}) == 2
