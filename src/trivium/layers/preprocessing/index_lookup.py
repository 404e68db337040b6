"""What layers share that look words and other categories up in a vocabulary."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

import numpy as np

from trivium.data.texts import TEXT, is_text
from trivium.graph import SymbolicTensor
from trivium.layers.checks import flag, is_whole
from trivium.layers.host import HostLayer
from trivium.layers.preprocessing.adapting import Adaptive
from trivium.layers.preprocessing.encodings import encode
from trivium.layers.preprocessing.fingerprints import farmhash64, siphash64
from trivium.layers.preprocessing.settings import OUTPUT_MODES, chosen, dense_only, salt_of
from trivium.layers.preprocessing.vocabulary import (
    Counts,
    Vocabulary,
    read_terms,
    refuse_path,
    terms_from_assets,
    terms_to_assets,
)
from trivium.state.dtypes import floatx

__all__ = ["IndexLookup"]


class IndexLookup(Adaptive, HostLayer):
    """What `StringLookup` and `IntegerLookup` share: a vocabulary, numbers for what is not in it, and output modes.

    A term's number is its place in `get_vocabulary()`: the mask token's is 0, where there is one and the output is
    numbers; then come `num_oov_indices` numbers for what is out of the vocabulary; then the terms.
    """

    # Long lists, in which nobody is to look for layers.
    _untracked = Adaptive._untracked | {"_given_vocabulary", "_given_weights"}
    _text: ClassVar[bool]  # Whether the terms are text.

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

    # -- the vocabulary -----------------------------------------------------------------------------------------

    @property
    def _mask_size(self) -> int:
        return int(self.mask_token is not None and self.output_mode == "int")

    @property
    def _called(self) -> str:
        return f"Layer {self.path!r} ({type(self).__name__})"

    @property
    def _in_graph(self) -> bool:
        """Whether the layer, or one that it is inside of, is in a graph, whose shapes depend on the vocabulary."""
        layer: Any = self
        while layer is not None and not layer._inbound_nodes:
            layer = None if layer._parent is None else layer._parent()
        return layer is not None

    @property
    def _special(self) -> list[Any]:
        return [self.mask_token] * self._mask_size + [self.oov_token] * self.num_oov_indices

    @property
    def _first(self) -> int:
        """The number of the first term."""
        return self._mask_size + self.num_oov_indices

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """Return the terms in the order of their numbers.

        Args:
            include_special_tokens: Whether the mask token, and the OOV token for each number that it has, come first,
                so that a term's place is its number.
        """
        terms: list[Any] = self._table.terms.tolist()
        return [*self._special, *terms] if include_special_tokens else terms

    def vocabulary_size(self) -> int:
        """Return how many numbers there are: of the terms, the mask token and what is out of the vocabulary."""
        return len(self._table) + self._first

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Set the terms, in place of those before.

        Args:
            vocabulary: The terms in a list or array, with or without the special tokens before them; or the path of a
                text file with one term on each line.
            idf_weights: For `output_mode="tf_idf"`, the weight of each: its inverse document frequency.

        Raises:
            ValueError: A term is there twice, or is a special token in the wrong place; there are none, or too many;
                the weights are missing or not as many. The layer is as it was.
            FileNotFoundError: There is no such file.
        """
        if (idf_weights is not None) != (self.output_mode == "tf_idf"):
            raise ValueError(
                f"{self._called} with output_mode={self.output_mode!r} takes "
                f"{'`idf_weights` with its vocabulary' if idf_weights is None else 'no `idf_weights`'}."
            )
        terms = read_terms(self, vocabulary, self._text)
        whole = bool(self._special) and terms[: self._first].tolist() == self._special
        weights = None if idf_weights is None else self._padded(idf_weights, len(terms), whole)
        self._take(terms[self._first :] if whole else terms, weights)

    def _padded(self, idf_weights: Any, count: int, whole: bool) -> np.ndarray:
        """Return a weight for each number: the terms' mean for those that are no term's."""
        weights = np.asarray(idf_weights, floatx())
        if weights.shape != (count,):
            raise ValueError(
                f"{self._called}: `idf_weights` has one number for each of the {count} terms of the vocabulary; got "
                f"shape {weights.shape}."
            )
        front = np.full(0 if whole else self._first, weights.mean() if count else 0.0, weights.dtype)  # fmt: skip
        weights = np.concatenate([front, weights])
        more = (self.max_tokens or 0) - len(weights) if self.pad_to_max_tokens else 0
        return np.pad(weights, (0, max(more, 0)))

    def _take(self, terms: np.ndarray, weights: np.ndarray | None) -> None:
        """Take over terms, once all about them is right."""
        where, listed = self._called, terms.tolist()
        if len(set(listed)) != len(listed):
            twice = [repr(term) for term, count in Counter(listed).items() if count > 1]
            raise ValueError(
                f"{where}: a vocabulary has each term once; {', '.join(twice[:5])} came more often."
            )
        # On the way to numbers nothing is done with the OOV token.
        special = {"mask_token": self.mask_token, "oov_token": self.oov_token}
        for name, token in special.items():
            if token is not None and token in listed and (self.invert or name == "mask_token"):
                raise ValueError(
                    f"{where}: the {name} {token!r} is at place {listed.index(token)} of the vocabulary. Leave the "
                    f"special tokens out, or put all of them first: {self._special}."
                )
        size = self._first + len(listed)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(
                f"{where}: the vocabulary has {size} entries with the special tokens; `max_tokens` allows "
                f"{self.max_tokens}."
            )
        fixed = self.output_mode != "int" and not self.pad_to_max_tokens
        if fixed and self._in_graph and self._size not in (None, size):
            raise ValueError(
                f"{where} gives vectors of {self._size} numbers in a graph; a vocabulary of {size} does not fit it. "
                "Give the vocabulary before the layer is called, or set `max_tokens` and `pad_to_max_tokens=True`."
            )
        self._table, self._size = Vocabulary(terms), size
        self.vocabulary, self.idf_weights = terms, weights

    def _check_adaptive(self) -> None:
        if self._given:
            raise ValueError(
                f"{self._called} was made with a `vocabulary`, so there is nothing to adapt."
            )

    def _gathered(self, before: Any, batch: np.ndarray) -> Counts:
        broken = batch[np.trunc(batch) != batch] if batch.dtype.kind == "f" else batch[:0]
        if len(broken):  # Fractions, and NaN.
            raise ValueError(
                f"{self._called}: `adapt` takes whole numbers; got {broken[0]}. `Discretization` makes such of others."
            )
        values = self._of_kind(batch)
        rows = values.reshape(values.shape[0] if values.ndim else 1, -1).tolist()
        return self._counted(before, rows)

    def _counted(self, before: Any, rows: list[list[Any]]) -> Counts:
        counts: Counts = before or Counts(self.output_mode == "tf_idf")
        counts.add(rows)
        return counts

    def _learn(self, gathered: Counts) -> None:
        left = None if self.max_tokens is None else max(self.max_tokens - self._first, 0)
        terms = gathered.most_common(left, (self.mask_token, self.oov_token))
        if not terms:
            raise ValueError(f"{self._called}: `adapt` found no terms in its data.")
        weights = None
        if self.output_mode == "tf_idf":
            rows = np.array([gathered.rows[term] for term in terms])
            weights = self._padded(np.log1p(gathered.total / (1 + rows)), len(terms), whole=False)
        self._take(read_terms(self, terms, self._text), weights)

    def learned_arguments(self) -> dict[str, Any]:
        """Return the terms, and their weights, unless they were given."""
        if self._given_vocabulary is not None or self.vocabulary is None:
            return {}
        terms = self.get_vocabulary(include_special_tokens=False)
        if self.idf_weights is None:
            return {"vocabulary": terms, "has_input_vocabulary": False}
        weights = self.idf_weights[self._first :][: len(terms)]
        return {
            "vocabulary": terms,
            "idf_weights": weights.tolist(),
            "has_input_vocabulary": False,
        }

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

    def _need_vocabulary(self) -> None:
        """Raise an error where there is no vocabulary: all values would be out of it, and a model train on nothing."""
        if self.vocabulary is None:
            raise ValueError(
                f"{self._called} has no vocabulary yet: `adapt` it on data, or give it a `vocabulary`, before it is "
                "called on data. One that was made from a config has what was given, not what another has learned."
            )

    def _no_vocabulary(self) -> ValueError:
        return ValueError(
            f"{self._called} with output_mode={self.output_mode!r} needs its vocabulary before it is called: `adapt` "
            "it on data, or give it a `vocabulary`; or set `max_tokens` and `pad_to_max_tokens=True`."
        )

    @property
    def output_dtype(self) -> str:  # type: ignore[override]
        """The dtype of the output."""
        if self.invert and self._text:
            return "string"
        return "int64" if self.output_mode == "int" else floatx()

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the output: the input's, or a vector's in place of its last axis."""
        shape = tuple(input_shape)
        if self.output_mode == "int":
            return shape
        alone = self.output_mode == "one_hot" and not (len(shape) > 1 and shape[-1] == 1)
        return (*(shape if alone else shape[:-1]), self._depth)

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return a symbolic tensor like the output."""
        if inputs.is_text != (self._text and not self.invert):
            wanted = "whole numbers" if inputs.is_text else "text, of an `Input(..., dtype=\"string\")`"  # fmt: skip
            raise TypeError(f"{self._called} takes {wanted}; got {inputs.dtype}.")
        return super().compute_output_spec(inputs)

    # -- files --------------------------------------------------------------------------------------------------

    def _config_argument(self, name: str) -> Any:
        special = {
            "vocabulary": self._given_vocabulary,
            "idf_weights": self._given_weights,
            "vocabulary_size": self._size,
        }
        return special[name] if name in special else super()._config_argument(name)

    @classmethod
    def _config_read(cls, name: str, value: Any) -> Any:
        if name == "vocabulary":
            refuse_path(value, cls.__name__)
        return super()._config_read(name, value)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Put the weights of tf-idf into a store."""
        if self.output_mode == "tf_idf" and self.idf_weights is not None:
            store["idf_weights"] = self.idf_weights

    def load_own_variables(self, store: Any) -> None:
        """Take the weights of tf-idf from a store."""
        if self.output_mode == "tf_idf" and "idf_weights" in store:
            self.idf_weights = np.asarray(store["idf_weights"], floatx())

    def save_assets(self, dir_path: str) -> None:
        """Write the vocabulary into a folder of a model's file, unless it is in the config.

        Args:
            dir_path: The folder.
        """
        if self._given_vocabulary is None and len(self._table):
            terms_to_assets(dir_path, self.get_vocabulary())

    def load_assets(self, dir_path: str) -> None:
        """Take the vocabulary from a folder of a model's file, unless it was in the config.

        Args:
            dir_path: The folder.
        """
        terms = terms_from_assets(dir_path, self._text, self.path)
        if self._given_vocabulary is None and terms:
            first = self._first if terms[: self._first] == self._special else 0
            # The weights of tf-idf are in the file beside it.
            self._take(read_terms(self, terms, self._text)[first:], self.idf_weights)
