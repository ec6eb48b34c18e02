"""Sets of CPUs as the kernel writes them: lists (`0-3,8`) and masks (`00000000,0000000f`).

Never reads a file; the readers beside it do.
"""

from __future__ import annotations

from collections.abc import Iterable


def parse_list(text: str) -> frozenset[int]:
    """The numbers of a list such as `0-3,8`; an empty text is the empty set.

    Raises:
        ValueError: the text is no such list.
    """
    numbers: set[int] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)


def parse_mask(text: str) -> frozenset[int]:
    """The numbers of the bits set in a hexadecimal mask, 32 bits a group, highest first.

    Raises:
        ValueError: the text is no such mask.
    """
    bits = int(text.strip().replace(",", ""), 16)
    return frozenset(number for number in range(bits.bit_length()) if bits >> number & 1)


def format_list(numbers: Iterable[int]) -> str:
    """The shortest list of these numbers, ascending: `0-3,8`; `none` when there are none."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs) or "none"
