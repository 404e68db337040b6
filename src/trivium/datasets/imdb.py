"""IMDB: 50,000 film reviews as lists of word numbers, for or against the film."""

from __future__ import annotations

import numpy as np

from trivium.datasets._npz import read_npz
from trivium.datasets._sources import fetch
from trivium.datasets._text import Vocabulary, encode, read_word_index
from trivium.datasets._types import Dataset

__all__ = ["get_word_index", "load_data"]


def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> Dataset:
    """Load the dataset, fetching it once.

    Words are numbered by how often they occur, the most frequent first.

    Args:
        path: The file's name in the cache.
        num_words: Numbers from here on are replaced; `None` means the greatest number that occurs.
        skip_top: Numbers below this are replaced.
        maxlen: Reviews that are not shorter than this, start included, are left out.
        seed: The seed of the shuffling.
        start_char: The number that marks a review's start; `None` marks none.
        oov_char: The number that stands for a replaced word; `None` drops such words.
        index_from: What is added to the numbers in the file, so that small ones are free for marks.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: the reviews, object arrays of shape `(25000,)`
        that hold lists of numbers, and int64 labels of shape `(25000,)`, 1 for praise.

    Raises:
        ValueError: `maxlen` leaves no review, or the file holds something else.
        OSError: The file is not cached and cannot be fetched; the message says where to put it.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data(num_words=10_000)  # doctest: +SKIP
        >>> x_train[0][:4], y_train[0]  # doctest: +SKIP
        ([1, 14, 22, 16], np.int64(1))

    Reference:
        Maas et al., "Learning word vectors for sentiment analysis", 2011.
    """
    arrays = read_npz(fetch("imdb.npz", path), "x_train", "y_train", "x_test", "y_test")
    x_train, y_train, x_test, y_test = arrays
    generator = np.random.RandomState(seed)
    train, test = np.arange(len(x_train)), np.arange(len(x_test))
    generator.shuffle(train)
    generator.shuffle(test)
    vocabulary = Vocabulary(num_words, skip_top, maxlen, start_char, oov_char, index_from)
    texts, kept = encode([*x_train[train], *x_test[test]], vocabulary)
    labels = np.concatenate([y_train[train], y_test[test]])[kept]
    cut = int(kept[: len(train)].sum())
    if cut in (0, len(texts)):
        raise ValueError(f"No review is shorter than maxlen={maxlen}: give a greater `maxlen`.")
    return (texts[:cut], labels[:cut]), (texts[cut:], labels[cut:])


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """Load the words' numbers, fetching them once; `load_data` adds its `index_from` to them.

    Args:
        path: The file's name in the cache.

    Returns:
        A dict of words and their numbers, from 1.

    Raises:
        OSError: The file is not cached and cannot be fetched; the message says where to put it.

    Example:
        >>> get_word_index()["the"]  # doctest: +SKIP
        1
    """
    return read_word_index(fetch("imdb_word_index.json", path))
