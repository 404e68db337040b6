"""What layers share that look words and other categories up in a vocabulary."""

from __future__ import annotations

from typing import Any

import numpy as np

from trivium.data.fingerprints import farmhash64, siphash64
from trivium.data.texts import TEXT, is_text
from trivium.graph import SymbolicTensor
from trivium.layers.checks import flag, is_whole
from trivium.layers.preprocessing.encodings import encode, encoded_shape
from trivium.layers.preprocessing.settings import OUTPUT_MODES, chosen, dense_only, salt_of
from trivium.layers.preprocessing.vocabulary import Vocabulary
from trivium.layers.preprocessing.vocabulary_layer import VocabularyLayer
from trivium.state.dtypes import floatx

__all__ = ["IndexLookup"]


class IndexLookup(VocabularyLayer):
    """What `StringLookup` and `IntegerLookup` share: terms are looked up, and numbers given in one of the modes."""

    def __init__(
        self,
        *,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        vocabulary: Any,
        vocabulary_dtype: str,
        idf_weights: Any,
        invert: bool,
        output_mode: str,
        sparse: bool,
        pad_to_max_tokens: bool,
        oov_method: str = "floormod",
        salt: Any = None,
        vocabulary_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        given = kwargs.pop("has_input_vocabulary", vocabulary is not None)
        super().__init__(**kwargs)
        kind = type(self).__name__
        if max_tokens is not None and not is_whole(max_tokens, least=2):
            raise ValueError(
                f"{kind}: `max_tokens` is a whole number above 1, or None for any; got {max_tokens!r}."
            )
        if not is_whole(num_oov_indices, least=0):
            raise ValueError(
                f"{kind}: `num_oov_indices` is a whole number, 0 or more; got {num_oov_indices!r}."
            )
        self._set(
            max_tokens=max_tokens, num_oov_indices=num_oov_indices, mask_token=mask_token,
            oov_token=oov_token, vocabulary_dtype=vocabulary_dtype, invert=flag(self, invert=invert),
            output_mode=chosen(self, OUTPUT_MODES, output_mode=output_mode),
            sparse=dense_only(self, sparse), salt=salt_of(self, salt),
            pad_to_max_tokens=flag(self, pad_to_max_tokens=pad_to_max_tokens),
            oov_method=chosen(self, ("floormod", "farmhash"), oov_method=oov_method),
        )  # fmt: skip
        self._check_settings(idf_weights, vocabulary)
        self._given = bool(given)
        # What the config says. A vocabulary in a file of its own is kept in the model's file instead, and so is one
        # that counts as learned: a written program lists those.
        named = vocabulary is None or isinstance(vocabulary, str) or not self._given
        self._given_vocabulary = None if named else np.asarray(vocabulary).tolist()
        self._given_weights = (
            None if idf_weights is None or not self._given else np.asarray(idf_weights).tolist()
        )
        self._size: int | None = vocabulary_size
        # Attributes by the arguments' names, so that programs are compiled anew where another array is assigned.
        self.vocabulary: np.ndarray | None = None
        self.idf_weights: np.ndarray | None = None
        self._table = Vocabulary(np.zeros(0, TEXT if self._text else np.int64))
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    def _check_settings(self, idf_weights: Any, vocabulary: Any) -> None:
        kind = type(self).__name__
        if self.pad_to_max_tokens and self.max_tokens is None:
            raise ValueError(
                f"{kind}: `pad_to_max_tokens=True` needs to know how many: set `max_tokens`."
            )
        if self.invert and self.output_mode != "int":
            raise ValueError(
                f"{kind}: `invert=True` goes from numbers to terms, so `output_mode` stays 'int'; got "
                f"{self.output_mode!r}."
            )
        if self.salt is not None and not self._text and self.oov_method != "farmhash":
            raise ValueError(f"{kind}: `salt` is for `oov_method='farmhash'`; got {self.oov_method!r}.")  # fmt: skip
        if idf_weights is not None and self.output_mode != "tf_idf":
            raise ValueError(
                f"{kind}: `idf_weights` are for `output_mode='tf_idf'`; got {self.output_mode!r}."
            )
        if vocabulary is not None and idf_weights is None and self.output_mode == "tf_idf":
            raise ValueError(
                f"{kind}: with `output_mode='tf_idf'` a `vocabulary` comes with its `idf_weights`, one for each term."
            )

    # -- the numbers --------------------------------------------------------------------------------------------

    def _of_kind(self, values: Any) -> Any:
        """Return values that are of the terms' kind; whole numbers where the layer goes back from numbers."""
        text = is_text(values)
        if text != (self._text and not self.invert):
            wanted = "whole numbers" if text else "text"
            raise TypeError(
                f"{self._called} takes {wanted}; got "
                f"{'text' if text else f'an array of dtype {values.dtype}'}."
            )
        return values if text else np.asarray(values).astype(np.int64)

    def _hashed(self, values: Any) -> Any:
        """Return a number from 0 for each of several values out of the vocabulary."""
        if not self._text and self.oov_method != "farmhash":
            return values % self.num_oov_indices
        texts = values if self._text else np.array(list(map(str, values.tolist())), TEXT)
        hashes = farmhash64(texts) if self.salt is None else siphash64(texts, self.salt)
        return (hashes % np.uint64(self.num_oov_indices)).astype(np.int32)

    def prepare(self, inputs: Any) -> tuple[Any, ...]:
        """Return the numbers of values, -1 for those that count for nothing."""
        values = self._of_kind(inputs)
        self._need_vocabulary()
        found = self._table.find(values)
        numbers = np.where(found < 0, self._mask_size, found + self._first).astype(np.int32)
        masked = (
            np.zeros(values.shape, bool) if self.mask_token is None else values == self.mask_token
        )
        missing = (found < 0) & ~masked
        if self.num_oov_indices == 0 and missing.any():
            listed = dict.fromkeys(values[missing].tolist())
            raise ValueError(
                f"{self._called} has no number for {', '.join(map(repr, list(listed)[:5]))}: not in the vocabulary, "
                "and num_oov_indices=0. With num_oov_indices=1 all of these get a number."
            )
        if self.num_oov_indices > 1 and missing.any():
            numbers[missing] = self._hashed(values[missing]) + self._mask_size
        numbers[masked] = 0 if self.output_mode == "int" else -1
        return (numbers,)

    def prepared_spec(self, inputs: Any) -> tuple[Any, ...]:
        """Say what `prepare` gives: a whole number for each value."""
        return (SymbolicTensor(inputs.dims, "int32"),)

    def finish(self, numbers: Any) -> Any:
        """Return numbers in the output mode."""
        if self.output_mode == "int":
            return numbers
        if self.output_mode != "tf_idf":
            return encode(numbers, self.output_mode, self._depth, floatx())
        if self.idf_weights is None:
            raise self._no_vocabulary()
        return encode(numbers, "count", self._depth, floatx()) * self.idf_weights

    @property
    def _takes_entries(self) -> bool:  # type: ignore[override]
        return bool(self.output_mode == "int")

    @property
    def has_device_part(self) -> bool:
        """Whether vectors are made of the numbers, which is the device's."""
        return self.output_mode != "int"

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        if not self.on_host:
            return self.finish(self._on_device(inputs))
        if self.invert:
            return self._inverted(self._of_kind(inputs))
        return self.finish(*self.prepare(inputs))

    def _inverted(self, numbers: np.ndarray) -> np.ndarray:
        self._need_vocabulary()
        terms, places = self._table.terms, numbers - self._first
        oov = np.array([self.oov_token], terms.dtype)
        known = np.concatenate([terms, oov])
        result = known[np.where((places >= 0) & (places < len(terms)), places, len(terms))]
        if self.mask_token is not None:
            result[numbers == 0] = self.mask_token
        return np.asarray(result)

    def _on_device(self, inputs: Any) -> Any:
        raise NotImplementedError

    # -- shapes -------------------------------------------------------------------------------------------------

    @property
    def _depth(self) -> int:
        if self.pad_to_max_tokens:
            return int(self.max_tokens)
        if self._size is None:
            raise self._no_vocabulary()
        return self._size

    @property
    def output_dtype(self) -> str:  # type: ignore[override]
        """The dtype of the output."""
        if self.invert and self._text:
            return "string"
        return "int64" if self.output_mode == "int" else floatx()

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the output: the input's, or a vector's in place of its last axis."""
        if self.output_mode == "int":
            return tuple(input_shape)  # Whatever the vocabulary is, which may not be there yet.
        return encoded_shape(input_shape, self.output_mode, self._depth)

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return a symbolic tensor like the output."""
        if inputs.is_text != (self._text and not self.invert):
            wanted = "whole numbers" if inputs.is_text else "text, of an `Input(..., dtype=\"string\")`"  # fmt: skip
            raise TypeError(f"{self._called} takes {wanted}; got {inputs.dtype}.")
        return super().compute_output_spec(inputs)
