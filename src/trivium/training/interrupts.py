"""Ctrl-C, which waits while a step takes the state's memory and gives it back."""

from __future__ import annotations

# The module under `signal`, which looks each handler up in an enumeration: longer than all of a block.
import _signal  # type: ignore[import-not-found]
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Interrupts"]


class Interrupts:
    """Lets Ctrl-C wait while a `with` block lasts, in a process that listens.

    Between the moment when a program takes the state's memory and the moment when the variables have its new arrays
    they hold none; whoever interrupts training there would lose the model. And what the state stands at is noted with
    it.

    The handler stays in its place from block to block, since to set one takes as long as all the rest of Python around
    a small step. Whatever is interrupted in between goes to the handler that was there before.

    Example:
        >>> before = signal.signal(signal.SIGINT, lambda *_: print("interrupted"))
        >>> interrupts = Interrupts()
        >>> with interrupts.listening(), interrupts:
        ...     signal.raise_signal(signal.SIGINT)
        ...     print("the block ends")
        the block ends
        interrupted
        >>> _ = signal.signal(signal.SIGINT, before)
    """

    def __init__(self) -> None:
        self._listens = False
        self._before: Callable[[int, Any], Any] | None = None
        self._holds = False
        self._waiting: tuple[int, Any] | None = None

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Have blocks set the handler, where this is the thread that hears Ctrl-C, and put it back at the end."""
        self._listens = threading.current_thread() is threading.main_thread()
        try:
            yield
        finally:
            # Who has put another handler in our place meant it to stay.
            before, self._before, self._listens = self._before, None, False
            if before is not None and _signal.getsignal(signal.SIGINT) is self:
                _signal.signal(signal.SIGINT, before)

    def __call__(self, number: int, frame: Any) -> None:
        """Handle the signal: hand it on, or keep it for the end of the block."""
        if self._holds:
            self._waiting = number, frame
        else:
            handler = self._before or signal.default_int_handler
            handler(number, frame)

    def __enter__(self) -> None:
        if self._listens:
            handler = _signal.getsignal(signal.SIGINT)
            # A callback may have put one of its own in our place.
            if handler is not self and callable(handler):
                self._before = handler
                _signal.signal(signal.SIGINT, self)
        self._holds = True

    def __exit__(self, *exc: object) -> None:
        self._holds = False
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self(*waiting)
