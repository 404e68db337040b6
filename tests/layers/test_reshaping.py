"""Other shapes of the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

import trivium as tv
from trivium import layers as L

X = np.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)


@pytest.mark.parametrize(
    ("layer", "wanted"),
    [
        (L.Flatten(), X.reshape(2, -1)),
        (L.Flatten("channels_first"), np.moveaxis(X, 1, -1).reshape(2, -1)),
        (L.Reshape((20, 3)), X.reshape(2, 20, 3)),
        (L.Reshape((-1, 6)), X.reshape(2, -1, 6)),
        (L.Reshape((None, 6)), X.reshape(2, -1, 6)),
        (L.Permute((3, 1, 2)), X.transpose(0, 3, 1, 2)),
    ],
)
def test_the_order_of_the_numbers(layer, wanted):
    assert np.array_equal(layer(X), wanted)
    assert layer(X[:0]).shape == (0, *wanted.shape[1:])


def test_rows_repeated():
    assert np.array_equal(L.RepeatVector(3)(X[:, 0, 0]), np.repeat(X[:, :1, 0], 3, 1))


def test_single_numbers():
    assert L.Flatten()(np.ones(3)).shape == (3, 1)
    assert L.Reshape(())(np.ones((3, 1))).shape == (3,)


@pytest.mark.parametrize(
    ("target", "shape", "wanted"),
    [
        ((-1, 4), (None, 6), (None, None, 4)),
        ((-1, 4), (2, 6), (None, 3, 4)),
        ((3, 4), (None,), (None, 3, 4)),
    ],
)
def test_reshape_of_unknown_sizes(target, shape, wanted):
    model = tv.Sequential([tv.Input(shape), L.Reshape(target)])
    assert model.output_shape == wanted
    full = tuple(n or 12 for n in shape)
    assert np.array_equal(
        model(np.arange(2.0 * np.prod(full)).reshape(2, *full)),
        np.arange(2.0 * np.prod(full)).reshape(2, *target),
    )


def test_flatten_of_unknown_sizes():
    model = tv.Sequential([tv.Input((None, 3)), L.Flatten()])
    assert model.output_shape == (None, None)
    assert model(np.ones((2, 5, 3))).shape == (2, 15)
