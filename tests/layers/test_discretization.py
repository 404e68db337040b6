"""`Discretization`: its bins against Keras's, and what `adapt` finds, in whatever pieces the data comes."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from oracle import both, recorded

import trivium as tv
from trivium import layers as L
from trivium.layers.preprocessing.quantiles import Quantiles

DATA = np.random.default_rng(0).normal(5.0, 3.0, size=(30, 3)).astype("float32")


class Batches(tv.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return DATA[10 * index : 10 * index + 10], np.zeros(10)


def adapt(layer, data):
    """Adapt a layer of either library; Keras's `adapt` is these calls, once it has asked TensorFlow what data is."""
    if isinstance(layer, tv.layers.Layer):
        layer.adapt(data)
    else:
        layer.update_state(data)
        layer.finalize_state()


def boundaries(data, num_bins=4, **kwargs):
    layer = L.Discretization(num_bins=num_bins, **kwargs)
    layer.adapt(data)
    return layer.bin_boundaries


@pytest.mark.parametrize("num_bins", [1, 2, 4, 7, 40])
@pytest.mark.parametrize("count", [3, 30])
def test_adapt_finds_what_keras_finds(num_bins, count):
    """Keras is exact for fewer numbers than `1 / epsilon`."""

    def adapted(library):
        layer = library.layers.Discretization(num_bins=num_bins)
        adapt(layer, DATA[:count])
        return layer.bin_boundaries, layer(DATA), np.shape(layer.get_config()["bin_boundaries"])

    ours, theirs = both(adapted)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6)
    np.testing.assert_array_equal(ours[1], theirs[1])
    assert ours[2] == theirs[2]


def test_of_many_numbers_both_are_near_the_quantiles():
    x = np.random.default_rng(1).gamma(2.0, size=(5000, 1)).astype("float32")

    def adapted(keras):
        layer = keras.layers.Discretization(num_bins=10)
        adapt(layer, x)
        return layer.bin_boundaries

    wanted = np.arange(1, 10) / 10
    for found, error in ((recorded(adapted), 0.01), (boundaries(x, 10), 1 / 5000)):
        assert np.abs(np.mean(x <= np.array(found), 0) - wanted).max() <= error


@pytest.mark.parametrize(
    "data",
    [
        [DATA[:5], DATA[5:]],
        (x for x in (DATA[:1], DATA[1:7], DATA[7:])),
        [(DATA[:5], np.zeros(5)), (DATA[5:], np.zeros(25))],
        Batches(),
        [jnp.asarray(DATA)],
        [DATA[:0], DATA],
        pd.DataFrame(DATA),
        tv.data.Dataset.from_tensor_slices(DATA).batch(7),
        tv.data.Dataset.from_tensor_slices(DATA),
    ],
    ids=[
        "list",
        "generator",
        "pairs",
        "PyDataset",
        "jax",
        "empty batch",
        "pandas",
        "Dataset",
        "rows",
    ],
)
def test_batches_are_the_whole(data):
    assert boundaries(data) == boundaries(DATA)


def quantiles(pieces, num_bins=8, size=64):
    seen = Quantiles(0.01)
    seen.size = size  # Small blocks, so that many are merged.
    for piece in pieces:
        seen.add(piece)
    return seen.boundaries(num_bins)


@hypothesis.settings(deadline=None, max_examples=25)
@hypothesis.given(st.lists(st.integers(0, 3000), max_size=9), st.integers(0, 9))
def test_however_the_numbers_are_cut(cuts, seed):
    x = np.random.default_rng(seed).normal(size=3000).astype("float32")
    np.testing.assert_array_equal(quantiles(np.split(x, sorted(cuts))), quantiles([x]))


@pytest.mark.parametrize("size", [64, 1000])
@pytest.mark.parametrize("order", [np.sort, lambda x: np.sort(x)[::-1], np.asarray, np.round])
def test_ranks_are_within_the_error_that_is_promised(size, order):
    n = 200_000
    x = order(np.random.default_rng(3).normal(size=n).astype("float32"))
    found, allowed = quantiles([x], 10, size), (np.log2(n / size) / 2 + 1) / size
    below, upto = (np.mean(compare(x[:, None], found), 0) for compare in (np.less, np.less_equal))
    wanted = np.arange(1, 10) / 10
    assert (below - allowed <= wanted).all() and (wanted <= upto + allowed).all()


