"""`Embedding`: lookups, masks, first values."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import trivium as tv
from trivium import layers as L
from trivium.state.masks import get_mask

IDS = np.array([[1, 2, 0], [3, 0, 0]])


def test_rows_are_looked_up():
    layer = L.Embedding(4, 2)
    for dtype in ("int32", "uint8", "int64", "float32"):
        y = layer(IDS.astype(dtype))
        assert np.array_equal(y, layer.get_weights()[0][IDS])


def test_a_number_beyond_the_table_gives_what_keras_gives():
    layer, theirs = L.Embedding(4, 2), keras.layers.Embedding(4, 2)
    ids = np.array([[1, 4, 100, -1, -9]])
    theirs.build()
    layer.build()
    layer.set_weights([np.asarray(w.value) for w in theirs.weights])
    np.testing.assert_array_equal(layer(ids), theirs(ids))


def test_padding_is_masked_all_the_way():
    embedding = L.Embedding(4, 2, mask_zero=True)
    assert np.array_equal(get_mask(embedding(IDS)), IDS > 0)
    inputs = tv.Input((3,), dtype="int32")
    model = tv.Model(inputs, L.GlobalAveragePooling1D()(embedding(inputs)))
    table = embedding.get_weights()[0]
    np.testing.assert_allclose(model(IDS), [table[[1, 2]].mean(0), table[3]], rtol=1e-6)
    assert get_mask(L.Embedding(4, 2)(IDS)) is None


def test_first_values():
    table = np.arange(8.0).reshape(4, 2)
    for weights in (table, [table]):
        layer = L.Embedding(4, 2, weights=weights, trainable=False)
        assert np.array_equal(layer(IDS), table[IDS])
        assert layer.trainable_weights == []


def test_the_old_argument_of_keras_2():
    with pytest.warns(UserWarning, match="`input_length` has no use any more"):
        layer = L.Embedding(4, 2, input_length=3)
    assert "input_length" not in layer.get_config()


def test_large_numbers_are_not_rounded_in_half_precision():
    layer = L.Embedding(5000, 1, dtype="mixed_float16", embeddings_initializer="zeros")
    layer.build()
    layer.set_weights([np.arange(5000)[:, None] % 7])
    for dtype in ("int32", "float32"):
        assert layer(np.array([[4095, 4097]], dtype)).ravel().tolist() == [0, 2]


def test_it_learns_only_the_rows_it_sees():
    embedding = L.Embedding(4, 2)
    model = tv.Sequential([tv.Input((3,), dtype="int32"), embedding, L.Flatten(), L.Dense(1)])
    model.compile(optimizer=tv.optimizers.SGD(0.1), loss="mse")
    before = embedding.get_weights()[0]
    model.fit(np.array([[0, 1, 3]] * 4), np.ones((4, 1)), verbose=0)
    changed = (embedding.get_weights()[0] != before).any(1)
    assert changed.tolist() == [True, True, False, True]
