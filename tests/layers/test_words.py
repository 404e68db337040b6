"""Layers of words and categories against the real Keras, which runs them on TensorFlow.

`--oracle=check` passes these over where TensorFlow is not installed.
"""

from __future__ import annotations

import zipfile
from typing import Any

import numpy as np
import pytest
from oracle import both, recorded

import trivium as tv

WORDS = [["sun", "moon"], ["moon", "sea"], ["rain", ""]]
NUMBERS = [[12, 36], [36, 7], [-5, 0]]
TEXTS = ["The cat sat; on the mat!", "A DOG, a cat\tand é À", "", "cat cat don't"]
STREAM = [["sun", "moon", "sun"], ["sea", "moon", "sun"], ["sun", "", "[UNK]"]]


def listed(x: Any) -> Any:
    """Return an output as plain values: of text, Keras's are TensorFlow's bytes."""
    values = np.asarray(x)
    if values.dtype.kind not in "SOUT":
        return values.astype("float64") if values.dtype.kind == "f" else values
    flat = [v.decode() if isinstance(v, bytes) else str(v) for v in values.ravel().tolist()]
    return flat, list(values.shape)


def used(lib: Any, kind: str, kwargs: dict[str, Any], inputs: Any, data: Any = None) -> Any:
    """Return what a layer makes of inputs, its vocabulary and its config."""
    layer = getattr(lib.layers, kind)(**kwargs, name="layer")
    if data is not None:
        layer.adapt(data)
    output = listed(layer(inputs))
    config = {k: v for k, v in layer.get_config().items() if not callable(v)}
    if not hasattr(layer, "get_vocabulary"):
        return output, config
    terms = [str(t) for t in layer.get_vocabulary()], [str(t) for t in layer.get_vocabulary(False)]
    return output, config, terms, int(layer.vocabulary_size())


