"""Arrays of the host on their way to the device."""

from __future__ import annotations

import functools
import itertools
import math
import operator
import time
import weakref
from collections import Counter
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

__all__ = [
    "Rooms",
    "Row",
    "copy_of",
    "handed_over",
    "room_for",
    "rows_of",
    "side_by_side",
    "taken",
    "to_device",
    "zeros",
]

_ALIGNMENT = 64  # Bytes, as XLA wants them on the CPU.
# Up to so many zeros are kept, which cost more to bring than to have.
_FEW = 1 << 12
# So many milliseconds one waits at most for memory that was used before; two are used in turns.
_PATIENCE = 100


def to_device(array: Any, dtype: Any = None) -> jax.Array:
    """Return an array on the device, which shares no memory with the one on the host.

    `jax.numpy.asarray` does the same with a program that it compiles for each shape it meets, which costs more than
    anything else in making a small model or in a first step.

    Args:
        array: A NumPy array; one on the device, or a traced one, is only cast.
        dtype: The dtype; the array's own, 64 bits cut to 32 unless JAX's 64-bit mode is on, where it is `None`.

    Returns:
        An array of the same shape.

    Example:
        >>> to_device(np.arange(3)).dtype, to_device(np.ones(2), "bfloat16").dtype
        (dtype('int32'), dtype(bfloat16))
    """
    if not isinstance(array, np.ndarray | np.generic):
        same = isinstance(array, jax.Array) and dtype in (None, _name_of(array.dtype))
        return array if same and not array.weak_type else jnp.asarray(array, dtype)
    wanted = jax.dtypes.canonicalize_dtype(array.dtype if dtype is None else dtype)
    own = room_for(array.shape, wanted)
    np.copyto(own, array, casting="unsafe")
    return handed_over(own)


