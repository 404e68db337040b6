"""A progress bar for loops of one's own: the line that `fit` shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from trivium.training.callbacks import console
from trivium.training.callbacks.progress_line import ProgressLine

__all__ = ["Progbar"]


class Progbar:
    """Shows how far a loop is, how fast, and the means of what it measures.

    Args:
        target: How many steps there are; `None` if nobody knows.
        width: How many characters the bar has.
        verbose: 0 shows nothing, 1 a line that is rewritten in place, 2 one line at the end; output that goes to a file
            or a pipe gets one line at the end.
        interval: The least time between two drawings, in seconds.
        stateful_metrics: The names of values that are shown as they are, not as the mean of all steps.
        stateless_metrics: The names of those that are shown as means; then all others are shown as they are.
        unit_name: What a step is called.

    Raises:
        ValueError: Both kinds of names are given.

    Example:
        >>> bar = Progbar(3, verbose=2)
        >>> for i in range(3):
        ...     bar.update(i + 1, [("loss", float(i))])
        3/3 - 0s - ...s/step - loss: 1.0000
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError("give `stateful_metrics` or `stateless_metrics`, not both.")
        self.target, self.verbose = target, verbose
        self.stateful_metrics = set(stateful_metrics or ())
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self._sums: dict[str, tuple[Any, float]] = {}
        self._line = ProgressLine(width, unit_name, interval)
        self._line.begin(target, verbose != 2 and console.is_interactive())

    def update(
        self,
        current: int,
        values: Sequence[tuple[str, Any]] | None = None,
        finalize: bool | None = None,
    ) -> None:
        """Say how far the loop is.

        Args:
            current: How many steps are done.
            values: Pairs of a name and a value: the mean of the steps since the last call.
            finalize: Whether this is the end; where it is `None`, whether `current` reaches the target.
        """
        steps = max(current - self._line.step, 1)
        for name, value in values or ():
            total, count = self._sums.get(name, (0.0, 0.0)) if self._is_mean(name) else (0.0, 0.0)
            self._sums[name] = (total + value * steps, count + steps)
        self._line.advance(current)
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        if not self.verbose:
            return
        logs = {name: total / count for name, (total, count) in self._sums.items()}
        (self._line.end if finalize else self._line.draw)(logs)

    def add(self, n: int, values: Sequence[tuple[str, Any]] | None = None) -> None:
        """Say how many more steps are done.

        Args:
            n: How many.
            values: As for `update`.
        """
        self.update(self._line.step + n, values)

    def _is_mean(self, name: str) -> bool:
        if self.stateless_metrics is not None:
            return name in self.stateless_metrics
        return name not in self.stateful_metrics
