"""Sets of CPUs as the kernel writes them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from components.cluster.cpulist import format_list, parse_list, parse_mask

NUMBERS = st.frozensets(st.integers(0, 300))


@given(NUMBERS)
def test_a_list_that_is_written_reads_back_the_same(numbers: frozenset[int]) -> None:
    assert parse_list(format_list(numbers) if numbers else "") == numbers


@given(NUMBERS)
def test_a_mask_means_the_bits_that_are_set(numbers: frozenset[int]) -> None:
    digits = f"{sum(1 << number for number in numbers):0320x}"
    groups = ",".join(digits[start : start + 8] for start in range(0, len(digits), 8))
    assert parse_mask(groups) == numbers


def test_neighbours_are_written_as_a_range() -> None:
    assert format_list([8, 0, 1, 2, 5]) == "0-2,5,8"
    assert format_list([]) == "none"
