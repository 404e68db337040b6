"""Functions of images that compute in NumPy where there are values: files have many sizes, compiled code has one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium import ops
from trivium.graph import SymbolicTensor
from trivium.state.frame import current_frame
from trivium.state.placing import to_device
from trivium.state.variable import Variable

__all__ = ["as_kind", "hosted", "is_traced"]


def is_traced(*values: Any) -> bool:
    """Say whether one of some values is known when a program runs only, or is watched by a tape.

    Example:
        >>> is_traced(np.ones(3), 2), is_traced(SymbolicTensor((3,), "float32"))
        (False, True)
    """
    if any(isinstance(v, SymbolicTensor | jax.core.Tracer | Variable) for v in values):
        return True
    # A tape hears what JAX computes, and nothing of NumPy.
    return any(tape.wanted(values) for tape in current_frame().tapes)


def hosted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of an image and more whose first argument is what it computes with: NumPy, or our ops.

    Example:
        >>> hosted(lambda xp, image: xp.flip(image, 0))([1, 2]).tolist()
        [2, 1]
    """

    @functools.wraps(function)
    def call(image: Any, *args: Any, **kwargs: Any) -> Any:
        kwargs.pop("name", None)
        if is_traced(image, *args, *kwargs.values()):
            return function(ops, image, *args, **kwargs)
        if not hasattr(image, "dtype"):
            image = ops.convert_to_tensor(image)
        made = function(np, np.asarray(image), *args, **kwargs)
        return jax.tree.map(to_device, made)

    # Callers see the arguments behind the library.
    parameters = list(_signature(function).parameters.values())[1:]
    call.__signature__ = _signature(function).replace(parameters=parameters)  # type: ignore[attr-defined]
    return call


def as_kind(image: Any, dtype: str, saturate: bool = False) -> Any:
    """Return an image in a dtype; `saturate` keeps what does not fit at the greatest and least that do.

    Example:
        >>> as_kind(np.array([-1.0, 300.0]), "uint8", saturate=True)
        array([  0, 255], dtype=uint8)
    """
    if not isinstance(image, np.ndarray):
        return (ops.saturate_cast if saturate else ops.cast)(image, dtype)
    kind = jnp.dtype(dtype)
    if saturate and kind.kind in "iu":
        bounds = np.iinfo(kind)
        image = np.clip(image.astype(np.float64), bounds.min, bounds.max)
    return image.astype(kind)


@functools.cache
def _signature(function: Callable[..., Any]) -> Any:
    import inspect

    return inspect.signature(function)
