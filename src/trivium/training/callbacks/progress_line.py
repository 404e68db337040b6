"""The line that says how far a loop is, how fast, and how good."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from trivium.training.callbacks import console

__all__ = ["ProgressLine", "format_duration", "format_logs", "format_step_time"]

_GREEN, _WHITE, _BOLD, _PLAIN = "\x1b[32m", "\x1b[37m", "\x1b[1m", "\x1b[0m"


class ProgressLine:
    """A line with a bar, rewritten in place in a terminal or a notebook, printed once at the end elsewhere.

    Args:
        width: How many characters the bar has.
        unit: What a step is called.
        interval: The least time between two drawings, in seconds.

    Example:
        >>> line = ProgressLine()
        >>> line.begin(3, live=False)
        >>> line.advance(3)
        >>> line.end({"loss": 0.5})
        3/3 - 0s - ...s/step - loss: 0.5000
    """

    def __init__(self, width: int = 20, unit: str = "step", interval: float = 0.05) -> None:
        self.width, self.unit, self.interval = width, unit, interval
        self.target: int | None = None
        self.step = 0
        self._start = self._now = 0.0  # when the loop began, and when the latest step ended
        # Step and time at the first call: that may have waited for the compiler.
        self._first = 0, 0.0
        self._drawn = float("-inf")
        self.live = False

    def begin(self, target: int | None, live: bool) -> None:
        """Begin anew.

        Args:
            target: How many steps there are; `None` if nobody knows.
            live: Whether the line is rewritten in place.
        """
        self.target, self.step, self.live = target, 0, live
        self._start = self._now = time.perf_counter()
        self._first = (0, self._start)
        self._drawn = float("-inf")

    def advance(self, step: int) -> None:
        """Note that so many steps are done."""
        now = time.perf_counter()
        if self.step == 0:
            self._first = (step, now)
        self.step, self._now = step, now

    def draw(self, logs: Mapping[str, Any]) -> None:
        """Redraw the line, if it is rewritten in place and not too soon."""
        due = self._now - self._drawn >= self.interval or self.step == self.target
        if self.live and due:
            self._drawn = self._now
            console.draw(*self._line(logs, self._seconds_left(), console.console_width()))

    def end(self, logs: Mapping[str, Any]) -> None:
        """Finish the line with the results."""
        seconds = f"{time.perf_counter() - self._start:.0f}s"
        if self.live:
            console.draw(*self._line(logs, seconds, None))
            console.end_line()
        else:
            parts = [self._count(), seconds, format_step_time(self._step_time(), self.unit)]
            console.say(" - ".join([*parts, *format_logs(logs)]))

    def _count(self) -> str:
        if self.target is None:
            return f"{self.step}/Unknown"
        return f"{self.step:{len(str(self.target))}d}/{self.target}"

    def _step_time(self) -> float:
        step, since = self._first if self._first[0] < self.step else (0, self._start)
        return (self._now - since) / max(self.step - step, 1)

    def _seconds_left(self) -> str:
        if self.target is None:
            return f"{self._now - self._start:.0f}s"
        return format_duration(self._step_time() * max(self.target - self.step, 0))

    def _line(self, logs: Mapping[str, Any], seconds: str, width: int | None) -> tuple[str, int]:
        """Return the line and its visible length, cut to `width` characters if given."""
        count = self._count()
        tail = " - ".join([format_step_time(self._step_time(), self.unit), *format_logs(logs)])
        cells = self.width if self.target is not None else 0
        if width is not None:
            room = width - len(count) - len(seconds) - 2
            cells = max(min(cells, room - len(tail) - 2), 0)
            tail = tail[: max(room - (cells + 1 if cells else 0), 0)]
        fraction = self.step / self.target if self.target else 1.0
        done = int(cells * min(fraction, 1.0))
        full, empty = ("━", "─") if console.supports("━─") else ("=", ".")
        if console.has_color():
            bar = f"{_GREEN}{full * done}{_PLAIN}{_WHITE}{full * (cells - done)}{_PLAIN}"
            count_text, seconds_text = f"{_BOLD}{count}{_PLAIN}", f"{_BOLD}{seconds}{_PLAIN}"
        else:
            bar = full * done + empty * (cells - done)
            count_text, seconds_text = count, seconds
        length = len(count) + len(seconds) + len(tail) + 2 + (cells + 1 if cells else 0)
        return " ".join([count_text, *([bar] if cells else []), seconds_text, tail]), length


def format_duration(seconds: float) -> str:
    """Return a time as people read it off a clock.

    Example:
        >>> [format_duration(s) for s in (37.4, 61, 3700)]
        ['37s', '1:01', '1:01:40']
    """
    whole = int(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}" if minutes else f"{rest}s"


def format_step_time(seconds: float, unit: str = "step") -> str:
    """Return the time of a step with the unit that fits it.

    Args:
        seconds: The time.
        unit: What a step is called.

    Example:
        >>> [format_step_time(s) for s in (2.3, 0.0123, 0.00044)]
        ['2s/step', '12ms/step', '440us/step']
    """
    for name, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.0f}{name}/{unit}"
    return f"{seconds / 1e-6:.0f}us/{unit}"


def format_logs(logs: Mapping[str, Any]) -> list[str]:
    """Return `name: value` for each entry, small values with an exponent.

    Example:
        >>> format_logs({"loss": 0.25, "learning_rate": 0.0001})
        ['loss: 0.2500', 'learning_rate: 1.0000e-04']
    """
    return [f"{name}: {_format_value(value)}" for name, value in logs.items()]


def _format_value(value: Any) -> str:
    try:
        number = float(np.mean(value))  # a metric with a value for each class shows their mean
    except (TypeError, ValueError):
        return str(value)
    return f"{number:.4e}" if abs(number) <= 1e-3 else f"{number:.4f}"
