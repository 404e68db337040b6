"""What arguments of `fit` may be, and what is made of them."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from trivium.data import make_source, unpack_x_y_sample_weight, validation_split
from trivium.data.checks import placed
from trivium.training.callbacks import BackupAndRestore

__all__ = ["check_epochs", "due", "keeper", "split", "validation_source"]


def check_epochs(epochs: Any, initial_epoch: Any, validation_freq: Any) -> None:
    """Check the arguments of `fit` that count epochs.

    Args:
        epochs: The number of the last epoch.
        initial_epoch: The number of epochs already done.
        validation_freq: A number of epochs, or a list of their numbers.

    Raises:
        ValueError: One of them is something else.
    """
    whole = isinstance(validation_freq, int) and validation_freq > 0
    if not whole and not isinstance(validation_freq, list | tuple | set):
        raise ValueError(
            f"`validation_freq` is a number above zero or a list of epochs; got {validation_freq!r}."
        )
    for name, value in (("epochs", epochs), ("initial_epoch", initial_epoch)):
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or value < 0:
            raise ValueError(f"`{name}` is a whole number of at least 0; got {value!r}.")


def split(x: Any, y: Any, sample_weight: Any, fraction: float) -> tuple[tuple[Any, Any, Any], Any]:
    """Return the inputs, targets and weights to train on, and the data to validate on, cut off their end."""
    data = (x, y, sample_weight) if sample_weight is not None else (x,) if y is None else (x, y)
    with placed("fit"):
        train, held = validation_split(data, fraction)
    return (*train, *(None,) * (3 - len(train))), held


def validation_source(data: Any, batch_size: int | None, steps: int | None) -> Any:
    """Return the source of `validation_data`: a tuple of inputs, targets and weights, or what gives batches."""
    what = "validation_data"
    if isinstance(data, tuple | list):
        with placed(what):
            x, y, weight = unpack_x_y_sample_weight(tuple(data))
        return make_source(x, y, weight, batch_size=batch_size, steps=steps, what=what)
    return make_source(data, steps=steps, what=what)


def keeper(resume: Any) -> BackupAndRestore:
    """Return the callback that keeps the state of a run in a folder; one that is given stays as it is."""
    if isinstance(resume, BackupAndRestore):
        return resume
    if isinstance(resume, str | os.PathLike):
        # A run that has ended keeps its state, so that the same program, started again, has nothing left to do.
        return BackupAndRestore(resume, delete_checkpoint=False, save_seconds=60.0)
    raise TypeError(f"`resume` is the path of a folder, or a BackupAndRestore; got {resume!r}.")


def due(epoch: int, frequency: Any) -> bool:
    """Say whether to validate after this epoch."""
    return (epoch + 1) % frequency == 0 if isinstance(frequency, int) else epoch + 1 in frequency
