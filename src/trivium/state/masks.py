"""Masks of arrays: which steps of a sequence are padding, kept beside the array and never glued to it."""

from __future__ import annotations

import contextlib
import weakref
from typing import Any

from trivium.state.types import ArrayLike

__all__ = ["get_mask", "set_mask"]

# By identity, since arrays do not compare by `==`; an entry goes when its array goes.
_masks: dict[int, tuple[weakref.ref[Any], Any]] = {}


def get_mask(x: Any) -> Any:
    """Return the mask of an array or symbolic tensor, or `None`.

    Example:
        >>> import jax.numpy as jnp
        >>> x = jnp.ones((1, 2))
        >>> set_mask(x, jnp.array([[True, False]]))
        >>> get_mask(x).tolist(), get_mask(x + 1)
        ([[True, False]], None)
    """
    if getattr(x, "is_symbolic", False):
        return x.mask
    entry = _masks.get(id(x)) if _masks else None
    return entry[1] if entry is not None and entry[0]() is x else None


def set_mask(x: Any, mask: ArrayLike | None) -> None:
    """Say which elements of an array or symbolic tensor count.

    Args:
        x: The array, shape `(batch, time, ...)`.
        mask: Booleans of shape `(batch, time)`, or `None` to take the mask away.
    """
    if getattr(x, "is_symbolic", False):
        x.mask = mask
        return
    # A copy to read under Keras's name, where an array can have one; what holds is the table.
    with contextlib.suppress(AttributeError):
        x._keras_mask = mask
    key = id(x)
    if mask is None:
        _masks.pop(key, None)
        return
    # The entry goes with the array, since a later one may get its id.
    _masks[key] = (weakref.ref(x, lambda _: _masks.pop(key, None)), mask)
