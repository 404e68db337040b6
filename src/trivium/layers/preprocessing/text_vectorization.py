"""Text to the numbers of its words."""

from __future__ import annotations

import re
import string
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from trivium.data.texts import as_texts, is_text
from trivium.graph import SymbolicTensor
from trivium.layers.checks import is_whole, known, positive_int
from trivium.layers.host import HostLayer
from trivium.layers.preprocessing.adapting import Adaptive
from trivium.layers.preprocessing.lookups import StringLookup
from trivium.layers.preprocessing.settings import OUTPUT_MODES, chosen, dense_only
from trivium.layers.preprocessing.vocabulary import refuse_path
from trivium.layers.registry import LAYERS

__all__ = ["TextVectorization"]

# ASCII's letters alone, as TensorFlow does it: a vocabulary from there has its words so.
_LOWER = {ord(c): c.lower() for c in string.ascii_uppercase}
_BARE = dict.fromkeys(map(ord, string.punctuation))
_STANDARDS = {
    "lower": _LOWER,
    "strip_punctuation": _BARE,
    "lower_and_strip_punctuation": {**_LOWER, **_BARE},
}
# What C takes for white space; Python's `split` knows more of it.
_words = re.compile(r"[^ \t\n\v\f\r]+").findall

_Rows = list[list[str]]


