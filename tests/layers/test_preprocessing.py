"""`Normalization` and `Rescaling`: what `adapt` finds, in whatever pieces the data comes."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import both, recorded

import trivium as tv
from trivium import layers as L

DATA = np.random.default_rng(0).normal(5.0, 3.0, size=(12, 3, 2)).astype("float32")


class Batches(tv.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return DATA[4 * index : 4 * index + 4], np.zeros(4)


@pytest.mark.parametrize("axis", [-1, 1, None, (1, 2), (0, 2)])
@pytest.mark.parametrize("kind", [np.asarray, jnp.asarray, lambda x: x.astype("int64")])
def test_adapt_finds_what_keras_finds(axis, kind):
    def adapted(library):
        layer = library.layers.Normalization(axis)
        layer.adapt(kind(DATA))
        weights = [np.asarray(w) for w in layer.get_weights()]
        return weights, layer(DATA), layer.mean, layer.variance

    (weights, output, *statistics), theirs = both(adapted)
    for a, b in zip(weights, theirs[0], strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-5)
    np.testing.assert_allclose(output, theirs[1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(statistics, theirs[2:], rtol=1e-5)


@pytest.mark.parametrize(
    "data",
    [
        DATA.tolist(),
        [DATA[:5], DATA[5:]],
        (x for x in (DATA[:1], DATA[1:7], DATA[7:])),
        [(DATA[:5], np.zeros(5)), (DATA[5:], np.zeros(7))],
        Batches(),
        [jnp.asarray(DATA)],
        [DATA[:0], DATA],
        tv.data.Dataset.from_tensor_slices((DATA, np.zeros(12))).batch(5),
        tv.data.Dataset.from_tensor_slices(DATA),
    ],
    ids=[
        "numbers",
        "list",
        "generator",
        "pairs",
        "PyDataset",
        "jax",
        "empty batch",
        "Dataset",
        "rows",
    ],
)
def test_batches_are_the_whole(data):
    layer, whole = L.Normalization(), L.Normalization()
    layer.adapt(data)
    whole.adapt(DATA)
    for a, b in zip(layer.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


@hypothesis.settings(deadline=None, max_examples=25)
@hypothesis.given(st.lists(st.integers(0, 12), max_size=5), st.sampled_from([-1, None, (1, 2)]))
def test_however_the_data_is_cut(cuts, axis):
    layer, whole = L.Normalization(axis), L.Normalization(axis)
    layer.adapt(np.split(DATA, sorted(cuts)))
    whole.adapt(DATA)
    for a, b in zip(layer.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_batches_may_come_one_by_one_and_be_as_many_as_one_says():
    layer, whole = L.Normalization(), L.Normalization()
    layer.update_state(DATA)
    layer.reset_state()
    for batch in np.split(DATA, 4):
        layer.update_state(batch)
    assert not layer.built
    layer.finalize_state()
    layer.finalize_state()  # There is nothing more.
    whole.adapt(iter([*np.split(DATA, 4), 100 * DATA]), steps=4)
    for a, b in zip(layer.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_small_variance_around_a_large_mean():
    x = (1e4 + np.random.default_rng(1).normal(size=(1000, 1))).astype("float32")
    layer = L.Normalization()
    layer.adapt(np.split(x, 10))
    np.testing.assert_allclose(layer.adapt_variance, np.var(x, 0, dtype="float64"), rtol=1e-5)


def test_adapting_again_forgets_what_was_before():
    layer, fresh = L.Normalization(), L.Normalization()
    layer.adapt(1000 * DATA)
    layer.adapt(DATA)
    fresh.adapt(DATA)
    assert all(map(np.array_equal, layer.get_weights(), fresh.get_weights()))


def test_normalized_data_is_normal_and_can_be_brought_back():
    layer, back = L.Normalization(), L.Normalization(invert=True)
    layer.adapt(DATA)
    back.adapt(DATA)
    y = np.asarray(layer(DATA))
    np.testing.assert_allclose(y.mean((0, 1)), 0, atol=1e-5)
    np.testing.assert_allclose(y.std((0, 1)), 1, rtol=1e-5)
    np.testing.assert_allclose(back(y), DATA, rtol=1e-5, atol=1e-5)


def test_a_constant_feature_gives_zeros():
    layer = L.Normalization()
    layer.adapt(np.full((4, 2), 7.0))
    assert not layer(np.full((4, 2), 7.0)).any()


def test_a_model_that_has_predicted_sees_what_adapt_finds_later():
    model = tv.Sequential([tv.Input((3, 2)), L.Normalization()])
    np.testing.assert_allclose(model.predict(DATA, verbose=0), DATA)
    model.layers[0].adapt(DATA)
    wanted = (DATA - DATA.mean((0, 1))) / DATA.std((0, 1))
    np.testing.assert_allclose(model.predict(DATA, verbose=0), wanted, rtol=1e-4, atol=1e-5)


def test_training_leaves_the_statistics_alone():
    layer = L.Normalization()
    layer.adapt(DATA)
    before = layer.get_weights()
    model = tv.Sequential([tv.Input((3, 2)), layer, L.Flatten(), L.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    model.fit(DATA, np.ones((12, 1)), verbose=0)
    assert all(map(np.array_equal, layer.get_weights(), before))


@pytest.mark.parametrize(
    ("layer", "data", "words"),
    [
        (L.Normalization(), [], "was given no data"),
        (L.Normalization(), np.ones((0, 3)), "was given no numbers"),
        (L.Normalization(), {"a": DATA}, "got dict"),
        (L.Normalization(), 5, "got int"),
        (L.Normalization(), "data.csv", "got str"),
        (L.Normalization(), [{1.0}, {2.0}], "Make one array of the data"),
        (
            L.Normalization(),
            [DATA, np.full((1, 3, 2), np.nan)],
            "6 numbers that are NaN or infinite, of 6",
        ),
        (L.Normalization(), np.array([["a"]]), "arrays of numbers; got one of dtype StringDType"),
        (L.Normalization(), [DATA, DATA[:, :, :1]], "was given data of shape (12, 3, 1)"),
        (L.Normalization(), [DATA, DATA[0]], "was given data of shape (3, 2)"),
        (L.Normalization(axis=5), DATA, "does not have"),
        (L.Normalization(mean=1, variance=1), DATA, "there is nothing to adapt"),
    ],
)
def test_data_that_does_not_fit_changes_nothing(layer, data, words):
    with pytest.raises((ValueError, TypeError)) as caught:
        layer.adapt(data)
    assert words in str(caught.value)
    assert not layer.built

    built = L.Normalization(layer.axis, layer.input_mean, layer.input_variance)
    if words != "does not have":
        built.build((None, 3, 2))
        before = built.get_weights()
        with pytest.raises((ValueError, TypeError)):
            built.adapt(data)
        assert all(map(np.array_equal, built.get_weights(), before))


def test_given_arrays_are_written_to_configs_as_lists():
    layer = L.Normalization(mean=np.array([1.0, 2.0]), variance=jnp.array([4.0, 1.0]))
    assert layer.get_config()["mean"] == [1.0, 2.0] and layer.get_config()["variance"] == [4.0, 1.0]

    def rescaling(keras):
        layer = keras.layers.Rescaling(np.array([1.0, 2.0]), offset=np.float32(3))
        return layer.get_config(), layer(DATA)

    config, output = recorded(rescaling)
    ours = L.Rescaling.from_config(config)
    assert ours.scale == [1.0, 2.0] and ours.offset == 3.0
    np.testing.assert_allclose(ours(DATA), output)


@pytest.mark.parametrize(("dtype", "wanted"), [(None, "float32"), ("mixed_float16", "float16")])
def test_pictures_become_floats(dtype, wanted):
    x = np.arange(256, dtype="uint8").reshape(1, 16, 16, 1)
    y = L.Rescaling(1 / 255, dtype=dtype)(x)
    assert y.dtype == wanted
    assert L.Rescaling(1 / 255, dtype=dtype)(tv.Input((16, 16, 1), dtype="uint8")).dtype == wanted
    assert L.Normalization(None, 0.0, 1.0, dtype=dtype)(x).dtype == wanted
    np.testing.assert_allclose(np.asarray(y, "float32"), x / 255, atol=1e-3)
