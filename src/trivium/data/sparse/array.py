"""Sparse arrays of any shape: the places that hold something, and what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.data.checks import DataError
from trivium.data.kinds import AnySparse
from trivium.data.ragged.base import as_values
from trivium.state.types import ArrayLike, Shape

if TYPE_CHECKING:
    from jax.experimental.sparse import BCOO

__all__ = ["SparseArray", "as_sparse"]


class SparseArray(AnySparse):
    """An array of which most entries are 0, or the empty string, and only the others are kept.

    Args:
        indices: The places of the entries that are kept, an array of shape `(entries, axes)`.
        values: What stands there: numbers, on the device, or strings.
        dense_shape: The sizes of the axes.

    Raises:
        DataError: The shapes do not go together.

    Example:
        >>> x = SparseArray([[0, 1], [1, 0]], [2.0, 3.0], [2, 3])
        >>> x.to_dense().tolist(), (x * 10).values.tolist()
        ([[0.0, 2.0, 0.0], [3.0, 0.0, 0.0]], [20.0, 30.0])
        >>> (x @ jnp.ones((3, 1))).tolist()
        [[2.0], [3.0]]
    """

    __array_ufunc__ = None  # NumPy's operators give way to ours.

    def __init__(
        self, indices: ArrayLike, values: ArrayLike, dense_shape: Shape | np.ndarray
    ) -> None:
        self.shape = tuple(int(n) for n in np.asarray(dense_shape).tolist())
        self.places = np.asarray(indices, np.int64)
        self.values = as_values(values)
        if not self.places.size:
            self.places = self.places.reshape(0, len(self.shape))
        if self.places.ndim != 2 or self.places.shape[1] != len(self.shape):
            raise DataError(
                f"The indices of a sparse array of the shape {self.shape} have the shape (entries, {len(self.shape)}); "
                f"got {self.places.shape}."
            )
        if tuple(self.values.shape) != (len(self.places),):
            raise DataError(
                f"A sparse array has one value for each of its {len(self.places)} places; got values of the shape "
                f"{tuple(self.values.shape)}."
            )

    @property
    def indices(self) -> jax.Array:
        """The places of the entries that are kept, `(entries, axes)`."""
        return jnp.asarray(self.places)

    @property
    def dense_shape(self) -> jax.Array:
        """The sizes of the axes, as an array."""
        return jnp.asarray(self.shape)

    @property
    def dtype(self) -> Any:
        """The dtype of the values."""
        return self.values.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def get_shape(self) -> tuple[int, ...]:
        """Return the sizes of the axes."""
        return self.shape

    def with_values(self, values: ArrayLike) -> SparseArray:
        """Return an array with other values in the same places.

        Args:
            values: As many as there are.
        """
        return SparseArray(self.places, values, self.shape)

    def taken(self, numbers: Any) -> SparseArray:
        """Return an array of some of the entries.

        Args:
            numbers: Which, in the order wanted.
        """
        numbers = np.asarray(numbers)
        return SparseArray(self.places[numbers], self.values[numbers], self.shape)

    def ordered(self) -> SparseArray:
        """Return the array with its entries row by row."""
        order = np.lexsort(self.places.T[::-1])
        return self if (np.diff(order) == 1).all() else self.taken(order)

    def checked(self) -> None:
        """Raise an error where an entry lies outside of the shape.

        Raises:
            DataError: One does.
        """
        outside = ((self.places < 0) | (self.places >= self.shape)).any(axis=1)
        if outside.any():
            place = self.places[np.flatnonzero(outside)[0]].tolist()
            raise DataError(
                f"A sparse array of the shape {self.shape} has an entry at {place}, which is outside."
            )

    def to_dense(self, default_value: Any = None) -> Any:
        """Return the dense array.

        Args:
            default_value: What stands in all other places: 0, or `""`, by default.

        Raises:
            DataError: Two entries are in one place, or one is outside.
        """
        self.checked()
        if len(np.unique(self.places, axis=0)) < len(self.places):
            raise DataError("A sparse array has two entries in one place.")
        if not isinstance(self.values, jax.Array):
            dense = np.full(self.shape, b"", object)
            if default_value is not None:
                dense[...] = type(self.values)(default_value).numpy()
            dense[tuple(self.places.T)] = self.values.numpy()
            return type(self.values)(dense)
        blank = jnp.full(self.shape, 0 if default_value is None else default_value, self.dtype)
        return blank.at[tuple(self.places.T)].set(self.values)

    def to_bcoo(self) -> BCOO:
        """Return the array in JAX's own format, for `jax.experimental.sparse`."""
        from jax.experimental.sparse import BCOO

        return BCOO((self.values, self.indices), shape=self.shape)

    def toarray(self) -> np.ndarray:
        """Return the dense array, as NumPy's: what SciPy's matrices call it."""
        return np.asarray(self.to_dense())

    def tocsr(self) -> Any:
        """Return the array, of rows and columns, as SciPy's matrix of rows."""
        from scipy.sparse import coo_array

        self.checked()
        values = np.asarray(self.values)
        return coo_array((values, tuple(self.places.T)), shape=self.shape).tocsr()

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        """Return rows, still sparse: one by its number, several by an array or a slice."""
        if isinstance(key, slice):
            key = np.arange(self.shape[0])[key]
        if not np.ndim(key):
            mine = self.taken(np.flatnonzero(self.places[:, 0] == int(key) % self.shape[0]))
            return SparseArray(mine.places[:, 1:], mine.values, self.shape[1:])
        found = [np.flatnonzero(self.places[:, 0] == row) for row in np.asarray(key).tolist()]
        numbers = np.concatenate([np.zeros(0, np.int64), *found])
        new = self.places[numbers].copy()
        new[:, 0] = np.repeat(np.arange(len(found)), [len(f) for f in found])
        return SparseArray(new, self.values[numbers], (len(found), *self.shape[1:]))

    def _beside(self, other: Any) -> Any:
        """Return the entries of a dense array, which broadcasts, in the places of these."""
        dense = jnp.asarray(other)
        return jnp.broadcast_to(dense, self.shape)[tuple(self.places.T)]

    def __mul__(self, other: Any) -> SparseArray:
        return self.with_values(self.values * self._beside(other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> SparseArray:
        return self.with_values(self.values / self._beside(other))

    def __matmul__(self, other: Any) -> Any:
        return self.to_bcoo() @ jnp.asarray(other)

    def __rmatmul__(self, other: Any) -> Any:
        return jnp.asarray(other) @ self.to_bcoo()

    def __reduce__(self) -> Any:
        return SparseArray, (self.places, self.values, self.shape)

    def __repr__(self) -> str:
        values = self.values.tolist()
        return f"SparseArray(indices={self.places.tolist()}, values={values}, dense_shape={list(self.shape)})"


def as_sparse(value: Any) -> SparseArray:
    """Return an array as a sparse one; what is that already comes back as it is.

    Args:
        value: An array of numbers or strings, or nested lists.

    Example:
        >>> as_sparse([[0, 5], [0, 0]])
        SparseArray(indices=[[0, 1]], values=[5], dense_shape=[2, 2])
    """
    if isinstance(value, SparseArray):
        return value
    dense = as_values(value)
    places = np.argwhere(np.asarray(dense != (0 if isinstance(dense, jax.Array) else "")))
    return SparseArray(places, dense[tuple(places.T)], dense.shape)
