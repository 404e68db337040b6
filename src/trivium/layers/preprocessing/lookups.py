"""Layers that give words and other categories their numbers, by a vocabulary."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from trivium import ops
from trivium.layers.preprocessing.index_lookup import IndexLookup
from trivium.layers.preprocessing.vocabulary import places_in
from trivium.layers.registry import LAYERS
from trivium.state.scopes import only_shapes

__all__ = ["IntegerLookup", "StringLookup"]

_INT32 = np.iinfo(np.int32)


@LAYERS.register()
class StringLookup(IndexLookup):
    """Words to whole numbers, by a vocabulary that is given or learned; or back.

    Args:
        max_tokens: The most numbers there may be, special tokens included; any where it is `None`.
        num_oov_indices: How many numbers are for what is out of the vocabulary: which of them a word gets, its hash
            says. With 0, such a word is an error.
        mask_token: The word that stands for nothing: number 0, or left out of vectors.
        oov_token: What words out of the vocabulary become on the way back.
        vocabulary: The words in a list or array, or the path of a text file with one on each line.
        idf_weights: The words' weights, for `output_mode="tf_idf"`.
        invert: Whether to go from numbers to words.
        output_mode: `"int"` for the numbers; `"one_hot"`, a vector for each word; `"multi_hot"`, `"count"` and
            `"tf_idf"`, a vector for all words of a sample: which there are, how often, and that weighted.
        pad_to_max_tokens: Whether vectors have `max_tokens` numbers, whatever the vocabulary.
        sparse: Kept for Keras's signature: JAX's arrays are dense.
        encoding: What bytes among the inputs are encoded in.
        name: A name.
        salt: One or two whole numbers, to hash words out of the vocabulary in a way of your own.
        kwargs: `dtype`, `trainable`, as for every layer. With `has_input_vocabulary=False` the vocabulary counts as
            learned: `adapt` may put another in its place.

    Raises:
        ValueError: Settings that do not go together, or a vocabulary with a word in it twice.

    Shapes:
        Any; `"int"`: the same. `"one_hot"`: a last axis more, in place of one of size 1. Else `(..., n)` to
        `(..., size of the vocabulary)`.

    Example:
        >>> layer = StringLookup(vocabulary=["a", "b"])
        >>> layer([["b", "z"], ["a", "b"]]).tolist()
        [[2, 0], [1, 2]]
        >>> StringLookup(vocabulary=["a", "b"], invert=True)([1, 0]).tolist()
        ['a', '[UNK]']

    Reference:
        Spärck Jones, "A Statistical Interpretation of Term Specificity and Its Application in Retrieval", 1972.
    """

    _text = True
    _unwritten = IndexLookup._unwritten | {"vocabulary_dtype"}

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
        **kwargs: Any,
    ) -> None:
        self.encoding = encoding
        super().__init__(
            max_tokens=max_tokens, num_oov_indices=num_oov_indices, mask_token=mask_token, oov_token=oov_token,
            vocabulary=vocabulary, vocabulary_dtype="string", idf_weights=idf_weights, invert=invert,
            output_mode=output_mode, pad_to_max_tokens=pad_to_max_tokens, sparse=sparse, name=name, salt=salt,
            **kwargs,
        )  # fmt: skip


@LAYERS.register()
class IntegerLookup(IndexLookup):
    """Whole numbers that name categories to numbers without gaps, by a vocabulary that is given or learned; or back.

    It is compiled with the model, by a search in a sorted table; where that cannot be, it runs on the host
    (`layer.on_host` says so): with `num_oov_indices=0`, where an unknown number is an error, with
    `oov_method="farmhash"`, and where a term has more than 32 bits.

    Args:
        max_tokens: The most numbers there may be, special tokens included; any where it is `None`.
        num_oov_indices: How many numbers are for what is out of the vocabulary. With 0, such a value is an error.
        mask_token: The value that stands for nothing: number 0, or left out of vectors.
        oov_token: What values out of the vocabulary become on the way back.
        vocabulary: The values in a list or array, or the path of a text file with one on each line.
        vocabulary_dtype: `"int64"`, Keras's only one.
        idf_weights: The values' weights, for `output_mode="tf_idf"`.
        invert: Whether to go back.
        output_mode: As for `StringLookup`.
        sparse: Kept for Keras's signature: JAX's arrays are dense.
        pad_to_max_tokens: Whether vectors have `max_tokens` numbers, whatever the vocabulary.
        oov_method: Which of several numbers an unknown value gets: `"floormod"`, the remainder of a division;
            `"farmhash"`, its hash.
        salt: One or two whole numbers, to hash in a way of your own.
        name: A name.
        kwargs: `dtype`, `trainable`, as for every layer. With `has_input_vocabulary=False` the vocabulary counts as
            learned: `adapt` may put another in its place.

    Raises:
        ValueError: Settings that do not go together, or a vocabulary with a value in it twice.

    Shapes:
        As for `StringLookup`.

    Example:
        >>> import numpy as np
        >>> layer = IntegerLookup(vocabulary=[12, 36])
        >>> layer(np.array([[36, 5]])).tolist(), layer.on_host
        ([[2, 0]], False)
    """

    _text = False

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if vocabulary_dtype != "int64":
            raise ValueError(
                f"IntegerLookup: `vocabulary_dtype` is 'int64'; got {vocabulary_dtype!r}."
            )
        super().__init__(
            max_tokens=max_tokens, num_oov_indices=num_oov_indices, mask_token=mask_token, oov_token=oov_token,
            vocabulary=vocabulary, vocabulary_dtype=vocabulary_dtype, idf_weights=idf_weights, invert=invert,
            output_mode=output_mode, pad_to_max_tokens=pad_to_max_tokens, sparse=sparse, oov_method=oov_method,
            salt=salt, name=name, **kwargs,
        )  # fmt: skip

    @property
    def on_host(self) -> bool:
        """Whether the layer runs on the host, where an unknown value can be an error and numbers have 64 bits."""
        hashes = self.num_oov_indices > 1 and self.oov_method == "farmhash"
        terms = self._table.terms
        wide = len(terms) > 0 and (terms.min() < _INT32.min or terms.max() > _INT32.max)
        return (not self.invert and (self.num_oov_indices == 0 or hashes)) or bool(wide)

    def _on_device(self, inputs: Any) -> Any:
        if not only_shapes():
            self._need_vocabulary()
        values = ops.cast(inputs, "int32")
        if self.invert:
            known = jnp.asarray([*self._table.terms, self.oov_token], "int32")
            places, count = values - self._first, len(self._table)
            terms = known[jnp.where((places >= 0) & (places < count), places, count)]
            return terms if self.mask_token is None else jnp.where(values == 0, self.mask_token, terms)  # fmt: skip
        table = self._table
        found = places_in(jnp.asarray(table.sorted, "int32"), jnp.asarray(table.places), values)
        oov = values % self.num_oov_indices if self.num_oov_indices > 1 else 0
        numbers = jnp.where(found < 0, oov + self._mask_size, found + self._first)
        if self.mask_token is not None:
            numbers = jnp.where(values == self.mask_token, 0 if self.output_mode == "int" else -1, numbers)  # fmt: skip
        return numbers
