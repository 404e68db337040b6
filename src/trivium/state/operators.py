"""Python's operators on everything that stands for an array: variables and symbolic tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

__all__ = ["OPERATORS", "ArrayOperators"]

# The ops behind the operators, by the names of Python's `operator` module. The room of the ops enters them: this room
# and the graph's are below it, and their operators need ops all the same.
OPERATORS: dict[str, Callable[..., Any]] = {}


class ArrayOperators:
    """Sends every operator to `_operate(name, *operands)`, with the names of Python's `operator` module.

    `==` and `!=` compare element by element, but for `None` and texts, which no array equals.
    """

    __hash__ = object.__hash__

    def _operate(self, name: str, *operands: object) -> Any:
        raise NotImplementedError

    def __add__(self, other: object) -> Any:
        return self._operate("add", self, other)

    def __radd__(self, other: object) -> Any:
        return self._operate("add", other, self)

    def __sub__(self, other: object) -> Any:
        return self._operate("sub", self, other)

    def __rsub__(self, other: object) -> Any:
        return self._operate("sub", other, self)

    def __mul__(self, other: object) -> Any:
        return self._operate("mul", self, other)

    def __rmul__(self, other: object) -> Any:
        return self._operate("mul", other, self)

    def __truediv__(self, other: object) -> Any:
        return self._operate("truediv", self, other)

    def __rtruediv__(self, other: object) -> Any:
        return self._operate("truediv", other, self)

    def __floordiv__(self, other: object) -> Any:
        return self._operate("floordiv", self, other)

    def __rfloordiv__(self, other: object) -> Any:
        return self._operate("floordiv", other, self)

    def __mod__(self, other: object) -> Any:
        return self._operate("mod", self, other)

    def __rmod__(self, other: object) -> Any:
        return self._operate("mod", other, self)

    def __pow__(self, other: object) -> Any:
        return self._operate("pow", self, other)

    def __rpow__(self, other: object) -> Any:
        return self._operate("pow", other, self)

    def __matmul__(self, other: object) -> Any:
        return self._operate("matmul", self, other)

    def __rmatmul__(self, other: object) -> Any:
        return self._operate("matmul", other, self)

    def __eq__(self, other: object) -> Any:
        return (
            NotImplemented if _is_no_array(other) else self._operate("eq", self, cast(Any, other))
        )

    def __ne__(self, other: object) -> Any:
        return (
            NotImplemented if _is_no_array(other) else self._operate("ne", self, cast(Any, other))
        )

    def __lt__(self, other: object) -> Any:
        return self._operate("lt", self, other)

    def __le__(self, other: object) -> Any:
        return self._operate("le", self, other)

    def __gt__(self, other: object) -> Any:
        return self._operate("gt", self, other)

    def __ge__(self, other: object) -> Any:
        return self._operate("ge", self, other)

    def __and__(self, other: object) -> Any:
        return self._operate("and_", self, other)

    def __rand__(self, other: object) -> Any:
        return self._operate("and_", other, self)

    def __or__(self, other: object) -> Any:
        return self._operate("or_", self, other)

    def __ror__(self, other: object) -> Any:
        return self._operate("or_", other, self)

    def __xor__(self, other: object) -> Any:
        return self._operate("xor", self, other)

    def __rxor__(self, other: object) -> Any:
        return self._operate("xor", other, self)

    def __neg__(self) -> Any:
        return self._operate("neg", self)

    def __abs__(self) -> Any:
        return self._operate("abs", self)

    def __invert__(self) -> Any:
        return self._operate("invert", self)

    def __getitem__(self, key: Any) -> Any:
        return self._operate("getitem", self, key)


def _is_no_array(x: object) -> bool:
    return x is None or isinstance(x, str)
