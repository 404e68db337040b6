"""Segments: where the batches of a pass lie while the engine runs over them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from trivium.data.texts import is_text
from trivium.state import to_device
from trivium.state.placing import handed_over, room_for

__all__ = [
    "Block",
    "Laid",
    "Segment",
    "along",
    "form_of",
    "is_small",
    "laid",
    "order_of",
    "padded",
    "row_numbers",
    "size_of",
    "specs_of",
]

# The data of a segment, and the order of its samples.
Laid: TypeAlias = tuple[Any, jax.Array | np.ndarray]

# Arrays of at most so many bytes are handed to a program as they are.
_ALONG = 1 << 18


class Segment:
    """A run of batches of one size. Its form is known at once; its data goes to the device when it is asked for.

    Args:
        specs: The specs of the data, the samples on the first axis.
        size: Samples a batch.
        rows: The length of the order.
        steps: The number of batches.
        base: Where in the order the first batch begins.
        lay: Returns the data on the device and the order of samples.
        in_order: Whether the samples are shown as they lie, so that nobody need ask for the order.
        alone: Whether it has room for one batch, and would have no more for the sake of other hooks.
    """

    def __init__(
        self,
        specs: Any,
        size: int,
        rows: int,
        steps: int,
        base: int,
        lay: Callable[[], Laid],
        in_order: bool = False,
        alone: bool = False,
    ) -> None:
        self.form = specs, size, rows
        self.size, self.steps, self.base = size, steps, base
        self.in_order, self.alone = in_order, alone
        self._lay = lay

    @functools.cached_property
    def _laid(self) -> Laid:
        return self._lay()

    @property
    def data(self) -> Any:
        """Arrays on the device with the samples on the first axis."""
        return self._laid[0]

    @property
    def order(self) -> jax.Array | np.ndarray:
        """The order of samples, on the device or short enough to be taken along."""
        return self._laid[1]

    @functools.cached_property
    def key(self) -> Hashable:
        """What one program serves: the shapes and dtypes of the data, samples a batch, the length of the order."""
        return _key_of(*self.form)


class Block:
    """Batches of one form side by side, in room that has one size for each form.

    Each is copied when it comes: who makes them may fill the same memory with the next one.

    Args:
        like: A batch of that form.
        room: For how many there is room; for one where a batch's arrays differ in length (nodes and edges).
        eager: Whether a step that runs as plain Python gets them, one at a time.
    """

    def __init__(self, like: Any, room: int, eager: bool) -> None:
        self.form, self.count = form_of(like), 0
        self._plan = _plan_of(self.form, room)
        self.room, self._size, self._eager = self._plan.room, self._plan.size, eager
        self._laid: Any = None

    def add(self, batch: Any) -> None:
        """Take in a batch."""
        if self.room == 1:
            self._laid = jax.tree_util.tree_map(self._alone, batch)
        else:
            if self._laid is None:
                self._laid = jax.tree_util.tree_map(self._room_for, batch)
            place = slice(self.count * self._size, (self.count + 1) * self._size)

            def put(room: np.ndarray, array: Any) -> None:
                np.copyto(room[place], array, casting="unsafe")

            jax.tree_util.tree_map(put, self._laid, batch)
        self.count += 1

    def segment(self) -> Segment:
        """Return the batches as a segment."""
        plan = self._plan

        def lay() -> Laid:
            placed = self._laid
            if self.room > 1:
                placed = jax.tree_util.tree_map(self._filled, placed)
            return placed, row_numbers(plan.rows)

        segment = Segment(
            plan.specs, plan.size, plan.rows, max(1, self.count), 0, lay, in_order=True
        )
        segment.key = plan.key
        return segment

    def _alone(self, array: Any) -> Any:
        if is_text(array):  # It is for a step that runs as plain Python.
            return array
        return along(array) if is_small(array) and not self._eager else to_device(array)

    def _room_for(self, array: Any) -> np.ndarray:
        dtype = jax.dtypes.canonicalize_dtype(array.dtype)
        return room_for((self.room * self._size, *array.shape[1:]), dtype)

    def _filled(self, room: np.ndarray) -> jax.Array:
        room[self.count * self._size :] = 0
        return handed_over(room)


def is_small(array: Any, rows: int | None = None) -> bool:
    """Say whether a program takes an array along by itself, faster than anybody could bring it before.

    Args:
        array: The array.
        rows: How many of its rows, or more; all of them where it is `None`.
    """
    if not isinstance(array, np.ndarray):
        return False
    return (array.nbytes if rows is None else array[:1].nbytes * rows) <= _ALONG


def along(array: np.ndarray) -> np.ndarray:
    """Return a copy of an array of the host for a program that may still run when others write to the array."""
    own = room_for(array.shape, jax.dtypes.canonicalize_dtype(array.dtype))
    np.copyto(own, array, casting="unsafe")
    return own


def laid(array: Any, rows: int, filled: int = 0) -> jax.Array:
    """Return an array on the device with so many rows; nothing is copied twice.

    Args:
        array: The array.
        rows: How many rows.
        filled: As for `padded`.
    """
    if not isinstance(array, np.ndarray) or len(array) == rows:
        return to_device(padded(array, rows, filled))
    own = room_for((rows, *array.shape[1:]), jax.dtypes.canonicalize_dtype(array.dtype))
    _fill(own, array, filled)
    return handed_over(own)


def order_of(rows: int, size: int) -> int:
    """Return how long the order of so many rows is, shown in batches of a size: two batches at least.

    One batch is not a part of its order but all of it, which XLA knows: it fuses the rest of the step otherwise, and
    the last digits are others than where there is room for more.
    """
    return max(rows, 2 * size)


def padded(array: Any, rows: int, filled: int = 0) -> Any:
    """Return an array with so many rows: copies of its last one up to a number of rows, and zeros behind.

    Args:
        array: The array.
        rows: How many rows.
        filled: Up to where what is behind is computed with, and so is to be like the rest.
    """
    count = len(array)
    if count == rows:
        return array
    if isinstance(array, jax.Array):
        copies = max(0, filled - count)
        last = jnp.broadcast_to(array[-1:], (copies, *array.shape[1:]))
        zeros = jnp.zeros((rows - count - copies, *array.shape[1:]), array.dtype)
        return jnp.concatenate([array, last, zeros])
    own = np.empty((rows, *array.shape[1:]), array.dtype)
    _fill(own, array, filled)
    return own


def _fill(own: np.ndarray, array: np.ndarray, filled: int) -> None:
    count, end = len(array), max(len(array), filled)
    np.copyto(own[:count], array, casting="unsafe")
    np.copyto(own[count:end], array[-1:], casting="unsafe")
    own[end:] = 0


# A run asks for few lengths: training's, validation's, and of each the last block's.
@functools.lru_cache(maxsize=8)
def row_numbers(count: int) -> jax.Array:
    """Return the order of rows that are shown as they lie, on the device."""
    return to_device(np.arange(count, dtype="int32"))


def specs_of(data: Any, rows: int) -> Any:
    """Return the specs of data with so many rows."""

    return _specs_like(form_of(data), rows)


def _specs_like(form: Any, rows: int | None) -> Any:
    """Return the specs of arrays of a form with so many rows; with their own where it is `None`."""
    tree, leaves = form
    # A step that is compiled has no text.
    kinds = [(shape, "uint8" if dtype.kind == "T" else dtype) for shape, dtype in leaves]
    return tree.unflatten(
        [jax.ShapeDtypeStruct(s if rows is None else (rows, *s[1:]), dtype) for s, dtype in kinds]
    )


def _key_of(specs: Any, size: int, rows: int) -> Hashable:
    leaves, tree = jax.tree_util.tree_flatten(specs)
    return tuple([(s.shape, s.dtype) for s in leaves]), tree, size, rows


class _Plan(NamedTuple):
    """How batches of a form lie side by side: for how many there is room, and the segment's specs, lengths and key."""

    room: int
    size: int
    rows: int
    specs: Any
    key: Hashable


# A stream asks for each of its batches.
@functools.lru_cache(maxsize=64)
def _plan_of(form: Any, room: int) -> _Plan:
    lengths = [shape[0] for shape, _ in form[1]]
    uneven, size = len(set(lengths)) > 1, lengths[0]
    room = 1 if uneven else room
    rows = order_of(room * size, size)
    specs = _specs_like(form, None if uneven else room * size)
    return _Plan(room, size, rows, specs, _key_of(specs, size, rows))


def size_of(batch: Any) -> int:
    """Return how many samples a batch has."""
    return len(jax.tree_util.tree_leaves(batch)[0])


def form_of(batch: Any) -> Any:
    """Return what batches must have in common to lie side by side: structure, shapes and dtypes."""
    leaves, tree = jax.tree_util.tree_flatten(batch)
    return tree, tuple([(a.shape, a.dtype) for a in leaves])
