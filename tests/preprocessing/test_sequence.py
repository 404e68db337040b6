"""Sequences: brought to one length, and what older programs make of them."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from oracle import both, recorded

import trivium as tv
from trivium import utils
from trivium.preprocessing import sequence

LISTS = [[1], [2, 3, 4], [], [5, 6]]
VECTORS = [[[1.5, 2.0]], [[3.0, 4.0], [5.0, 6.0]]]
WORDS = [["a"], ["b", "cc"]]


def plain(x):
    return x.tolist() if x.dtype == object else x


@pytest.mark.parametrize(
    ("rows", "kwargs"),
    [
        (LISTS, {}),
        (LISTS, {"maxlen": 2}),
        (LISTS, {"maxlen": 2, "truncating": "post", "padding": "post"}),
        (LISTS, {"maxlen": 5, "padding": "post", "value": -1, "dtype": "int64"}),
        (LISTS, {"value": 0.5, "dtype": "float32"}),
        (VECTORS, {"dtype": "float32", "maxlen": 3}),
        (WORDS, {"dtype": object, "value": "pad"}),
        ([np.arange(3), (7,)], {"dtype": "uint8"}),
    ],
)
def test_pad_sequences_is_the_real_keras_s(rows, kwargs):
    ours, theirs = both(lambda lib: plain(lib.utils.pad_sequences(rows, **kwargs)))
    if kwargs.get("dtype") is object:
        assert ours == theirs
    else:
        np.testing.assert_array_equal(ours, theirs, strict=True)


def test_pad_sequences_to_no_length_keeps_nothing():
    # The real Keras keeps all there, as `s[-0:]` does.
    assert sequence.pad_sequences(LISTS, maxlen=0).shape == (4, 0)
    assert sequence.pad_sequences([]).shape == (0, 0)
    assert utils.pad_sequences is sequence.pad_sequences


@pytest.mark.parametrize(
    ("rows", "kwargs", "message"),
    [
        (LISTS, {"padding": "before"}, "`padding` is 'pre' or 'post'; got 'before'"),
        (LISTS, {"truncating": "end"}, "`truncating` is 'pre' or 'post'; got 'end'"),
        ([1, 2], {}, "element 0 is no sequence but 1"),
        ([[1], [[2, 3]]], {}, r"steps of sequence 1 have the shape \(2,\)"),
        (LISTS, {"value": "x"}, "`value` is text"),
    ],
)
def test_pad_sequences_errors(rows, kwargs, message):
    with pytest.raises(ValueError, match=message):
        sequence.pad_sequences(rows, **kwargs)


def test_the_sampling_table_is_the_real_keras_s():
    theirs = recorded(
        lambda keras: keras.src.legacy.preprocessing.sequence.make_sampling_table(50, 1e-4)
    )
    np.testing.assert_allclose(sequence.make_sampling_table(50, 1e-4), theirs, rtol=1e-12)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"seed": 1},  # Without a seed Keras's fails on newer versions of Python.
        {"seed": 3, "window_size": 1},
        {"seed": 2, "categorical": True, "negative_samples": 2.5},
        {"sampling_table": [0.5] * 9, "shuffle": False},
    ],
)
def test_skipgrams_are_the_real_keras_s(kwargs):
    words = [1, 5, 0, 3, 8, 2, 7, 4]

    def pairs(module):
        random.seed(11)
        return module.skipgrams(words, 9, **kwargs)

    theirs = recorded(lambda keras: pairs(keras.src.legacy.preprocessing.sequence))
    couples, labels = pairs(sequence)
    assert np.array_equal(couples, theirs[0])
    assert np.array_equal(labels, theirs[1])


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"sampling_rate": 2, "stride": 3, "reverse": True},
        {"start_index": 5, "end_index": 15, "batch_size": 3},
        {"shuffle": True, "batch_size": 4},
    ],
)
def test_windows_are_the_real_keras_s(kwargs):
    data = np.arange(60.0).reshape(20, 3)

    def batches(module):
        np.random.seed(5)
        windows = module.TimeseriesGenerator(data, data[:, 0] * 10, length=4, **kwargs)
        return [windows[i] for i in range(len(windows))]

    theirs = recorded(lambda keras: batches(keras.src.legacy.preprocessing.sequence))
    ours = batches(sequence)
    assert len(ours) == len(theirs)
    for mine, its in zip(ours, theirs, strict=True):
        for a, b in zip(mine, its, strict=True):
            np.testing.assert_array_equal(a, b, strict=True)


def test_a_model_is_trained_on_windows():
    data = np.arange(24.0)[:, None]
    windows = sequence.TimeseriesGenerator(data, data[:, 0], length=3, batch_size=8)
    model = tv.Sequential([tv.Input((3, 1)), tv.layers.Flatten(), tv.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert model.fit(windows, verbose=0).history["loss"][0] > 0
    assert json.loads(windows.to_json())["config"]["length"] == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.arange(5), np.arange(4), 2), "`data` has 5 steps and `targets` 4"),
        ((np.arange(5), np.arange(5), 5), "no window fits: the first target is the step 5"),
    ],
)
def test_window_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        sequence.TimeseriesGenerator(*arguments)
