"""A user can see and override which form operations take."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import layers, ops
from trivium.ops.lowering import attention
from trivium.state.frame import entered
from trivium.training.executables import compile_count

X = np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype("float32")
KERNEL = np.random.default_rng(1).normal(size=(3, 3, 3, 2)).astype("float32")
HEADS = np.random.default_rng(2).normal(size=(1, 70, 1, 2)).astype("float32")


@pytest.fixture(autouse=True)
def as_it_was():
    yield
    tv.config.set_lowering(**dict.fromkeys(tv.config.lowering(), "auto"))


def gru(x):
    layer = layers.GRU(2)
    layer.build((2, 6, 18))
    values = [np.full(w.shape, 0.1, "float32") for w in layer.weights]
    return layer.stateless_call(values, [], x.reshape(2, 6, 18))[0]


# What computes, and a word that stands in each form's program for the gradient and in no other's.
FORMS = {
    "convolution": (
        lambda x: ops.conv(x, KERNEL, 1, "same"),
        {"plain": None, "convolution": "trivium_convolve", "product": "dot_general"},
    ),
    "pooling": (lambda x: ops.max_pool(x, 2), {"plain": "reduce_window", "slices": None}),
    "recurrence": (gru, {"plain": None, "thrifty": "trivium_remembered"}),
    "attention": (
        lambda x: ops.dot_product_attention(HEADS * jnp.sum(x), HEADS, HEADS),
        {"plain": None, "blocks": "scan"},
    ),
}


@pytest.mark.parametrize("kind", FORMS)
def test_each_form_can_be_had_and_gives_the_same(kind):
    compute, forms = FORMS[kind]
    assert set(forms) == set(tv.state.lowerings._FORMS[kind]) - {"auto"}
    found, programs = {}, {}
    for form in forms:
        tv.config.set_lowering(**{kind: form})
        slope = lambda x: jax.grad(lambda x: jnp.sum(compute(x) ** 2))(x)  # noqa: E731
        programs[form] = str(jax.make_jaxpr(slope)(X))
        found[form] = slope(X)
    for form, word in forms.items():
        assert word is None or [word in text for text in programs.values()].count(True) == 1
        assert word is None or word in programs[form]
        np.testing.assert_allclose(found[form], found["plain"], rtol=1e-4, atol=1e-4)


def test_what_will_run_elsewhere_is_plain_whatever_ran_here_before():
    """Programs of ops that JAX remembers are remembered for each form."""
    compute = FORMS["convolution"][0]
    tv.config.set_lowering(convolution="convolution")
    compute(X)
    with entered(portable=True):
        assert "trivium_convolve" not in str(jax.make_jaxpr(lambda x: compute(x))(X))


def test_a_model_takes_the_form_that_is_set_from_its_next_call_on():
    model = tv.Sequential([tv.Input((6, 6, 3)), layers.MaxPooling2D(), layers.Flatten()])
    first = model.predict(X, verbose=0)
    count = compile_count()
    model.predict(X, verbose=0)
    assert compile_count() == count
    tv.config.set_lowering(pooling="plain")
    np.testing.assert_array_equal(model.predict(X, verbose=0), first)
    assert compile_count() == count + 1 and tv.config.lowering()["pooling"] == "plain"
    tv.config.set_lowering(pooling="auto")
    model.predict(X, verbose=0)
    assert compile_count() == count + 1


def test_a_slip_sets_nothing():
    with pytest.raises(ValueError, match=r"'recurrence'; got 'recurrent'. Did you mean"):
        tv.config.set_lowering(recurrent="plain")
    with pytest.raises(ValueError, match="'plain' or 'blocks'; got 'block'"):
        tv.config.set_lowering(pooling="plain", attention="block")
    assert set(tv.config.lowering().values()) == {"auto"}
    assert attention.chosen_lowering("attention") == "auto"
