"""Functions called by themselves give the bits and the derivatives of what they stand for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium.ops import edges, simplex
from trivium.state.recording import computes_now

pytestmark = pytest.mark.optimized  # Bits.

X = jnp.asarray(np.random.default_rng(0).standard_normal((5, 33)), "float32")
X = X.at[1].set(-jnp.inf).at[2, ::2].set(-jnp.inf).at[3, 0].set(jnp.nan).at[4, :3].set(0.0)


def test_what_computes_now():
    seen = []

    def see(x):
        seen.append(computes_now())
        return x

    see(X)
    for traced in (jax.jit(see), jax.vmap(see), lambda x: jax.jvp(see, (x,), (x,))):
        traced(X)
    with tv.GradientTape() as tape:
        tape.watch(X)
        see(X)
    assert seen == [True, False, False, False, False]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int32"])
def test_the_bits_of_a_rectifier(dtype):
    x = X.astype(dtype)
    found, wanted = edges.relu(x), jax.nn.relu(x)
    assert found.dtype == wanted.dtype and found.weak_type == wanted.weak_type
    np.testing.assert_array_equal(found.view("uint8"), wanted.view("uint8"))


def test_the_slopes_of_a_rectifier():
    x = jnp.array([-1.0, 0.0, 2.0])
    with tv.GradientTape() as tape:
        tape.watch(x)
        y = tv.ops.relu(x)
    for slopes in (tape.gradient(y, x), jax.grad(lambda x: edges.relu(x).sum())(x)):
        assert slopes.tolist() == [0.0, 0.0, 1.0]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("axis", [-1, (0, 1)])
def test_the_bits_of_shares(name, axis, dtype, monkeypatch):
    x = X.astype(dtype)
    found = getattr(tv.ops, name)(x, axis)
    for once, plain in (("_shared", simplex._masked_out), ("_filled", jnp.where)):
        monkeypatch.setattr(simplex, once, plain)
    wanted = getattr(tv.ops, name)(x, axis)
    np.testing.assert_array_equal(found.view("uint8"), wanted.view("uint8"))
