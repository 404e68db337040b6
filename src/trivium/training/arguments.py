"""What arguments of the trainer's methods may be."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["check_epochs"]


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