def test_few_enough_numbers_are_told_exactly():
    x = np.random.default_rng(4).normal(size=60_000).astype("float32")
    wanted = np.quantile(x, np.arange(1, 5) / 5, method="interpolated_inverted_cdf")
    np.testing.assert_allclose(boundaries(x, 5), wanted, rtol=1e-6)


def test_steps_are_the_batches_to_read():
    def endless():
        while True:
            yield DATA

    layer = L.Discretization(num_bins=4)
    layer.adapt(endless(), steps=3)
    assert layer.bin_boundaries == boundaries(np.tile(DATA, (3, 1)))


def test_a_model_that_has_predicted_sees_what_adapt_finds_later():
    layer = L.Discretization(num_bins=3, output_mode="one_hot")
    model = tv.Sequential([tv.Input((1,)), layer])
    assert model.output_shape == (None, 3)
    x = np.arange(6.0)[:, None]
    with pytest.raises(ValueError, match=r"(?s)discretization.*has no boundaries yet: call `adapt"):
        model.predict(x, verbose=0)
    for data in (np.arange(6.0), 10 + np.arange(6.0), np.array([3.0, 3.0])):
        layer.adapt(data)
        wanted = np.eye(3)[np.digitize(x[:, 0], layer.bin_boundaries)]
        np.testing.assert_array_equal(model.predict(x, verbose=0), wanted)


def test_files_have_the_boundaries(tmp_path):
    model = tv.Sequential([tv.Input((3,)), L.Discretization(num_bins=5), L.Dense(1)])
    model.layers[0].adapt(DATA)
    assert len(model.get_weights()) == 2
    wanted = model.predict(DATA, verbose=0)
    model.save(tmp_path / "m.keras")
    model.save_weights(tmp_path / "m.weights.h5")
    loaded = tv.saving.load_model(tmp_path / "m.keras")
    clone = tv.models.clone_model(model)
    clone.set_weights(model.get_weights())
    fresh = tv.Sequential([tv.Input((3,)), L.Discretization(num_bins=5), L.Dense(1)])
    fresh.load_weights(tmp_path / "m.weights.h5")
    for other in (loaded, clone, fresh):
        np.testing.assert_array_equal(other.predict(DATA, verbose=0), wanted)


def test_in_a_pipeline_of_data_as_alone():
    layer = L.Discretization(num_bins=4, output_mode="count")
    layer.adapt(DATA)
    rows = tv.data.Dataset.from_tensor_slices(DATA)
    for dataset in (rows.map(layer).batch(30), rows.batch(30).map(layer)):
        np.testing.assert_array_equal(next(iter(dataset)), layer(DATA))


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({}, "got neither"),
        ({"num_bins": 2, "bin_boundaries": [1.0, 2.0]}, "2 bins have 1 boundaries; got 2"),
        ({"num_bins": 0}, "whole number above zero"),
        ({"num_bins": 3, "epsilon": 0}, "between 0 and 1"),
        ({"bin_boundaries": [2.0, 1.0]}, "in order"),
        ({"bin_boundaries": [1.0, np.nan]}, "in order"),
        ({"bin_boundaries": ["a"]}, "list of numbers"),
        ({"bin_boundaries": [1.0], "output_mode": "multihot"}, "Did you mean 'multi_hot'"),
        ({"bin_boundaries": [1.0], "output_mode": "one_hot", "sparse": True}, "dense"),
    ],
)
def test_settings_that_are_none(kwargs, words):
    with pytest.raises((ValueError, TypeError), match=words):
        L.Discretization(**kwargs)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "given no data"),
        (DATA[:0], "given no numbers"),
        (np.array([["a"]]), "arrays of numbers"),
        ([DATA, np.array([1.0, np.nan, np.inf])], "2 numbers that are NaN or infinite, of 3"),
    ],
)
def test_data_that_does_not_fit_changes_nothing(data, words):
    layer = L.Discretization(num_bins=4)
    layer.adapt(DATA)
    before = layer.bin_boundaries
    with pytest.raises((ValueError, TypeError), match=words):
        layer.adapt(data)
    assert layer.bin_boundaries == before
    with pytest.raises(ValueError, match="nothing to adapt"):
        L.Discretization([1.0]).adapt(DATA)
