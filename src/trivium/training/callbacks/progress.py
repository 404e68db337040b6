"""The progress line: how far, how fast, how good."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from trivium.training.callbacks import console
from trivium.training.callbacks.base import Callback, Logs

__all__ = ["ProgbarLogger", "format_duration", "format_logs", "format_step_time"]

_WIDTH = 20
_INTERVAL = 0.05
_GREEN, _WHITE, _BOLD, _PLAIN = "\x1b[32m", "\x1b[37m", "\x1b[1m", "\x1b[0m"


class ProgbarLogger(Callback):
    """Shows `fit`, `evaluate` and `predict` at work; `fit` adds it unless `verbose=0`.

    In a terminal or a notebook, `verbose=1` and `"auto"` rewrite one line in place. `verbose=2`,
    and any output that goes to a file or a pipe, gets one finished line an epoch. The epoch's time
    includes its validation; the time per step does not, nor the first chunk, which may have waited
    for the compiler.

    Example:
        >>> bar = ProgbarLogger()
        >>> bar.set_params({"verbose": 2, "epochs": 3, "steps": 100})
        >>> bar.on_train_begin()
        >>> bar.on_epoch_begin(0)
        Epoch 1/3
        >>> bar.on_chunk_end("train", 100, {"loss": 0.5})
        >>> bar.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.75})  # doctest: +ELLIPSIS
        100/100 - 0s - ...s/step - loss: 0.5000 - val_loss: 0.7500
    """

    def __init__(self) -> None:
        self._in_fit = False  # then validation shows nothing
        self._fit_steps: int | None = None  # how many steps the epoch before had
        self._target: int | None = None
        self._step = 0
        self._start = self._now = 0.0  # when the epoch began, and when the latest chunk ended
        self._first = (0, 0.0)  # step and time at the end of the first chunk
        self._drawn = float("-inf")
        self._live = False

    def get_state(self) -> dict[str, Any]:
        """Return nothing: the line shows one process."""
        return {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Take the line for training: validation inside of `fit` shows none of its own."""
        self._in_fit = True
        self._fit_steps = self._params("steps")

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Give the line free."""
        self._in_fit = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Print which epoch it is, if there are several."""
        self._begin(self._params("steps") or self._fit_steps)
        epochs = self._params("epochs") or 1
        if epochs > 1:
            console.say(f"Epoch {epoch + 1}/{epochs}")

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Start a line for `evaluate`."""
        if not self._in_fit:
            self._begin(self._params("steps"))

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Start a line for `predict`."""
        if not self._in_fit:
            self._begin(self._params("steps"))

    def on_chunk_end(self, mode: str, step: int, logs: Logs | None = None) -> None:
        """Redraw the line, at most twenty times a second."""
        if self._in_fit and mode != "train":
            return
        now = time.perf_counter()
        if self._step == 0:
            self._first = (step, now)
        self._step, self._now = step, now
        due = now - self._drawn >= _INTERVAL or step == self._target
        if self._live and due:
            self._drawn = now
            console.draw(*self._line(logs or {}, self._seconds_left(), console.console_width()))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Finish the epoch's line with all of its results."""
        self._fit_steps = self._step or self._fit_steps
        self._end(logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Finish `evaluate`'s line with its results."""
        if not self._in_fit:
            self._end(logs)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Finish `predict`'s line."""
        if not self._in_fit:
            self._end(logs)

    def _params(self, name: str) -> Any:
        return (self.params or {}).get(name)

    def _begin(self, target: int | None) -> None:
        self._target = target
        self._step = 0
        self._start = self._now = time.perf_counter()
        self._first = (0, self._start)
        self._drawn = float("-inf")
        self._live = self._params("verbose") != 2 and console.is_interactive()

    def _end(self, logs: Logs | None) -> None:
        self._target = self._params("steps") or self._step
        seconds = f"{time.perf_counter() - self._start:.0f}s"
        if self._live:
            console.draw(*self._line(logs or {}, seconds, None))
            console.end_line()
        else:
            parts = [self._count(), seconds, format_step_time(self._step_time())]
            print(" - ".join([*parts, *format_logs(logs or {})]), flush=True)

    def _count(self) -> str:
        if self._target is None:
            return f"{self._step}/Unknown"
        return f"{self._step:{len(str(self._target))}d}/{self._target}"

    def _step_time(self) -> float:
        step, since = self._first if self._first[0] < self._step else (0, self._start)
        return (self._now - since) / max(self._step - step, 1)

    def _seconds_left(self) -> str:
        if self._target is None:
            return f"{self._now - self._start:.0f}s"
        return format_duration(self._step_time() * max(self._target - self._step, 0))

    def _line(self, logs: Mapping[str, Any], seconds: str, width: int | None) -> tuple[str, int]:
        """Return the line and its visible length, cut to `width` characters if given."""
        count = self._count()
        tail = " - ".join([format_step_time(self._step_time()), *format_logs(logs)])
        cells = _WIDTH if self._target is not None else 0
        if width is not None:
            room = width - len(count) - len(seconds) - 2
            cells = max(min(cells, room - len(tail) - 2), 0)
            tail = tail[: max(room - (cells + 1 if cells else 0), 0)]
        fraction = self._step / self._target if self._target else 1.0
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


def format_step_time(seconds: float) -> str:
    """Return the time of a step with the unit that fits it.

    Example:
        >>> [format_step_time(s) for s in (2.3, 0.0123, 0.00044)]
        ['2s/step', '12ms/step', '440us/step']
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}/step"
    return f"{seconds / 1e-6:.0f}us/step"


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
