"""What IMDB and Reuters share: texts as lists of word numbers, cut to a vocabulary."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

__all__ = ["Vocabulary", "encode", "read_word_index"]


class Vocabulary(NamedTuple):
    """Which words a text keeps, and what stands for the others: `load_data`'s arguments."""

    num_words: int | None
    skip_top: int
    maxlen: int | None
    start_char: int | None
    oov_char: int | None
    index_from: int


def encode(texts: Iterable[Sequence[int]], vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
    """Mark the texts' starts, drop the long ones, replace the words outside the vocabulary.

    Args:
        texts: `n` sequences of word numbers, of any lengths.
        vocabulary: What to keep.

    Returns:
        The `m` texts that were kept, an object array of lists, and which these are: booleans of
        shape `(n,)`.

    Raises:
        ValueError: `maxlen` keeps no text.
    """
    num_words, skip_top, maxlen, start_char, oov_char, index_from = vocabulary
    texts = list(texts)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    words = np.fromiter(itertools.chain.from_iterable(texts), np.int64, lengths.sum())
    if index_from:
        words += index_from
    if start_char is not None:
        words = np.insert(words, lengths.cumsum() - lengths, start_char)
        lengths += 1
    kept = lengths < maxlen if maxlen else np.ones(len(texts), bool)
    if not kept.any():
        raise ValueError(f"No text is shorter than maxlen={maxlen}: give a greater `maxlen`.")
    words, lengths = words[np.repeat(kept, lengths)], lengths[kept]
    # Without a limit the greatest number is the limit, and so falls out itself: Keras's numbers.
    inside = (words >= skip_top) & (words < (num_words or words.max(initial=0)))
    if oov_char is not None:
        words[~inside] = oov_char
    else:
        owners = np.repeat(np.arange(len(lengths)), lengths)
        words, lengths = words[inside], np.bincount(owners[inside], minlength=len(lengths))
    return _as_lists(words, lengths), kept


def _as_lists(words: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    flat, ends = words.tolist(), lengths.cumsum().tolist()
    slices = (flat[start:end] for start, end in itertools.pairwise([0, *ends]))
    return np.fromiter(slices, object, len(lengths))


def read_word_index(path: Path) -> dict[str, int]:
    """Return the mapping of words to their numbers that a JSON file holds."""
    word_index: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))
    return word_index
