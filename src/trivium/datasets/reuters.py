"""Reuters: 11,228 newswires of 1987 as lists of word numbers, in 46 topics."""

from __future__ import annotations

import numpy as np

from trivium.datasets._npz import read_npz
from trivium.datasets._sources import fetch
from trivium.datasets._text import Vocabulary, encode, read_word_index
from trivium.datasets._types import Dataset

__all__ = ["get_label_names", "get_word_index", "load_data"]

_TOPICS = """
    cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship
    cotton carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin
    strategic-metal livestock retail ipi iron-steel rubber heat jobs lei bop zinc orange pet-chem
    dlr gas silver wpi hog lead
"""


def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
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
        maxlen: Newswires that are not shorter than this, start included, are left out.
        test_split: The share of newswires for testing, from 0 to 1.
        seed: The seed of the shuffling.
        start_char: The number that marks a newswire's start; `None` marks none.
        oov_char: The number that stands for a replaced word; `None` drops such words.
        index_from: What is added to the numbers in the file, so that small ones are free for marks.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: the newswires, object arrays of shape `(n,)`
        that hold lists of numbers, and int64 topics of shape `(n,)`, from 0 to 45.

    Raises:
        ValueError: `maxlen` leaves no newswire, `test_split` is no share, or the file holds
            something else.
        OSError: The file is not cached and cannot be fetched; the message says where to put it.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data(num_words=10_000)  # doctest: +SKIP
        >>> x_train.shape, x_test.shape  # doctest: +SKIP
        ((8982,), (2246,))

    Reference:
        Lewis, "Reuters-21578 text categorization test collection", 1997.
    """
    if not 0 <= test_split <= 1:
        raise ValueError(f"`test_split` is a share from 0 to 1; got {test_split}.")
    x, y = read_npz(fetch("reuters.npz", path), "x", "y")
    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    vocabulary = Vocabulary(num_words, skip_top, maxlen, start_char, oov_char, index_from)
    texts, kept = encode(x[order], vocabulary)
    labels = y[order][kept]
    cut = int(len(texts) * (1 - test_split))
    return (texts[:cut], labels[:cut]), (texts[cut:], labels[cut:])


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
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
    return read_word_index(fetch("reuters_word_index.json", path))


def get_label_names() -> tuple[str, ...]:
    """Return the topics' names, in the order of the labels.

    Example:
        >>> get_label_names()[3]
        'earn'
    """
    return tuple(_TOPICS.split())
