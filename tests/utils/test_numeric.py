from __future__ import annotations

import inspect

import numpy as np
import pytest
from oracle import both

from trivium import utils


@pytest.mark.parametrize(
    "labels",
    [
        [0, 2, 1],
        [[1], [2]],
        [[[1], [0]]],
        [[0, 1], [2, 3]],
        3,
        [True, False],
        np.array([1, 0], "uint8"),
        np.array([1.0, 0.0], "float32"),
    ],
)
@pytest.mark.parametrize("num_classes", [None, 5])
def test_to_categorical_is_the_real_keras_s(labels, num_classes):
    ours, theirs = both(lambda lib: lib.utils.to_categorical(labels, num_classes))
    np.testing.assert_array_equal(ours, theirs, strict=True)


def test_to_categorical_without_labels():
    assert utils.to_categorical([], num_classes=3).shape == (0, 3)
    with pytest.raises(ValueError, match="no label to count the classes from"):
        utils.to_categorical([])


@pytest.mark.parametrize(
    ("labels", "num_classes", "message"),
    [
        (
            [0, -1, -2],
            None,
            r"2 of the 3 labels .* a class from 0 to 0; the first is -1, at position 1",
        ),
        ([0, 3, 1], 3, r"1 of the 3 labels .* a class from 0 to 2; the first is 3, at position 1"),
        ([[1], [9]], 9, r"a class from 0 to 8; the first is 9, at position 1"),
        ([0.0, 0.5], None, r"a whole number; the first is 0.5, at position 1"),
        ([np.nan], None, r"a whole number; the first is nan, at position 0"),
        (["cat"], None, r"`x` holds class numbers; got an array of dtype <U3"),
    ],
)
def test_to_categorical_says_which_label_it_refuses(labels, num_classes, message):
    with pytest.raises(ValueError, match=message):
        utils.to_categorical(labels, num_classes)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
@pytest.mark.parametrize(("axis", "order"), [(-1, 2), (1, 1), (2, np.inf), (-2, 3)])
def test_normalize_is_the_real_keras_s(dtype, axis, order):
    x = np.random.default_rng(0).integers(-9, 9, (3, 4, 5)).astype(dtype)
    x[0] = 0
    ours, theirs = both(lambda lib: lib.utils.normalize(x, axis, order))
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_normalize_along_the_first_axis():
    # The real Keras takes axis 0 for the last one.
    x = np.array([[3.0, 0.0], [4.0, 5.0], [0.0, 12.0]])
    np.testing.assert_allclose(utils.normalize(x, axis=0), x / [5.0, 13.0], rtol=1e-12)


def test_normalize_leaves_its_argument_alone():
    x = np.array([[3.0, 4.0]])
    utils.normalize(x)
    assert x.tolist() == [[3.0, 4.0]]
    np.testing.assert_allclose(utils.normalize([[3, 4]]), [[0.6, 0.8]])


@pytest.mark.parametrize("name", ["to_categorical", "normalize", "get_file", "set_random_seed"])
def test_signatures_are_those_of_the_real_keras(name):
    def arguments(lib):
        parameters = inspect.signature(getattr(lib.utils, name)).parameters.values()
        return [(p.name, p.default) for p in parameters]

    ours, theirs = both(arguments)
    assert ours == theirs


@pytest.mark.parametrize("maxlen", [None, 2, 5])
@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncating", ["pre", "post"])
@pytest.mark.parametrize(
    ("rows", "dtype", "value"),
    [
        ([[1], [2, 3, 4], []], "int32", 0),
        ([[1.5, 2.5], [3.0]], "float32", -1.0),
        ([[[1, 2]], [[3, 4], [5, 6], [7, 8]]], "int64", 9),
    ],
)
def test_pad_sequences_is_the_real_keras_s(rows, dtype, value, maxlen, padding, truncating):
    arguments = {"dtype": dtype, "padding": padding, "truncating": truncating, "value": value}
    ours, theirs = both(lambda lib: lib.utils.pad_sequences(rows, maxlen, **arguments))
    np.testing.assert_array_equal(ours, theirs, strict=True)


@pytest.mark.parametrize("truncating", ["pre", "post"])
def test_pad_sequences_to_nothing(truncating):
    assert utils.pad_sequences([[[1, 2]], [[3, 4]]], 0, truncating=truncating).shape == (2, 0, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sequences": [[1]], "padding": "left"}, "`padding` is 'pre' or 'post'; got 'left'"),
        ({"sequences": [[1]], "truncating": 0}, "`truncating` is 'pre' or 'post'; got 0"),
        ({"sequences": [[1], 2]}, "element 1 is no sequence but 2"),
        ({"sequences": [[[1]], [[1, 2]]]}, r"sequence 1 have the shape \(2,\).* \(1,\)"),
    ],
)
def test_pad_sequences_says_what_it_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        utils.pad_sequences(**arguments)
