"""Many callbacks as one: what the training loop talks to."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from trivium.training.callbacks.base import Callback
from trivium.training.callbacks.history import History
from trivium.training.callbacks.progress import ProgbarLogger

__all__ = ["CallbackList"]


class CallbackList(Callback):
    """Callbacks called one after the other: the user's, then the history, then the progress line.

    Args:
        callbacks: A callback or a (nested) list of them.
        add_history: Append a `History` unless there is one; it becomes `model.history` too.
        add_progbar: Append a `ProgbarLogger` unless there is one.
        model: The model at work.
        **params: What the callbacks' `params` will say: `verbose`, `epochs` and `steps`; and `validates`, whether the
            run has data to validate on, which each callback is told by its attribute.

    Attributes:
        callbacks: The callbacks in their order.
        history: The `History` among them, or `None`.

    Raises:
        TypeError: One of `callbacks` is no callback.

    Example:
        >>> seen = []
        >>> class Note(Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         seen.append((epoch, logs))
        >>> callbacks = CallbackList([Note()], add_history=True, epochs=1, steps=10, verbose=0)
        >>> callbacks.on_train_begin()
        >>> callbacks.on_epoch_end(0, {"loss": 0.5})
        >>> seen, callbacks.history.history
        ([(0, {'loss': 0.5})], {'loss': [0.5]})
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        self.callbacks: list[Callback] = list(_flatten(callbacks))
        self._waiting: dict[str, list[Callback]] = {}  # Those that want a mode's batches.
        validates = params.pop("validates", None)
        for callback in self.callbacks:
            if isinstance(callback, Callback):
                callback.validates = validates
        self.history = self._find(History, add_history)
        self._find(ProgbarLogger, add_progbar)
        if model is not None:
            self.set_model(model)
        if params:
            self.set_params(params)

    def append(self, callback: Callback) -> None:
        """Add a callback at the end."""
        self._waiting.clear()
        self.callbacks.extend(_flatten(callback))

    def set_params(self, params: dict[str, Any]) -> None:
        """Hand the run's `verbose`, `epochs` and `steps` to each callback."""
        super().set_params(params)
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Hand the model at work to each callback."""
        super().set_model(model)
        if self.history is not None:
            model.history = self.history
        for callback in self.callbacks:
            callback.set_model(model)

    def set_run(self, run: Any) -> None:
        """Hand the `fit` at work, or `None` at its end, to each callback of ours."""
        super().set_run(run)
        for callback in self.callbacks:
            if isinstance(callback, Callback):
                callback.set_run(run)

    def wants_batches(self, mode: str) -> bool:
        """Say whether the loop has to stop around each execution for one of the callbacks.

        A callback of another library, which cannot be asked, is taken to want it.

        Args:
            mode: `"train"`, `"test"` or `"predict"`.
        """
        self._waiting.pop(mode, None)
        return any(_wants_batches(callback, mode) for callback in self.callbacks)

    def batches_ahead(self, mode: str, step: int) -> int:
        """Return how many batches may run before one of the callbacks has to see one.

        Args:
            mode: `"train"`, `"test"` or `"predict"`.
            step: How many batches of the epoch are done.
        """
        waiting = self._waiting.get(mode)
        if waiting is None:
            waiting = [c for c in self.callbacks if _wants_batches(c, mode)]
            # Asked for after each hook, and to find it takes longer than that.
            self._waiting[mode] = waiting
        own = [c.batches_ahead(mode, step) for c in waiting if isinstance(c, Callback)]
        return min(own) if own and len(own) == len(waiting) else 1

    def _find(self, kind: Any, add: bool) -> Any:
        for callback in self.callbacks:
            if isinstance(callback, kind):
                return callback
        if not add:
            return None
        self.callbacks.append(kind())
        return self.callbacks[-1]


def _wants_batches(callback: Any, mode: str) -> bool:
    return callback.wants_batches(mode) if isinstance(callback, Callback) else True


def _flatten(callbacks: Any, place: str = "callbacks") -> Iterator[Callback]:
    if callbacks is None:
        return
    if isinstance(callbacks, CallbackList):
        yield from callbacks.callbacks
    elif isinstance(callbacks, list | tuple):
        for i, item in enumerate(callbacks):
            yield from _flatten(item, f"{place}[{i}]")
    elif inspect.isclass(callbacks):
        name = callbacks.__name__
        raise TypeError(f"{place} is the class {name}, not a callback: write {name}(...).")
    elif not callable(getattr(callbacks, "set_model", None)):
        raise TypeError(
            f"{place} is {callbacks!r}, of type {type(callbacks).__name__}, which has no "
            "set_model: give objects of classes that derive from trivium.callbacks.Callback."
        )
    else:
        yield callbacks


def _for_each(hook: str) -> Callable[..., None]:
    """Return the method that calls `hook` on every callback, with one logs dict for all of them."""
    base = getattr(Callback, hook)
    leading = len(inspect.signature(base).parameters) - 2

    @functools.wraps(base)
    def call(self: CallbackList, *args: Any, logs: Any = None) -> None:
        if len(args) > leading:
            *args, logs = args  # type: ignore[assignment]
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            method = getattr(callback, hook, None)  # other libraries' callbacks lack `on_chunk_end`
            if method is not None:
                method(*args, logs)

    return call


for _hook in [name for name in vars(Callback) if name.startswith("on_")]:
    setattr(CallbackList, _hook, _for_each(_hook))
