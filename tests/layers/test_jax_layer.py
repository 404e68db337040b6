"""Functions of JAX and modules of Flax as layers, and the layers that other frameworks would have to run."""

from __future__ import annotations

import copy
import pickle
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from configs import check_config
from flax import linen

import trivium as tv
from trivium import layers as L
from trivium.testing import check_layer

X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
Y = X.sum(1, keepdims=True)


@tv.saving.register_keras_serializable("tests")
def first(rng, inputs):
    return {"w": jax.random.normal(rng, (inputs.shape[-1], 1)), "b": [jnp.zeros(1), 3]}


@tv.saving.register_keras_serializable("tests")
def linear(params, inputs):
    return inputs @ params["w"] + params["b"][0]


def noisy_first(rng, inputs, training):
    assert training
    params = {"w": jax.random.normal(rng, (inputs.shape[-1], 1))}
    return params, {"calls": jnp.zeros((), "int32"), "mean": jnp.zeros(())}


def noisy(params, state, rng, inputs, training):
    noise = jax.random.normal(rng, (1,)) if training else 0.0
    mean = 0.9 * state["mean"] + 0.1 * inputs.mean() if training else state["mean"]
    return inputs @ params["w"] + noise, {"calls": state["calls"] + 1, "mean": mean}


@tv.saving.register_keras_serializable("tests")
class Module(linen.Module):
    units: int = 3

    @linen.compact
    def __call__(self, inputs, training=False):
        x = linen.Dense(self.units)(inputs)
        x = linen.BatchNorm(use_running_average=not training)(x)
        x = linen.Dropout(0.5, deterministic=not training)(x)
        return linen.Dense(1)(x)

    def get_config(self):
        return {"units": self.units}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def test_the_weights_are_the_parameters_by_their_places():
    layer = L.JaxLayer(linear, first, name="linear")
    layer.build((None, 4))
    assert [w.path for w in layer.weights] == ["linear/b_0", "linear/w"]
    assert layer.params["b"][1] == 3  # What is no array stays what it is.
    assert all(w.trainable for w in layer.weights)
    np.testing.assert_allclose(layer(X), X @ layer.params["w"].numpy(), rtol=1e-5)


def test_first_values_are_drawn_together_and_follow_the_seed():
    def both(rng, inputs):
        w = jax.random.normal(rng, (3,))
        return {"w": w, "twice": 2 * w}

    def made(seed=None):
        layer = L.JaxLayer(lambda params, inputs: inputs * params["w"], both, seed=seed)
        layer.build((2, 3))
        return layer.params["w"].numpy(), layer.params["twice"].numpy()

    tv.utils.set_random_seed(1)
    one, other = made(), made()
    np.testing.assert_array_equal(one[1], 2 * one[0])
    assert not np.array_equal(one[0], other[0])
    tv.utils.set_random_seed(1)
    np.testing.assert_array_equal(made()[0], one[0])
    np.testing.assert_array_equal(made(seed=5)[0], made(seed=5)[0])


@pytest.mark.parametrize("eager", [False, True])
def test_state_and_random_numbers_move_on_in_training(eager):
    layer = L.JaxLayer(noisy, noisy_first, seed=1)
    model = tv.Sequential([tv.Input((4,)), layer])
    assert [w.name for w in layer.non_trainable_weights] == ["calls", "mean"]
    assert not np.array_equal(model(X, training=True), model(X, training=True))
    assert np.array_equal(model(X), model(X))
    model.compile("sgd", "mse", run_eagerly=eager)
    calls = layer.state["calls"].numpy()
    w = layer.params["w"].numpy()
    model.fit(X, Y, batch_size=4, verbose=0)
    assert layer.state["calls"].numpy() == calls + 2
    assert layer.state["mean"].numpy() != 0 and not np.allclose(layer.params["w"], w)


def test_inside_loops_and_branches_the_state_goes_along():
    layer = L.JaxLayer(noisy, noisy_first, seed=1)
    layer.build((8, 4))
    _, outputs = tv.ops.scan(lambda c, x: (c, layer(x, training=True)), 0.0, jnp.stack([X] * 3))
    assert layer.state["calls"].numpy() == 3
    assert not np.array_equal(outputs[0], outputs[1])  # Another key in each step.


def test_parameters_that_are_given_are_there_at_once():
    layer = L.JaxLayer(linear, params={"w": np.ones((4, 1), "float32"), "b": [np.ones(1), 3]})
    assert [w.name for w in layer.weights] == ["b_0", "w"]
    np.testing.assert_allclose(layer(X), Y + 1, rtol=1e-5)
    with tv.StatelessScope([(layer.params["w"], jnp.zeros((4, 1)))]):
        np.testing.assert_allclose(layer(X), np.ones((8, 1)))


