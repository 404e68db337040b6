"""`Lambda`, `Masking`, `Identity`."""

from __future__ import annotations

import json

import jax.numpy as jnp
import numpy as np
import pytest
from oracle import recorded

import trivium as tv
from trivium import layers as L
from trivium import ops
from trivium.state.masks import get_mask, set_mask
from trivium.utils import register_keras_serializable

X = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")


@register_keras_serializable("tests")
def doubled(x, by=2):
    return by * x


@register_keras_serializable("tests")
def first_step(x, mask):
    return jnp.ones((2, 5), bool).at[:, 0].set(False)


def test_lambda_with_a_registered_function_goes_through_json():
    layer = L.Lambda(doubled, output_shape=(5, 4), mask=first_step, arguments={"by": 3}, name="by3")
    config = json.loads(json.dumps(L.serialize(layer)))
    again = L.deserialize(config)
    assert np.array_equal(again(X), 3 * X)
    assert json.loads(json.dumps(L.serialize(again))) == config
    assert again.name == "by3"


@pytest.mark.parametrize("function", [ops.square, tv.activations.relu])
def test_lambda_knows_the_functions_of_the_library(function):
    layer = L.Lambda(function)
    again = L.Lambda.from_config(layer.get_config())
    assert again.function is function
    assert np.array_equal(again(X), function(X))


def test_lambda_never_writes_code():
    with pytest.raises(ValueError, match="only its name"):
        L.Lambda(lambda x: x).get_config()

    def doubled(x):  # Another function than the one registered under this name.
        return x

    with pytest.raises(ValueError, match="only its name"):
        L.Lambda(doubled).get_config()


def test_lambda_never_runs_code():
    config = recorded(lambda keras: keras.layers.Lambda(lambda x: x, name="code").get_config())
    assert config["function"]["class_name"] == "__lambda__"
    with pytest.raises(ValueError, match="code from files is not run"):
        L.Lambda.from_config(config)
    config["function"] = {"class_name": "function", "config": "os.system", "module": "os"}
    with pytest.raises(ValueError, match=r"'os\.system' is not known"):
        L.Lambda.from_config(config)


def test_lambda_gives_the_function_what_it_takes():
    seen = {}

    def function(x, mask, training):
        seen.update(mask=mask, training=training)
        return x

    x, mask = jnp.asarray(X), jnp.ones((2, 5), bool)
    set_mask(x, mask)
    layer = L.Lambda(function, mask=lambda x, mask: mask)
    y = layer(x, training=True)
    assert seen["training"] is True and np.array_equal(seen["mask"], mask)
    assert np.array_equal(get_mask(y), mask)
    layer(x)
    assert seen["training"] is False


def test_lambda_of_several_inputs_and_outputs():
    layer = L.Lambda(lambda xs: {"sum": xs[0] + xs[1], "first": xs[0]})
    y = layer([X, X])
    assert np.array_equal(y["sum"], 2 * X) and np.array_equal(y["first"], X)
    inputs = [tv.Input((5, 4)), tv.Input((5, 4))]
    assert layer(inputs)["sum"].shape == (None, 5, 4)


def test_lambda_without_a_mask_says_that_the_mask_ends_here():
    x = L.Masking()(X)
    with pytest.warns(UserWarning, match="does not pass masks on"):
        assert get_mask(L.Lambda(lambda x: x[:, :, :2])(x)) is None


def padded():
    lengths = np.array([5, 2])
    return np.where(np.arange(5)[None, :, None] < lengths[:, None, None], X, 0), lengths


def test_masking_goes_through_a_model():
    tv.utils.set_random_seed(1)  # No mean is near zero, where a relative tolerance means nothing.
    x, lengths = padded()
    dense, mean = L.Dense(3), L.GlobalAveragePooling1D()
    inputs = tv.Input((5, 4))
    hidden = L.Dropout(0.5)(dense(L.Masking()(inputs)))
    model = tv.Model(inputs, mean(hidden))
    y = np.asarray(x @ np.asarray(dense.kernel) + np.asarray(dense.bias))
    wanted = [y[i, :n].mean(0) for i, n in enumerate(lengths)]
    np.testing.assert_allclose(model(x), wanted, rtol=1e-5)
    np.testing.assert_allclose(model.predict(x, verbose=0), wanted, rtol=1e-5)
    np.testing.assert_allclose(mean(dense(L.Masking()(x))), wanted, rtol=1e-5)


def test_masking_goes_through_models_in_models_and_through_layers_of_layers():
    x, lengths = padded()

    class Block(tv.Layer):
        def __init__(self):
            super().__init__()
            self.dense, self.mean = L.Dense(3), L.GlobalAveragePooling1D()

        def call(self, inputs):
            return self.mean(self.dense(inputs))

    inner = tv.Sequential([tv.Input((5, 4)), L.Masking(), L.Identity()])
    block = Block()
    inputs = tv.Input((5, 4))
    with pytest.warns(UserWarning, match="does not pass masks on"):  # The block's output has none.
        model = tv.Model(inputs, block(inner(inputs)))
        y = model(x)
    hidden = np.asarray(x @ np.asarray(block.dense.kernel))
    np.testing.assert_allclose(
        y, [hidden[i, :n].mean(0) for i, n in enumerate(lengths)], rtol=1e-5, atol=1e-6
    )


def test_masking_hides_the_steps_with_one_value():
    x = np.array([[[7, 7], [7, 1], [0, 0]]], "int32")
    layer = L.Masking(mask_value=7)
    y = layer(x)
    assert y.dtype == "int32" and y.tolist() == [[[0, 0], [7, 1], [0, 0]]]
    assert get_mask(y).tolist() == [[False, True, True]]


def test_identity_keeps_structure_and_mask():
    x = L.Masking()(X)
    assert get_mask(L.Identity()(x)) is get_mask(x)
    y = L.Identity()({"a": x, "b": [x]})
    assert np.array_equal(y["b"][0], x)
