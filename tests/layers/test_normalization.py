"""What normalizing layers keep and leave out: moving averages, masks, freezing, zeros."""

from __future__ import annotations

import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from oracle import recorded

import trivium as tv
from trivium import layers as L

RNG = np.random.default_rng(0)
BATCHES = RNG.normal(3.0, 2.0, size=(4, 6, 5)).astype("float32")


def averages(layer):
    return np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)


def test_moving_averages_follow_the_batches():
    layer = L.BatchNormalization(momentum=0.8)
    mean, variance = np.zeros(5), np.ones(5)
    for batch in BATCHES:
        layer(batch, training=True)
        mean = 0.8 * mean + 0.2 * batch.mean(0)
        variance = 0.8 * variance + 0.2 * batch.var(0)
    np.testing.assert_allclose(averages(layer), (mean, variance), rtol=1e-5)
    y = layer(BATCHES[0])
    np.testing.assert_allclose(
        y, (BATCHES[0] - mean) / np.sqrt(variance + 1e-3), rtol=1e-4, atol=1e-5
    )


def test_inference_changes_nothing():
    layer = L.BatchNormalization()
    layer(BATCHES[0])
    assert np.array_equal(averages(layer), (np.zeros(5), np.ones(5)))


def test_a_frozen_layer_uses_and_keeps_its_averages():
    layer = L.BatchNormalization(momentum=0.5)
    trained = layer(BATCHES[0], training=True)
    layer.trainable = False
    before = averages(layer)
    frozen = layer(BATCHES[0], training=True)
    assert np.array_equal(frozen, layer(BATCHES[0], training=False))
    assert not np.allclose(frozen, trained)
    assert np.array_equal(averages(layer), before)
    assert layer.trainable_weights == [] and len(layer.non_trainable_weights) == 4
    layer.trainable = True
    np.testing.assert_allclose(layer(BATCHES[0], training=True), trained, rtol=1e-5)
    assert not np.allclose(averages(layer), before)


def test_masked_steps_are_left_out_of_the_statistics():
    x = RNG.normal(size=(3, 4, 5)).astype("float32")
    mask = np.arange(12).reshape(3, 4) % 3 > 0
    layer = L.BatchNormalization(momentum=0.0)
    y = np.asarray(layer(x, training=True, mask=mask))
    np.testing.assert_allclose(averages(layer), (x[mask].mean(0), x[mask].var(0)), rtol=1e-4)
    np.testing.assert_allclose(y[mask].mean(0), 0, atol=1e-5)
    with pytest.raises(ValueError, match="a mask with one dimension less than its input"):
        layer(x, training=True, mask=mask[0])


def test_the_mask_of_the_input_is_heard():
    x = np.where(np.arange(8).reshape(1, 8, 1) < 5, RNG.normal(size=(1, 8, 3)), 0).astype("float32")
    batch = L.BatchNormalization(momentum=0.0)
    tv.Sequential([tv.Input((8, 3)), L.Masking(), batch])(x, training=True)
    np.testing.assert_allclose(averages(batch)[0], x[0, :5].mean(0), rtol=1e-4)


def test_half_precision_sums_do_not_overflow():
    x = np.full((400, 3), 300.0, "float16")
    x[::2] = 310
    layer = L.BatchNormalization(momentum=0.0, dtype="mixed_float16")
    y = layer(x, training=True)
    assert y.dtype == "float16" and np.isfinite(y).all()
    np.testing.assert_allclose(averages(layer), ([305] * 3, [25] * 3), rtol=1e-3)
    for other in (L.LayerNormalization, L.RMSNormalization, L.UnitNormalization):
        wide = other(dtype="mixed_float16")(np.full((2, 4000), 300.0, "float16"))
        assert np.isfinite(wide).all(), other
    grouped = L.GroupNormalization(1, dtype="mixed_float16")(np.full((2, 4000), 300.0, "float16"))
    assert np.isfinite(grouped).all()


def test_any_axis_is_the_last_one_moved():
    x = RNG.normal(size=(3, 4, 5)).astype("float32")
    first, last = L.BatchNormalization(axis=1), L.BatchNormalization(axis=-1)
    y = np.moveaxis(np.asarray(last(np.moveaxis(x, 1, -1), training=True)), -1, 1)
    np.testing.assert_allclose(first(x, training=True), y, rtol=1e-5, atol=1e-6)
    assert first.moving_mean.shape == (4,)


def test_the_averages_move_in_training_and_the_model_uses_them():
    model = tv.Sequential([tv.Input((5,)), L.BatchNormalization(momentum=0.5), L.Dense(1)])
    model.compile(optimizer=tv.optimizers.SGD(0.0), loss="mse")
    x = BATCHES.reshape(-1, 5)
    model.fit(x, np.zeros((24, 1)), batch_size=6, epochs=8, shuffle=False, verbose=0)
    layer = model.layers[0]
    weights = 0.5 * 0.5 ** np.arange(32)[::-1]
    wanted = (weights[:, None] * np.tile(BATCHES.mean(1), (8, 1))).sum(0)
    np.testing.assert_allclose(layer.moving_mean, wanted, rtol=1e-4)