VOCABULARY = ["sun", "moon", "sea"]
IDF = [0.5, 0.25, 1.5]
LOOKUPS = {
    "int": ({"vocabulary": VOCABULARY}, WORDS),
    "a flat one": ({"vocabulary": VOCABULARY}, ["sun", "x"]),
    "mask": ({"vocabulary": VOCABULARY, "mask_token": ""}, WORDS),
    "special tokens in it": ({"vocabulary": ["", "[UNK]", *VOCABULARY], "mask_token": ""}, WORDS),
    "several oov": ({"vocabulary": VOCABULARY, "num_oov_indices": 3, "mask_token": ""}, WORDS),
    "salt": ({"vocabulary": VOCABULARY, "num_oov_indices": 5, "salt": 133}, WORDS),
    "no oov": ({"vocabulary": [*VOCABULARY, "rain", ""], "num_oov_indices": 0}, WORDS),
    "one_hot": ({"vocabulary": VOCABULARY, "output_mode": "one_hot"}, WORDS),
    "one_hot of one": (
        {"vocabulary": VOCABULARY, "output_mode": "one_hot", "mask_token": ""}, [["sun"], [""], ["x"]],
    ),
    "multi_hot": ({"vocabulary": VOCABULARY, "output_mode": "multi_hot", "mask_token": ""}, WORDS),
    "binary": ({"vocabulary": VOCABULARY, "output_mode": "binary", "max_tokens": 6, "pad_to_max_tokens": True}, WORDS),
    "count": ({"vocabulary": VOCABULARY, "output_mode": "count"}, [["sun", "sun", "x", "sea"]]),
    "count of a flat one": ({"vocabulary": VOCABULARY, "output_mode": "count"}, ["sun", "sun", "x"]),
    "tf_idf": ({"vocabulary": VOCABULARY, "output_mode": "tf_idf", "idf_weights": IDF}, WORDS),
    "tf_idf, padded": (
        {
            "vocabulary": VOCABULARY, "output_mode": "tf_idf", "idf_weights": IDF, "max_tokens": 7,
            "pad_to_max_tokens": True,
        },
        WORDS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LOOKUPS)
def test_words_have_the_numbers_that_they_have_in_keras(name: str) -> None:
    kwargs, inputs = LOOKUPS[name]
    check(*both(lambda lib: used(lib, "StringLookup", kwargs, inputs)))


def test_numbers_become_words_again() -> None:
    # Keras on JAX has no arrays of text to give.
    layer = tv.layers.StringLookup(vocabulary=VOCABULARY, invert=True)
    assert layer([[0, 1], [3, 9]]).tolist() == [["[UNK]", "sun"], ["sea", "[UNK]"]]
    layer = tv.layers.StringLookup(
        vocabulary=VOCABULARY, invert=True, mask_token="-", oov_token="?"
    )
    assert layer(np.array([0, 1, 2, 4])).tolist() == ["-", "?", "sun", "sea"]


ADAPTED = {
    "int": {},
    "few": {"max_tokens": 3},
    "mask": {"mask_token": "", "max_tokens": 4, "num_oov_indices": 2},
    "multi_hot": {"output_mode": "multi_hot", "max_tokens": 9, "pad_to_max_tokens": True},
    "tf_idf": {"output_mode": "tf_idf"},
    "tf_idf, mask": {"output_mode": "tf_idf", "mask_token": ""},
}


@pytest.mark.parametrize("name", ADAPTED)
def test_a_vocabulary_is_learned_as_in_keras(name: str) -> None:
    kwargs = ADAPTED[name]
    check(*both(lambda lib: used(lib, "StringLookup", kwargs, WORDS, STREAM)))


INTEGERS = {
    "int": {},
    "mask": {"mask_token": 0},
    "several oov": {"num_oov_indices": 3, "mask_token": 0},
    "farmhash": {"num_oov_indices": 3, "oov_method": "farmhash"},
    "salt": {"num_oov_indices": 4, "oov_method": "farmhash", "salt": [1, 2]},
    "invert": {"invert": True},
    "invert, mask": {"invert": True, "mask_token": 99, "oov_token": -7},
    "one_hot": {"output_mode": "one_hot", "mask_token": 0},
    "multi_hot": {"output_mode": "multi_hot"},
    "count": {"output_mode": "count", "mask_token": 36, "num_oov_indices": 2},
    "tf_idf": {"output_mode": "tf_idf", "idf_weights": [0.5, 0.25]},
}


@pytest.mark.parametrize("name", INTEGERS)
def test_whole_numbers_have_the_numbers_that_they_have_in_keras(name: str) -> None:
    kwargs = INTEGERS[name]

    def looked_up(lib: Any) -> Any:
        given = {"vocabulary": [12, 7]} if name != "count" else {"vocabulary": [7, 12]}
        inputs = np.array([[0, 1], [2, 5]]) if "invert" in name else np.array(NUMBERS)
        return used(lib, "IntegerLookup", {**given, **kwargs}, inputs)

    check(*both(looked_up))


def test_whole_numbers_are_learned_as_in_keras() -> None:
    data = np.array(NUMBERS)
    check(*both(lambda lib: used(lib, "IntegerLookup", {"max_tokens": 4}, data, data)))


VECTORIZATIONS = {
    "int": {},
    "few, cut": {"max_tokens": 5, "output_sequence_length": 3},
    "long": {"output_sequence_length": 9},
    "lower": {"standardize": "lower"},
    "strip_punctuation": {"standardize": "strip_punctuation"},
    "none": {"standardize": None},
    "characters": {"split": "character", "max_tokens": 8},
    "bigrams": {"ngrams": 2},
    "trigrams alone": {"ngrams": (3,)},
    "multi_hot": {"output_mode": "multi_hot"},
    "count": {"output_mode": "count", "max_tokens": 6, "pad_to_max_tokens": True},
    "tf_idf": {"output_mode": "tf_idf", "ngrams": 2},
    "tf_idf, padded": {"output_mode": "tf_idf", "max_tokens": 20, "pad_to_max_tokens": True},
    "given": {"vocabulary": ["cat", "mat", "the"]},
}


@pytest.mark.parametrize("name", VECTORIZATIONS)
def test_text_has_the_numbers_that_it_has_in_keras(name: str) -> None:
    kwargs = VECTORIZATIONS[name]
    data = None if "vocabulary" in kwargs else TEXTS
    check(*both(lambda lib: used(lib, "TextVectorization", kwargs, TEXTS, data)))


def test_text_in_columns_and_words_by_themselves_are_as_in_keras() -> None:
    def vectorized(lib: Any) -> Any:
        column = used(lib, "TextVectorization", {"ngrams": 2}, [[t] for t in TEXTS], TEXTS)[0]
        words = used(lib, "TextVectorization", {"split": None, "ngrams": 2}, WORDS, WORDS)
        scalar = used(lib, "TextVectorization", {}, "the cat", TEXTS)[0]
        return column, words, scalar

    ours, theirs = both(vectorized)
    np.testing.assert_array_equal(ours[0], theirs[0])
    check(ours[1], theirs[1])
    np.testing.assert_array_equal(ours[2], theirs[2])


LENGTHS = (*range(0, 70, 3), 128, 200)
LONG = ["".join(chr(97 + (7 * i + n) % 26) for i in range(n)) + "é" * (n % 3) for n in LENGTHS]
HASHED = {
    "text": ({"num_bins": 1_000_003}, LONG),
    "salt": ({"num_bins": 1_000_003, "salt": [17, 2**62]}, LONG),
    "numbers": ({"num_bins": 97}, np.array([0, 1, -1, 123456, 2**31 - 1])),
    "floats": ({"num_bins": 97}, np.array([0.5, 1.0, -3.7], "float32")),
    "mask": ({"num_bins": 7, "mask_value": ""}, ["a", "", "b"]),
    "mask of numbers": ({"num_bins": 7, "mask_value": 0, "salt": 5}, np.array([[0, 1], [2, 3]])),
    "one_hot": ({"num_bins": 5, "output_mode": "one_hot"}, [["a"], ["b"], ["c"]]),
    "multi_hot": ({"num_bins": 5, "output_mode": "multi_hot"}, [["a", "b"], ["a", "a"]]),
    "count": ({"num_bins": 5, "output_mode": "count"}, [["a", "b"], ["a", "a"]]),
}


@pytest.mark.parametrize("name", HASHED)
def test_hashes_are_those_of_keras(name: str) -> None:
    kwargs, inputs = HASHED[name]
    check(*both(lambda lib: used(lib, "Hashing", kwargs, inputs)))


CROSSED = {
    "text": ({"num_bins": 1_000_003, "dtype": "int32"}, [LONG, LONG[::-1]]),
    "columns": ({"num_bins": 11, "dtype": "int32"}, [[["a"], ["b"]], np.array([[1], [-2]])]),
    "three": ({"num_bins": 11, "dtype": "int32"}, [["a", "b"], ["c", "d"], np.array([3, 4])]),
    "one_hot": ({"num_bins": 4, "output_mode": "one_hot"}, [["a", "b"], ["c", "d"]]),
}


@pytest.mark.parametrize("name", CROSSED)
def test_crossings_are_those_of_keras(name: str) -> None:
    kwargs, inputs = CROSSED[name]
    check(*both(lambda lib: used(lib, "HashedCrossing", kwargs, inputs)))


def check(ours: Any, theirs: Any) -> None:
    """Compare what `used` returned. Vectors are floats here, where Keras declares floats and gives whole numbers."""
    (output, config, *rest), (wanted, said, *others) = ours, theirs
    assert type(output) is type(wanted)
    if isinstance(output, np.ndarray):
        assert output.shape == wanted.shape
        if np.issubdtype(wanted.dtype, np.integer) and config["output_mode"] == "int":
            assert output.dtype == wanted.dtype
        np.testing.assert_allclose(output, wanted, rtol=1e-6)
    else:
        assert output == wanted
    assert rest == others
    assert plain(config) == plain(said)


def plain(config: dict[str, Any]) -> dict[str, Any]:
    """Return a config as a file has it, where a tuple is a list, without the policy's form."""
    policy = config["dtype"]
    name = policy["config"]["name"] if isinstance(policy, dict) else policy
    return {k: list(v) if isinstance(v, tuple) else v for k, v in config.items()} | {"dtype": name}


# -- files ------------------------------------------------------------------------------------------------------


def model_of(lib: Any) -> Any:
    """Return a model of layers of words, with vocabularies that are given and learned."""
    x = lib.Input((), dtype="string", name="text")
    weighted = lib.layers.TextVectorization(output_mode="tf_idf", name="weighted")
    weighted.adapt(TEXTS)
    numbered = lib.layers.TextVectorization(output_sequence_length=4, name="numbered")
    numbered.adapt(TEXTS)
    given = lib.layers.StringLookup(vocabulary=VOCABULARY, output_mode="one_hot", name="given")
    parts = [weighted(x), lib.layers.Embedding(20, 2, name="table")(numbered(x))[:, 0], given(x)]
    return lib.Model(x, lib.layers.Dense(2, name="out")(lib.layers.concatenate(parts)))


def known(model: Any) -> Any:
    """Return what a model's layers of words have learned."""
    names = ("weighted", "numbered", "given")
    words = [[str(t) for t in model.get_layer(n).get_vocabulary()] for n in names]
    weights = model.get_layer("weighted")._lookup_layer.idf_weights
    return words, np.asarray(weights, "float32")


def test_files_go_both_ways(tmp_path: Any) -> None:
    def read_and_written(keras: Any) -> Any:
        ours, theirs = str(tmp_path / "ours.keras"), str(tmp_path / "theirs.keras")
        model_of(tv).save(ours)
        model_of(keras).save(theirs)
        with zipfile.ZipFile(theirs) as file:
            assets = {n: file.read(n).decode() for n in file.namelist() if n.startswith("assets")}
            config = file.read("config.json").decode()
        return known(keras.models.load_model(ours)), config, assets

    theirs, config, assets = recorded(read_and_written)
    model = model_of(tv)
    assert theirs[0] == known(model)[0]  # Keras has read what we wrote.
    np.testing.assert_allclose(theirs[1], known(model)[1], rtol=1e-6)
    model.save(tmp_path / "ours.keras")
    with zipfile.ZipFile(tmp_path / "ours.keras") as file:
        names = [n for n in file.namelist() if n.startswith("assets")]
        assert {n: file.read(n).decode() for n in names} == assets
        rest = {n: file.read(n) for n in ("metadata.json", "model.weights.h5")}
    with zipfile.ZipFile(tmp_path / "theirs.keras", "w") as file:
        file.writestr("config.json", config)
        for name, content in (assets | rest).items():
            file.writestr(name, content)
    loaded = tv.models.load_model(tmp_path / "theirs.keras")
    assert known(loaded)[0] == theirs[0]
    wanted = tv.models.load_model(tmp_path / "ours.keras").predict(np.array(TEXTS), verbose=0)
    np.testing.assert_array_equal(loaded.predict(np.array(TEXTS), verbose=0), wanted)
