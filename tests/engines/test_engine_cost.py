"""What planning costs: linear in the number of resources. (Seconds are judged in tests/performance.)"""

from __future__ import annotations

import time
from pathlib import Path

from tests.fakes import File, a_program, an_engine


def cost_s(tmp_path: Path, number: int) -> float:
    """CPU time of a preview of so many resources in groups of 50; the best of two."""
    extra = {f"input{i}": [i, {"a": i}] for i in range(15)}
    program = a_program(
        tmp_path / "out",
        {f"f{i}": File(group=f"g{i // 50}", props=extra, uses="f0" if i else "") for i in range(number)},
    )
    engine = an_engine(tmp_path)
    found = []
    for _ in range(2):
        began = time.process_time()
        assert engine.preview(program).counts["create"] == number
        found.append(time.process_time() - began)
    return min(found)


def test_a_preview_costs_in_proportion_to_its_resources(tmp_path: Path) -> None:
    assert cost_s(tmp_path, 600) < 1.6 * 4 * cost_s(tmp_path, 150)
