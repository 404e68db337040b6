"""Texts as numbers, the way older programs do it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from oracle import recorded

from trivium.preprocessing import text

TEXTS = [
    "The quick brown fox jumps over the lazy dog.",
    "To be, or not to be: that is the question!\tTo die - to sleep...",
    "",
    "the the The fox; Émile's café",
]
SETTINGS = [
    {},
    {"num_words": 5},
    {"oov_token": "<oov>", "num_words": 6},
    {"char_level": True, "oov_token": "?"},
    {"lower": False, "filters": ".,", "split": " "},
    {"analyzer": str.split},
]


@pytest.mark.parametrize("kwargs", [{}, {"lower": False}, {"filters": "e", "split": "o"}])
def test_words_are_the_real_keras_s(kwargs):
    theirs = recorded(
        lambda keras: [
            keras.src.legacy.preprocessing.text.text_to_word_sequence(t, **kwargs) for t in TEXTS
        ]
    )
    assert [text.text_to_word_sequence(t, **kwargs) for t in TEXTS] == theirs


def test_hashes_are_the_real_keras_s():
    theirs = recorded(
        lambda keras: [
            keras.src.legacy.preprocessing.text.hashing_trick(t, 50, "md5") for t in TEXTS
        ]
    )
    assert [text.hashing_trick(t, 50, "md5") for t in TEXTS] == theirs
    assert text.one_hot(TEXTS[0], 50) == text.hashing_trick(TEXTS[0], 50, hash)
    assert text.hashing_trick("a b", 5, analyzer=list, hash_function=ord) == [2, 1, 3]
    with pytest.raises(ValueError, match="`n` is at least 2"):
        text.one_hot("a", 1)
    with pytest.raises(ValueError, match="'md5' or a function; got 'sha'"):
        text.hashing_trick("a", 9, "sha")


def learned(module, number):
    tokenizer = module.Tokenizer(**SETTINGS[number])
    tokenizer.fit_on_texts(TEXTS[:2])
    tokenizer.fit_on_texts(TEXTS[2:])
    numbers = tokenizer.texts_to_sequences([*TEXTS, "unheard words"])
    matrices = [
        tokenizer.sequences_to_matrix(numbers, mode)
        for mode in ("binary", "count", "freq", "tfidf")
    ]
    return tokenizer, [
        list(tokenizer.word_index.items()), list(tokenizer.word_counts.items()),
        sorted(tokenizer.word_docs.items()), sorted(tokenizer.index_docs.items()), numbers,
        tokenizer.sequences_to_texts([*numbers, [1, 99]]), matrices, tokenizer.document_count,
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_the_tokenizer_is_the_real_keras_s(number):
    theirs = recorded(lambda keras: learned(keras.src.legacy.preprocessing.text, number)[1])
    tokenizer, ours = learned(text, number)
    assert [list(map(list, part)) for part in ours[:4]] == [list(map(list, p)) for p in theirs[:4]]
    assert ours[4:6] == theirs[4:6]
    np.testing.assert_allclose(ours[6], theirs[6], rtol=1e-12)
    again = text.tokenizer_from_json(tokenizer.to_json())
    assert again.get_config() == tokenizer.get_config()
    if "analyzer" not in SETTINGS[number]:  # A function is no JSON.
        assert again.texts_to_sequences(TEXTS) == tokenizer.texts_to_sequences(TEXTS)


def test_json_goes_to_keras_and_back():
    def kept(module):
        return json.loads(learned(module, 2)[0].to_json())

    theirs = recorded(lambda keras: kept(keras.src.legacy.preprocessing.text))
    ours = kept(text)
    assert theirs["class_name"] == ours["class_name"]
    for name, value in ours["config"].items():
        if name in ("word_counts", "word_docs", "index_docs", "index_word", "word_index"):
            assert json.loads(value) == json.loads(theirs["config"][name])
        else:
            assert value == theirs["config"][name]
    assert text.tokenizer_from_json(json.dumps(theirs)).word_index["the"] == 2


def test_lists_of_words_and_of_numbers():
    tokenizer = text.Tokenizer(num_words=4)
    tokenizer.fit_on_texts([["A", "b"], ["a"]])
    assert tokenizer.texts_to_sequences([["a", "B", "c"]]) == [[1, 2]]
    numbers = text.Tokenizer(num_words=4)
    numbers.fit_on_sequences([[1, 2], [1, 1]])
    assert numbers.index_docs == {1: 2, 2: 1}
    assert numbers.sequences_to_matrix([[1, 3]], "tfidf").shape == (1, 4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: t.texts_to_matrix(["a"]), "knows no words"),
        (lambda t: t.sequences_to_matrix([[1]], "counts"), "Did you mean 'count'"),
        (lambda t: text.Tokenizer(3).sequences_to_matrix([[1]], "tfidf"), "`fit_on_texts` first"),
        (lambda t: text.tokenizer_from_json("{}"), "not the JSON of a Tokenizer"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call(text.Tokenizer())
