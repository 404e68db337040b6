"""Vocabularies: words or whole numbers, each with its place, and where they come from."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from trivium.data.checks import DataError
from trivium.data.texts import as_texts, holds_text
from trivium.layers.base import Layer
from trivium.state.frame import current_frame
from trivium.state.safety import UnsafeFileError

__all__ = [
    "Counts",
    "Vocabulary",
    "places_in",
    "read_terms",
    "refuse_path",
    "terms_from_assets",
    "terms_to_assets",
]


class Vocabulary:
    """Terms, the place of each, and, where there are any, their weights.

    A class of its own, and no list: whoever looks through a layer's attributes for what belongs to it passes it over.

    Args:
        terms: The terms, an array of text or of whole numbers, none of them twice.

    Example:
        >>> Vocabulary(np.array([7, 3])).find(np.array([[3, 4]])).tolist()
        [[1, -1]]
    """

    def __init__(self, terms: np.ndarray) -> None:
        self.terms = terms
        self._places: dict[str, int] | None = None
        if terms.dtype.kind != "T":
            order = np.argsort(terms, kind="stable")
            self.sorted, self.places = terms[order], order.astype(np.int32)

    def __len__(self) -> int:
        return len(self.terms)

    def find(self, values: np.ndarray) -> np.ndarray:
        """Return the place of each value, -1 where it is none of the terms.

        Args:
            values: Values of the terms' kind, of any shape.
        """
        if self.terms.dtype.kind != "T":
            return np.asarray(places_in(self.sorted, self.places, values, np))
        if self._places is None:
            self._places = {term: i for i, term in enumerate(self.terms.tolist())}
        place = self._places.get
        found = [place(value, -1) for value in values.ravel().tolist()]
        return np.array(found, np.int32).reshape(values.shape)

    def at(self, places: np.ndarray) -> np.ndarray:
        """Return the terms at places, which there are."""
        return np.asarray(self.terms[places])


def places_in(ordered: Any, places: Any, values: Any, xp: Any = jnp) -> Any:
    """Return the place of each number in a table, -1 where it is not there; on the device, or with NumPy.

    Args:
        ordered: The table's numbers, sorted.
        places: The place of each.
        values: The numbers to look up.
        xp: `jax.numpy` or `numpy`.

    Example:
        >>> places_in(np.array([3, 7]), np.array([1, 0]), np.array([7, 8])).tolist()
        [0, -1]
    """
    if not len(ordered):
        return xp.full(xp.shape(values), -1, "int32")
    nearest = xp.clip(xp.searchsorted(ordered, values), 0, len(ordered) - 1)
    return xp.where(xp.asarray(ordered)[nearest] == values, xp.asarray(places)[nearest], -1)


class Counts:
    """How often terms occur in data, and in how many of its rows.

    Args:
        in_rows: Whether the rows are counted, too.

    Example:
        >>> counts = Counts(in_rows=True)
        >>> counts.add([["a", "b", "a"], ["b"]])
        >>> counts.terms, counts.rows, counts.total
        (Counter({'a': 2, 'b': 2}), Counter({'b': 2, 'a': 1}), 2)
    """

    def __init__(self, in_rows: bool) -> None:
        self.terms: Counter[Any] = Counter()
        self.rows: Counter[Any] = Counter()
        self.total = 0
        self._in_rows = in_rows

    def add(self, rows: list[list[Any]]) -> None:
        """Count rows, each a list of its terms."""
        self.total += len(rows)
        for row in rows:
            self.terms.update(row)
            if self._in_rows:
                self.rows.update(set(row))

    def most_common(self, most: int | None, left_out: tuple[Any, ...]) -> list[Any]:
        """Return the terms, those that occur most first; where they occur equally often, the greater one first."""
        kept = [t for t in self.terms if t not in left_out]
        # Text is ordered by its bytes, in UTF-8 the order of code points, and so of Python's strings.
        kept.sort(key=lambda term: (self.terms[term], term), reverse=True)
        return kept[:most]


# -- where terms come from --------------------------------------------------------------------------------------


def refuse_path(path: object, layer: str) -> None:
    """Refuse to read a file that a config names: a vocabulary comes with the file that it belongs to.

    Args:
        path: What the config says; anything but a string is no path.
        layer: The layer's class.

    Raises:
        UnsafeFileError: It is a path, and nobody has said `safe_mode=False`.
    """
    if isinstance(path, str) and not current_frame().runs_code:
        raise UnsafeFileError(
            f"The config of a {layer} names a file for its vocabulary, {path!r}, and configs open no files: it could "
            "be any of yours. Give the terms themselves; or, only if you trust whoever wrote it, "
            "`load_model(..., safe_mode=False)`."
        )


def read_terms(layer: Layer, vocabulary: Any, text: bool) -> np.ndarray:
    """Return terms from what a user gives for a vocabulary.

    Args:
        layer: The layer, for messages.
        vocabulary: The terms in a list or array, or the path of a text file with a term on each line.
        text: Whether the terms are text; else they are whole numbers.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: There are no terms, or they are of another kind.
        UnsafeFileError: It is a path in a config.
    """
    kind = type(layer).__name__
    if isinstance(vocabulary, str | Path):
        if current_frame().reading:
            refuse_path(str(vocabulary), kind)
        path = Path(vocabulary)
        if not path.is_file():
            raise FileNotFoundError(f"{kind}: there is no vocabulary file {str(vocabulary)!r}.")
        vocabulary = path.read_text("utf-8").removesuffix("\n").split("\n")
        if not text:
            vocabulary = [_number(kind, path, i, line) for i, line in enumerate(vocabulary)]
    if np.size(vocabulary) == 0:
        raise ValueError(f"{kind}: the vocabulary is empty; give it one term at least.")
    if np.ndim(vocabulary) != 1:
        raise ValueError(
            f"{kind}: a vocabulary is a flat list of terms; got one of shape {np.shape(vocabulary)}."
        )
    if text:
        if not holds_text(vocabulary):
            raise ValueError(f"{kind}: a vocabulary is a list of text; got {vocabulary!r:.80}.")
        return as_texts(vocabulary, f"{kind}: vocabulary")
    numbers = np.asarray(vocabulary)
    if numbers.dtype.kind not in "iu":
        raise ValueError(
            f"{kind}: a vocabulary is a list of whole numbers; got {vocabulary!r:.80}."
        )
    return numbers.astype(np.int64)


def _number(kind: str, path: Path, line: int, word: str) -> int:
    try:
        return int(word)
    except ValueError:
        raise ValueError(
            f"{kind}: line {line + 1} of {str(path)!r} is no whole number: {word!r:.40}."
        ) from None


# A file with a term on each line cannot hold a term that ends a line. Keras writes and reads it all the same.
_LINES, _TERMS = "vocabulary.txt", "vocabulary.json"


def terms_to_assets(folder: str, terms: list[Any]) -> None:
    """Write terms into a model's file, one on each line as Keras does.

    Args:
        folder: Where the layer's own files lie.
        terms: The terms.
    """
    lines = [str(term) for term in terms]
    Path(folder, _LINES).write_bytes("\n".join(lines).encode())
    if any(len(line.splitlines()) > 1 or line.splitlines() != [line] for line in lines if line):
        Path(folder, _TERMS).write_text(json.dumps(terms), "utf-8")


def terms_from_assets(folder: str, text: bool, layer: str) -> list[Any]:
    """Return the terms that `terms_to_assets`, ours or Keras's, wrote; none where there are none.

    Args:
        folder: Where the layer's own files lie.
        text: Whether the terms are text.
        layer: The layer's path, for messages.

    Raises:
        DataError: The file is no list of terms.
    """
    whole, path = Path(folder, _TERMS), Path(folder, _LINES)
    if whole.is_file():
        terms = json.loads(whole.read_text("utf-8"))
        if not isinstance(terms, list) or not all(
            isinstance(t, str if text else int) for t in terms
        ):
            raise DataError(f"The file's {_TERMS} for layer {layer!r} is no list of terms.")
        return terms
    if not path.is_file():
        return []
    lines = path.read_bytes().decode().replace("\r\n", "\n").split("\n")
    while lines and lines[-1] == "":
        lines.pop()
    try:
        return lines if text else [int(line) for line in lines]
    except ValueError as error:
        raise DataError(f"The file's {_LINES} for layer {layer!r}: {error}.") from None
