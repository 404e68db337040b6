"""Each dataset from a small file in the published format, against the real Keras on it."""

from __future__ import annotations

import importlib
import inspect
import json
import pickle
import struct
from typing import Any

import numpy as np
import pytest
from arrays import told
from oracle import recorded

from trivium import datasets
from trivium.datasets import _sources

RNG = np.random.default_rng(7)
START = RNG.bit_generator.state


@pytest.fixture(autouse=True)
def _the_same_draws() -> None:
    """A test's arrays do not depend on the tests before it."""
    RNG.bit_generator.state = START


def ragged(texts: list[list[int]]) -> np.ndarray:
    return np.fromiter(texts, object, len(texts))


def texts(count: int) -> np.ndarray:
    return ragged([(RNG.zipf(1.3, RNG.integers(1, 30)) % 500).tolist() for _ in range(count)])


def assert_same(ours: Any, theirs: Any) -> None:
    assert told(ours) == theirs
    assert all(a.flags.writeable for part in ours for a in part)


def test_mnist(cache, oracle):
    arrays = {
        "x_train": RNG.integers(0, 256, (6, 28, 28), "u1"),
        "y_train": RNG.integers(0, 10, 6, "u1"),
        "x_test": RNG.integers(0, 256, (3, 28, 28), "u1"),
        "y_test": RNG.integers(0, 10, 3, "u1"),
    }
    cache.put_npz("mnist.npz", **arrays)
    assert_same(datasets.mnist.load_data(), oracle("mnist"))
    cache.put_npz("mnist.npz", "digits.npz", **arrays)
    assert_same(datasets.mnist.load_data("digits.npz"), oracle("mnist", path="digits.npz"))


@pytest.mark.parametrize("options", [{}, {"test_split": 0.33}, {"seed": 3}, {"test_split": 0}])
def test_boston_housing(cache, oracle, options):
    cache.put_npz("boston_housing.npz", x=RNG.normal(size=(41, 13)), y=RNG.normal(size=41))
    assert_same(datasets.boston_housing.load_data(**options), oracle("boston_housing", **options))


@pytest.mark.parametrize(
    "options", [{}, {"version": "small"}, {"version": "small", "test_split": 0.1, "seed": 0}]
)
def test_california_housing(cache, oracle, options):
    x, y = RNG.normal(size=(700, 8)).astype("f4"), RNG.normal(size=700).astype("f4")
    cache.put_npz("california_housing.npz", x=x, y=y)
    ours = datasets.california_housing.load_data(**options)
    assert_same(ours, oracle("california_housing", **options))
    assert len(ours[0][0]) + len(ours[1][0]) == (600 if "version" in options else 700)


VOCABULARIES: list[dict[str, Any]] = [
    {},
    {"num_words": 20},
    {"num_words": 20, "skip_top": 5},
    {"maxlen": 12},
    {"seed": 5},
    {"start_char": None},
    {"start_char": None, "index_from": 0},
    {"start_char": 9, "oov_char": 8, "index_from": 10, "num_words": 30},
    {"num_words": 40, "skip_top": 6, "oov_char": None, "maxlen": 20},
]


@pytest.mark.parametrize("options", VOCABULARIES)
def test_imdb(cache, oracle, options):
    arrays = {
        "x_train": texts(60),
        "y_train": RNG.integers(0, 2, 60),
        "x_test": texts(40),
        "y_test": RNG.integers(0, 2, 40),
    }
    cache.put_npz("imdb.npz", **arrays)
    ours = datasets.imdb.load_data(**options)
    assert_same(ours, oracle("imdb", **options))
    assert type(ours[0][0][0]) is list and type(ours[0][0][0][0]) is int


@pytest.mark.parametrize("options", [*VOCABULARIES, {"test_split": 0.5}, {"test_split": 1.0}])
def test_reuters(cache, oracle, options):
    cache.put_npz("reuters.npz", x=texts(90), y=RNG.integers(0, 46, 90))
    assert_same(datasets.reuters.load_data(**options), oracle("reuters", **options))


def test_texts_of_equal_length_stay_lists(cache):
    # Keras makes a table of them; a dataset's rank should not hang on its contents.
    cache.put_npz("reuters.npz", x=ragged([[1, 2], [3, 4], [5, 6]]), y=np.arange(3))
    (x_train, _), (x_test, _) = datasets.reuters.load_data()
    assert x_train.shape == (2,) and x_test.shape == (1,)
    assert all(type(text) is list for text in [*x_train, *x_test])


@pytest.mark.parametrize("module", ["imdb", "reuters"])
def test_word_index(cache, oracle, module):
    words = {"the": 1, "café": 2, "l'été": 3}
    cache.put(f"{module}_word_index.json", json.dumps(words).encode())
    ours = getattr(datasets, module).get_word_index()
    assert ours == words == oracle(module, "get_word_index")


def test_label_names(oracle):
    assert datasets.reuters.get_label_names() == oracle("reuters", "get_label_names")


