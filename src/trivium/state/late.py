"""Numbers that may still be on their way from the device."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np

__all__ = ["LateNumbers", "as_number"]


def as_number(value: Any) -> Any:
    """Return an array of one number as a Python float; another one as NumPy's.

    Example:
        >>> as_number(jax.numpy.float32(0.5)), as_number(jax.numpy.ones(2))
        (0.5, array([1., 1.], dtype=float32))
    """
    array = np.asarray(value)
    return float(array) if array.ndim == 0 else array


class LateNumbers(dict[str, Any]):
    """Numbers by name of a step that may still be running: who looks at one waits for the step, and nobody else does.

    A hook that counts batches, or prints the loss of each hundredth, so leaves the device at work. To everybody who
    looks it is a dict; made by its class it is one of whatever it is given, as `dict` is.

    Example:
        >>> logs = LateNumbers.of({"loss": jax.numpy.float32(0.5)})
        >>> list(logs.keys()), logs["loss"], {**logs}, logs == {"loss": 0.5}
        (['loss'], 0.5, {'loss': 0.5}, True)
    """

    __slots__ = ("_late",)

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._late = False

    @classmethod
    def of(cls, arrays: Mapping[str, Any]) -> LateNumbers:
        """Return the numbers that arrays will hold when somebody looks.

        Args:
            arrays: The arrays by name.
        """
        numbers = cls(arrays)
        numbers._late = True
        return numbers

    def read(self) -> None:
        """Wait for the step, and hold numbers from here on."""
        if self._late:
            for name, value in dict.items(self):
                dict.__setitem__(self, name, as_number(value))
            self._late = False

    def __reduce__(self) -> Any:
        return dict, (dict(self),)  # Copies and pickles are plain dicts.


def _reading(name: str) -> Any:
    """Return the method of a dict, ahead of which the numbers are read."""
    method = getattr(dict, name)

    @functools.wraps(method)
    def call(self: LateNumbers, *args: Any, **named: Any) -> Any:
        self.read()
        return method(self, *args, **named)

    return call


def _put_together(names: tuple[str, ...], values: Iterable[Any]) -> Any:
    return dict(zip(names, values, strict=True))


# All that looks at values. With an `__iter__` of its own, `dict(logs)` and `f(**logs)` ask these methods too, where
# Python would copy what a dict holds.
for _name in (
    "__delitem__", "__eq__", "__getitem__", "__ior__", "__iter__", "__ne__", "__or__", "__repr__", "__reversed__",
    "__ror__", "__setitem__", "clear", "copy", "get", "items", "pop", "popitem", "setdefault", "update", "values",
):  # fmt: skip
    setattr(LateNumbers, _name, _reading(_name))

# To JAX's functions of trees they are a dict as well.
jax.tree_util.register_pytree_with_keys(
    LateNumbers,
    lambda logs: ([(jax.tree_util.DictKey(k), logs[k]) for k in sorted(logs)], tuple(sorted(logs))),
    _put_together,
)
