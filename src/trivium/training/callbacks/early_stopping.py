"""Stopping when it does not get better any more."""

from __future__ import annotations

from typing import Any

from trivium.training.callbacks.base import Logs
from trivium.training.callbacks.console import say
from trivium.training.callbacks.monitor import MonitorCallback

__all__ = ["EarlyStopping"]


class EarlyStopping(MonitorCallback):
    """Ends training after `patience` epochs without improvement.

    Args:
        monitor: The result to watch.
        min_delta: How much better counts as better.
        patience: How many epochs may pass without improvement.
        verbose: 1 says when it stops and which weights it puts back.
        mode: `"min"`, `"max"`, or `"auto"` to tell by the name or the metric.
        baseline: A value to beat: before it is beaten, an improvement does not renew the patience.
        restore_best_weights: Put the best epoch's weights back when training ends, stopped or not.
        start_from_epoch: How many epochs to let pass before watching.

    Attributes:
        stopped_epoch: The epoch that it stopped after, counted from 0.
        best: The best value so far.
        best_epoch: The epoch that had it.
        best_weights: The weights of that epoch, if they are to be restored.

    Reference:
        Prechelt, 1998, "Early Stopping - But When?".

    Example:
        >>> from types import SimpleNamespace
        >>> stopping = EarlyStopping(patience=2)
        >>> stopping.set_model(SimpleNamespace(stop_training=False))
        >>> stopping.on_train_begin()
        >>> for epoch, loss in enumerate([0.5, 0.25, 0.5, 0.375]):
        ...     stopping.on_epoch_end(epoch, {"val_loss": loss})
        >>> stopping.model.stop_training, stopping.best_epoch, stopping.stopped_epoch
        (True, 1, 3)
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best = None
        self.best_epoch = 0
        self.best_weights: Any = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin anew."""
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Note an improvement, or stop when there has been none for too long."""
        if epoch < self.start_from_epoch:
            return
        value = self.current(logs)
        if value is None:
            return
        self.wait += 1
        if self.improves(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self.improves(value, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Put the best weights back, if asked to."""
        if self.stopped_epoch > 0 and self.verbose:
            say(f"Epoch {self.stopped_epoch + 1}: early stopping.")
        if self.restore_best_weights and self.best_weights is not None:
            self.model.set_weights(self.best_weights)
            if self.verbose:
                say(f"Restored the weights of the best epoch: {self.best_epoch + 1}.")
