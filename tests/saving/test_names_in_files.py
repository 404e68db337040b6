"""Names in files: somebody's functions and classes that are called as the library's are, and JAX's own functions."""

import io
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import recorded

import trivium as tv
from trivium import activations

X = np.linspace(-3, 3, 6, dtype="float32").reshape(2, 3)


def relu(x):
    return 2 * x


def gelu(x):
    return x - 1


def mse(true, predicted):
    return tv.ops.mean(tv.ops.abs(true - predicted))


class Dense(tv.layers.Dense):
    def call(self, inputs):
        return 3 * super().call(inputs)


def again(model, **options):
    file = io.BytesIO()
    model.save(file)
    return tv.models.load_model(file, **options)


def network(layer):
    return tv.Sequential([tv.Input((3,)), layer, tv.layers.Dense(2)])


MINE = {
    "relu": lambda: tv.layers.Dense(4, activation=relu),
    "gelu": lambda: tv.layers.Activation(gelu),
    "Dense": lambda: Dense(4),
}


@pytest.mark.parametrize("name", MINE)
def test_what_is_called_as_ours_is_not_taken_for_it(name):
    model = network(MINE[name]())
    with pytest.warns(UserWarning, match=rf"{name!r}.*library's own {name!r} is another one"):
        captured = again(model)
    known = again(model, custom_objects={name: globals()[name]})
    assert (type(captured).__name__, type(known)) == ("CapturedModel", tv.Sequential)
    for loaded in (captured, known):
        np.testing.assert_array_equal(loaded(X), model(X))


def test_nor_is_one_that_is_registered_in_a_package():
    known = dict(tv.saving.get_custom_objects())
    try:
        tv.saving.register_keras_serializable("mine", "linear")(lambda params, inputs: inputs)
        with pytest.warns(UserWarning, match="library's own 'Dense' is another one"):
            again(network(Dense(4)))  # What its graph names is our `linear`.
    finally:
        tv.saving.get_custom_objects().clear()
        tv.saving.get_custom_objects().update(known)


def test_nor_is_a_loss():
    model = network(tv.layers.Dense(4))
    model.compile("sgd", mse)
    with pytest.warns(UserWarning, match="the model is not compiled: .*own 'mse' is another"):
        again(model)
    loaded = again(model, custom_objects={"mse": mse})
    y = np.zeros((2, 2))
    assert loaded.evaluate(X, y, verbose=0) == model.evaluate(X, y, verbose=0)


def test_a_program_does_not_take_it_for_ours_either():
    source = tv.source(network(MINE["relu"]()), style="sequential")
    assert "activation='relu'" not in source
    assert "activations.relu" not in source


@pytest.mark.parametrize("function", [jnp.tanh, jax.nn.relu, jax.nn.gelu, jnp.sin])
@pytest.mark.parametrize("style", ["sequential", "functional", "subclass"])
def test_functions_of_jax_are_written_as_ours(function, style):
    model = network(tv.layers.Dense(4, activation=function))
    if style == "functional":
        model = tv.Model(model.inputs, model.outputs)
    elif style == "subclass":
        layers = model.layers

        class Mine(tv.Model):
            def __init__(self):
                super().__init__()
                self.first, self.second = layers

            def call(self, x):
                return self.second(self.first(x))

        model = Mine()
        model(X)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "(?s).*'Mine' of .*, which is not known here")
        loaded = again(model)
    np.testing.assert_array_equal(loaded(X), model(X))


def test_ours_compute_the_same():
    grid = jnp.asarray(np.random.default_rng(0).normal(size=(20, 40)) * 4, "float32")
    by_id = {id(f): f for home in (jax.nn, jnp) for f in vars(home).values() if callable(f)}

    @jax.jit
    def both(x):
        def value_and_slope(function):
            value, back = jax.vjp(function, x)
            return value, back(value)

        twins = activations._twins().items()
        return [(value_and_slope(by_id[theirs]), value_and_slope(ours)) for theirs, ours in twins]

    for theirs, ours in both(grid):
        for one, other in zip(theirs, ours, strict=True):
            np.testing.assert_allclose(
                one, other, rtol=1e-6, atol=1e-6
            )  # XLA fuses them otherwise.


def test_keras_reads_the_ops_that_are_written():
    configs = [activations.serialize(f) for f in (jnp.sin, tv.ops.gelu)]
    assert [c["module"] for c in configs] == ["keras.ops"] * 2
    theirs = recorded(lambda keras: [keras.activations.get(c)(X) for c in configs])
    for config, wanted in zip(configs, theirs, strict=True):
        np.testing.assert_allclose(activations.get(config)(X), wanted, rtol=1e-5, atol=1e-6)


def test_functions_without_a_name_that_is_known():
    with pytest.raises(TypeError, match=r"take one of `trivium.activations`.*with `def`"):
        activations.serialize(jax.nn.leaky_relu)


@pytest.mark.parametrize("name", ["a/b", "..", "a\\b", "a\0b", "a" * 1001])
def test_a_name_that_no_file_may_have_is_refused_before_it_is_in_one(name):
    for made in (
        lambda: tv.layers.Dense(2, name=name),
        lambda: tv.Sequential(name=name),
        lambda: setattr(tv.layers.Dense(2), "name", name),
    ):
        with pytest.raises(ValueError, match="`name` is a text of 1 to 1,000") as refused:
            made()
        assert not isinstance(refused.value, tv.saving.UnsafeFileError)


def test_names_that_are_none_of_layers_may_have_slashes():
    @tv.saving.register_keras_serializable("tests")
    class Tokens(tv.layers.Layer):
        def __init__(self, source, **kwargs):
            super().__init__(**kwargs)
            self.source = source

        def call(self, x):
            return x

    model = network(Tokens({"name": "somebody/words", "revision": 3}))
    model.compile("sgd", "mse", metrics=[tv.metrics.MeanAbsoluteError(name="val/mae")])
    model.evaluate(X, X[:, :2], verbose=0)
    loaded = again(model)
    assert loaded.layers[0].source["name"] == "somebody/words"
    assert loaded.evaluate(X, X[:, :2], verbose=0, return_dict=True).keys() == {"loss", "val/mae"}


def test_an_empty_name_is_none():
    assert tv.layers.Dense(2, name="").name.startswith("dense")
