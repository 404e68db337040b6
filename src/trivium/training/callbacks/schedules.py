"""Changing the learning rate between epochs: by a plan, or when progress halts."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from trivium.training.callbacks.base import Callback, Logs
from trivium.training.callbacks.console import say
from trivium.training.callbacks.monitor import MonitorCallback

__all__ = ["LearningRateScheduler", "ReduceLROnPlateau"]


def _learning_rate(callback: Callback) -> float:
    """Return the rate at hand: that of the whole, where several optimizers are one."""
    optimizer: Any = getattr(callback.model, "optimizer", None)
    if not hasattr(optimizer, "learning_rate"):
        raise ValueError(
            f"{type(callback).__name__} needs an optimizer with a learning_rate; the model's is "
            f"{optimizer!r}. Compile the model with one of trivium.optimizers."
        )
    return float(np.asarray(optimizer.learning_rate))


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch; the epoch's logs have it as `learning_rate`.

    Args:
        schedule: A function of the epoch, counted from 0, and the learning rate at hand (or of the
            epoch alone) that returns the new learning rate.
        verbose: 1 says what it sets.

    Raises:
        ValueError: The schedule returned no number, or the optimizer has no learning rate.

    Example:
        >>> from types import SimpleNamespace
        >>> halve = LearningRateScheduler(lambda epoch, lr: lr / 2)
        >>> halve.set_model(SimpleNamespace(optimizer=SimpleNamespace(learning_rate=0.5)))
        >>> halve.on_epoch_begin(0)
        >>> halve.model.optimizer.learning_rate
        0.25
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        self.schedule = schedule
        self.verbose = verbose
        self._takes_rate = _accepts_two(schedule)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the epoch's learning rate."""
        old = _learning_rate(self)
        new = _number(self.schedule(epoch, old) if self._takes_rate else self.schedule(epoch))
        self.model.optimizer.learning_rate = new
        if self.verbose:
            say(f"Epoch {epoch + 1}: LearningRateScheduler sets the learning rate to {new:g}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Log the learning rate."""
        if logs is not None:
            logs["learning_rate"] = _learning_rate(self)


def _number(answer: Any) -> float:
    try:
        return float(answer)
    except (TypeError, ValueError):
        raise ValueError(
            f"LearningRateScheduler's schedule has to return one number; it returned {answer!r}."
        ) from None


def _accepts_two(schedule: Callable[..., float]) -> bool:
    try:
        inspect.signature(schedule).bind(0, 0.0)
    except (TypeError, ValueError):  # ValueError: a builtin that does not tell its arguments
        return False
    return True


class ReduceLROnPlateau(MonitorCallback):
    """Lowers the learning rate after `patience` epochs without improvement.

    Args:
        monitor: The result to watch.
        factor: What to multiply the learning rate by, below 1.
        patience: How many epochs may pass without improvement.
        verbose: 1 says what it does.
        mode: `"min"`, `"max"`, or `"auto"` to tell by the name or the metric.
        min_delta: How much better counts as better.
        cooldown: How many epochs to wait after a change before watching again.
        min_lr: Never go below this.

    Raises:
        ValueError: `factor` is not below 1.

    Example:
        >>> from types import SimpleNamespace
        >>> reduce = ReduceLROnPlateau(factor=0.5, patience=2)
        >>> reduce.set_model(SimpleNamespace(optimizer=SimpleNamespace(learning_rate=1.0)))
        >>> reduce.on_train_begin()
        >>> for epoch in range(3):
        ...     reduce.on_epoch_end(epoch, {"val_loss": 0.5})
        >>> reduce.model.optimizer.learning_rate
        0.5
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau's factor has to be below 1; got {factor}.")
        super().__init__(monitor, mode, min_delta)
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._reset()

    def _reset(self) -> None:
        self.best = None
        self.wait = 0
        self.cooldown_counter = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin anew."""
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Log the learning rate, and lower it when there has been no improvement for too long."""
        rate = _learning_rate(self)
        value = self.current(logs)
        if logs is not None:
            logs["learning_rate"] = rate
        if value is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improves(value, self.best):
            self.best = value
            self.wait = 0
        elif self.cooldown_counter == 0:
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch, rate)

    def _reduce(self, epoch: int, rate: float) -> None:
        if rate <= np.float32(self.min_lr):  # the optimizer's rate is a float32 too
            return
        new = max(rate * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = new
        self.cooldown_counter = self.cooldown
        self.wait = 0
        if self.verbose:
            say(f"Epoch {epoch + 1}: ReduceLROnPlateau lowers the learning rate to {new:g}.")
