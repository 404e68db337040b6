"""TensorFlow's functions on the tensors that JAX has not: strings, rows of several lengths, sparse arrays.

One place decides. A function of TensorFlow's, when it is looked up, is put behind a look at the types of its arguments
(`by_kind`): dense ones go to the function itself; where there is one of another kind, what serves that kind under this
name is called. The modules beside this one say what that is (`serves`).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np

from trivium.compat import names
from trivium.compat.errors import NotCovered
from trivium.compat.names import shown
from trivium.data.ragged import RaggedArray
from trivium.data.sparse import SparseArray
from trivium.data.strings import StringArray
from trivium.data.texts import holds_text
from trivium.graph import SymbolicTensor
from trivium.state.placing import to_device
from trivium.state.variable import Variable

__all__ = ["by_kind", "is_served", "serves", "serves_by"]

T = TypeVar("T", bound=Callable[..., Any])

# What is served, the first first: a sparse array or rows may hold strings, and not the other way around.
_KINDS: dict[type, tuple[str, str]] = {
    SparseArray: ("a sparse tensor", "`tf.sparse.to_dense` makes a dense one of it."),
    RaggedArray: ("a ragged tensor", "`.to_tensor()` makes a dense one of it."),
    StringArray: ("strings", "`tf.strings.to_number`, `tf.lookup` and `StringLookup` make numbers of them."),
}  # fmt: skip
_SERVED: dict[type, dict[str, Callable[..., Any]]] = {kind: {} for kind in _KINDS}
# The arguments that may be a string or a list of them, as they stand in a program.
_TEXTS: dict[str, frozenset[int | str]] = {}
_PLAIN = frozenset(
    {int, float, bool, type(None), type(to_device(np.zeros(()))), SymbolicTensor, Variable}
)


def serves(kind: type, *paths: str, texts: Iterable[int] = (0,)) -> Callable[[T], T]:
    """Return a decorator that makes a function what these names mean for tensors of a kind.

    Args:
        kind: `StringArray`, `RaggedArray` or `SparseArray`.
        paths: Paths from `tensorflow` on.
        texts: For strings, the places of the arguments that are tensors, so that a string there is one.
    """

    def register(function: T) -> T:
        for path in paths:
            serves_by(kind, path, function, texts)
        return function

    return register


def serves_by(
    kind: type, path: str, function: Callable[..., Any], texts: Iterable[int] = (0,)
) -> None:
    """Make a function what a name means for tensors of a kind; see `serves`.

    Args:
        kind: The kind.
        path: A path from `tensorflow` on.
        function: What is called, with the arguments of the call; before them it gets the function of dense ones, if its
            first parameter is called `dense`.
        texts: The places of the arguments that are tensors.
    """
    _SERVED[kind][path] = function
    if kind is StringArray:
        _TEXTS[path] = frozenset(texts)


def is_served(path: str) -> bool:
    """Say whether a name means something for tensors of any of these kinds.

    Args:
        path: A path from `tensorflow` on.

    Example:
        >>> is_served("tensorflow.no_such_function")
        False
    """
    return any(p in table for p in (path, *names.other_names(path)) for table in _SERVED.values())


@functools.cache
def by_kind(path: str, function: Callable[..., Any] | None) -> Callable[..., Any]:
    """Return a function that serves tensors of all kinds.

    Args:
        path: Its path from `tensorflow` on.
        function: What serves dense ones; `None` where nothing does.

    Example:
        >>> import jax.numpy as jnp
        >>> by_kind("tensorflow.square", jnp.square)(3).item()
        9
    """
    paths = (path, *names.other_names(path))
    served = {
        kind: found
        for kind, table in _SERVED.items()
        if (found := next((table[p] for p in paths if p in table), None)) is not None
    }
    places = next((_TEXTS[p] for p in paths if p in _TEXTS), frozenset[int | str]())
    texts: frozenset[int | str] = places
    if function is not None and places:
        parameters = list(inspect.signature(function).parameters)
        texts = places | {
            parameters[i] for i in places if isinstance(i, int) and i < len(parameters)
        }

    def call(*args: Any, **kwargs: Any) -> Any:
        # Most calls have such arguments alone, and this loop is all that they pay.
        for value in args:
            if type(value) not in _PLAIN:
                break
        else:
            if not kwargs and function is not None:
                return function(*args)
        kind = _kind(enumerate(args), texts)
        if kwargs:
            kind = _first(kind, _kind(kwargs.items(), texts))
        if kind is None:
            if function is None:
                raise NotCovered(f"{shown(path)} is not covered for dense tensors.")
            return function(*args, **kwargs)
        serving = served.get(kind)
        if serving is None:
            what, remedy = _KINDS[kind]
            raise NotCovered(f"{shown(path)} of {what} is not covered. {remedy}")
        return serving(call, *args, **kwargs) if _takes_dense(serving) else serving(*args, **kwargs)

    if function is not None:
        functools.update_wrapper(call, function)
    call.dense = function  # type: ignore[attr-defined]
    return call


@functools.cache
def _takes_dense(function: Callable[..., Any]) -> bool:
    return next(iter(inspect.signature(function).parameters), "") == "dense"


def _first(one: type | None, other: type | None) -> type | None:
    return next((kind for kind in _KINDS if kind in (one, other)), None)


def _kind(values: Iterable[tuple[int | str, Any]], texts: frozenset[int | str]) -> type | None:
    """Return the kind that decides among arguments; `None` where all are dense."""
    found: type | None = None
    for place, value in values:
        cls = type(value)
        if cls in _PLAIN:
            continue
        kind = cls if cls in _KINDS else None
        if cls in (list, tuple) and len(value):
            first = type(value[0])
            if first in (int, float):
                continue
            if first not in (str, bytes, list, tuple) or any(type(v) in _KINDS for v in value):
                kind = _kind(((place, v) for v in value), texts)
            elif place in texts and holds_text(value):
                kind = StringArray
        elif cls in (str, bytes):
            kind = StringArray if place in texts else None
        elif issubclass(cls, np.ndarray | np.generic):
            kind = StringArray if value.dtype.kind in "OSUT" and holds_text(value) else None
        elif issubclass(cls, str):
            kind = StringArray if value == "string" else None  # a dtype
        found = _first(found, kind) if found is not kind else found
    return found