@LAYERS.register()
class TextVectorization(Adaptive, HostLayer):
    """Text to whole numbers, one for each of its words, or to vectors: standardize, split, join, look up.

    Without `output_sequence_length` rows of numbers are as long as the longest text at hand: in `fit` and `predict`, of
    all that they are given.

    Args:
        max_tokens: The most numbers there may be, those for padding and unknown words included.
        standardize: `"lower_and_strip_punctuation"`, `"lower"`, `"strip_punctuation"`, `None`, or a function of an
            array of strings. The first three know ASCII's letters and punctuation.
        split: `"whitespace"`, `"character"`, `None` for text that is one word, or a function of an array of strings
            that gives a list of words for each.
        ngrams: How many neighbors are joined to one word, at most; or a tuple of the numbers.
        output_mode: `"int"` for a number each; `"multi_hot"`, `"count"`, `"tf_idf"` for a vector of the vocabulary's
            size: which words there are, how often, and that weighted.
        output_sequence_length: How many numbers a row has, for `"int"`: longer ones are cut, shorter ones padded by 0.
        pad_to_max_tokens: Whether vectors have `max_tokens` numbers, whatever the vocabulary.
        vocabulary: The words in a list or array, or the path of a text file with one on each line; in place of `adapt`.
        idf_weights: The words' weights, for `"tf_idf"`.
        sparse: Kept for Keras's signature: JAX's arrays are dense.
        ragged: Whether rows of numbers keep their lengths, as a `trivium.data.ragged.RaggedArray`, for `"int"`. Such a
            layer stands ahead of a model, whose rows are of one length.
        encoding: What bytes among the inputs are encoded in.
        name: A name.
        kwargs: `dtype`, `trainable`, as for every layer. With `has_input_vocabulary=False` the vocabulary counts as
            learned: `adapt` may put another in its place.

    Raises:
        ValueError: Settings that do not go together, or a vocabulary with a word in it twice.

    Shapes:
        `(batch,)` or `(batch, 1)` to `(batch, words)` or `(batch, size of the vocabulary)`. Without `split`:
        `(batch, words)`.

    Example:
        >>> layer = TextVectorization(output_sequence_length=4)
        >>> layer.adapt(["A cat sat.", "The cat!"])
        >>> layer.get_vocabulary()
        ['', '[UNK]', 'cat', 'the', 'sat', 'a']
        >>> layer(["the cat", "a dog sat there, asleep"]).tolist()
        [[3, 2, 0, 0], [5, 1, 4, 1]]
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: str | Callable[[np.ndarray], Any] | None = "lower_and_strip_punctuation",
        split: str | Callable[[np.ndarray], Any] | None = "whitespace",
        ngrams: int | tuple[int, ...] | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        more = {
            k: kwargs.pop(k) for k in ("vocabulary_size", "has_input_vocabulary") if k in kwargs
        }
        super().__init__(name=name, **kwargs)
        if standardize is not None and not callable(standardize):
            chosen(self, tuple(_STANDARDS), standardize=standardize)
        if split is not None and not callable(split):
            chosen(self, ("whitespace", "character"), split=split)
        mode = chosen(self, OUTPUT_MODES, output_mode=output_mode)
        if output_sequence_length is not None:
            positive_int(self, output_sequence_length=output_sequence_length)
            if mode != "int":
                raise ValueError(
                    f"TextVectorization: `output_sequence_length` is for `output_mode='int'`; got {output_mode!r}."
                )
        if ragged and (mode != "int" or output_sequence_length is not None):
            raise ValueError(
                "TextVectorization: `ragged=True` is for `output_mode='int'` without an `output_sequence_length`; got "
                f"{output_mode!r} and {output_sequence_length!r}."
            )
        _widths(ngrams)
        self._set(
            standardize=standardize, split=split, ngrams=ngrams, output_mode=mode,
            output_sequence_length=output_sequence_length, ragged=bool(ragged), sparse=dense_only(self, sparse),
            encoding=encoding,
        )  # fmt: skip
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens, vocabulary=vocabulary, idf_weights=idf_weights, mask_token="",
            pad_to_max_tokens=pad_to_max_tokens, output_mode=mode, encoding=encoding, **more,
        )  # fmt: skip
        self._lookup_layer._parent = weakref.ref(self)  # Errors name this layer, too.

    # What changes in the layer of words is a change of this one.
    @property
    def max_tokens(self) -> int | None:
        """The most numbers there may be."""
        most: int | None = self._lookup_layer.max_tokens
        return most

    @property
    def pad_to_max_tokens(self) -> bool:
        """Whether vectors have `max_tokens` numbers."""
        return bool(self._lookup_layer.pad_to_max_tokens)

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """Return the words in the order of their numbers.

        Args:
            include_special_tokens: Whether those for padding (`""`) and for unknown words come first.
        """
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """Return how many numbers there are, those for padding and unknown words included."""
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Set the words, in place of those before; see `StringLookup.set_vocabulary`.

        Args:
            vocabulary: The words in a list or array, or the path of a text file with one on each line.
            idf_weights: The weight of each, for `output_mode="tf_idf"`.
        """
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights)

    def adapt(  # type: ignore[override]
        self, data: Any, batch_size: int | None = None, steps: int | None = None
    ) -> None:
        """Learn the vocabulary from text, in place of the one before: the words that occur most.

        Args:
            data: An array or list of texts; or batches of them, such as a generator or a `Dataset` gives.
            batch_size: Kept for Keras's signature.
            steps: The most batches to read; all where it is `None`.

        Raises:
            ValueError: The layer was given a vocabulary, or there are no words. The layer is as it was.
            TypeError: The data is no text.
        """
        super().adapt(data, steps)

    def learned_arguments(self) -> dict[str, Any]:
        """Return the words, and their weights, unless they were given."""
        return self._lookup_layer.learned_arguments()

    def _check_adaptive(self) -> None:
        self._lookup_layer._check_adaptive()

    def _gathered(self, before: Any, batch: np.ndarray) -> Any:
        return self._lookup_layer._counted(before, self._words(batch)[0])

    def _learn(self, gathered: Any) -> None:
        self._lookup_layer._learn(gathered)

    # -- from text to words -------------------------------------------------------------------------------------

    def _words(self, texts: Any) -> tuple[_Rows, tuple[int, ...]]:
        """Return the words of each text in a row, and the shape that the rows stand in."""
        if not is_text(texts):
            raise TypeError(
                f"Layer {self.path!r} (TextVectorization) takes text; got an array of dtype {texts.dtype}."
            )
        if self.split is not None and texts.ndim > 1:
            self._check_one_text(texts.shape)
            texts = texts[..., 0]
        texts = self._standardized(texts)
        if self.split is None:
            shape = texts.shape[:-1] if texts.ndim > 1 else texts.shape
            rows: _Rows = texts.reshape(int(np.prod(shape)), -1).tolist()
        else:
            shape, rows = texts.shape, self._parted(texts.ravel())
        widths = _widths(self.ngrams)
        return ([_joined(row, widths) for row in rows] if widths else rows), shape

    def _check_one_text(self, shape: Any) -> None:
        if shape[-1] != 1:
            raise ValueError(
                f"Layer {self.path!r} (TextVectorization) splits one text for each sample, of shape (batch,) or "
                f"(batch, 1); got shape {known(shape)}. With `split=None` texts are words."
            )

    def _standardized(self, texts: np.ndarray) -> np.ndarray:
        if self.standardize is None:
            return texts
        if callable(self.standardize):
            result = self.standardize(np.array(texts.tolist(), dtype=np.str_))
            return as_texts(np.asarray(result), "what `standardize` returned")
        table = _STANDARDS[self.standardize]
        changed = [text.translate(table) for text in texts.ravel().tolist()]
        return np.array(changed, texts.dtype).reshape(texts.shape)

    def _parted(self, texts: np.ndarray) -> _Rows:
        if self.split == "whitespace":
            return list(map(_words, texts.tolist()))
        if self.split == "character":
            return list(map(list, texts.tolist()))
        rows = self.split(np.array(texts.tolist(), dtype=np.str_))
        if len(rows) != len(texts) or any(isinstance(row, str | bytes) for row in rows):
            raise ValueError(
                f"Layer {self.path!r} (TextVectorization): `split` takes an array of strings and gives a list of words "
                f"for each; yours made {len(rows)} of {len(texts)} texts."
            )
        return [[str(word) for word in row] for row in rows]

    # -- from words to numbers ----------------------------------------------------------------------------------

    def prepare(self, inputs: Any) -> tuple[Any, ...]:
        """Return the numbers of the words, row by row, padded to one length."""
        rows, shape = self._words(inputs)
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        words = np.array([w for row in rows for w in row], inputs.dtype)
        (numbers,) = self._lookup_layer.prepare(words)
        if self.ragged:
            return (self._in_rows(numbers, lengths, shape),)
        most = self.output_sequence_length or self._room(int(lengths.max(initial=0)))
        padded = np.full((len(rows), most), 0 if self.output_mode == "int" else -1, np.int32)
        places = np.arange(len(words)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        kept = places < most
        padded[np.repeat(np.arange(len(rows)), lengths)[kept], places[kept]] = numbers[kept]
        return (padded.reshape(*shape, most),)

    def _in_rows(self, numbers: np.ndarray, lengths: np.ndarray, shape: tuple[int, ...]) -> Any:
        from trivium.data.ragged import RaggedArray  # who asks for rows pays for their functions

        rows = RaggedArray.from_row_lengths(numbers.astype(np.int32), lengths)
        for size in shape[:0:-1]:
            rows = RaggedArray.from_uniform_row_length(rows, size)
        return rows

    def _room(self, longest: int) -> int:
        """Return how long rows are: for vectors it does not show, and few lengths mean few programs."""
        return longest if self.output_mode == "int" else 1 << max(longest - 1, 0).bit_length()

    def prepared_spec(self, inputs: Any) -> tuple[Any, ...]:
        """Say what `prepare` gives: rows of whole numbers."""
        return (SymbolicTensor((*self._rows_shape(inputs.dims), self.output_sequence_length), "int32"),)  # fmt: skip

    def _rows_shape(self, shape: Any) -> tuple[Any, ...]:
        return tuple(shape[:-1] if len(shape) > 1 else shape)

    @property
    def has_device_part(self) -> bool:
        """Whether vectors are made of the numbers, which is the device's."""
        return self.output_mode != "int"

    def finish(self, numbers: Any) -> Any:
        """Return numbers in the output mode."""
        return self._lookup_layer.finish(numbers)

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        return self.finish(*self.prepare(inputs))

    @property
    def output_dtype(self) -> str:  # type: ignore[override]
        """The dtype of the output."""
        return self._lookup_layer.output_dtype

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the output."""
        shape = tuple(input_shape)
        if self.split is not None and len(shape) > 1:
            self._check_one_text(shape)
        rows = self._rows_shape(shape)
        if self.output_mode == "int":
            words = (
                shape[-1] if self.split is None and len(shape) > 1 and self.ngrams is None else None
            )
            return (*rows, self.output_sequence_length or words)
        words = (None,) if self.output_mode == "one_hot" else ()
        return (*rows, *words, self._lookup_layer._depth)

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return a symbolic tensor like the output."""
        if self.ragged:
            raise ValueError(
                f"Layer {self.path!r} (TextVectorization): the rows in a model are of one length, so a layer with "
                "`ragged=True` stands before it, in `Dataset.map` say. Leave `ragged` out, or say an "
                "`output_sequence_length`."
            )
        if not inputs.is_text:
            raise TypeError(
                f'Layer {self.path!r} (TextVectorization) takes text, of an `Input(..., dtype="string")`; got '
                f"{inputs.dtype}."
            )
        return super().compute_output_spec(inputs)

    # -- files --------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the layer anew, and the size of its vocabulary."""
        return {**super().get_config(), "vocabulary_size": self.vocabulary_size()}

    def _config_argument(self, name: str) -> Any:
        if name in ("vocabulary", "idf_weights"):
            return self._lookup_layer._config_argument(name)
        return super()._config_argument(name)

    @classmethod
    def _config_read(cls, name: str, value: Any) -> Any:
        if name == "vocabulary":
            refuse_path(value, cls.__name__)
        value = super()._config_read(name, value)
        return tuple(value) if name == "ngrams" and isinstance(value, list) else value

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Put the weights of tf-idf into a store."""
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store: Any) -> None:
        """Take the weights of tf-idf from a store."""
        self._lookup_layer.load_own_variables(store)

    def save_assets(self, dir_path: str) -> None:
        """Write the vocabulary into a folder of a model's file, unless it is in the config.

        Args:
            dir_path: The folder.
        """
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, dir_path: str) -> None:
        """Take the vocabulary from a folder of a model's file, unless it was in the config.

        Args:
            dir_path: The folder.
        """
        self._lookup_layer.load_assets(dir_path)


def _widths(ngrams: Any) -> tuple[int, ...]:
    """Return how many words are joined to one: each number of them in turn."""
    if ngrams is None:
        return ()
    if is_whole(ngrams, least=1):
        return tuple(range(1, ngrams + 1))
    if isinstance(ngrams, tuple | list) and ngrams and all(is_whole(n, least=1) for n in ngrams):
        return tuple(ngrams)
    raise ValueError(
        f"TextVectorization: `ngrams` is a whole number above zero, or a tuple of them; got {ngrams!r}."
    )


def _joined(row: list[str], widths: tuple[int, ...]) -> list[str]:
    return [" ".join(row[i : i + n]) for n in widths for i in range(len(row) - n + 1)]
