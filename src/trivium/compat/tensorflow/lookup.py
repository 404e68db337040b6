"""`tf.lookup`: tables of words and their numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from trivium.compat.written import covers
from trivium.data.checks import DataError
from trivium.data.ragged import as_values
from trivium.data.sparse import SparseArray
from trivium.data.strings import as_strings
from trivium.data.strings.tables import Table

__all__: list[str] = []


@covers("tensorflow.lookup.KeyValueTensorInitializer")
class _KeyValueTensorInitializer:
    def __init__(
        self,
        keys: Any,
        values: Any,
        key_dtype: Any = None,
        value_dtype: Any = None,
        name: Any = None,
    ) -> None:
        self.keys, self.values = as_values(keys, key_dtype), as_values(values, value_dtype)


@covers("tensorflow.lookup.TextFileIndex")
class _TextFileIndex:
    WHOLE_LINE = -2
    LINE_NUMBER = -1


@covers("tensorflow.lookup.TextFileInitializer")
class _TextFileInitializer(_KeyValueTensorInitializer):
    def __init__(
        self, filename: Any, key_dtype: Any, key_index: int, value_dtype: Any, value_index: int, vocab_size: Any = None,
        delimiter: str = "\t", name: Any = None, value_index_offset: int = 0,
    ) -> None:  # fmt: skip
        text = Path(str(filename)).read_text("utf-8")
        lines = text.removesuffix("\n").split("\n")[:vocab_size]

        def column(index: int, dtype: Any, offset: int = 0) -> Any:
            if index == _TextFileIndex.LINE_NUMBER:
                return jnp.arange(offset, offset + len(lines))
            if index == _TextFileIndex.WHOLE_LINE:
                return as_strings(lines)
            cells = [line.split(delimiter) for line in lines]
            short = next((i for i, c in enumerate(cells) if len(c) <= index), None)
            if short is not None:
                raise DataError(
                    f"{str(filename)!r}, line {short + 1}: there is no column {index} between {delimiter!r}: "
                    f"{lines[short]!r}."
                )
            found = [c[index] for c in cells]
            return (
                as_strings(found)
                if str(dtype) == "string"
                else as_values([float(c) if "float" in str(dtype) else int(c) for c in found])
            )

        super().__init__(
            column(key_index, key_dtype), column(value_index, value_dtype, value_index_offset), key_dtype, value_dtype
        )  # fmt: skip


class _Lookup:
    """What the tables share: their methods, under TensorFlow's names."""

    _table: Table

    @property
    def key_dtype(self) -> Any:
        return self._table.key_dtype

    @property
    def value_dtype(self) -> Any:
        return self._table.value_dtype

    @property
    def default_value(self) -> Any:
        return as_values(self._table.default_value)

    def lookup(self, keys: Any, name: Any = None) -> Any:
        if isinstance(keys, SparseArray):
            return keys.with_values(self._table.lookup(keys.values))
        return self._table.lookup(keys)

    __getitem__ = lookup

    def size(self, name: Any = None) -> Any:
        return jnp.asarray(len(self._table))

    def export(self, name: Any = None) -> Any:
        return self._table.export()


@covers("tensorflow.lookup.StaticHashTable")
class _StaticHashTable(_Lookup):
    def __init__(
        self, initializer: Any, default_value: Any, name: Any = None, experimental_is_anonymous: bool = False
    ) -> None:  # fmt: skip
        self.name = name
        self._table = Table(initializer.keys, initializer.values, _default(default_value))


@covers("tensorflow.lookup.StaticVocabularyTable")
class _StaticVocabularyTable(_Lookup):
    def __init__(
        self, initializer: Any, num_oov_buckets: int, lookup_key_dtype: Any = None, name: Any = None,
        experimental_is_anonymous: bool = False,
    ) -> None:  # fmt: skip
        self.name = name
        if initializer is None:
            raise ValueError(
                "tf.lookup.StaticVocabularyTable without an initializer hashes all keys: use `Hashing`."
            )
        self._table = Table(initializer.keys, initializer.values, oov=int(num_oov_buckets))


@covers("tensorflow.lookup.experimental.MutableHashTable")
class _MutableHashTable(_Lookup):
    def __init__(
        self, key_dtype: Any, value_dtype: Any, default_value: Any, name: Any = None, checkpoint: bool = True,
        experimental_is_anonymous: bool = False,
    ) -> None:  # fmt: skip
        self.name = name
        self._table = Table(_empty(key_dtype), _empty(value_dtype), _default(default_value))

    def insert(self, keys: Any, values: Any, name: Any = None) -> None:
        self._table.insert(keys, values, again=True)

    def remove(self, keys: Any, name: Any = None) -> None:
        self._table.remove(keys)


@covers("tensorflow.lookup.experimental.DenseHashTable")
class _DenseHashTable(_MutableHashTable):
    def __init__(
        self, key_dtype: Any, value_dtype: Any, default_value: Any, empty_key: Any = None, deleted_key: Any = None,
        initial_num_buckets: Any = None, name: Any = None, checkpoint: bool = True,
        experimental_is_anonymous: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(key_dtype, value_dtype, default_value, name)


def _default(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value


def _empty(dtype: Any) -> Any:
    return as_values(np.zeros(0, object) if str(dtype) == "string" else np.zeros(0), dtype)
