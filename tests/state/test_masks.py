"""Masks lie beside arrays; Keras's name for them shows what lies there."""

from __future__ import annotations

import gc

import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium.state.masks import _masks, get_mask, set_mask

IDS = np.array([[1, 2, 0]])


def test_what_a_layer_gives_shows_its_mask():
    layer = tv.layers.Embedding(3, 2, mask_zero=True)
    y = layer(IDS)
    assert y._keras_mask.tolist() == get_mask(y).tolist() == [[True, True, False]]
    assert getattr(tv.layers.Embedding(3, 2)(IDS), "_keras_mask", None) is None
    x = tv.Input((3,), dtype="int32")
    symbol = layer(x)
    assert symbol._keras_mask is symbol.mask is not None and x._keras_mask is None


def test_what_a_layer_gives_shows_where_it_comes_from():
    layer = tv.layers.Dense(2)
    x, y = tv.Input((3,)), tv.Input((3,))
    histories = [tuple(t._keras_history) for t in (layer(x), layer(y), x)]
    assert histories == [(layer, 0, 0), (layer, 1, 0), (x.node.operation, 0, 0)]
    assert (x + 1)._keras_history.operation is tv.ops.add
    with pytest.raises(AttributeError):
        x._keras_history = None


def test_the_shown_mask_is_not_what_holds():
    y = tv.layers.Embedding(3, 2, mask_zero=True)(IDS)
    y._keras_mask = jnp.zeros((1, 3), bool)
    assert tv.layers.GlobalAveragePooling1D()(y).any()
    with pytest.raises(AttributeError):
        tv.Input((3,))._keras_mask = None


def test_a_mask_can_be_taken_away():
    x = jnp.ones((1, 2))
    set_mask(x, jnp.array([[True, False]]))
    set_mask(x, None)
    assert get_mask(x) is None and x._keras_mask is None


def test_a_mask_goes_with_its_array():
    before = len(_masks)
    x = jnp.ones((1, 2))
    set_mask(x, jnp.array([[True, False]]))
    assert len(_masks) == before + 1
    del x
    gc.collect()
    assert len(_masks) == before


def test_arrays_without_attributes_have_masks_too():
    x = np.ones((1, 2))
    set_mask(x, np.array([[True, False]]))
    assert get_mask(x).tolist() == [[True, False]]