def test_three_styles_of_a_model_with_it_have_one_fingerprint():
    def network():
        return L.JaxLayer(linear, first), L.Dense(1)

    a, b = network()
    stack = tv.Sequential([tv.Input((4,)), a, b])
    x = tv.Input((4,))
    a, b = network()
    graph = tv.Model(x, b(a(x)))

    class Own(tv.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = network()

        def call(self, x):
            return self.b(self.a(x))

    own = Own()
    own.build((None, 4))
    assert len({m.fingerprint() for m in (stack, graph, own)}) == 1
    assert "layers.JaxLayer(linear, init_fn=first" in tv.source(stack)


def test_configs_copies_and_what_a_config_cannot_hold():
    layer = L.JaxLayer(linear, first, seed=3, name="n")
    check_config(layer)
    assert layer.get_config()["seed"] == 3
    assert set(L.JaxLayer(linear, first).get_config()) == {
        "name", "trainable", "dtype", "call_fn", "init_fn", "native_serialization_platforms",
    }  # fmt: skip
    layer(X)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert np.array_equal(other(X), layer(X)) and other.params["w"] is not layer.params["w"]
    with pytest.raises(ValueError, match="register_keras_serializable"):
        L.JaxLayer(lambda params, inputs: inputs, first).get_config()


def test_mixed_precision_and_unknown_sizes():
    layer = L.JaxLayer(linear, first, dtype="mixed_bfloat16")
    assert layer(X).dtype == "bfloat16" and layer.params["w"].dtype == "float32"
    assert L.JaxLayer(linear, first)(tv.Input((4,))).shape == (None, 1)


WRONG = [
    (lambda: L.JaxLayer(linear), "`call_fn` takes params: give the first values"),
    (lambda: L.JaxLayer(noisy, params={}), "takes state: give the first values"),
    (lambda: L.JaxLayer(lambda a, b: 0, first), "`call_fn` takes `inputs` and, by name"),
    (lambda: L.JaxLayer(linear, lambda key: 0), "`init_fn` takes `inputs` and, by name, what it needs of rng"),
    (lambda: L.JaxLayer(3, first), "`call_fn` is a function; got 3"),
    (lambda: L.JaxLayer(noisy, first)(X), "returns a pair (params, state); got dict"),
    (lambda: L.JaxLayer(lambda state, inputs: inputs, state=np.ones(1))(X), "a pair (outputs, new state)"),
    (lambda: L.JaxLayer(lambda state, inputs: (inputs, [state]), state=np.ones(1))(X), "another structure"),
    (lambda: L.FlaxLayer(3), "`module` is a `flax.linen.Module`; got 3"),
    (lambda: L.TorchModuleWrapper(3), "put that into a `JaxLayer`"),
    (lambda: L.TFSMLayer("folder"), "'folder' is a program of TensorFlow's operations"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "words"), WRONG, ids=[words[:40] for _, words in WRONG])
def test_wrong_arguments(make, words):
    with pytest.raises((ValueError, TypeError, NotImplementedError)) as caught:
        make()
    assert words in str(caught.value)


# -- flax ----------------------------------------------------------------------------------------------------------


def test_a_module_of_flax_is_what_its_apply_gives():
    module = Module()
    variables = module.init(jax.random.key(0), X)
    layer = L.FlaxLayer(module, variables=variables, name="flax")
    np.testing.assert_allclose(layer(X), module.apply(variables, X), rtol=1e-5)
    trained = {w.path for w in layer.trainable_weights}
    assert "flax/Dense_0_kernel" in trained and "flax/BatchNorm_0_scale" in trained
    assert {w.path for w in layer.non_trainable_weights} == {
        "flax/batch_stats_BatchNorm_0_mean", "flax/batch_stats_BatchNorm_0_var",
    }  # fmt: skip


def test_a_module_of_flax_is_trained_with_its_statistics_and_dropout():
    tv.utils.set_random_seed(0)
    model = tv.Sequential([tv.Input((4,)), L.FlaxLayer(Module())])
    layer = model.layers[0]
    before = [w.numpy() for w in layer.weights]
    model.compile(tv.optimizers.Adam(0.05), "mse")
    first = model.evaluate(X, Y, verbose=0)
    model.fit(X, Y, epochs=30, verbose=0)
    assert model.evaluate(X, Y, verbose=0) < first
    assert not any(np.allclose(a, w) for a, w in zip(before, layer.weights, strict=True))


def test_a_method_and_inputs_of_whole_numbers():
    class Words(linen.Module):
        def setup(self):
            self.table = linen.Embed(7, 3)

        def look_up(self, inputs):
            return self.table(inputs)

    numbers = np.array([[0, 1, 6]])
    layer = L.FlaxLayer(Words(), method="look_up")
    assert layer(numbers).shape == (1, 3, 3)
    both = L.FlaxLayer(Words(), lambda module, inputs: module.look_up(inputs[0]) * inputs[1])
    assert both([numbers, np.ones((1, 3, 1), "float32")]).shape == (1, 3, 3)


def test_configs_of_modules():
    layer = L.FlaxLayer(Module(5), name="flax")
    with tv.saving.custom_object_scope({"Module": Module}):
        again = L.FlaxLayer.from_config(layer.get_config())
        assert again.module == layer.module and again.name == "flax"
    layer.build((None, 4))
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        for mine, theirs in zip(layer.weights, other.weights, strict=True):
            assert mine is not theirs and mine.path == theirs.path and np.array_equal(mine, theirs)
        assert other.call_fn.__self__ is other
    with pytest.raises(ValueError, match="Give Dense a `get_config` and a `from_config`"):
        L.FlaxLayer(linen.Dense(3)).get_config()


def test_without_flax_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "flax", None)
    with pytest.raises(ImportError, match="pip install flax"):
        L.FlaxLayer(Module())


@pytest.mark.parametrize(
    "make", [lambda: L.JaxLayer(linear, first), lambda: L.FlaxLayer(Module())], ids=["jax", "flax"]
)
def test_the_contract_of_layers_holds(make):
    check_layer(make(), X)
