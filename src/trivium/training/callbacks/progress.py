"""The progress of `fit`, `evaluate` and `predict`."""

from __future__ import annotations

from typing import Any

from trivium.training.callbacks import console
from trivium.training.callbacks.base import Callback, Logs
from trivium.training.callbacks.progress_line import ProgressLine

__all__ = ["ProgbarLogger"]


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
        self._line = ProgressLine()

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
        self._line.advance(step)
        self._line.draw(logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Finish the epoch's line with all of its results."""
        self._fit_steps = self._line.step or self._fit_steps
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
        self._line.begin(target, self._params("verbose") != 2 and console.is_interactive())

    def _end(self, logs: Logs | None) -> None:
        self._line.target = self._params("steps") or self._line.step
        self._line.end(logs or {})
