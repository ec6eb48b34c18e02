from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from components.cluster.cpulist import format_list
from components.serving.binding import pages_by_node, verify
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
    assert f"CPUs {format_list(usable_cpus())} instead of" in str(found)


def test_threads_may_be_pinned_closer_than_the_process(tmp_path: Path) -> None:
    proc = a_proc(tmp_path, process="0-3", threads={7: "0-3", 8: "2"})
    assert verify(7, range(4), None, proc).ok


def test_a_thread_outside_the_mask_is_found(tmp_path: Path) -> None:
    proc = a_proc(tmp_path, process="0-3", threads={7: "0-3", 8: "4-5"})
    found = verify(7, range(4), None, proc)
    assert not found.ok
    assert "1 of 2 threads may run on CPUs 4-5" in str(found)


@needs_proc
def test_threads_that_end_while_they_are_looked_at_are_no_fault() -> None:
    over = threading.Event()

    def come_and_go() -> None:
        while not over.is_set():
            for brief in [threading.Thread(target=int) for _ in range(8)]:
                brief.start()

    busy = threading.Thread(target=come_and_go)
    busy.start()
    try:
        assert all(verify(os.getpid(), usable_cpus(), None).ok for _ in range(300))
    finally:
        over.set()
        busy.join()


def test_a_process_that_is_gone_is_not_verified(tmp_path: Path) -> None:
    proc = a_proc(tmp_path, process="0", threads={})
    assert str(verify(8, {0}, None, proc)) == "process 8 is gone"


def test_a_system_without_proc_says_that_nothing_is_pinned(tmp_path: Path) -> None:
    found = verify(7, {0}, None, tmp_path)
    assert found.ok
    assert "not pinned" in str(found)


@pytest.mark.parametrize(
    ("elsewhere", "policy", "ok", "words"),
    [
        (9, "bind:1", True, "memory on NUMA node 1"),
        (81, "bind:1", False, "only 50% of memory on NUMA node 1"),
        (81, "bind:0", False, "only 50% of memory on NUMA node 1"),
        (81, "default", True, "only 50% of memory on NUMA node 1"),
    ],
)
def test_memory_is_told_by_its_share_and_is_wrong_where_it_was_bound(
    tmp_path: Path, elsewhere: int, policy: str, ok: bool, words: str
) -> None:
    maps = (
        f"7f00 {policy} anon=90 dirty=90 N0={elsewhere} N1=81 kernelpagesize_kB=4\n"
        "7f01 default file=/lib/x mapped=500 N0=500\n"
    )
    proc = a_proc(tmp_path, process="0", threads={7: "0"}, numa_maps=maps)
    found = verify(7, {0}, 1, proc)
    assert (found.ok, found.words[-1]) == (ok, words)


def test_pages_of_mapped_files_are_nobodys_memory() -> None:
    assert pages_by_node("7f01 default file=/lib/x mapped=5 N0=5\n") == {}
