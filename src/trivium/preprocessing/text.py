"""Texts as numbers, the way older programs do it; new ones take the layer `TextVectorization`."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from trivium.state import suggest

__all__ = ["Tokenizer", "hashing_trick", "one_hot", "text_to_word_sequence", "tokenizer_from_json"]

_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_MODES = ("binary", "count", "freq", "tfidf")

_Analyzer = Callable[[str], Sequence[str]]


def text_to_word_sequence(
    input_text: str, filters: str = _FILTERS, lower: bool = True, split: str = " "
) -> list[str]:
    """Take a text apart into words.

    Args:
        input_text: The text.
        filters: The characters that count as `split`.
        lower: Whether to write the text in small letters.
        split: What stands between words.

    Example:
        >>> text_to_word_sequence("To be, or not!")
        ['to', 'be', 'or', 'not']
    """
    text = input_text.lower() if lower else input_text
    text = text.translate({ord(character): split for character in filters})
    return [word for word in text.split(split) if word]


def hashing_trick(
    text: str,
    n: int,
    hash_function: Callable[[str], int] | str | None = None,
    filters: str = _FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: _Analyzer | None = None,
) -> list[int]:
    """Write the words of a text as numbers from 1 to `n - 1` by a hash, without a vocabulary.

    Args:
        text: The text.
        n: The numbers, 0 among them.
        hash_function: `"md5"`, which is the same always, or a function of a word; by default Python's `hash`, which
            differs from process to process.
        filters: As for `text_to_word_sequence`.
        lower: As for `text_to_word_sequence`.
        split: As for `text_to_word_sequence`.
        analyzer: Takes the text apart, in place of `text_to_word_sequence`.

    Raises:
        ValueError: `n` leaves no number.

    Example:
        >>> hashing_trick("to be or not to be", 10, "md5")
        [5, 3, 5, 3, 5, 3]
    """
    if n < 2:
        raise ValueError(f"`n` is at least 2: the number 0 is no word's; got {n!r}.")
    if isinstance(hash_function, str):
        if hash_function != "md5":
            raise ValueError(f"`hash_function` is 'md5' or a function; got {hash_function!r}.")
        hash_function = _md5
    words = (
        text_to_word_sequence(text, filters, lower, split) if analyzer is None else analyzer(text)
    )
    number = hash if hash_function is None else hash_function
    return [number(word) % (n - 1) + 1 for word in words]


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


def one_hot(
    input_text: str,
    n: int,
    filters: str = _FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: _Analyzer | None = None,
) -> list[int]:
    """Write the words of a text as numbers by Python's `hash`; see `hashing_trick`.

    Args:
        input_text: The text.
        n: The numbers, 0 among them.
        filters: As for `text_to_word_sequence`.
        lower: As for `text_to_word_sequence`.
        split: As for `text_to_word_sequence`.
        analyzer: Takes the text apart, in place of `text_to_word_sequence`.

    Example:
        >>> len(one_hot("to be or not", 10))
        4
    """
    return hashing_trick(input_text, n, None, filters, lower, split, analyzer)


class Tokenizer:
    """Learns a vocabulary from texts, and writes texts as numbers.

    The most frequent word has the number 1 (2 behind `oov_token`); 0 is no word's.

    Args:
        num_words: Only words with lower numbers are kept; by default all.
        filters: The characters that count as `split`.
        lower: Whether to write texts in small letters.
        split: What stands between words.
        char_level: Whether each character is a word.
        oov_token: Stands for words that are not kept; by default they are left out.
        analyzer: Takes a text apart, in place of `text_to_word_sequence`.
        document_count: How many texts it has seen already.

    Example:
        >>> tokenizer = Tokenizer(oov_token="?")
        >>> tokenizer.fit_on_texts(["to be or not to be"])
        >>> tokenizer.texts_to_sequences(["to see"]), tokenizer.word_index
        ([[2, 1]], {'?': 1, 'to': 2, 'be': 3, 'or': 4, 'not': 5})
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = _FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        analyzer: _Analyzer | None = None,
        *,
        document_count: int = 0,
    ) -> None:
        self.num_words, self.document_count, self.oov_token = num_words, document_count, oov_token
        self.filters, self.lower, self.split = filters, lower, split
        self.char_level, self.analyzer = char_level, analyzer
        self.word_counts: dict[str, int] = {}
        self.word_docs: dict[str, int] = {}
        self.index_docs: dict[int, int] = defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def _words(self, text: str | list[str]) -> Sequence[str]:
        if self.char_level or isinstance(text, list):
            if not self.lower:
                return text
            return [word.lower() for word in text] if isinstance(text, list) else text.lower()
        if self.analyzer is not None:
            return self.analyzer(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts: Iterable[str | list[str]]) -> None:
        """Learn the vocabulary, or more of it.

        Args:
            texts: Texts, or lists of words.
        """
        counts, docs = Counter(self.word_counts), Counter(self.word_docs)
        for text in texts:
            self.document_count += 1
            words = self._words(text)
            counts.update(words)
            docs.update(set(words))
        self.word_counts, self.word_docs = dict(counts), dict(docs)
        # Equally frequent words keep the order in which they came.
        ordered = sorted(counts, key=lambda word: -counts[word])
        known = ordered if self.oov_token is None else [self.oov_token, *ordered]
        self.word_index = dict(zip(known, range(1, len(known) + 1), strict=True))
        self.index_word = {i: word for word, i in self.word_index.items()}
        for word, count in docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Sequence[Iterable[int]]) -> None:
        """Learn how many sequences a number is in, for `sequences_to_matrix`.

        Args:
            sequences: Texts as numbers.
        """
        self.document_count += len(sequences)
        for sequence in sequences:
            for number in set(sequence):
                self.index_docs[number] += 1

    def texts_to_sequences(self, texts: Iterable[str | list[str]]) -> list[list[int]]:
        """Return texts as lists of numbers.

        Args:
            texts: Texts, or lists of words.
        """
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[str | list[str]]) -> Iterator[list[int]]:
        """Yield texts as lists of numbers, one by one."""
        for text in texts:
            numbers = (self._kept(self.word_index.get(word)) for word in self._words(text))
            yield [number for number in numbers if number is not None]

    def _kept(self, number: int | None) -> int | None:
        """Return the number of a word, that of `oov_token` for one that is not kept, or `None` to leave it out."""
        if number is None or (self.num_words and number >= self.num_words):
            return None if self.oov_token is None else self.word_index.get(self.oov_token)
        return number

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """Return lists of numbers as texts.

        Args:
            sequences: Texts as numbers.
        """
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Iterable[int]]) -> Iterator[str]:
        """Yield lists of numbers as texts, one by one."""
        for sequence in sequences:
            numbers = (self._kept(n if n in self.index_word else None) for n in sequence)
            yield " ".join(self.index_word[n] for n in numbers if n is not None)

    def texts_to_matrix(self, texts: Iterable[str | list[str]], mode: str = "binary") -> np.ndarray:
        """Return texts as rows, with an entry for each word.

        Args:
            texts: Texts, or lists of words.
            mode: As for `sequences_to_matrix`.
        """
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(
        self, sequences: Sequence[Sequence[int]], mode: str = "binary"
    ) -> np.ndarray:
        """Return lists of numbers as rows, with an entry for each word.

        Args:
            sequences: Texts as numbers.
            mode: What an entry says: `"binary"`, whether the word is there; `"count"`, how often; `"freq"`, which part
                of the text it is; `"tfidf"`, `(1 + log(count)) * log(1 + texts / (1 + texts with the word))`.

        Returns:
            float64 of shape `(sequences, words)`.

        Raises:
            ValueError: There is no such mode, or nothing has been learned yet.
        """
        if mode not in _MODES:
            raise ValueError(
                f"`mode` is one of {_MODES}; got {mode!r}. {suggest(str(mode), _MODES)}"
            )
        if not self.num_words and not self.word_index:
            raise ValueError(
                "The Tokenizer knows no words: call `fit_on_texts`, or give `num_words`."
            )
        if mode == "tfidf" and not self.document_count:
            raise ValueError("mode='tfidf' needs texts to count in: call `fit_on_texts` first.")
        width = self.num_words or len(self.word_index) + 1
        matrix = np.zeros((len(sequences), width))
        for row, sequence in zip(matrix, sequences, strict=True):
            for number, count in Counter(n for n in sequence if n < width).items():
                row[number] = self._entry(mode, number, count, len(sequence))
        return matrix

    def _entry(self, mode: str, number: int, count: int, length: int) -> float:
        if mode == "tfidf":
            having = self.index_docs.get(number, 0)
            return float((1 + np.log(count)) * np.log(1 + self.document_count / (1 + having)))
        return {"binary": 1.0, "count": float(count), "freq": count / length}[mode]

    def get_config(self) -> dict[str, Any]:
        """Return the settings, and what was learned as JSON."""
        settings = (
            "num_words",
            "filters",
            "lower",
            "split",
            "char_level",
            "oov_token",
            "document_count",
        )
        learned = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        return {name: getattr(self, name) for name in settings} | {
            name: json.dumps(getattr(self, name)) for name in learned
        }

    def to_json(self, **kwargs: Any) -> str:
        """Return the tokenizer as JSON, for `tokenizer_from_json`.

        Args:
            **kwargs: As `json.dumps` takes them.
        """
        config = {"class_name": type(self).__name__, "config": self.get_config()}
        return json.dumps(config, **kwargs)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """Make a tokenizer of what `to_json` returned, here or in Keras.

    Args:
        json_string: The JSON.

    Raises:
        ValueError: It is no tokenizer's.

    Example:
        >>> tokenizer_from_json(Tokenizer(num_words=9).to_json()).num_words
        9
    """
    try:
        config = dict(json.loads(json_string)["config"])
        learned = {
            name: json.loads(config.pop(name))
            for name in ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        }
        tokenizer = Tokenizer(**config)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"This is not the JSON of a Tokenizer: {error!r}.") from error
    tokenizer.word_counts, tokenizer.word_docs = learned["word_counts"], learned["word_docs"]
    tokenizer.word_index = learned["word_index"]
    # JSON has texts for keys.
    tokenizer.index_docs = defaultdict(int, {int(k): v for k, v in learned["index_docs"].items()})
    tokenizer.index_word = {int(k): v for k, v in learned["index_word"].items()}
    return tokenizer
