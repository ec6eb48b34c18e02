from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.serving.binding import listed, pages_by_node, parse, verify
from tests.components.serving.serving_builders import usable_cpus

needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc on this system")


def a_proc(folder: Path, *, process: str, threads: dict[int, str], numa_maps: str | None = None) -> Path:
    """A /proc with process 7, its mask and those of its threads."""
    (folder / "self").mkdir()
    (folder / "7").mkdir()
    (folder / "7" / "status").write_text(f"Name:\tpython\nCpus_allowed_list:\t{process}\n")
    for thread, mask in threads.items():
        (folder / "7" / "task" / str(thread)).mkdir(parents=True)
        (folder / "7" / "task" / str(thread) / "status").write_text(f"Cpus_allowed_list:\t{mask}\n")
    if numa_maps is not None:
        (folder / "7" / "numa_maps").write_text(numa_maps)
    return folder


@needs_proc
def test_a_process_bound_as_asked_is_verified() -> None:
    found = verify(os.getpid(), usable_cpus(), None)
    assert found.ok
    assert found.cpus == frozenset(usable_cpus())


@needs_proc
def test_another_mask_than_asked_is_told_with_both() -> None:
    found = verify(os.getpid(), {*usable_cpus(), 1000}, None)
    assert not found.ok
    assert f"CPUs {listed(usable_cpus())} instead of" in str(found)


def test_threads_may_be_pinned_closer_than_the_process(tmp_path: Path) -> None:
    proc = a_proc(tmp_path, process="0-3", threads={7: "0-3", 8: "2"})
    assert verify(7, range(4), None, proc).ok


def test_a_thread_outside_the_mask_is_found(tmp_path: Path) -> None:
    proc = a_proc(tmp_path, process="0-3", threads={7: "0-3", 8: "4-5"})
    found = verify(7, range(4), None, proc)
    assert not found.ok
    assert "1 of 2 threads may run on CPUs 4-5" in str(found)


def test_a_process_that_is_gone_is_not_verified(tmp_path: Path) -> None:
    proc = a_proc(tmp_path, process="0", threads={})
    assert str(verify(8, {0}, None, proc)) == "process 8 is gone"


def test_a_system_without_proc_says_that_nothing_is_pinned(tmp_path: Path) -> None:
    found = verify(7, {0}, None, tmp_path)
    assert found.ok
    assert "not pinned" in str(found)


@pytest.mark.parametrize(
    ("elsewhere", "words"), [(9, "memory on NUMA node 1"), (81, "only 50% of memory on NUMA node 1")]
)
def test_memory_is_told_by_the_share_of_pages_on_its_node(tmp_path: Path, elsewhere: int, words: str) -> None:
    maps = (
        f"7f00 bind:1 anon=90 dirty=90 N0={elsewhere} N1=81 kernelpagesize_kB=4\n"
        "7f01 default file=/lib/x mapped=500 N0=500\n"
    )
    proc = a_proc(tmp_path, process="0", threads={7: "0"}, numa_maps=maps)
    assert verify(7, {0}, 1, proc).words[-1] == words


def test_pages_of_mapped_files_are_nobodys_memory() -> None:
    assert pages_by_node("7f01 default file=/lib/x mapped=5 N0=5\n") == {}


@given(st.frozensets(st.integers(0, 300), min_size=1))
def test_a_list_of_cpus_survives_writing_and_reading(cpus: frozenset[int]) -> None:
    assert parse(listed(cpus)) == cpus
