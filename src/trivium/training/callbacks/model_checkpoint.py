"""Saving the model, or its weights, while it trains."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np

from trivium.training.callbacks.base import BATCH_HOOKS, Logs, overrides
from trivium.training.callbacks.console import say
from trivium.training.callbacks.monitor import MonitorCallback

__all__ = ["ModelCheckpoint"]


class ModelCheckpoint(MonitorCallback):
    """Saves the model after each epoch, or after each `save_freq` batches.

    Args:
        filepath: Where to. The epoch, the names in the logs and, with a number as `save_freq`, the
            batch are filled in: `"{epoch:02d}-{val_loss:.2f}.keras"`. It ends in `.keras` (or `.h5`,
            the older form) for the whole model, in `.weights.h5` for weights. Missing folders are made.
        monitor: The result that tells which model is best.
        verbose: 1 says what it does.
        save_best_only: Save only when the monitored result has become better.
        save_weights_only: Call `model.save_weights(filepath)` in place of `model.save(filepath)`.
        mode: `"min"`, `"max"`, or `"auto"` to tell by the name or the metric.
        save_freq: `"epoch"`, or a number of batches.
        initial_value_threshold: A value that even the first model has to beat to be saved.

    Raises:
        ValueError: `filepath` has the wrong ending, or `save_freq` is no `"epoch"` and no number.

    Example:
        >>> class Model:
        ...     def save_weights(self, path, overwrite):
        ...         print("to", path)
        >>> checkpoint = ModelCheckpoint("{epoch:02d}.weights.h5", save_weights_only=True)
        >>> checkpoint.set_model(Model())
        >>> checkpoint.on_epoch_end(0, {"loss": 0.5})
        to 01.weights.h5
    """

    _weight_endings: tuple[str, ...] = (".weights.h5",)

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self.best = initial_value_threshold
        self._method = "save_weights" if save_weights_only else "save"
        self._epoch = 0
        self._last_batch = -1
        self._batches_since_save = 0
        endings = self._weight_endings if save_weights_only else (".keras", ".h5", ".hdf5")
        misleads = self.filepath.endswith(".weights.h5") and not save_weights_only
        if misleads or not self.filepath.endswith(endings):
            raise ValueError(
                f"ModelCheckpoint with save_weights_only={save_weights_only} writes files that end in "
                f"{' or '.join(endings)}; filepath is {self.filepath!r}."
            )
        if save_freq != "epoch" and (not isinstance(save_freq, int) or save_freq < 1):
            raise ValueError(
                f"ModelCheckpoint's save_freq is 'epoch' or a number of batches; got {save_freq!r}."
            )

    def set_model(self, model: Any) -> None:
        """Take the model at work.

        Raises:
            TypeError: The model has no method to save itself with.
        """
        if not callable(getattr(model, self._method, None)):
            raise TypeError(
                f"ModelCheckpoint({self.filepath!r}) needs model.{self._method}, which "
                f"{type(model).__name__} does not have. Pass save_weights_only="
                f"{not self.save_weights_only} if the other kind of file will do."
            )
        super().set_model(model)

    def wants_batches(self, mode: str) -> bool:
        """Say whether to stop around batches: for a number as `save_freq`, or a subclass's hook."""
        if self.save_freq != "epoch":
            return super().wants_batches(mode)
        return self._has_hooks(mode)

    def batches_ahead(self, mode: str, step: int) -> int:
        """Return how many batches are left before the next file; 1 for a subclass with batch hooks of its own."""
        if self.save_freq == "epoch" or self._has_hooks(mode):
            return 1
        return int(self.save_freq) - self._batches_since_save

    def _has_hooks(self, mode: str) -> bool:
        return any(overrides(self, hook, ModelCheckpoint) for hook in BATCH_HOOKS[mode])

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Note the epoch, for the file's name."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save if `save_freq` batches have passed since the last time."""
        super().on_train_batch_end(batch, logs)
        if self.save_freq == "epoch":
            return
        passed = batch - self._last_batch if batch > self._last_batch else batch + 1
        self._last_batch = batch
        self._batches_since_save += passed
        if self._batches_since_save >= int(self.save_freq):
            self._batches_since_save = 0
            self._save(logs or {}, {"epoch": self._epoch + 1, "batch": batch + 1})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save if `save_freq` is `"epoch"`."""
        if self.save_freq == "epoch":
            self._save(logs or {}, {"epoch": epoch + 1})

    def _save(self, logs: Logs, position: dict[str, int]) -> None:
        why = self._reason(logs, position["epoch"])
        if why is None:
            return
        path = self._path(logs, position)
        getattr(self.model, self._method)(path, overwrite=True)
        if self.save_best_only and np.ndim(logs.get(self.monitor, [])) == 0:
            self.best = logs[self.monitor]
        if self.verbose:
            say(f"Epoch {position['epoch']}: {why}saved the model to {path}")

    def _reason(self, logs: Logs, epoch: int) -> str | None:
        """Return the words that say why to save now, or `None` to leave it."""
        if not self.save_best_only:
            return ""
        value = self.current(logs)
        if value is None:
            return ""
        if np.ndim(value):
            warnings.warn(
                f"ModelCheckpoint monitors {self.monitor!r}, which is no single number but {value!r}: there is no best "
                "one of those, so each model is saved.",
                stacklevel=4,
            )
            return ""
        if self.improves(value, self.best):
            before = "" if self.best is None else f"from {self.best:.5f} "
            return f"{self.monitor} improved {before}to {value:.5f}, "
        if self.verbose:
            say(f"Epoch {epoch}: {self.monitor} did not improve from {self.best:.5f}")
        return None

    def _path(self, logs: Logs, position: dict[str, int]) -> str:
        fields = {**logs, **position}
        try:
            path = self.filepath.format(**fields)
        except KeyError as error:
            raise KeyError(
                f"ModelCheckpoint cannot fill in {self.filepath!r}: there is no {error}. "
                f"Known names: {', '.join(sorted(fields))}."
            ) from None
        if os.path.isdir(path):
            raise OSError(f"ModelCheckpoint cannot write the file {path!r}: there is a folder.")
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        return path
