"""Watching one result: which way is better, and has it become better?"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from trivium.state import suggest
from trivium.training.callbacks.base import Callback, Logs

__all__ = ["MonitorCallback"]

_MODES = ("auto", "min", "max")
_DIRECTIONS = {"down": "min", "up": "max"}


class MonitorCallback(Callback):
    """A callback that waits for one of the logged results to become better.

    Args:
        monitor: The name of the result, as it stands in the logs.
        mode: `"min"` if smaller is better, `"max"` if larger is, `"auto"` to tell by the name or
            the metric.
        min_delta: How much better counts as better; its sign does not matter.

    Attributes:
        best: The best value so far, or `None`.

    Example:
        >>> watch = MonitorCallback("accuracy", mode="max", min_delta=0.1)
        >>> watch.improves(0.75, 0.7), watch.improves(0.85, 0.7), watch.improves(0.5, None)
        (False, True, True)
    """

    def __init__(self, monitor: str, mode: str = "auto", min_delta: float = 0) -> None:
        if mode not in _MODES:
            warnings.warn(
                f"{type(self).__name__} got mode={mode!r}, which is none of {_MODES}: it goes on "
                f"with 'auto'. {suggest(mode, _MODES)}",
                stacklevel=3,
            )
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)
        self.best: float | None = None
        self._resolved = None if mode == "auto" else mode

    @property
    def monitor_op(self) -> Any:
        """`numpy.less` if smaller is better, `numpy.greater` if larger is; `None` as long as nothing tells.

        Example:
            >>> MonitorCallback("accuracy", mode="max").monitor_op(0.8, 0.7)
            np.True_
        """
        try:
            return np.less if self._direction() == "min" else np.greater
        except ValueError:
            return None

    def current(self, logs: Logs | None) -> Any:
        """Return the monitored value, or `None` with a warning if the logs have no such name."""
        logs = logs or {}
        if self.monitor in logs:
            return logs[self.monitor]
        hint = suggest(self.monitor, logs)
        if hint.startswith("Did"):
            hint += f" Known names: {', '.join(sorted(logs))}."
        if self.monitor.startswith("val_") and not any(name.startswith("val_") for name in logs):
            hint = f"This epoch had no validation (see fit's validation_data). {hint}"
        warnings.warn(
            f"{type(self).__name__} monitors {self.monitor!r}, which is not in the logs. {hint}",
            stacklevel=3,
        )
        return None

    def improves(self, value: float, reference: float | None) -> bool:
        """Say whether `value` is better than `reference` by more than `min_delta`.

        Anything is better than nothing, and any number better than a NaN.

        Raises:
            ValueError: `mode` is `"auto"` and neither the name nor a metric tells the direction.
        """
        direction = self._direction()
        if reference is None:
            return True
        if math.isnan(reference):
            return not math.isnan(value)
        if direction == "min":
            return bool(value + self.min_delta < reference)
        return bool(value - self.min_delta > reference)

    def _direction(self) -> str:
        if self._resolved is None:
            self._resolved = self._infer()
        return self._resolved

    def _infer(self) -> str:
        name = self.monitor.removeprefix("val_")
        if name == "loss" or name.endswith("_loss"):
            return "min"
        found = [
            (len(metric.name), _DIRECTIONS[metric._direction])
            for metric in _metrics(self.model)
            if getattr(metric, "_direction", None) in _DIRECTIONS
            and (name == metric.name or name.endswith(f"_{metric.name}"))
        ]
        if found:
            return max(found)[1]
        raise ValueError(
            f"{type(self).__name__} cannot tell whether {self.monitor!r} should go down or up: "
            "pass mode='min' if smaller is better, mode='max' if larger is."
        )


def _metrics(owner: Any) -> Iterator[Any]:
    for metric in getattr(owner, "metrics", None) or ():
        yield metric
        yield from _metrics(metric)
