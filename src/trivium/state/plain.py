"""Plain values: what can go to a file and come back without any code being run.

Numbers, texts, arrays, random generators, and lists, tuples, sets and dicts of them. Everything becomes JSON, beside
which the arrays stand as they are.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.state.late import LateNumbers

__all__ = [
    "NotPlain",
    "OwnState",
    "copied",
    "decode",
    "encode",
    "host_randomness",
    "same",
    "set_host_randomness",
]

# A list or a text of JSON says what it is; everything else is written as {kind: content}.
_COLLECTIONS = {"tuple": tuple, "set": set, "frozenset": frozenset}
# Lists of so many numbers or more become arrays: a history of millions of steps is 8 bytes a number, and quickly there.
_MANY = 32


class NotPlain(TypeError):
    """A value that cannot be written without its code."""


def encode(value: Any, arrays: list[np.ndarray]) -> Any:
    """Return a value as JSON.

    Args:
        value: The value.
        arrays: Takes the arrays in it, themselves and no copies, which the JSON names by their numbers.

    Raises:
        NotPlain: It is, or holds, something else.

    Example:
        >>> arrays = []
        >>> encode({"a": (1, np.zeros(2))}, arrays), len(arrays)
        ({'dict': [['a', {'tuple': [1, {'array': 0}]}]]}, 1)
    """
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, np.generic):
        return {"number": [_number(arrays, np.asarray(value))]}
    if isinstance(value, np.ndarray | jax.Array):
        array = np.asarray(value)
        if array.dtype.hasobject or (isinstance(value, jax.Array) and _is_key(value)):
            raise NotPlain(f"an array of {value.dtype}")
        return {"array": _number(arrays, array)}
    if kind is list:
        return _list(value, arrays)
    if kind.__name__ in _COLLECTIONS and kind in _COLLECTIONS.values():
        return {kind.__name__: _list(list(value), arrays)}
    if kind in (dict, LateNumbers):
        return {"dict": [[encode(k, arrays), encode(v, arrays)] for k, v in value.items()]}
    if isinstance(value, np.random.Generator):
        return {"generator": encode(value.bit_generator.state, arrays)}
    raise NotPlain(f"a {kind.__module__}.{kind.__qualname__}")


def decode(value: Any, arrays: list[np.ndarray]) -> Any:
    """Return the value that `encode` wrote.

    Args:
        value: The JSON.
        arrays: The arrays.

    Raises:
        ValueError: It is not of that form.

    Example:
        >>> arrays = []
        >>> decode(encode([float("inf"), {1}], arrays), arrays)
        [inf, {1}]
    """
    if isinstance(value, list):
        return [decode(v, arrays) for v in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1:
        raise ValueError(f"a value with the kinds {sorted(value)}, where one was wanted")
    ((kind, content),) = value.items()
    if kind == "float":
        return float(content)
    if kind == "number":
        return arrays[content[0]][()]
    if kind == "array":
        return arrays[content]
    if kind == "dict":
        return {decode(k, arrays): decode(v, arrays) for k, v in content}
    if kind == "generator":
        return _generator(decode(content, arrays))
    if kind == "list":
        return arrays[content].tolist()
    if kind == "numbers":
        return list(arrays[content])
    if kind in _COLLECTIONS:
        return _COLLECTIONS[kind](decode(content, arrays))
    raise ValueError(f"a value of the unknown kind {kind!r}")


def copied(value: Any) -> Any:
    """Return a plain value that nobody else changes.

    Args:
        value: The value.

    Raises:
        NotPlain: It is, or holds, something else.

    Example:
        >>> value = [np.zeros(2)]
        >>> copied(value)[0] is value[0]
        False
    """
    arrays: list[np.ndarray] = []
    said = encode(value, arrays)
    return decode(said, [np.array(array) for array in arrays])


def _list(values: list[Any], arrays: list[np.ndarray]) -> Any:
    """Return a list as JSON; as an array where it is long and all of it are floats, or whole numbers of 64 bits.

    Numbers of NumPy's are told from Python's, so that each comes back as what it was.
    """
    if len(values) >= _MANY:
        kinds = set(map(type, values))
        if kinds == {float}:
            return {"list": _number(arrays, np.array(values))}
        if kinds == {int} and min(values) >= -(1 << 63) and max(values) < 1 << 63:
            return {"list": _number(arrays, np.array(values, np.int64))}
        kind = next(iter(kinds))
        if len(kinds) == 1 and issubclass(kind, np.number | np.bool_):
            return {"numbers": _number(arrays, np.array(values))}
    return [encode(v, arrays) for v in values]


class OwnState:
    """What an object notes for itself: its plain attributes that are others than they were.

    Those that are as they were a program makes again when it is started again.

    Args:
        thing: The object.
        without: Names of attributes that are not its own.
        most: The most bytes, or entries, that an attribute may have; larger ones are left out.

    Example:
        >>> from types import SimpleNamespace
        >>> thing = SimpleNamespace(patience=5, wait=0, hook=print)
        >>> own = OwnState(thing)
        >>> thing.wait = 3
        >>> own.changed()
        {'wait': 3}
    """

    def __init__(self, thing: Any, without: Iterable[str] = (), most: int = 1 << 40) -> None:
        self._thing, self._without, self._most = thing, frozenset(without), most
        self._first = self._plain()

    def changed(self) -> dict[str, Any]:
        """Return the attributes that are others than at the beginning, as copies that nobody else changes."""
        first = self._first
        return {k: v for k, v in self._plain().items() if k not in first or not same(v, first[k])}

    def _plain(self) -> dict[str, Any]:
        found = {}
        for name, value in vars(self._thing).items():
            if name in self._without or _size(value) > self._most:
                continue
            try:
                found[name] = copied(value)
            except NotPlain:
                continue
        return found


def host_randomness() -> Any:
    """Return the states of Python's and NumPy's global generators, which data and callbacks may draw from."""
    return random.getstate(), np.random.get_state()


def set_host_randomness(state: Any) -> None:
    """Put back what `host_randomness` returned.

    Example:
        >>> before = host_randomness()
        >>> drawn = random.random()
        >>> set_host_randomness(before)
        >>> random.random() == drawn
        True
    """
    python, numpy = state
    random.setstate(python)
    np.random.set_state(numpy)


def same(one: Any, other: Any) -> bool:
    """Say whether two plain values are equal to the bit, of one type in each part.

    Example:
        >>> same([1, np.zeros(2)], [1, np.zeros(2)]), same(1, True)
        (True, False)
    """
    one_arrays: list[np.ndarray] = []
    other_arrays: list[np.ndarray] = []
    if repr(encode(one, one_arrays)) != repr(encode(other, other_arrays)):
        return False
    return all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        for a, b in zip(one_arrays, other_arrays, strict=True)
    )


def _size(value: Any) -> int:
    return int(getattr(value, "nbytes", 0)) or (
        len(value) if isinstance(value, list | dict | tuple) else 0
    )


def _number(arrays: list[np.ndarray], array: np.ndarray) -> int:
    arrays.append(array)
    return len(arrays) - 1


def _is_key(array: jax.Array) -> bool:
    return jnp.issubdtype(array.dtype, jax.dtypes.prng_key)


def _generator(state: Mapping[str, Any]) -> np.random.Generator:
    # By name from NumPy's own five, so that a file cannot name anything else.
    known = {c.__name__: c for c in (
        np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64
    )}  # fmt: skip
    bits = known[state["bit_generator"]]()
    bits.state = dict(state)  # type: ignore[assignment]
    return np.random.Generator(bits)
