"""Callbacks of a few lines: your own functions as hooks, and a stop when the loss is no number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from trivium.state import suggest
from trivium.training.callbacks.base import Callback, Logs
from trivium.training.callbacks.console import say

__all__ = ["LambdaCallback", "TerminateOnNaN"]


class LambdaCallback(Callback):
    """A callback made of functions.

    Args:
        on_epoch_begin: Called with `(epoch, logs)`.
        on_epoch_end: Called with `(epoch, logs)`.
        on_train_begin: Called with `(logs)`.
        on_train_end: Called with `(logs)`.
        on_train_batch_begin: Called with `(batch, logs)`.
        on_train_batch_end: Called with `(batch, logs)`.
        **kwargs: Any other hook of `Callback` by its name, such as `on_test_end`; other names
            become attributes.

    Raises:
        TypeError: A name begins like a hook but is none.

    Example:
        >>> shout = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
        >>> shout.on_epoch_end(0, {"loss": 0.5})
        0 0.5
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }
        hooks = [name for name in vars(Callback) if name.startswith("on_")]
        for name in kwargs:
            if name.startswith("on_") and name not in hooks:
                raise TypeError(f"LambdaCallback: {name!r} is no hook. {suggest(name, hooks)}")
        self.__dict__.update({k: v for k, v in {**given, **kwargs}.items() if v is not None})


class TerminateOnNaN(Callback):
    """Stops training when the loss is NaN or infinite.

    It looks wherever a compiled chunk ends, several times a second, and costs nothing in between.

    Args:
        raise_error: Raise an error in place of ending `fit` quietly.

    Raises:
        RuntimeError: The loss is no finite number and `raise_error` is set.

    Example:
        >>> from types import SimpleNamespace
        >>> guard = TerminateOnNaN()
        >>> guard.set_model(SimpleNamespace(stop_training=False))
        >>> guard.on_chunk_end("train", 100, {"loss": float("nan")})
        The loss is nan since one of the batches 0 to 99 of the epoch; training stops.
        >>> guard.model.stop_training
        True
    """

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = raise_error
        self._seen = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Count the epoch's batches from the first."""
        self._seen = 0

    def on_chunk_end(self, mode: str, step: int, logs: Logs | None = None) -> None:
        """Look at the loss."""
        loss = (logs or {}).get("loss")
        if mode != "train":
            return
        first, self._seen = self._seen, step
        if loss is None or math.isfinite(loss):
            return
        # Numbered as hooks number them. Where a chunk was longer than a batch, it was one of the chunk's.
        where = (
            f"batch {first}" if step <= first + 1 else f"one of the batches {first} to {step - 1}"
        )
        if self.raise_error:
            raise RuntimeError(f"The loss is {loss} since {where} of the epoch.")
        say(f"The loss is {loss} since {where} of the epoch; training stops.")
        self.model.stop_training = True
