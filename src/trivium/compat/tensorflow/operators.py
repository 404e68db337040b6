"""What tensors' operators and models raise while a program runs: TensorFlow's errors.

Tensors are JAX's arrays, whose operators no look-up of a name passes. So they are wrapped as long as the import hook is
active, as is what a model is trained and asked by.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

import trivium
from trivium.compat.tensorflow.errors import turned

__all__ = ["install_operators", "uninstall_operators"]

_BINARY = (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor",
)  # fmt: skip
_OPERATORS = (
    *(f"__{side}{name}__" for name in _BINARY for side in ("", "r")),
    *(f"__{name}__" for name in ("lt", "le", "gt", "ge", "eq", "ne")),
)
_CALLS = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch")
_before: dict[tuple[type, str], Any] = {}


def _within(part: Any) -> Any:
    """Return how a part of a tensor is taken where a whole number that lies outside is an error, not the last."""

    def get_item(self: Any, key: Any) -> Any:
        keys = key if type(key) is tuple else (key,)
        if any(type(k) is int for k in keys):
            _check_within(self.shape, keys)
        return part(self, key)

    return get_item


def _check_within(shape: tuple[int, ...], keys: tuple[Any, ...]) -> None:
    axis = 0
    for key in keys:
        if key is None:
            continue
        if axis >= len(shape) or not isinstance(key, int | slice) or isinstance(key, bool):
            return  # JAX says what is wrong with it, and arrays take several axes at once
        if isinstance(key, int) and not -shape[axis] <= key < shape[axis]:
            raise IndexError(f"index {key} is outside of axis {axis}, which has {shape[axis]}.")
        axis += 1


def install_operators() -> None:
    """Let tensors' operators and models raise TensorFlow's errors, until `uninstall_operators`.

    Example:
        >>> install_operators()
        >>> try:
        ...     jnp.ones(2) + jnp.ones(3)
        ... except TypeError as error:
        ...     print(type(error).__name__)
        InvalidArgumentError
        >>> uninstall_operators()
    """
    for cls in (type(jnp.zeros(())), jax.core.Tracer):
        for name in _OPERATORS:
            _put(cls, name, turned(vars(cls)[name]))
        _put(cls, "__getitem__", turned(_within(vars(cls)["__getitem__"])))
    for name in _CALLS:
        _put(trivium.Model, name, turned(getattr(trivium.Model, name)))


def _put(cls: type, name: str, value: Any) -> None:
    _before[cls, name] = vars(cls).get(name)  # none, where a class above it has it
    setattr(cls, name, value)


def uninstall_operators() -> None:
    """Let them raise Python's errors again.

    Example:
        >>> uninstall_operators()  # nothing, where they do
    """
    while _before:
        (cls, name), function = _before.popitem()
        if function is None:
            delattr(cls, name)
        else:
            setattr(cls, name, function)
