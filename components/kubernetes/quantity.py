"""Quantities as Kubernetes writes them: `500m` of a CPU, `24Gi` of memory.

Grammar: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

FACTORS: Final = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"),
    "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12), "P": Decimal(10**15),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40), "Pi": Decimal(2**50),
}  # fmt: skip


def amount(text: str | int | float) -> Decimal:
    """The quantity as a number: CPUs, bytes or pieces.

    Raises:
        decimal.InvalidOperation: the text is no quantity.
    """
    written = str(text)
    suffix = next((s for s in (written[-2:], written[-1:]) if s in FACTORS), "")
    return Decimal(written.removesuffix(suffix)) * FACTORS.get(suffix, Decimal(1))


def millicpus(text: str | int | float) -> int:
    """A quantity of CPU in thousandths, rounded down."""
    return math.floor(amount(text) * 1000)


def mebibytes(text: str | int | float) -> int:
    """A quantity of memory in MiB, rounded down."""
    return math.floor(amount(text) / 2**20)


def memory(mebis: int) -> str:
    """MiB as the API server writes them: whole GiB as such."""
    return f"{mebis // 1024}Gi" if mebis % 1024 == 0 else f"{mebis}Mi"


def cpu(millis: int) -> str:
    """Thousandths of a CPU as the API server writes them: whole CPUs without a suffix."""
    return str(millis // 1000) if millis % 1000 == 0 else f"{millis}m"
