"""What Keras 2's objects had and Keras 3's have not: methods, properties and arguments, for the time of a program.

They are put on Trivium's own classes while the import hook is active, and taken off with it, so that the library
itself stays free of them.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import trivium
from trivium.compat.errors import NotCovered
from trivium.saving import legacy_writer
from trivium.saving.legacy import ENDINGS

__all__ = ["ARGUMENTS", "applied", "install_older", "uninstall_older"]


def _warn(message: str) -> None:
    warnings.warn(f"{message} (an older argument of Keras)", FutureWarning, stacklevel=4)


# -- methods and properties ---------------------------------------------------------------------------------------


def _fit_generator(self: Any, generator: Any, *args: Any, **kwargs: Any) -> Any:
    names = (
        "steps_per_epoch",
        "epochs",
        "verbose",
        "callbacks",
        "validation_data",
        "validation_steps",
    )
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    workers = {
        "workers",
        "use_multiprocessing",
        "max_queue_size",
        "validation_freq",
        "initial_epoch",
        "shuffle",
    }
    for name in workers - {"validation_freq", "initial_epoch", "shuffle"}:
        given.pop(name, None)  # The pipeline has its own.
    given["epochs"] = given.pop("nb_epoch", given.get("epochs", 1))
    if "samples_per_epoch" in given:
        raise NotCovered(
            "fit_generator(samples_per_epoch=) is not covered. Give `steps_per_epoch`, in batches."
        )
    return self.fit(generator, **given)


def _evaluate_generator(
    self: Any, generator: Any, steps: Any = None, callbacks: Any = None, **kwargs: Any
) -> Any:
    return self.evaluate(
        generator, steps=steps, callbacks=callbacks, verbose=kwargs.get("verbose", 0)
    )


def _predict_generator(
    self: Any, generator: Any, steps: Any = None, callbacks: Any = None, **kwargs: Any
) -> Any:
    return self.predict(
        generator, steps=steps, callbacks=callbacks, verbose=kwargs.get("verbose", 0)
    )


def _predict_proba(self: Any, x: Any, batch_size: int | None = 32, verbose: int = 0) -> Any:
    return self.predict(x, batch_size=batch_size, verbose=verbose)


def _predict_classes(self: Any, x: Any, batch_size: int | None = 32, verbose: int = 0) -> Any:
    found = self.predict(x, batch_size=batch_size, verbose=verbose)
    return found.argmax(axis=-1) if found.shape[-1] > 1 else (found > 0.5).astype("int32")


def _reset_states(self: Any) -> None:
    for layer in self.layers:
        if hasattr(layer, "reset_state") and getattr(layer, "stateful", False):
            layer.reset_state()


def _reset_metric(self: Any) -> None:
    self.reset_state()


def _rate(self: Any) -> Any:
    return self.learning_rate


def _set_rate(self: Any, value: Any) -> None:
    self.learning_rate = value


_MEMBERS: tuple[tuple[type, str, Any], ...] = (
    (trivium.Model, "fit_generator", _fit_generator),
    (trivium.Model, "evaluate_generator", _evaluate_generator),
    (trivium.Model, "predict_generator", _predict_generator),
    (trivium.Model, "predict_proba", _predict_proba),
    (trivium.Model, "predict_classes", _predict_classes),
    (trivium.Model, "reset_states", _reset_states),
    (trivium.Metric, "reset_states", _reset_metric),
    (trivium.Optimizer, "lr", property(_rate, _set_rate)),
)

# -- arguments ----------------------------------------------------------------------------------------------------

# What classes and methods take besides, and what becomes of it: another name, or nothing.
ARGUMENTS: dict[tuple[type, str], dict[str, str | None]] = {
    (trivium.Optimizer, "__init__"): {"lr": "learning_rate"},
    (trivium.Layer, "__init__"): {"weights": None},
    (trivium.layers.BatchNormalization, "__init__"): {"fused": None, "renorm": None, "virtual_batch_size": None},
    (trivium.layers.RNN, "__init__"): {"implementation": None, "time_major": None},
    (trivium.Model, "fit"): {
        "nb_epoch": "epochs", "workers": None, "use_multiprocessing": None, "max_queue_size": None,
    },
    (trivium.Model, "evaluate"): {"workers": None, "use_multiprocessing": None, "max_queue_size": None},
    (trivium.Model, "predict"): {"workers": None, "use_multiprocessing": None, "max_queue_size": None},
    (trivium.Model, "compile"): {"sample_weight_mode": None},
    (trivium.Model, "save"): {"save_format": None},
    (trivium.Model, "save_weights"): {"save_format": None},
    (trivium.callbacks.TensorBoard, "__init__"): {"write_grads": None, "batch_size": None},
    (trivium.callbacks.ModelCheckpoint, "__init__"): {"period": None},
}  # fmt: skip


def _renaming(function: Callable[..., Any], names: dict[str, str | None]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        older = {name: kwargs.pop(name) for name in names.keys() & kwargs.keys()}
        for name, value in older.items():
            if newer := names[name]:
                _warn(f"`{name}` is `{newer}` now.")
                kwargs[newer] = value
        taken = {name: value for name, value in older.items() if not names[name]}
        if taken:
            _keep(self, taken)
        return function(self, *args, **kwargs)

    return call


def _keep(thing: Any, taken: dict[str, Any]) -> None:
    """Act on the arguments that have no newer name."""
    for name, value in taken.items():
        if name == "weights" and value is not None:
            thing._older_weights = [np.asarray(w) for w in value]
        elif name == "period" and value != 1:
            thing._older_period = int(value)
        elif name in ("renorm", "time_major", "virtual_batch_size", "sample_weight_mode") and value:
            raise NotCovered(f"{type(thing).__name__}: {name}={value!r} is not covered.")


def _with_older_files(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def save_weights(self: Any, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
        if str(filepath).endswith(ENDINGS) and not str(filepath).endswith(".weights.h5"):
            legacy_writer.save_weights(self, Path(filepath), overwrite)
        else:
            function(self, filepath, overwrite, **kwargs)

    return save_weights


def _optimizer_init(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def init(self: Any, learning_rate: Any = None, *args: Any, **kwargs: Any) -> None:
        if "lr" in kwargs:
            _warn("`lr` is `learning_rate` now.")
            learning_rate = kwargs.pop("lr")
            learning_rate = (
                float(learning_rate) if isinstance(learning_rate, int) else learning_rate
            )
        function(self, learning_rate, *args, **kwargs)

    return init


def _with_weights(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def build(self: Any, *args: Any, **kwargs: Any) -> Any:
        made = function(self, *args, **kwargs)
        if (weights := vars(self).pop("_older_weights", None)) is not None:
            self.set_weights(weights)
        return made

    return build


def _with_period(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def on_epoch_end(self: Any, epoch: int, logs: Any = None) -> None:
        if (epoch + 1) % getattr(self, "_older_period", 1) == 0:
            function(self, epoch, logs)

    return on_epoch_end


# -- for the time of a program --------------------------------------------------------------------------------------

_replaced: list[tuple[Any, str, Any]] = []
_ABSENT = object()


def _put(owner: Any, name: str, value: Any) -> None:
    _replaced.append((owner, name, vars(owner).get(name, _ABSENT)))
    setattr(owner, name, value)


def install_older() -> None:
    """Give Trivium's classes what Keras 2's had.

    Example:
        >>> install_older()
        >>> hasattr(trivium.Model, "fit_generator")
        True
        >>> uninstall_older()
        >>> hasattr(trivium.Model, "fit_generator")
        False
    """
    if _replaced:
        return
    for owner, name, value in _MEMBERS:
        if not hasattr(owner, name):
            _put(owner, name, value)
    for (cls, method), renamed in ARGUMENTS.items():
        function = inspect.getattr_static(cls, method)
        wrapped = (
            _optimizer_init(function) if cls is trivium.Optimizer else _renaming(function, renamed)
        )
        _put(cls, method, wrapped)
    _put(trivium.Layer, "_build_for", _with_weights(trivium.Layer._build_for))
    _put(trivium.Model, "save_weights", _with_older_files(trivium.Model.save_weights))
    checkpoint = trivium.callbacks.ModelCheckpoint
    _put(checkpoint, "_weight_endings", ENDINGS)
    _put(checkpoint, "on_epoch_end", _with_period(checkpoint.on_epoch_end))


def uninstall_older() -> None:
    """Take it off again.

    Example:
        >>> uninstall_older()  # nothing, where nothing was installed
    """
    while _replaced:
        owner, name, before = _replaced.pop()
        if before is _ABSENT:
            delattr(owner, name)
        else:
            setattr(owner, name, before)


@contextlib.contextmanager
def applied() -> Iterator[None]:
    """Give Trivium's classes what Keras 2's had within the `with` block.

    Example:
        >>> with applied():
        ...     trivium.optimizers.SGD().lr is not None
        True
    """
    if _replaced:
        yield
        return
    install_older()
    try:
        yield
    finally:
        uninstall_older()
