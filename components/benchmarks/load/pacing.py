"""Fires at given times, as exactly as the system allows.

A timerfd wakes the event loop within tens of microseconds (Linux), if its core does not sleep too deeply: on a core of
its own it is woken a little early and polls the clock until it is there, as everywhere by the loop's own timer.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from components.benchmarks.load.record import clock

BURST: Final = 32
"""Most requests fired before answers are looked at again, when the client is late."""

SHORT_SLICE_NS: Final = 100_000
SCHED_SETATTR: Final = {"x86_64": 314, "aarch64": 274}
"""Numbers of the system call, which the C library has no name for."""

LOOP_EARLY_S: Final = 0.0015
"""Event loops round their timers to milliseconds."""

EARLY_S: Final = 0.001
"""A core that sleeps, above all one that a hypervisor has lent to somebody else, takes up to about so long to wake."""

REAL_TIME_SHARE: Final = 0.5
"""A thread that polls the clock for more than this share of its time gets no priority: Linux stops real-time threads
that run for 95 % of a second."""


class Timer(Protocol):
    """Calls back once at a time of `clock`."""

    def at(self, when: float) -> None:
        """Call back at that time, or at once when it has passed."""

    def close(self) -> None:
        """Call back no more."""


@contextlib.contextmanager
def punctual(polling_share: float = 0.0) -> Iterator[None]:
    """Run this thread as soon as it wants to, where that is permitted (as root, or with an RLIMIT_RTPRIO).

    Else a server that computes on the same core may go on for milliseconds before a request that is due can leave.
    Without the permission a short slice is asked for, which anybody may: since 6.12 Linux lets who runs only shortly
    go before who runs long.

    Args:
        polling_share: the share of its time in which the thread only polls the clock.
    """
    if polling_share > REAL_TIME_SHARE or not _in_real_time():
        ask_for_short_slices()
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def _in_real_time() -> bool:
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except (OSError, AttributeError):
        return False
    return True


class _SchedAttr(ctypes.Structure):
    """`struct sched_attr` in its first version (`man sched_setattr`)."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def ask_for_short_slices() -> None:
    """Ask the scheduler to run this thread in slices of 0.1 ms, the shortest there are; other systems ignore it."""
    number = SCHED_SETATTR.get(platform.machine())
    if sys.platform != "linux" or number is None:
        return
    attributes = _SchedAttr(size=ctypes.sizeof(_SchedAttr), policy=os.SCHED_OTHER, runtime=SHORT_SLICE_NS)
    ctypes.CDLL(None).syscall(number, 0, ctypes.byref(attributes), 0)


MakeTimer = Callable[[Callable[[], None]], Timer]


def make_timer(wake: Callable[[], None], *, early_s: float = 0.0) -> Timer:
    """The most exact timer that this system has, on the running event loop; one that polls the clock for the last
    `early_s` seconds, where the core is ours to use.
    """
    return TimerFd(wake, early_s) if sys.platform == "linux" else LoopTimer(wake)


async def pace(
    times: Sequence[float],
    fire: Callable[[float], None],
    make: MakeTimer = make_timer,
) -> None:
    """Call `fire(time)` for each time, in order, when it has come; times of `clock`, ascending."""
    finished = asyncio.get_running_loop().create_future()
    count, at = len(times), 0

    def wake() -> None:
        nonlocal at
        last = min(at + BURST, count)
        while at < last and times[at] <= clock():
            fire(times[at])
            at += 1
        if at < count:
            timer.at(times[at])
        elif not finished.done():
            finished.set_result(None)

    timer = make(wake)
    try:
        timer.at(times[0] if count else clock())
        await finished
    finally:
        timer.close()


class LoopTimer:
    """The event loop's timer, then asking for the time in every turn of the loop for the last millisecond or so."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._wake, self._when = wake, 0.0
        self._handle: asyncio.Handle | None = None

    def at(self, when: float) -> None:
        self._when = when
        self._handle = self._loop.call_later(max(0.0, when - clock() - LOOP_EARLY_S), self._turn)

    def close(self) -> None:
        if self._handle:
            self._handle.cancel()

    def _turn(self) -> None:
        if clock() < self._when:
            self._handle = self._loop.call_soon(self._turn)
        else:
            self._wake()


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class TimerFd:
    """A Linux timer that the event loop watches as it watches sockets (`man timerfd_create`)."""

    CLOCK_MONOTONIC: Final = 1
    NONBLOCK_CLOEXEC: Final = os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0)
    ABSOLUTE: Final = 1

    def __init__(self, wake: Callable[[], None], early_s: float = 0.0) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.timerfd_create(self.CLOCK_MONOTONIC, self.NONBLOCK_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._wake, self._early_s, self._when = wake, early_s, 0.0
        self._setting = _Itimerspec()
        self._pointer = ctypes.byref(self._setting)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._turn)

    def at(self, when: float) -> None:
        self._when = when
        seconds = int(start := when - self._early_s)
        value = self._setting.value
        # An all-zero time would switch the timer off; setting it anew also takes back that it was due.
        value.seconds, value.nanoseconds = seconds, max(1, int((start - seconds) * 1e9))
        self._libc.timerfd_settime(self._fd, self.ABSOLUTE, self._pointer, None)

    def _turn(self) -> None:
        # Until it is set anew the timer stays due, and every turn of the loop comes by here.
        if clock() >= self._when:
            self._wake()

    def close(self) -> None:
        self._loop.remove_reader(self._fd)
        os.close(self._fd)
