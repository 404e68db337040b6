"""Strings on the host: what functions give is what TensorFlow 2.21 gave for the same calls."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import trivium as tv
from trivium.data import strings as s
from trivium.data.checks import DataError
from trivium.data.ragged import RaggedArray, constant
from trivium.data.strings import StringArray
from trivium.data.strings.tables import Table

ROWS = constant([["A"], ["B", "C d"]])


def plain(x: Any) -> Any:
    return [plain(v) for v in x] if isinstance(x, tuple) else x.tolist()


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (lambda: s.length(["é", "abc"]), [2, 3]),
        (lambda: s.length(["é", "abc"], unit="UTF8_CHAR"), [1, 3]),
        (lambda: s.lower("ÀB"), "Àb".encode()),
        (lambda: s.lower("ÀB", encoding="utf-8"), "àb".encode()),
        (lambda: s.upper(ROWS), [[b"A"], [b"B", b"C D"]]),
        (lambda: s.strip(["  a \n", "b"]), [b"a", b"b"]),
        (lambda: s.split("a b  c"), [b"a", b"b", b"c"]),
        (lambda: s.split(["a,b,,c", ""], ","), [[b"a", b"b", b"", b"c"], [b""]]),
        (lambda: s.split([" a b c ", ""], maxsplit=1), [[b"a", b"b c "], []]),
        (lambda: s.split([["a b"], ["c"]]), [[[b"a", b"b"]], [[b"c"]]]),
        (lambda: s.split(ROWS), [[[b"A"]], [[b"B"], [b"C", b"d"]]]),
        (lambda: s.bytes_split("né"), [b"n", b"\xc3", b"\xa9"]),
        (lambda: s.join(["a", ["b", "c"]], "-"), [b"a-b", b"a-c"]),
        (lambda: s.join([ROWS, "!"]), [[b"A!"], [b"B!", b"C d!"]]),
        (lambda: s.reduce_join([["a", "b"], ["c", "d"]]), b"abcd"),
        (lambda: s.reduce_join([["a", "b"], ["c", "d"]], axis=[0, 1]), b"acbd"),
        (lambda: s.reduce_join([["a", "b"], ["c", "d"]], [1, 0], separator=" "), b"a b c d"),
        (lambda: s.reduce_join([["a", "b"]], 0, keepdims=True), [[b"a", b"b"]]),
        (lambda: s.reduce_join(ROWS, axis=-1, separator="+"), [b"A", b"B+C d"]),
        (lambda: s.substr(["hello", "wörld"], [1, 0], [3, 2]), [b"ell", b"w\xc3"]),
        (lambda: s.substr("wörld", 1, 2, unit="UTF8_CHAR"), "ör".encode()),
        (lambda: s.substr("hello", -3, 2), b"ll"),
        (lambda: s.regex_replace("a1b22", "([a-z])", r"<\1>"), b"<a>1<b>22"),
        (lambda: s.regex_replace("aaa", "a", "b", replace_global=False), b"baa"),
        (lambda: s.regex_replace("héllo wö.ld", "[[:punct:]]|ö", "?"), "héllo w??ld".encode()),
        (lambda: s.regex_replace("a]b-c^", r"[]\-^]", ""), b"abc"),
        (lambda: s.regex_replace("x\n", "x$", "y"), b"x\n"),
        (lambda: s.regex_replace("baac", "a*", "-"), b"-b-c-"),
        (lambda: s.regex_replace("Éa1", r"\p{L}", "L"), b"LL1"),
        (lambda: s.regex_replace(b"\xffa", "a", "b"), b"\xffb"),
        (lambda: s.regex_full_match(["ab", "abc"], "a.*b"), [True, False]),
        (lambda: s.unicode_decode(["né", "a"], "UTF-8"), [[110, 233], [97]]),
        (lambda: s.unicode_decode(b"a\xffb", "UTF-8"), [97, 65533, 98]),
        (lambda: s.unicode_decode(b"a\xffb", "UTF-8", errors="ignore"), [97, 98]),
        (lambda: s.unicode_encode(constant([[110], [233, 65]]), "UTF-8"), [b"n", b"\xc3\xa9A"]),
        (lambda: s.unicode_split_with_offsets("né!", "UTF-8"), [[b"n", b"\xc3\xa9", b"!"], [0, 1, 3]]),
        (lambda: s.unicode_transcode("né", "UTF-8", "UTF-16-BE"), b"\x00n\x00\xe9"),
        (lambda: s.unicode_transcode("a\x00", "UTF-8", "UTF-8", replace_control_characters=True), "a�".encode()),
        (lambda: s.unicode_script([97, 945, 1041, 32, 19968, -1]), [25, 14, 8, 0, 17, -1]),
        (lambda: s.to_number([" 3 ", "1.5e1"]), [3.0, 15.0]),
        (lambda: s.as_string([1.5, 2.0]), [b"1.500000", b"2.000000"]),
        (lambda: s.as_string(3.14159, precision=2), b"3.14"),
        (lambda: s.as_string([True, False]), [b"true", b"false"]),
        (lambda: s.as_string([3, 10], width=4, fill="0"), [b"0003", b"0010"]),
        (lambda: s.as_string(1.5, shortest=True), b"1.5"),
        (lambda: s.format("x={} y={}", (np.array([1, 2]), np.array("s"))), b'x=[1 2] y="s"'),
        (lambda: s.format("{}", np.arange(20)), b"[0 1 2 ... 17 18 19]"),
        (lambda: s.to_hash_bucket(["", "abcdefgh", "hello world, this is long"], 997), [860, 5, 151]),
        (lambda: s.to_hash_bucket_fast(["a", "hello"], 100), [39, 96]),
        (lambda: s.to_hash_bucket_strong(["a", "hello"], 100, [1, 2]), [46, 22]),
        (lambda: s.ngrams(constant([["a", "b", "c"], ["d"]]), [1, 2]), [[b"a", b"b", b"c", b"a b", b"b c"], [b"d"]]),
        (lambda: s.ngrams(["a", "b"], 2, pad_values="*"), [b"* a", b"a b", b"b *"]),
        (lambda: s.ngrams(["a"], 3, preserve_short_sequences=True), [b"a"]),
    ],
)  # fmt: skip
def test_value(made: Any, wanted: Any) -> None:
    assert plain(made()) == wanted


def test_an_array_of_strings_is_cut_joined_and_compared() -> None:
    x = StringArray([["a", "bc"], ["é", ""]])
    assert x.shape == (2, 2) and x.size == 4 and x.dtype == "string" and len(x) == 2
    assert x[1, 0].numpy().decode() == "é" and x[:, ::-1].tolist()[0] == [b"bc", b"a"]
    assert x[np.array([True, False])].shape == (1, 2) and x[..., None].shape == (2, 2, 1)
    assert (x + "!")[0].tolist() == [b"a!", b"bc!"] and ("<" + x[0]).tolist() == [b"<a", b"<bc"]
    assert (x == "a").tolist() == [[True, False], [False, False]]
    assert (x != ["a", ""]).tolist() == [[False, True], [True, False]]
    assert f"{x[0, 0]}" == "b'a'" and bool(x[0, 0]) and not x[1, 1]
    assert np.asarray(x).dtype == object and x.text().dtype.kind == "T"
    for again in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert again.tolist() == x.tolist()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: StringArray([["a"], ["b", "c"]]), "one length and depth"),
        (lambda: StringArray(["a", 1]), "got 1, a int"),
        (lambda: s.substr("hello", 7, 2), "pos 7 is out of range"),
        (lambda: s.regex_replace("x", "(", ""), "no regular expression"),
        (lambda: s.regex_replace("x", "x", r"\q"), "behind a backslash"),
        (lambda: s.regex_replace("x", "[[:nope:]]", ""), "is none of alnum"),
        (lambda: s.length("x", unit="CHAR"), "'BYTE' or 'UTF8_CHAR'"),
        (lambda: s.lower("x", "latin-1"), "'latin-1'"),
        (lambda: s.to_number(["1", "x"]), "b'x' is no number"),
        (lambda: s.to_number("1.5", "int32"), "is no number that is int32"),
        (lambda: s.unicode_decode(b"\xff", "UTF-8", errors="strict"), "no text in UTF-8"),
        (lambda: s.format("{} {}", (1,)), "2 places"),
        (lambda: Table(["a", "a"], [1, 2], 0), "each key once"),
        (lambda: Table(["a"], [1, 2], 0), "one value for each key"),
        (lambda: StringArray([b"\xff"]).text(), "no text in utf-8"),
    ],
)
def test_what_is_refused(call: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        call()


def test_tables_look_up_words_and_numbers() -> None:
    numbers = Table(["a", "b"], [1, 2], -1)
    assert numbers.lookup(ROWS).tolist() == [[-1], [-1, -1]] and numbers["a"].item() == 1
    words = Table([0, 1], ["neg", "pos"], "?")
    assert words.lookup([[1, 0], [5, 1]]).tolist() == [[b"pos", b"neg"], [b"?", b"pos"]]
    buckets = Table(["a", "b", "c"], [0, 1, 2], oov=2)
    assert buckets.lookup(["a", "zz", "b", "yy", "q"]).tolist() == [0, 3, 1, 4, 4]
    with pytest.raises(TypeError, match="dtype string; got int32"):
        numbers.lookup([1])
    numbers.insert(["c", "a"], [3, 9], again=True)
    numbers.remove(["b", "never there"])
    assert [x.tolist() for x in numbers.export()] == [[b"a", b"c"], [9, 3]]


def test_layers_of_the_host_take_and_give_them() -> None:
    lookup = tv.layers.StringLookup(vocabulary=["a", "b"])
    assert lookup(StringArray(["b", "x"])).tolist() == [2, 0]
    assert lookup(constant([["a"], ["b", "a"]])).tolist() == [[1], [2, 1]]
    words = tv.layers.TextVectorization(ragged=True)
    words.adapt(StringArray(["a b", "a"]))
    rows = words(StringArray(["a b c", "b"]))
    assert isinstance(rows, RaggedArray) and rows.tolist() == [[2, 3, 1], [3]]
    assert tv.layers.TextVectorization.from_config(words.get_config()).ragged
    with pytest.raises(ValueError, match="stands before it"):
        words(tv.Input((), dtype="string"))


def test_a_model_trains_on_them() -> None:
    lookup = tv.layers.StringLookup(vocabulary=["a", "b"], output_mode="one_hot")
    model = tv.Sequential([tv.Input((), dtype="string"), lookup, tv.layers.Dense(1)])
    model.compile("sgd", "mse")
    texts, y = ["a", "b", "a"], np.zeros(3)
    model.fit(StringArray(texts), y, epochs=2, verbose=0, shuffle=False)
    first = model.predict(StringArray(texts), verbose=0)
    np.testing.assert_array_equal(first, model.predict(np.array(texts), verbose=0))
    data = tv.data.Dataset.from_tensor_slices((StringArray(texts), y)).map(
        lambda t, n: (s.lower(t), n)
    )
    assert model.evaluate(data.batch(2), verbose=0) > 0
