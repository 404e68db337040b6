"""Pairs of words that stand near each other, and pairs that do not: what word2vec learns from."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["make_sampling_table", "skipgrams"]

# Euler's constant as Keras has it, which its numbers follow from.
_GAMMA = 0.577


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> np.ndarray:
    """Return with what probability a word is to be drawn, by its rank: seldom where the word is frequent.

    Frequencies are taken to follow Zipf's law.

    Args:
        size: How many words there are.
        sampling_factor: The frequency below which each word is drawn.

    Returns:
        float64 of shape `(size,)`; the entry `i` is that of the `i`-th most frequent word.

    Example:
        >>> make_sampling_table(3).round(4).tolist()
        [0.0032, 0.0032, 0.0055]

    Reference:
        Mikolov et al., "Distributed Representations of Words and Phrases and their Compositionality", NeurIPS 2013.
    """
    rank = np.arange(size)
    rank[:1] = 1  # The number 0 is no word.
    inverse = rank * (np.log(rank) + _GAMMA) + 0.5 - 1 / (12 * rank)
    return np.minimum(1, np.sqrt(sampling_factor * inverse))


def skipgrams(
    sequence: Sequence[int],
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: Sequence[float] | np.ndarray | None = None,
    seed: int | None = None,
) -> tuple[list[Any], list[Any]]:
    """Return pairs of words of a text, with 1 where they stand near each other and 0 where the second is any word.

    Chance is Python's global `random`, as in Keras.

    Args:
        sequence: The words' numbers; 0 is no word.
        vocabulary_size: The greatest number, plus 1.
        window_size: How far from each other two words may be.
        negative_samples: Pairs with any word for each pair of near ones.
        shuffle: Whether to mix the pairs.
        categorical: Whether to write the labels as `[0, 1]` and `[1, 0]`.
        sampling_table: With what probability a word is taken, by its number; see `make_sampling_table`.
        seed: What the order of the pairs is drawn from.

    Returns:
        The pairs, and their labels.

    Example:
        >>> skipgrams([1, 2, 0], 3, negative_samples=0, shuffle=False)
        ([[1, 2], [2, 1]], [1, 1])

    Reference:
        Mikolov et al., "Efficient Estimation of Word Representations in Vector Space", 2013.
    """
    couples = []
    for i, word in enumerate(sequence):
        if not word or (sampling_table is not None and sampling_table[word] < random.random()):
            continue
        near = range(max(0, i - window_size), min(len(sequence), i + window_size + 1))
        couples += [[word, sequence[j]] for j in near if j != i and sequence[j]]
    yes: Any = [0, 1] if categorical else 1
    no: Any = [1, 0] if categorical else 0
    labels = [yes] * len(couples)
    count = int(len(couples) * negative_samples)
    if negative_samples > 0:
        words = [first for first, _ in couples]
        random.shuffle(words)
        couples += [
            [words[i % len(words)], random.randint(1, vocabulary_size - 1)] for i in range(count)
        ]
        labels += [no] * count
    if shuffle:
        seed = random.randint(0, 10**7) if seed is None else seed
        for pairs in (couples, labels):
            random.seed(seed)
            random.shuffle(pairs)
    return couples, labels
