"""Telling gradient tapes which variables are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from trivium.state.recording import without_recorders

__all__ = ["read_on"]


def read_on(tapes: Sequence[Any], variable: Any, value: Any) -> Any:
    """Tell tapes what a variable is read as, and return that.

    Tapes know arrays by their identity. An array that one of them knows as something else, what was assigned to the
    variable say, or another variable's, is read as a copy: the way back ends at the variable, and not behind it.

    Args:
        tapes: The tapes.
        variable: The variable.
        value: Its value.
    """
    if any(tape.is_another(variable, value) for tape in tapes):
        with without_recorders():
            value = jnp.array(value, copy=True)
    for tape in tapes:
        tape.note_read(variable, value)
    return value
