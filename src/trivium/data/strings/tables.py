"""Tables that give a value for each key: for words, whose numbers these are, and back."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from trivium.data.checks import DataError
from trivium.data.fingerprints import farmhash64
from trivium.data.kinds import AnyStrings
from trivium.data.ragged import as_values, on_flat_values
from trivium.data.strings.array import StringArray

__all__ = ["Table"]


class Table:
    """A value for each key, and one for all keys that are not there.

    Args:
        keys: Strings or whole numbers, each once.
        values: As many strings or numbers.
        default_value: The value of all other keys; `None` where `oov` gives them theirs.
        oov: In place of it: how many numbers behind those of the keys others have, each one by its hash.

    Raises:
        DataError: A key is there twice with different values, or there are not as many values.

    Example:
        >>> table = Table(["a", "b"], [1, 2], -1)
        >>> table.lookup(["b", "x"]).tolist(), len(table)
        ([2, -1], 2)
    """

    def __init__(self, keys: Any, values: Any, default_value: Any = None, oov: int = 0) -> None:
        self._keys, self._values = as_values(keys), as_values(values)
        if tuple(self._keys.shape) != tuple(self._values.shape):
            raise DataError(
                f"A table has one value for each key; got keys of the shape {tuple(self._keys.shape)} and values of "
                f"{tuple(self._values.shape)}."
            )
        self.oov = oov
        self.default_value = default_value
        self._known: dict[Any, Any] = {}
        self.insert(self._keys, self._values)

    def insert(self, keys: Any, values: Any, *, again: bool = False) -> None:
        """Put in further keys.

        Args:
            keys: The keys.
            values: Their values.
            again: Whether a key that is there may get another value.
        """
        more: dict[Any, Any] = {}
        for key, value in zip(_flat(keys), _flat(values), strict=True):
            before = more.get(key, self._known.get(key, value))
            if before != value and not again:
                raise DataError(
                    f"A table has each key once; {key!r} has the values {before!r} and {value!r}."
                )
            more[key] = value
        self._known.update(more)

    def remove(self, keys: Any) -> None:
        """Take keys out; those that are not there are left out.

        Args:
            keys: The keys.
        """
        for key in _flat(keys):
            self._known.pop(key, None)

    def lookup(self, keys: Any) -> Any:
        """Return the values of keys.

        Args:
            keys: Keys, in an array of any shape, also a ragged one.

        Raises:
            TypeError: They are numbers where the table's are strings, or the other way around.
        """
        return on_flat_values(self._looked_up)(keys)

    def _looked_up(self, keys: Any) -> Any:
        keys = as_values(keys)
        if isinstance(keys, AnyStrings) != isinstance(self._keys, AnyStrings):
            raise TypeError(
                f"The keys of this table are of dtype {self._keys.dtype}; got {keys.dtype}."
            )
        flat = _flat(keys)
        if self.oov:
            hashes = farmhash64(np.asarray(_texts(keys))).ravel() % np.uint64(self.oov)
            rest = (hashes.astype(np.int64) + len(self._known)).tolist()
            found = [self._known.get(key, other) for key, other in zip(flat, rest, strict=True)]
        else:
            default = self.default_value
            if isinstance(self._values, AnyStrings):
                default = StringArray(default).numpy()
            found = [self._known.get(key, default) for key in flat]
        if isinstance(self._values, AnyStrings):
            strings = np.empty(len(found), object)
            strings[:] = found
            return StringArray(strings.reshape(keys.shape))
        return jnp.asarray(np.array(found, self._values.dtype).reshape(keys.shape))

    def export(self) -> tuple[Any, Any]:
        """Return all keys, and their values."""
        keys, values = list(self._known), list(self._known.values())
        return tuple(  # type: ignore[return-value]
            StringArray(np.array(x, object))
            if isinstance(like, AnyStrings)
            else jnp.asarray(np.array(x, like.dtype))
            for x, like in ((keys, self._keys), (values, self._values))
        )

    @property
    def key_dtype(self) -> str:
        """The dtype of the keys."""
        return str(self._keys.dtype)

    @property
    def value_dtype(self) -> str:
        """The dtype of the values."""
        return str(self._values.dtype)

    def __len__(self) -> int:
        return len(self._known) + self.oov

    def __getitem__(self, keys: Any) -> Any:
        return self.lookup(keys)


def _flat(x: Any) -> list[Any]:
    values = as_values(x)
    listed = values.tolist()
    if not values.ndim:
        return [listed]
    return np.asarray(values).ravel().tolist()


def _texts(keys: Any) -> Any:
    if isinstance(keys, AnyStrings):
        return keys
    return StringArray(np.array([str(k) for k in np.ravel(keys).tolist()], object))
