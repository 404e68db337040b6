"""What tensors' operators and models raise while a program runs: TensorFlow's errors.

Tensors are JAX's arrays, whose operators no look-up of a name passes. So they are wrapped as long as the import hook is
active, as is what a model is trained and asked by.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

import trivium
from trivium.compat.tensorflow.checks import check_divisor, check_exponent, refuse
from trivium.compat.tensorflow.errors import as_tensorflow_s, turned

__all__ = ["install_operators", "uninstall_operators"]

_BINARY = (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor",
)  # fmt: skip
_OPERATORS = (
    *(f"__{side}{name}__" for name in _BINARY for side in ("", "r")),
    *(f"__{name}__" for name in ("lt", "le", "gt", "ge", "eq", "ne")),
)
_CHECKS = {"floordiv": check_divisor, "mod": check_divisor, "pow": check_exponent}
_CALLS = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch")
_before: dict[tuple[type, str], Any] = {}


def _within(part: Any) -> Any:
    """Return how a part of a tensor is taken where a whole number that lies outside is an error, not the last."""

    def get_item(self: Any, key: Any) -> Any:
        keys = key if type(key) is tuple else (key,)
        if any(type(k) is int or _is_number(k) for k in keys):
            _check_within(self.shape, keys)
        return part(self, key)

    return get_item


def _is_number(key: Any) -> bool:
    """Say whether a key is a tensor that holds one whole number."""
    return isinstance(key, jax.Array) and key.ndim == 0 and key.dtype.kind in "iu"


def _check_within(shape: tuple[int, ...], keys: tuple[Any, ...]) -> None:
    axis = 0
    for key in keys:
        if key is None:
            continue
        number = _is_number(key)
        if axis >= len(shape) or not (number or isinstance(key, int | slice)) or key is True:
            return  # JAX says what is wrong with it, and arrays take several axes at once
        if (number or type(key) is int) and isinstance(shape[axis], int):
            _check_index(axis, shape[axis], key)
        axis += 1


def _check_index(axis: int, size: int, key: Any) -> None:
    def error(place: int, row: list[int]) -> Exception:
        what = f"index {row[0]} is outside of axis {axis}, which has {size}."
        return as_tensorflow_s(IndexError(what))

    if type(key) is not int:
        refuse(key.reshape(1), lambda i: (i < -size) | (i >= size), error)
    elif not -size <= key < size:
        raise error(0, [key])


def _checked(operation: Any, check: Any, reflected: bool = False) -> Any:
    """Return an operator that looks at its second operand first."""

    def operator(self: Any, other: Any) -> Any:
        check(*((other, self) if reflected else (self, other)))
        return operation(self, other)

    return operator


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
            operation, plain = vars(cls)[name], name.strip("_")
            if check := _CHECKS.get(plain) or _CHECKS.get(plain.removeprefix("r")):
                operation = _checked(operation, check, reflected=plain not in _CHECKS)
            _put(cls, name, turned(operation))
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
