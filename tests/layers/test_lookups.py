"""Layers of words: where vocabularies come from, what is refused, and that nothing is half-changed."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
import pytest

import trivium as tv
from trivium import layers as L

DOCUMENTS = ["sun and moon", "moon and sea", "sun", "rain and sun"]
WORDS = np.array([d.split()[0] for d in DOCUMENTS])


# -- adapt ------------------------------------------------------------------------------------------------------


def batches() -> Any:
    return (DOCUMENTS[i : i + 2] for i in range(0, 4, 2))


@pytest.mark.parametrize(
    "data",
    [
        np.array(DOCUMENTS),
        np.array(DOCUMENTS)[:, None],
        np.array(DOCUMENTS, dtype=object),
        [d.encode() for d in DOCUMENTS],
        tuple(DOCUMENTS),
        pd.Series(DOCUMENTS),
        pd.DataFrame({"text": DOCUMENTS}),
        batches,
        lambda: iter(DOCUMENTS),
        lambda: ((np.array(b), [0, 1]) for b in batches()),
        lambda: tv.data.Dataset.from_tensor_slices((DOCUMENTS, range(4))).batch(3),
        lambda: tv.data.Dataset.from_tensor_slices(DOCUMENTS),
    ],
    ids=["array", "column", "objects", "bytes", "tuple", "Series", "DataFrame", "lists", "one by one", "pairs",
         "Dataset", "rows"],
)  # fmt: skip
@pytest.mark.parametrize("mode", ["int", "tf_idf"])
def test_a_stream_teaches_what_the_array_does(data: Any, mode: str) -> None:
    layer, whole = (L.TextVectorization(output_mode=mode) for _ in range(2))
    layer.adapt(data() if callable(data) else data)
    whole.adapt(DOCUMENTS)
    assert layer.get_vocabulary() == whole.get_vocabulary()
    assert layer.get_vocabulary(False) == ["sun", "and", "moon", "sea", "rain"]
    np.testing.assert_array_equal(layer(DOCUMENTS), whole(DOCUMENTS))


def test_words_by_themselves_are_rows_of_one_also_in_batches() -> None:
    layer, whole = (L.StringLookup(output_mode="tf_idf") for _ in range(2))
    layer.adapt([WORDS[:3], WORDS[3:]])
    whole.adapt(WORDS)
    np.testing.assert_array_equal(layer.idf_weights, whole.idf_weights)


def test_the_number_of_batches_can_be_said_and_they_may_come_one_by_one() -> None:
    layer = L.TextVectorization()
    layer.adapt(batches(), steps=1)
    assert "rain" not in layer.get_vocabulary()
    for batch in batches():
        layer.update_state(batch)
    layer.finalize_state()
    assert "rain" in layer.get_vocabulary()


# -- vocabularies -----------------------------------------------------------------------------------------------


def test_a_vocabulary_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("sun\nmoon\n", "utf-8")
    layer = L.StringLookup(vocabulary=str(path))
    assert layer.get_vocabulary() == ["[UNK]", "sun", "moon"]
    # A config opens no files: the words are in the model's file instead.
    assert layer.get_config()["vocabulary"] is None
    path.write_text("7\n-3", "utf-8")
    assert L.IntegerLookup(vocabulary=str(path)).get_vocabulary() == [-1, 7, -3]
    with pytest.raises(ValueError, match=r"line 2 of .* is no whole number: 'x'"):
        path.write_text("7\nx", "utf-8")
        L.IntegerLookup(vocabulary=str(path))
    with pytest.raises(
        FileNotFoundError, match="StringLookup: there is no vocabulary file 'nowhere'"
    ):
        L.StringLookup(vocabulary="nowhere")


REFUSED: dict[str, tuple[Any, str]] = {
    "empty": (lambda: L.StringLookup(vocabulary=[]), "the vocabulary is empty"),
    "nested": (lambda: L.StringLookup(vocabulary=[["a"]]), "flat list of terms"),
    "numbers": (lambda: L.StringLookup(vocabulary=[1, 2]), "a vocabulary is a list of text"),
    "words": (lambda: L.IntegerLookup(vocabulary=["a"]), "a list of whole numbers"),
    "twice": (lambda: L.StringLookup(vocabulary=["a", "b", "a"]), "'a' came more often"),
    "too many": (lambda: L.StringLookup(3, vocabulary=["a", "b", "c"]), "4 entries .* allows 3"),
    "a mask inside": (
        lambda: L.StringLookup(vocabulary=["a", ""], mask_token=""),
        r"the mask_token '' is at place 1 .* all of them first: \['', '\[UNK\]'\]",
    ),
    "the oov token inside": (
        lambda: L.StringLookup(vocabulary=["a", "[UNK]"], invert=True), "the oov_token '.UNK.' is at place 1",
    ),
    "no weights": (lambda: L.StringLookup(vocabulary=["a"], output_mode="tf_idf"), "comes with its `idf_weights`"),
    "weights": (lambda: L.StringLookup(vocabulary=["a"], idf_weights=[1.0]), "`idf_weights` are for"),
    "other weights": (
        lambda: L.StringLookup(vocabulary=["a"], idf_weights=[1.0, 2.0], output_mode="tf_idf"),
        r"each of the 1 terms .* got shape \(2,\)",
    ),
    "a typo": (lambda: L.StringLookup(output_mode="onehot"), "got 'onehot'. Did you mean 'one_hot'"),
    "invert": (lambda: L.StringLookup(invert=True, output_mode="count"), "`output_mode` stays 'int'"),
    "padding": (lambda: L.StringLookup(pad_to_max_tokens=True), "set `max_tokens`"),
    "max_tokens": (lambda: L.StringLookup(1), "a whole number above 1"),
    "oov": (lambda: L.StringLookup(num_oov_indices=-1), "0 or more; got -1"),
    "sparse": (lambda: L.StringLookup(output_mode="count", sparse=True), "arrays are dense"),
    "salt": (lambda: L.IntegerLookup(salt=3), "`salt` is for `oov_method='farmhash'`"),
    "two salts": (lambda: L.Hashing(3, salt=[1, 2, 3]), "one whole number, or two"),
    "ragged": (lambda: L.TextVectorization(ragged=True, output_mode="count"), "`ragged=True` is for"),
    "standardize": (lambda: L.TextVectorization(standardize="lowr"), "Did you mean 'lower'"),
    "split": (lambda: L.TextVectorization(split="word"), "one of 'whitespace', 'character'"),
    "ngrams": (lambda: L.TextVectorization(ngrams=0), "`ngrams` is a whole number above zero"),
    "length": (
        lambda: L.TextVectorization(output_mode="count", output_sequence_length=3), "is for `output_mode=.int.`"
    ),
    "bins": (lambda: L.Hashing(0), "`num_bins` is a whole number above zero"),
    "dtype": (lambda: L.Hashing(3, dtype="float32"), "'int32' or 'int64'; got 'float32'"),
    "one input": (lambda: L.HashedCrossing(3)([["a"]]), "at least two arrays"),
    "shapes": (lambda: L.HashedCrossing(3)([["a", "b"], ["c"]]), "all of shape"),
    "floats": (lambda: L.HashedCrossing(3)([["a"], np.ones(1)]), "whole numbers and text; got float64"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_settings_and_vocabularies_that_do_not_go_together(name: str) -> None:
    make, words = REFUSED[name]
    with pytest.raises((TypeError, ValueError), match=words):
        make()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "was given no data"),
        (np.array([], dtype=str), "found no terms"),
        (["", " "], "found no terms"),
        (np.ones(3), "takes text; got an array of dtype float64"),
        (["a", None], r"holds None at \[1\]"),
        (iter([["a"], np.ones(2)]), "takes text; got an array"),
        ([["a", "b"], ["c"]], "ragged"),
        ([b"\xff"], "no text in utf-8"),
        (5, "takes an array, or batches"),
    ],
    ids=["nothing", "empty", "blank", "numbers", "none", "batches", "ragged", "bytes", "number"],
)
def test_data_that_teaches_nothing_changes_nothing(data: Any, words: str) -> None:
    layer = L.TextVectorization()
    layer.adapt(DOCUMENTS)
    before = layer.get_vocabulary()
    with pytest.raises((TypeError, ValueError), match=words):
        layer.adapt(data)
    assert layer.get_vocabulary() == before


@pytest.mark.parametrize("weights", [None, [1.0, 2.0]])
def test_a_vocabulary_is_set_as_it_is_given_at_first(weights: Any) -> None:
    settings: Any = {"output_mode": "tf_idf" if weights else "int"}
    layer = L.TextVectorization(**settings)
    layer.set_vocabulary(["sun", "sea"], weights)
    given = L.TextVectorization(vocabulary=["sun", "sea"], idf_weights=weights, **settings)
    assert layer.get_vocabulary() == given.get_vocabulary()
    np.testing.assert_array_equal(layer(DOCUMENTS), given(DOCUMENTS))


@pytest.mark.parametrize("broken", [1.5, np.nan])
def test_whole_numbers_are_not_learned_from_fractions(broken: float) -> None:
    layer = L.IntegerLookup()
    layer.adapt(np.array([3.0, 3.0, 2.0]))
    with pytest.raises(ValueError, match=f"`adapt` takes whole numbers; got {broken}"):
        layer.adapt(np.array([1.0, broken]))
    assert layer.get_vocabulary() == [-1, 3, 2]


def test_a_vocabulary_that_is_refused_changes_nothing() -> None:
    layer = L.StringLookup(vocabulary=["a", "b"], output_mode="count")
    with pytest.raises(ValueError, match="came more often"):
        layer.set_vocabulary(["c", "c"])
    with pytest.raises(ValueError, match="nothing to adapt"):
        layer.adapt(["c"])
    assert layer.get_vocabulary() == ["[UNK]", "a", "b"]
    tv.Model(x := tv.Input((2,), dtype="string"), layer(x))
    with pytest.raises(
        ValueError, match="gives vectors of 3 numbers in a graph; a vocabulary of 4"
    ):
        layer.set_vocabulary(["a", "b", "c"])
    layer.set_vocabulary(["c", "b"])  # As many as before.


def test_what_is_out_of_the_vocabulary_is_an_error_where_one_says_so() -> None:
    for layer, data in (
        (L.StringLookup(vocabulary=["a"], num_oov_indices=0), ["a", "b"]),
        (L.IntegerLookup(vocabulary=[1], num_oov_indices=0), np.array([1, 7])),
    ):
        with pytest.raises(ValueError, match=r"has no number for ('b'|7): not in the vocabulary"):
            layer(data)
    with pytest.raises(ValueError, match="needs its vocabulary before it is called"):
        L.StringLookup(output_mode="multi_hot")(tv.Input((1,), dtype="string"))


@pytest.mark.parametrize(
    "kind, settings, data",
    [
        (L.StringLookup, {}, ["a", "b"]),
        (L.StringLookup, {"invert": True}, np.array([1, 2])),
        (L.TextVectorization, {}, ["a b", "c"]),
        (L.TextVectorization, {"output_mode": "count", "max_tokens": 5, "pad_to_max_tokens": True}, ["a"]),
        (L.IntegerLookup, {}, np.array([3, 4])),  # On the device.
        (L.IntegerLookup, {"num_oov_indices": 0}, np.array([3, 4])),
    ],
)  # fmt: skip
def test_without_a_vocabulary_nothing_is_looked_up(kind: Any, settings: Any, data: Any) -> None:
    layer = kind(**settings, name="words")
    with pytest.raises(ValueError, match=r"Layer 'words.* has no vocabulary yet: `adapt`"):
        layer(data)
    # It may learn when the model stands.
    x = tv.Input((), dtype="string" if isinstance(data, list) else "int32")
    model = tv.Model(x, layer(x), name="net")
    with pytest.raises(ValueError, match=r"Layer 'net/words.* has no vocabulary yet: `adapt`"):
        model.predict(np.array(data), verbose=0)


# -- where a layer runs -----------------------------------------------------------------------------------------


def test_whole_numbers_are_looked_up_where_they_can_be() -> None:
    inputs = np.array([[3, 8], [7, -1]])
    on_device = L.IntegerLookup(vocabulary=[7, 3], num_oov_indices=2)
    assert not on_device.on_host
    compiled = jax.jit(lambda x: on_device(x))(inputs)
    np.testing.assert_array_equal(compiled, on_device.finish(*on_device.prepare(inputs)))
    for host in (
        L.IntegerLookup(vocabulary=[7, 3], num_oov_indices=0),
        L.IntegerLookup(vocabulary=[7, 3], num_oov_indices=2, oov_method="farmhash"),
        L.IntegerLookup(vocabulary=[7, 2**40]),
        L.StringLookup(vocabulary=["a"]),
        L.Hashing(3),
    ):
        assert host.on_host
    assert L.IntegerLookup(vocabulary=[7, 2**40])(np.array([2**40, 7, 1])).tolist() == [2, 1, 0]


def test_a_model_with_a_table_on_the_device_sees_another_vocabulary() -> None:
    layer = L.IntegerLookup(
        vocabulary=[7, 3], output_mode="one_hot", max_tokens=5, pad_to_max_tokens=True
    )
    model = tv.Sequential([tv.Input((1,), dtype="int32"), layer])
    data = np.array([[3], [7], [9]])
    assert model.predict(data, verbose=0).argmax(-1).tolist() == [2, 1, 0]
    layer.set_vocabulary([9, 7, 3])
    assert model.predict(data, verbose=0).argmax(-1).tolist() == [3, 2, 1]


def test_hashes_of_numbers_are_made_ahead_of_a_model() -> None:
    model = tv.Sequential(
        [tv.Input((2,), dtype="int32"), L.Hashing(5, output_mode="multi_hot"), L.Dense(1)]
    )
    data = np.arange(8).reshape(4, 2)
    np.testing.assert_allclose(model.predict(data, verbose=0), model(data), rtol=1e-6)


def test_functions_for_the_parts_of_the_way() -> None:
    layer = L.TextVectorization(
        standardize=lambda texts: np.char.replace(texts, "-", " "),
        split=lambda texts: [text.split(" ") for text in texts],
    )
    layer.adapt(["a-b", "b"])
    assert layer.get_vocabulary() == ["", "[UNK]", "b", "a"]
    with pytest.raises(ValueError, match="gives a list of words for each"):
        L.TextVectorization(split=lambda texts: texts).adapt(["a"])


# -- files ------------------------------------------------------------------------------------------------------


def saved(layer: Any, path: Path) -> Any:
    dtype = None if isinstance(layer, L.TextVectorization | L.StringLookup) else "int32"
    model = tv.Sequential([tv.Input((1,), dtype=dtype or "string"), layer])
    model.save(path)
    return tv.models.load_model(path).layers[0]


@pytest.mark.parametrize("mode", ["int", "tf_idf"])
def test_a_vocabulary_lies_in_the_models_file(mode: str, tmp_path: Path) -> None:
    layer = L.TextVectorization(output_mode=mode)
    layer.adapt(DOCUMENTS)
    path = tmp_path / "model.keras"
    loaded = saved(layer, path)
    assert loaded.get_vocabulary() == layer.get_vocabulary()
    np.testing.assert_array_equal(loaded(DOCUMENTS), layer(DOCUMENTS))
    loaded.adapt(DOCUMENTS)  # It was learned, and can be again.
    with zipfile.ZipFile(path) as file:
        names = [n for n in file.namelist() if n.endswith("vocabulary.txt")]
        assert file.read(names[0]).decode().split("\n") == layer.get_vocabulary()


def test_words_that_end_lines_survive(tmp_path: Path) -> None:
    words = ["a\nb", "c\r", "d\u2028e", "f"]
    layer = L.StringLookup()
    layer.adapt(words)
    loaded = saved(layer, tmp_path / "model.keras")
    assert loaded.get_vocabulary() == layer.get_vocabulary()
    numbers = L.IntegerLookup()
    numbers.adapt(np.array([5, -7, 5]))
    assert saved(numbers, tmp_path / "numbers.keras").get_vocabulary() == [-1, 5, -7]


@pytest.mark.parametrize("kind", ["StringLookup", "IntegerLookup", "TextVectorization"])
def test_no_file_is_opened_that_a_config_names(kind: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("1\n2", "utf-8")
    path = tmp_path / "model.keras"
    layer = getattr(L, kind)(vocabulary=["1", "2"] if kind != "IntegerLookup" else [1, 2])
    saved(layer, path)
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"][1]["config"]["vocabulary"] = str(secret)
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    with pytest.raises(
        tv.saving.UnsafeFileError, match=f"{kind} names a file .*secret.txt.* open no files"
    ):
        tv.models.load_model(path)
    with pytest.raises(tv.saving.UnsafeFileError, match="open no files"):
        type(layer).from_config({**layer.get_config(), "vocabulary": str(secret)})
    if kind != "TextVectorization":
        assert tv.models.load_model(path, safe_mode=False).layers[0].get_vocabulary(False)


def test_a_damaged_vocabulary_is_named(tmp_path: Path) -> None:
    layer = L.IntegerLookup()
    (tmp_path / "vocabulary.txt").write_text("-1\nx", "utf-8")
    with pytest.raises(ValueError, match=r"vocabulary.txt for layer 'integer_lookup'"):
        layer.load_assets(str(tmp_path))
    (tmp_path / "vocabulary.json").write_text('["a"]', "utf-8")
    with pytest.raises(ValueError, match=r"vocabulary.json for layer 'integer_lookup' is no list"):
        layer.load_assets(str(tmp_path))
    assert layer.get_vocabulary() == [-1]


def stacked(layer):
    return tv.Sequential([tv.Input((1,), dtype="string"), layer, tv.layers.Dense(2)])


def inside_another(layer):
    class Block(tv.layers.Layer):
        def __init__(self):
            super().__init__()
            self.words = layer

        def call(self, inputs):
            return self.words(inputs)

    inputs = tv.Input((1,), dtype="string")
    return tv.Model(inputs, tv.layers.Dense(2)(Block()(inputs)))


@pytest.mark.parametrize("build", [stacked, inside_another])
@pytest.mark.parametrize("kind", ["TextVectorization", "StringLookup"])
def test_a_vocabulary_of_another_size_does_not_fit_a_graph(kind, build):
    layer = getattr(tv.layers, kind)(output_mode="count")
    layer.adapt(np.array(["a", "b"]))
    layer.set_vocabulary(["a", "b", "c"])  # It is in no graph yet.
    model, x = build(layer), np.array([["a"], ["c"]])
    before = model(x)
    for change in (layer.set_vocabulary, layer.adapt):
        with pytest.raises(
            ValueError, match=r"gives vectors of 4 numbers in a graph; a vocabulary of 3"
        ):
            change(np.array(["a", "b"]))
    np.testing.assert_array_equal(model(x), before)
    layer.set_vocabulary(["c", "b", "a"])
