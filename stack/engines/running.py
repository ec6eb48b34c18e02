"""Runs a Pulumi program against a monitor, in a thread and an event loop of its own.

The SDK keeps its settings in context variables, so a fresh thread with an empty context keeps runs apart. A stack of
few frames also makes registration cheaper: the SDK records where each resource was made, frame by frame.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Final, ParamSpec, TypeVar

from pulumi.runtime import run_in_stack, set_all_config
from pulumi.runtime.settings import ROOT, SETTINGS, Settings, configure

from schemas.errors import InferstackError, StoppedError
from stack.engines.monitor import EngineService, Monitor
from stack.engines.shortcuts import shortcuts

Program = Callable[[], None]
P = ParamSpec("P")
T = TypeVar("T")

_IDLE_TURNS: Final = 200  # turns of the loop without an output done, after which the SDK may wait in its own way


class InlineExecutor(ThreadPoolExecutor):
    """Does the work at once instead of in a thread: a preview never waits for anything, and a thread a resource costs
    more than the resource. Also makes the order of registrations the program's own, every time.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """The result of the call, already there."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


def run(
    program: Program,
    monitor: Monitor,
    engine: EngineService,
    *,
    project: str,
    stack: str,
    config: Mapping[str, str],
    dry_run: bool,
    parallel: int,
) -> None:
    """Run the program to its end; returns when every registration is answered. Call it in a thread of its own.

    Raises:
        InferstackError: the program raised; its own InferstackErrors pass through.
    """
    ROOT.set(None)
    configure(
        Settings(
            project=project,
            stack=stack,
            monitor=monitor,
            engine=engine,
            parallel=parallel,
            dry_run=dry_run,
            organization="organization",
            root_directory=os.getcwd(),
        )
    )
    set_all_config(dict(config))
    loop = asyncio.new_event_loop()
    pool = InlineExecutor(1) if dry_run else ThreadPoolExecutor(parallel, thread_name_prefix="resource")
    loop.set_default_executor(pool)
    try:
        with collecting_rarely(never=dry_run), shortcuts():
            loop.run_until_complete(run_in_stack(lambda: _drained(program, dry_run)))
    except InferstackError:
        raise
    except Exception as error:
        raise program_error(error) from error
    finally:
        finish(loop)
        pool.shutdown(wait=True)
        loop.close()


async def _drained(program: Program, dry_run: bool) -> None:
    """Run the program and, in a preview, let everything that it began come to its end before the SDK looks.

    The SDK waits for all outputs together and anew after each that is done, which costs time that grows with the square
    of their number; where nothing waits for anything outside, turning the loop is enough.
    """
    program()
    idle = 0
    while dry_run and SETTINGS.outputs and idle < _IDLE_TURNS:
        before = len(SETTINGS.outputs)
        await asyncio.sleep(0)
        idle = idle + 1 if len(SETTINGS.outputs) == before else 0


def finish(loop: asyncio.AbstractEventLoop) -> None:
    """End what a program that raised has left running, and look at every result so that none is reported later."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


def program_error(error: Exception) -> InferstackError:
    """The error of a program in words: what was raised, and where in the program's own code."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, InferstackError):
        return cause
    frames = traceback.extract_tb(cause.__traceback__)
    foreign = (f"site-packages{os.sep}pulumi{os.sep}", f"{os.sep}asyncio{os.sep}")
    own = [frame for frame in frames if not any(part in frame.filename for part in foreign)]
    where = f"{own[-1].filename}:{own[-1].lineno}, in {own[-1].name}" if own else ""
    return InferstackError(
        f"The program failed: {type(cause).__name__}: {cause}",
        why=f"It was raised at {where}." if where else "",
        remedy="Nothing that was done is lost: the state holds it.",
    )


@contextlib.contextmanager
def collecting_rarely(*, never: bool) -> Iterator[None]:
    """Look for garbage a hundred times less often, or `never` while the block runs: the SDK makes hundreds of thousands
    of objects and drops none of them until the program is done, so that looking meanwhile doubles its cost.

    Afterwards they all count as old (`unfreeze` puts them there), so that they are looked at when the next full
    collection is due and not at once.
    """
    before = gc.get_threshold()
    gc.set_threshold(0 if never else before[0] * 100, *before[1:])
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()
        gc.set_threshold(*before)


def in_thread(work: Callable[[], T], on_interrupt: Callable[[int], float | None]) -> T:
    """Do the work in a thread with an empty context while this one waits for it.

    The n-th Ctrl-C calls `on_interrupt(n)`, which says how many seconds to wait still (None: as long as it takes).

    Raises:
        StoppedError: those seconds have passed; the work goes on in its thread, and nobody waits for it.
    """
    result: Future[T] = Future()
    news: SimpleQueue[bool] = SimpleQueue()  # a Ctrl-C is True, the end of the work False

    def body() -> None:
        try:
            result.set_result(work())
        except BaseException as error:
            result.set_exception(error)
        news.put(False)

    with _interrupts_to(lambda: news.put(True)):
        threading.Thread(target=body, name="engine", daemon=True).start()
        interrupts = 0
        patience_s: float | None = None
        try:
            while news.get(timeout=patience_s):
                interrupts += 1
                patience_s = on_interrupt(interrupts)
        except Empty:
            raise StoppedError("Stopped at once: work was still under way.") from None
    while not news.empty():  # came as the work ended, and is answered all the same
        news.get()
        interrupts += 1
        on_interrupt(interrupts)
    return result.result()


@contextlib.contextmanager
def _interrupts_to(tell: Callable[[], None]) -> Iterator[None]:
    """Call `tell` for a Ctrl-C while the block runs.

    Python's own KeyboardInterrupt may be raised anywhere, also while the one before is being answered. In another
    thread than the main one, and in a process that ignores Ctrl-C, nothing is changed.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before in (signal.SIG_IGN, None):
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: tell())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
