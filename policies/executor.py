"""The one way campaigns are run: pure functions of items, spread over workers, streamed back.

`run` serves one campaign; `Executor` keeps its workers for several. Both are a pool of spawned
local processes. Ray can stand behind the same arguments later: items and results are picklable,
functions are importable, and nothing else is shared.
Results never depend on the number of workers, because an item says all its function needs.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for_sentinel
from typing import Any, Self, TypeVar

from configs.errors import RacklineError
from envs.own_modules import own_mistake

Item = TypeVar("Item")
Result = TypeVar("Result")
Thing = TypeVar("Thing")

_kept: dict[Hashable, Any] = {}


class WorkItemError(RacklineError):
    """An item's function raised a `RacklineError`; the message names the item."""


class WorkItemCrash(RuntimeError):  # noqa: N818 - a bug of ours, deliberately outside the tree
    """An item's function raised what it should not; carries the worker's traceback as text."""


def run(
    items: Iterable[Item],
    function: Callable[[Item], Result],
    workers: int,
    on_result: Callable[[Item, Result], None],
    *,
    ordered: bool = False,
) -> None:
    """Call ``function`` on every item and hand each result to ``on_result`` as it finishes.

    Args:
        items: what to work on; read as workers become free, so it may be long or lazy.
        function: importable function of one item. Expensive objects that calls may share (an
            environment) come from `per_worker`.
        workers: number of processes; 1 works in this process.
        on_result: called here with (item, result), one at a time.
        ordered: call ``on_result`` in the order of the items instead of as they finish.

    Raises:
        WorkItemError: a function raised a `RacklineError`; the rest is cancelled.
        WorkItemCrash: a function raised anything else.
        KeyboardInterrupt: Ctrl-C; the workers have been stopped.
    """
    with Executor(workers) as executor:
        executor.run(items, function, on_result, ordered=ordered)


class Executor:
    """Workers that live for several runs; a context manager that leaves none behind.

    Args:
        workers: number of processes; 1 works in this process.
    """

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise ValueError(f"workers must be 1 or more, not {workers}")
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None
        self._others = set(multiprocessing.active_children())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop(at_once=kind is not None)

    def run(
        self,
        items: Iterable[Item],
        function: Callable[[Item], Result],
        on_result: Callable[[Item, Result], None],
        *,
        ordered: bool = False,
    ) -> None:
        """Do what the function `run` does, with this executor's workers."""
        try:
            if self.workers == 1:
                for item in items:
                    on_result(item, _unwrap(item, _call(function, item)))
            else:
                self._spread(iter(items), function, on_result, ordered)
        except BaseException:
            self._stop(at_once=True)
            raise

    def _spread(
        self,
        items: Iterator[Item],
        function: Callable[[Item], Result],
        on_result: Callable[[Item, Result], None],
        ordered: bool,
    ) -> None:
        queue = enumerate(items)
        pending: dict[Future[Result | _Failure], tuple[int, Item]] = {}
        done: dict[int, tuple[Item, Result]] = {}
        due = 0

        def submit(count: int) -> None:
            for index, item in itertools.islice(queue, count):
                pending[self._submit(function, item)] = (index, item)

        submit(2 * self.workers)  # one in work and one waiting for every worker
        while pending:
            finished, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in finished:
                index, item = pending.pop(future)
                try:
                    result = _unwrap(item, future.result())
                except BrokenProcessPool:
                    raise WorkItemError(
                        f"a worker process died (killed, or out of memory) at or near {item}; "
                        f"run the same command again, with fewer workers if memory is short"
                    ) from None
                submit(1)
                done[index if ordered else due] = (item, result)
                while due in done:
                    on_result(*done.pop(due))
                    due += 1

    def _submit(self, function: Callable[[Item], Result], item: Item) -> Future[Result | _Failure]:
        if self._pool is None:
            spawn = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(
                self.workers, mp_context=spawn, initializer=_start_worker
            )
        # Any submit may start a worker. It inherits that SIGINT is ignored: Ctrl-C during its
        # imports would print a traceback otherwise.
        with _interrupts_ignored():
            return self._pool.submit(_call, function, item)

    def _stop(self, at_once: bool) -> None:
        """Let the workers go; ``at_once`` breaks their work off."""
        with _interrupts_ignored():  # Ctrl-C pressed twice stops once
            if self._pool is not None:
                if at_once:
                    for child in set(multiprocessing.active_children()) - self._others:
                        child.terminate()
                self._pool.shutdown(wait=True, cancel_futures=True)
                self._pool = None
            _release()


def per_worker(key: Hashable, make: Callable[[], Thing]) -> Thing:
    """Return this worker's own object under ``key``, made at first use and kept until the run ends.

    Objects with a ``close`` method are closed when a run in this process ends.
    """
    if key not in _kept:
        _kept[key] = make()
    kept: Thing = _kept[key]
    return kept


def usable_cores() -> int:
    """Return the number of cores this process may use: the default number of workers."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class _Failure:
    """What went wrong in a worker, as text: exceptions need not survive pickling."""

    message: str
    trace: str
    expected: bool


def _call(function: Callable[[Item], Result], item: Item) -> Result | _Failure:
    try:
        return function(item)
    except Exception as raised:
        error = own_mistake(raised) or raised
        expected = isinstance(error, RacklineError)
        return _Failure(f"{type(error).__name__}: {error}", traceback.format_exc(), expected)


def _unwrap(item: Item, result: Result | _Failure) -> Result:
    if not isinstance(result, _Failure):
        return result
    if result.expected:
        raise WorkItemError(f"{result.message.partition(': ')[2]} (while working on {item})")
    raise WorkItemCrash(f"{result.message} (while working on {item})\n{result.trace}")


def _release() -> None:
    while _kept:
        _, thing = _kept.popitem()
        if hasattr(thing, "close"):
            thing.close()


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent.sentinel,), daemon=True).start()


def _die_with(sentinel: int) -> None:
    """Leave when the parent is gone: a killed campaign must not leave its workers behind."""
    wait_for_sentinel([sentinel])
    os._exit(1)
