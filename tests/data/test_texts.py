"""Text as one kind of array: what is understood, and what is refused with its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from trivium.data.checks import DataError
from trivium.data.texts import TEXT, as_texts, holds_text, is_text

WORDS = ["né", "", "a b"]


@pytest.mark.parametrize(
    "value",
    [
        WORDS,
        tuple(WORDS),
        np.array(WORDS),
        np.array(WORDS, dtype=object),
        np.array(WORDS, dtype=TEXT),
        np.array([w.encode() for w in WORDS]),
        [WORDS[0].encode(), *WORDS[1:]],
        pd.Series(WORDS),
        pd.Series(WORDS, dtype=object),
        pd.Series(WORDS, dtype="string"),
        pd.Series(WORDS, dtype="category"),
    ],
    ids=lambda v: f"{type(v).__name__}-{getattr(v, 'dtype', '')}",
)
def test_text_of_all_kinds(value: Any) -> None:
    assert holds_text(value)
    array = as_texts(value, "x")
    assert array.dtype == TEXT and is_text(array) and array.tolist() == WORDS


def test_shapes_stay_and_other_encodings_can_be_said() -> None:
    assert as_texts([["a", "b"]], "x").shape == (1, 2)
    assert as_texts("a", "x").shape == ()
    assert as_texts(pd.DataFrame({"a": ["x"], "b": ["y"]}), "x").tolist() == [["x", "y"]]
    assert as_texts(np.array(["é".encode("latin-1")]), "x", "latin-1").tolist() == ["é"]


@pytest.mark.parametrize(
    "value",
    [1, None, [], [1, "a"], np.zeros(2), [np.array(["a"])], pd.DataFrame({"a": [1], "b": ["x"]})],
    ids=str,
)  # fmt: skip
def test_what_is_no_text(value: Any) -> None:
    assert not holds_text(value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (["a", None], r"`x` holds None at \[1\]; wanted text.*fillna"),
        ([["a", 3]], r"`x` holds 3 at \[0, 1\]; wanted text.*str\(\)"),
        (np.array(["a", np.nan], dtype=object), r"holds nan at \[1\]"),
        ([b"ok", b"\xff\xfe"], r"bytes at \[1\] that are no text in utf-8: b'\\xff\\xfe'"),
        ([["a", "b"], ["c"]], r"ragged: it holds a list of 2 at \[0\]"),
        (np.zeros(2), r"`x` has dtype float64; wanted text"),
    ],
)
def test_what_is_refused(value: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        as_texts(value, "x")