def python2_pickle(content: dict[str, np.ndarray | list[int] | str]) -> bytes:
    """Pickle as Python 2 did, with byte strings and NumPy's old module names."""

    def text(value: bytes) -> bytes:
        return b"U" + bytes([len(value)]) + value

    def number(value: int) -> bytes:
        return b"J" + struct.pack("<i", value)

    def dump(value: np.ndarray | list[int] | str) -> bytes:
        if isinstance(value, str):
            return text(value.encode())
        if isinstance(value, list):
            return b"](" + b"".join(map(number, value)) + b"e"
        raw = value.tobytes()
        shape = b"(" + b"".join(map(number, value.shape)) + b"t"
        empty = (
            b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85"
            + text(b"b")
            + b"\x87R"
        )
        dtype = b"cnumpy\ndtype\n" + text(b"u1") + b"K\0K\1\x87R(K\3" + text(b"|") + b"NNN"
        dtype += number(-1) * 2 + b"K\0tb"
        return (
            empty + b"(K\1" + shape + dtype + b"\x89T" + struct.pack("<i", len(raw)) + raw + b"tb"
        )

    items = b"".join(text(key.encode()) + dump(value) for key, value in content.items())
    return b"\x80\x02}(" + items + b"u."


def photographs(count: int) -> np.ndarray:
    """Return images that differ and that gzip makes small."""
    few = RNG.integers(0, 256, (7, 3072), "u1")
    return np.resize(few, (count, 3072))


def test_the_python2_pickles_of_the_tests_are_pickles():
    images = photographs(3)
    raw = python2_pickle({"batch_label": "x", "data": images, "labels": [1, 2, 3]})
    read = pickle.loads(raw.replace(b"numpy.core.", b"numpy._core."), encoding="bytes")
    np.testing.assert_array_equal(read[b"data"], images, strict=True)
    assert read[b"labels"] == [1, 2, 3] and read[b"batch_label"] == b"x"


CIFAR10 = ("cifar-10-python.tar.gz", "cifar-10-batches-py-target_archive")
CIFAR100 = ("cifar-100-python.tar.gz", "cifar-100-python-target_archive")


def cifar10_members(count: int) -> dict[str, bytes]:
    members = {"cifar-10-batches-py/readme.html": b"<html>"}
    for name in ["test_batch"] + [f"data_batch_{i}" for i in (4, 5, 1, 2, 3)]:
        batch = {"data": photographs(count), "labels": RNG.integers(0, 10, count).tolist()}
        members[f"cifar-10-batches-py/{name}"] = python2_pickle({"batch_label": name, **batch})
    return members


def test_cifar10_keeps_the_order_of_the_batches(cache):
    members = cifar10_members(4)
    cache.put_tar(*CIFAR10, members)
    (x_train, y_train), (x_test, y_test) = datasets.cifar10.load_data()
    assert x_train.shape == (20, 32, 32, 3) and x_test.shape == (4, 32, 32, 3)
    assert y_train.shape == (20, 1) and y_train.dtype == y_test.dtype == np.uint8
    third = pickle.loads(
        members["cifar-10-batches-py/data_batch_3"].replace(b"numpy.core.", b"numpy._core."),
        encoding="bytes",
    )
    assert y_train[8:12, 0].tolist() == third[b"labels"]
    assert x_train[9, 2, 30].tolist() == third[b"data"].reshape(4, 3, 32, 32)[1, :, 2, 30].tolist()


@pytest.mark.slow  # The real Keras insists on batches of 10,000.
def test_cifar10(cache, oracle):
    cache.put_tar(*CIFAR10, cifar10_members(10_000))
    ours = datasets.cifar10.load_data()
    assert_same(ours, oracle("cifar10"))
    assert all(a.flags.c_contiguous for part in ours for a in part)


@pytest.mark.parametrize("label_mode", ["fine", "coarse"])
def test_cifar100(cache, oracle, label_mode):
    members = {}
    for name, count in (("train", 50), ("test", 10)):
        members[f"cifar-100-python/{name}"] = python2_pickle(
            {
                "data": photographs(count),
                "fine_labels": RNG.integers(0, 100, count).tolist(),
                "coarse_labels": RNG.integers(0, 20, count).tolist(),
            }
        )
    cache.put_tar(*CIFAR100, members)
    ours = datasets.cifar100.load_data(label_mode)
    assert_same(ours, oracle("cifar100", label_mode=label_mode))


FUNCTIONS = [
    ("boston_housing", "load_data", "boston_housing.npz", "boston_housing.npz"),
    ("california_housing", "load_data", "california_housing.npz", "california_housing.npz"),
    ("cifar10", "load_data", "cifar-10-python.tar.gz", "cifar-10-batches-py-target_archive"),
    ("cifar100", "load_data", "cifar-100-python.tar.gz", "cifar-100-python-target_archive"),
    ("imdb", "load_data", "imdb.npz", "imdb.npz"),
    ("imdb", "get_word_index", "imdb_word_index.json", "imdb_word_index.json"),
    ("mnist", "load_data", "mnist.npz", "mnist.npz"),
    ("reuters", "load_data", "reuters.npz", "reuters.npz"),
    ("reuters", "get_word_index", "reuters_word_index.json", "reuters_word_index.json"),
]


