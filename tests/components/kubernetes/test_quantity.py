"""Quantities of Kubernetes as numbers."""

from __future__ import annotations

from decimal import InvalidOperation

import pytest

from components.kubernetes.quantity import cpu, mebibytes, millicpus


@pytest.mark.parametrize(
    ("text", "millis"), [("1", 1000), ("500m", 500), ("1.5", 1500), (2, 2000), ("1500000u", 1500), ("100n", 0)]
)
def test_cpus_are_counted_in_thousandths(text: str | int, millis: int) -> None:
    assert millicpus(text) == millis


@pytest.mark.parametrize(
    ("text", "mib"), [("24684096Ki", 24105), ("2Gi", 2048), ("1G", 953), ("1048576", 1), ("1e3Mi", 1000), ("0", 0)]
)
def test_memory_is_counted_in_mebibytes(text: str, mib: int) -> None:
    assert mebibytes(text) == mib


def test_whole_cpus_are_written_as_the_server_writes_them() -> None:
    assert (cpu(2000), cpu(250), cpu(1500)) == ("2", "250m", "1500m")


def test_what_is_no_quantity_is_refused() -> None:
    with pytest.raises(InvalidOperation):
        millicpus("many")