FLOATS = hnp.arrays("float32", (2, 6), elements=st.floats(-8, 8, width=32))


@hypothesis.settings(deadline=None, max_examples=20)
@hypothesis.given(FLOATS, st.floats(0.5, 4), st.floats(-5, 5))
def test_layer_normalization_does_not_see_scale_and_shift(x, scale, shift):
    x = x + np.arange(6, dtype="float32")  # So that the variance is not all epsilon.
    hypothesis.assume((x.std(-1) > 0.5).all())
    layer = L.LayerNormalization(epsilon=1e-7)
    np.testing.assert_allclose(layer(x * scale + shift), layer(x), atol=1e-3)


@hypothesis.settings(deadline=None, max_examples=20)
@hypothesis.given(FLOATS)
def test_one_group_is_layer_normalization(x):
    group, layer = L.GroupNormalization(1), L.LayerNormalization()
    np.testing.assert_allclose(group(x), layer(x), rtol=1e-4, atol=1e-4)


def test_a_group_for_each_channel_normalizes_each_image_by_itself():
    x = RNG.normal(2, 3, size=(2, 6, 5, 4)).astype("float32")
    y = np.asarray(L.GroupNormalization(-1, epsilon=1e-6)(x))
    np.testing.assert_allclose(y.mean((1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(y.std((1, 2)), 1, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_zeros_stay_zeros(dtype):
    x = np.zeros((2, 3))
    for kind in (L.LayerNormalization, L.RMSNormalization, L.UnitNormalization):
        assert not np.asarray(kind(dtype=dtype)(x), "float32").any(), kind


def test_whole_numbers_are_normalized_as_floats():
    """Keras cuts the results to whole numbers again."""
    x = np.array([[1, 2, 3, 8], [5, 5, 0, 2]], "int32")
    for layer in (
        L.LayerNormalization(),
        L.GroupNormalization(2),
        L.RMSNormalization(),
        L.UnitNormalization(),
    ):
        y = layer(x)
        assert y.dtype == "float32"
        assert np.array_equal(y, layer(x.astype("float32")))


def test_lengths_are_one():
    x = RNG.normal(size=(2, 3, 4)).astype("float32")
    for axis in (-1, 1, [1, 2]):
        y = np.asarray(L.UnitNormalization(axis)(x))
        np.testing.assert_allclose(np.square(y).sum(tuple(np.atleast_1d(axis))), 1, rtol=1e-5)


def test_a_batch_in_which_no_step_counts_moves_no_average():
    x = np.full((2, 3, 5), np.inf, "float32")
    layer = L.BatchNormalization(momentum=0.5)
    layer(BATCHES[:1], training=True)
    before = averages(layer)
    layer(x, training=True, mask=np.zeros((2, 3), bool))
    assert np.array_equal(averages(layer), before)


@pytest.mark.parametrize("renorm", [False, True])
def test_what_a_mask_leaves_out_may_be_anything(renorm):
    x = RNG.normal(size=(2, 3, 5)).astype("float32")
    mask = np.array([[True, True, False], [False, True, True]])
    spoiled = np.where(mask[..., None], x, np.nan)
    layers = [L.BatchNormalization(renorm=renorm) for _ in range(2)]
    for layer, values in zip(layers, (x, spoiled), strict=True):
        y = np.asarray(layer(values, training=True, mask=mask))[mask]
        assert np.isfinite(y).all()
    assert np.array_equal(*map(averages, layers))


@pytest.mark.filterwarnings("ignore:You passed `rms_scaling=True`")
@pytest.mark.parametrize("kwargs", [{}, {"axis": [1, 2]}, {"axis": 1, "scale": False}])
def test_the_old_scaling_by_deviation(kwargs):
    """Layers of older models divide by the standard deviation and keep the mean."""
    x = np.random.default_rng(0).normal(3.0, 2.0, size=(2, 4, 5)).astype("float32")
    with pytest.warns(UserWarning, match="RMSNormalization divides by the root of the mean square"):
        ours = L.LayerNormalization(rms_scaling=True, name="layer", **kwargs)

    def use(layer):
        config = layer.get_config()
        layer.build(x.shape)
        layer.set_weights([np.random.default_rng(1).normal(size=layer.gamma.shape)])
        return config, [w.name for w in layer.weights], layer(x)

    config, names, theirs = recorded(
        lambda keras: use(keras.layers.LayerNormalization(rms_scaling=True, name="layer", **kwargs))
    )
    mine = use(ours)
    assert mine[0] == config and mine[1] == names == ["gamma"]
    np.testing.assert_allclose(mine[2], theirs, rtol=1e-5, atol=1e-5)