@pytest.mark.parametrize(("module", "function", "name", "cached_as"), FUNCTIONS)
def test_without_a_network_the_error_says_where_to_put_the_file(
    cache, module, function, name, cached_as
):
    with pytest.raises(OSError) as error:
        getattr(getattr(datasets, module), function)()
    message, source = str(error.value), _sources.SOURCES[name]
    assert f"put it at {cache.folder / cached_as}." in message
    title = "MD5" if len(source.checksum) == 32 else "SHA-256"
    assert f"{title} {source.checksum}" in message
    assert source.folder + name in message
    assert f"about {source.megabytes:g} MB" in message
    assert "Temporary failure in name resolution" in message
    assert list(cache.folder.iterdir()) == []


@pytest.mark.parametrize(("module", "function", "name", "cached_as"), FUNCTIONS)
def test_a_file_with_another_checksum_is_not_loaded(
    cache, capsys, module, function, name, cached_as
):
    path = cache.folder / cached_as
    path.write_bytes(b"something else")
    with pytest.raises(OSError, match="The file that is there now has") as error:
        getattr(getattr(datasets, module), function)()
    assert str(path) in str(error.value)
    assert path.read_bytes() == b"something else"
    assert str(path) in capsys.readouterr().err


@pytest.mark.parametrize(("module", "function", "name", "cached_as"), FUNCTIONS)
def test_sources_are_those_of_the_real_keras(monkeypatch, module, function, name, cached_as):
    def of_keras(keras: Any) -> dict[str, Any]:
        asked: dict[str, Any] = {}

        def keep(fname: str, origin: str, file_hash: str, extract: bool = False) -> None:
            asked.update(name=f"{fname}_archive" if extract else fname, url=origin, hash=file_hash)
            raise InterruptedError

        theirs = importlib.import_module(f"keras.src.datasets.{module}")
        monkeypatch.setattr(theirs, "get_file", keep)
        with pytest.raises(InterruptedError):
            getattr(getattr(keras.datasets, module), function)()
        return asked

    source = _sources.SOURCES[name]
    asked = recorded(of_keras)
    assert asked == {"name": cached_as, "url": source.folder + name, "hash": source.checksum}


@pytest.mark.parametrize("module", datasets.__all__)
def test_signatures_are_those_of_the_real_keras(module):
    def arguments(function: Any) -> list[Any]:
        parameters = inspect.signature(function).parameters.values()
        return [(p.name, p.default) for p in parameters if p.kind is not p.VAR_KEYWORD]

    def of_keras(keras: Any) -> dict[str, Any]:
        theirs = getattr(keras.datasets, module)
        names = {"load_data", "get_word_index", "get_label_names"} & set(dir(theirs))
        return {name: arguments(getattr(theirs, name)) for name in sorted(names)}

    ours = getattr(datasets, module)
    for name, wanted in recorded(of_keras).items():
        assert name in ours.__all__
        got = inspect.signature(getattr(ours, name)).parameters.values()
        assert [(p.name, p.default) for p in got] == wanted


@pytest.mark.parametrize(
    ("module", "options", "message"),
    [
        ("california_housing", {"version": "huge"}, "`version` is 'small' or 'large'; got 'huge'"),
        (
            "california_housing",
            {"test_split": 1.0},
            "`test_split` is a share from 0 to less than 1",
        ),
        ("boston_housing", {"test_split": -0.1}, "`test_split` is a share from 0 to less than 1"),
        ("cifar100", {"label_mode": "Fine"}, "`label_mode` is 'fine' or 'coarse'; got 'Fine'"),
        ("reuters", {"test_split": 2}, "`test_split` is a share from 0 to 1; got 2"),
        ("mnist", {"path": "folder/mnist.npz"}, "name without folders; got 'folder/mnist.npz'"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_fetched(cache, module, options, message):
    with pytest.raises(ValueError, match=message):
        getattr(datasets, module).load_data(**options)


def test_a_maxlen_that_keeps_no_text_is_refused(cache):
    cache.put_npz("reuters.npz", x=texts(5), y=np.arange(5))
    with pytest.raises(ValueError, match="No text is shorter than maxlen=1"):
        datasets.reuters.load_data(maxlen=1)
    long, short, labels = ragged([[1] * 20, [1] * 21]), ragged([[1], [2, 3]]), np.arange(2)
    cache.put_npz("imdb.npz", x_train=long, y_train=labels, x_test=short, y_test=labels)
    with pytest.raises(ValueError, match="No review is shorter than maxlen=10"):
        datasets.imdb.load_data(maxlen=10)
