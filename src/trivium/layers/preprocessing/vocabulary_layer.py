"""A layer with a vocabulary: given, learned from data, kept in the model's file."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

import numpy as np

from trivium.layers.host import HostLayer
from trivium.layers.preprocessing.adapting import Adaptive
from trivium.layers.preprocessing.vocabulary import (
    Counts,
    Vocabulary,
    read_terms,
    refuse_path,
    terms_from_assets,
    terms_to_assets,
)
from trivium.state.dtypes import floatx

__all__ = ["VocabularyLayer"]


class VocabularyLayer(Adaptive, HostLayer):
    """A vocabulary, numbers for what is not in it, and how both are given, learned and kept.

    A term's number is its place in `get_vocabulary()`: the mask token's is 0, where there is one and the output is
    numbers; then come `num_oov_indices` numbers for what is out of the vocabulary; then the terms.
    """

    # Long lists, in which nobody is to look for layers.
    _untracked = Adaptive._untracked | {"_given_vocabulary", "_given_weights"}
    _text: ClassVar[bool]  # Whether the terms are text.
    _table: Vocabulary
    _given: bool  # Whether the vocabulary is an argument, and `adapt` has nothing to find.
    _given_vocabulary: list[Any] | None
    _given_weights: list[Any] | None
    _size: int | None
    vocabulary: np.ndarray | None
    idf_weights: np.ndarray | None

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
