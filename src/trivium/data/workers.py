"""Workers: results made ahead, in threads or in processes, and handed on in order."""

from __future__ import annotations

import atexit
import collections
import contextlib
import itertools
import os
import pickle
import queue
import signal
import threading
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent import futures
from typing import Any

from trivium.state.session import enter_session, session

__all__ = ["ahead_of", "close", "cpu_count", "in_workers"]


def close(iterator: Iterator[Any]) -> None:
    """End an iterator that has an end of its own to see to: a generator, with workers behind it perhaps.

    Example:
        >>> close(iter([1, 2]))
    """
    if isinstance(iterator, Generator):
        iterator.close()


# What is being made ahead. It is ended before the interpreter is: threads that run then may crash.
_live: weakref.WeakSet[Generator[Any, None, None]] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    # Twice, since what a thread reads ahead from is running until that thread has ended.
    for work in 2 * list(_live):
        with contextlib.suppress(ValueError):
            work.close()


def cpu_count() -> int:
    """Return how many threads this process may run at the same time.

    Example:
        >>> cpu_count() >= 1
        True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_workers(
    function: Callable[[Any], Any],
    items: Iterable[Any],
    workers: int,
    *,
    ahead: int | None = None,
    unless: Callable[[Any], bool] = lambda item: False,
    ordered: bool = True,
    processes: bool = False,
    name: str = "the function",
) -> Generator[tuple[Any, Any, Exception | None], None, None]:
    """Yield items with what a function makes of each, made ahead by workers.

    The items are read in the thread that asks for results, a few more than are asked for. The workers are gone when
    the iteration ends, whichever way it ends.

    Args:
        function: What the workers call.
        items: What they call it on.
        workers: How many calls run at the same time.
        ahead: How many items may be in the making or waiting to be asked for; by default two for each worker.
        unless: Says which items are handed on without a call, with `None` for a result.
        ordered: Whether results come in the order of the items, or as they are ready.
        processes: Whether the workers are processes; then the function, the items and the results are pickled.
        name: What the function is, for messages.

    Yields:
        `(item, result, error)`, where the error is what the function raised, with its traceback, or `None`.

    Raises:
        RuntimeError: A worker process died.

    Example:
        >>> [result for _, result, _ in in_workers(abs, [-2, 1], workers=2)]
        [2, 1]
    """
    work = _in_workers(
        function, items, workers, ahead or 2 * workers, unless, ordered, processes, name
    )
    _live.add(work)
    return work


def _in_workers(
    function: Callable[[Any], Any],
    items: Iterable[Any],
    workers: int,
    ahead: int,
    unless: Callable[[Any], bool],
    ordered: bool,
    processes: bool,
    name: str,
) -> Generator[tuple[Any, Any, Exception | None], None, None]:
    executor, call = _start(function, workers, processes, name)
    waiting: collections.deque[tuple[Any, futures.Future]] = collections.deque()
    left = iter(items)
    try:
        while True:
            for item in itertools.islice(left, ahead - len(waiting)):
                waiting.append((item, _NOTHING if unless(item) else executor.submit(call, item)))
            if not waiting:
                return
            if not ordered:
                # What is ready comes first: to the front with it.
                ready = futures.wait([f for _, f in waiting], return_when=futures.FIRST_COMPLETED)
                number = next(i for i, (_, f) in enumerate(waiting) if f in ready.done)
                waiting.rotate(-number)
            item, future = waiting.popleft()
            error = future.exception()
            if isinstance(error, futures.BrokenExecutor):
                raise RuntimeError(
                    f"A worker process of {name} ended without a word. Either it was killed (out of memory?), or the "
                    "script starts itself anew in each process: put its body under `if __name__ == '__main__':`, or "
                    "use threads."
                ) from error
            if error is None:
                yield item, future.result(), None
            elif isinstance(error, Exception):
                yield item, None, error
            else:
                raise error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


# Stands for the result of an item that is not worked on, so that it keeps its place among the others.
_NOTHING: futures.Future = futures.Future()
_NOTHING.set_result(None)


def _start(
    function: Callable[[Any], Any], workers: int, processes: bool, name: str
) -> tuple[futures.Executor, Callable[[Any], Any]]:
    if not processes:
        # A thread that has seeds and settings of its own has its workers see them.
        threads = futures.ThreadPoolExecutor(
            workers, "trivium-data", initializer=enter_session, initargs=(session(),)
        )
        return threads, function
    import multiprocessing

    # Fresh processes: a plain fork would copy JAX's locks without the threads that hold them.
    known = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in known else "spawn")
    try:
        pickled = pickle.dumps(function)
    except Exception as error:
        error.add_note(
            f"Worker processes get {name} pickled: define its class at the top of a module (likewise a function), open "
            "files where they are read, or use threads."
        )
        raise
    executor = futures.ProcessPoolExecutor(
        workers, context, initializer=_receive, initargs=(pickled,)
    )
    return executor, _call


_received: Any = b""


def _receive(pickled: bytes) -> None:
    """Keep the function of a worker process; Ctrl-C is for the process that trains, and so is an accelerator."""
    global _received
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["JAX_PLATFORMS"] = "cpu"
    _received = pickled


def _call(item: Any) -> Any:
    """Call the function in a worker; the first call unpickles it: its errors get home."""
    global _received
    if isinstance(_received, bytes):
        try:
            _received = pickle.loads(_received)
        except (AttributeError, ImportError) as error:
            error.add_note(
                "Worker processes need functions and classes that they can import: define them in a module file, not "
                "in a notebook or a prompt, or use threads."
            )
            raise
    return _received(item)


class _Reader(threading.Thread):
    """A thread that reads an iterator ahead of whoever asks, by at most `size` items."""

    def __init__(self, make: Callable[[], Iterator[Any]], size: int) -> None:
        super().__init__(name="trivium-prefetch", daemon=True)
        self._make = make
        self._session = session()
        self._room = threading.Semaphore(size)
        self._done = False
        # (whether there is one, the item) or (False, the error that ended the iteration, if one did)
        self._items: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()

    def run(self) -> None:
        enter_session(self._session)
        try:
            items = self._make()
            while self._room.acquire() and not self._done:
                try:
                    item = next(items)
                except StopIteration:
                    break
                self._items.put((True, item))
            close(items)  # Here, in the thread that has run it.
            self._items.put((False, None))
        except BaseException as error:
            self._items.put((False, error))

    def get(self) -> tuple[bool, Any]:
        """Return the next item, or how the iteration ended."""
        there, item = self._items.get()
        self._room.release()
        return there, item

    def end(self) -> None:
        """End the thread, and wait for it."""
        self._done = True
        self._room.release()
        self.join()


def ahead_of(make: Callable[[], Iterator[Any]], size: int) -> Generator[Any, None, None]:
    """Yield what an iterator gives, read ahead in a thread of its own.

    The thread begins with the first item that is asked for, and is gone when the iteration ends, whichever way.

    Args:
        make: Makes the iterator, in that thread.
        size: How many items may be read and not yet asked for.

    Example:
        >>> list(ahead_of(lambda: iter("abc"), 2))
        ['a', 'b', 'c']
    """
    reading = _ahead_of(make, size)
    _live.add(reading)
    return reading


def _ahead_of(make: Callable[[], Iterator[Any]], size: int) -> Generator[Any, None, None]:
    reader = _Reader(make, size)
    reader.start()
    try:
        while True:
            there, item = reader.get()
            if there:
                yield item
                del item  # Nobody holds what has been used while the next one is waited for.
            elif item is None:
                return
            else:
                raise item
    finally:
        reader.end()
