"""Bits that are drawn in one loop are those that JAX draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium.ops.lowering.drawing import in_one_loop

SHAPES = ((), (0, 3), (2, 3, 5))


@pytest.mark.parametrize("impl", ["threefry2x32", "rbg"])
def test_the_numbers_are_those_of_jax(impl):
    key = jax.random.key(7, impl=impl)
    draws = [
        lambda k, shape: jax.random.bits(k, shape, "uint8"),
        lambda k, shape: jax.random.normal(k, shape),
        lambda k, shape: jax.random.uniform(k, shape, "bfloat16"),
    ]

    @jax.jit
    def both(key):
        return [[f(k, shape) for f in draws for shape in SHAPES] for k in (key, in_one_loop(key))]

    expected, found = both(key)
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_keys_side_by_side_and_keys_that_go_on():
    keys = jax.random.split(jax.random.key(3), 4)

    def drawn(key):
        return jax.random.randint(jax.random.fold_in(jax.random.split(key)[1], 5), (3, 2), 0, 99)

    found = jax.vmap(lambda key: drawn(in_one_loop(key)))(keys)
    np.testing.assert_array_equal(found, jax.vmap(drawn)(keys))


def test_a_whole_number_as_seed_means_the_numbers_of_jax():
    # What this library drew before, and Keras on JAX draws.
    key = jax.random.wrap_key_data(jnp.array([11, 0], "uint32"), impl="threefry2x32")
    kept = jax.random.bernoulli(key, 0.75, (4, 50))
    np.testing.assert_array_equal(tv.random.dropout(jnp.ones((4, 50)), 0.25, seed=11) > 0, kept)


def test_the_numbering_that_is_set_counts():
    key = jax.random.key(1)
    with jax.threefry_partitionable(False):
        expected = jax.random.bits(key, (7, 3))
        found = jax.random.bits(in_one_loop(key), (7, 3))
    np.testing.assert_array_equal(found, expected)


def test_sizes_that_are_symbols():
    from jax import export

    (rows,) = export.symbolic_shape("rows")
    spec = jax.ShapeDtypeStruct((rows, 3), "float32")

    def noisy(x):
        return x + jax.random.uniform(in_one_loop(jax.random.key(2)), x.shape)

    found = export.export(jax.jit(noisy))(spec).call(jnp.zeros((5, 3)))
    np.testing.assert_array_equal(found, jax.random.uniform(jax.random.key(2), (5, 3)))