def room_for(shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    """Return an array to be filled, for `handed_over`.

    Args:
        shape: Its shape.
        dtype: Its dtype.

    Example:
        >>> room_for((2, 3), "float32").shape
        (2, 3)
    """
    wanted = jax.numpy.dtype(dtype)
    room = np.empty(math.prod(map(int, shape)) * wanted.itemsize + _ALIGNMENT, np.uint8)
    return np.ndarray(shape, wanted, room, -room.ctypes.data % _ALIGNMENT)


# NumPy puts a dtype's name together anew each time, and each reset of a metric asks for it.
_name_of = functools.lru_cache(maxsize=64)(operator.attrgetter("name"))


class _Lease:
    """Some memory for as long as any array reads it: all views of an array hold the object that it was made from."""

    def __init__(self, memory: np.ndarray[Any, Any]) -> None:
        self.__array_interface__ = memory.__array_interface__


class Rooms:
    """Memory for arrays that go to the device one after the other, used again once nobody reads it any more.

    Fresh memory is zeros that the system has to write first, which costs as much as what is then written over them.

    Example:
        >>> rooms = Rooms()
        >>> first = rooms.room((2, 3), "float32")
        >>> where = first.ctypes.data
        >>> del first
        >>> rooms.room((2, 3), "float32").ctypes.data == where
        True
    """

    def __init__(self) -> None:
        self._free: dict[int, list[np.ndarray[Any, Any]]] = {}
        self._made: Counter[int] = Counter()

    def room(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
        """Return an array to be filled, for `handed_over`.

        Args:
            shape: Its shape.
            dtype: Its dtype.
        """
        wanted = jax.dtypes.canonicalize_dtype(dtype)
        size = math.prod(map(int, shape)) * wanted.itemsize
        free = self._free.setdefault(size, [])
        for _ in range(_PATIENCE if self._made[size] >= 2 else 0):
            if free:
                break
            # The device ends in a thread of its own, and JAX lets go of what it held when it is called next.
            time.sleep(0.001)
            jax.device_put(np.zeros(1, np.uint8))
        if not free:
            self._made[size] += 1
            free.append(room_for((size,), "uint8"))
        memory = free.pop()
        lease = _Lease(memory)
        # JAX holds a view of the array that it was handed, for as long as it reads it.
        # When the process ends, there is nobody left to use it again.
        weakref.finalize(lease, free.append, memory).atexit = False
        room: np.ndarray[Any, Any] = np.asarray(lease).view(wanted).reshape(shape)
        return room


def handed_over(own: np.ndarray[Any, Any]) -> jax.Array:
    """Return an array of `room_for` on the device, without a copy where that can be: nobody else may have it.

    Args:
        own: The array.

    Example:
        >>> handed_over(room_for((2, 3), "float32")).shape
        (2, 3)
    """
    # `device_put` takes a well-aligned array as it is.
    placed: jax.Array = jax.device_put(own)
    return placed


def zeros(shape: tuple[int, ...], dtype: str) -> jax.Array:
    """Return zeros on the device, small ones the same for all who ask: nobody writes to an array that is handed out.

    Args:
        shape: Their shape.
        dtype: Their dtype.

    Example:
        >>> zeros((), "float32") is zeros((), "float32")
        True
    """
    few = math.prod(map(int, shape)) <= _FEW
    return _kept_zeros(shape, dtype) if few else to_device(np.zeros(shape), dtype)


# Metrics are set back to them before each pass, so they are of a few shapes.
@functools.lru_cache(maxsize=64)
def _kept_zeros(shape: tuple[int, ...], dtype: str) -> jax.Array:
    with jax.ensure_compile_time_eval():  # Whatever is being traced around this call.
        return to_device(np.zeros(shape), dtype)


def copy_of(array: jax.Array) -> jax.Array:
    """Return an array with the same values in memory of its own, without a program for each new shape.

    Example:
        >>> x = jnp.ones(3)
        >>> copy_of(x) is x, copy_of(x).tolist()
        (False, [1.0, 1.0, 1.0])
    """
    # It stays where it is. To name the place would commit the array to it, and JAX compiles everything anew that
    # meets a committed array where there was a free one before, what the optimizer and `tf.function` run above all.
    copied: jax.Array = jax.device_put(array, may_alias=False)
    return copied


class Row:
    """A row of an array, which becomes an array of its own when somebody asks for it.

    Args:
        whole: The array.
        number: Which row.

    Example:
        >>> row = rows_of(jnp.arange(4).reshape(2, 2))[1]
        >>> row.number, row.taken().tolist()
        (1, [2, 3])
    """

    __slots__ = ("number", "whole")

    def __init__(self, whole: jax.Array, number: int) -> None:
        self.whole, self.number = whole, number

    def taken(self) -> jax.Array:
        """Return the row, in memory of its own: a real array, whatever is being traced around this call."""
        with jax.ensure_compile_time_eval():
            if not _is_of_the_host(self.whole):
                row: jax.Array = self.whole[self.number]
                return row
            return to_device(np.asarray(self.whole)[self.number])

    def is_deleted(self) -> bool:
        """Say whether a program has taken the memory."""
        return self.whole.is_deleted()


_WHOLE, _NUMBER = operator.attrgetter("whole"), operator.attrgetter("number")


def side_by_side(parts: Sequence[jax.Array | Row]) -> jax.Array:
    """Return arrays of one shape and dtype as one array with a new first axis.

    Rows of one array, in order, are that array again. Otherwise, on the CPU, it is done without a program, which XLA
    would compile for as long as it takes to train.

    Args:
        parts: The arrays, or rows.

    Example:
        >>> side_by_side([jnp.zeros(2), jnp.ones(2)]).tolist()
        [[0.0, 0.0], [1.0, 1.0]]
    """
    first = parts[0]
    # A thousand rows before each step of a deep network, so nothing here is Python.
    alike = {*map(type, parts)} == {Row}
    if alike and isinstance(first, Row) and len(parts) == first.whole.shape[0]:
        same = all(map(operator.is_, map(_WHOLE, parts), itertools.repeat(first.whole)))
        if same and all(map(operator.eq, map(_NUMBER, parts), itertools.count())):
            return first.whole
    arrays = [taken(part) for part in parts]
    if not _is_of_the_host(arrays[0]):
        return jnp.stack(arrays)
    own = room_for((len(arrays), *arrays[0].shape), arrays[0].dtype)
    for i, array in enumerate(arrays):
        own[i, ...] = array
    return handed_over(own)


def taken(part: jax.Array | Row) -> jax.Array:
    """Return an array, or a row as one."""
    return part.taken() if isinstance(part, Row) else part


def rows_of(array: jax.Array) -> list[Row]:
    """Return the rows of an array.

    Args:
        array: The array; while there are rows of it, nobody else may have it.
    """
    return [*map(Row, itertools.repeat(array), range(array.shape[0]))]


def _is_of_the_host(array: jax.Array) -> bool:
    devices = array.devices()
    return len(devices) == 1 and next(iter(devices)).platform == "cpu"
