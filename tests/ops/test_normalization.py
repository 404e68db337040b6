"""The variance has derivatives of every order, though its first one leaves out what is zero."""

import jax
import jax.numpy as jnp
import numpy as np

from trivium import ops


def test_derivatives_of_the_variance():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(3, 2, 4)), "float32")

    def derivatives(variance):
        def value(x):
            return jnp.sum(jnp.sin(variance(x)))

        gradient = jax.grad(value)
        return (
            variance(x),
            jax.jvp(variance, (x,), (jnp.cos(x),)),
            jax.hessian(value)(x),
            jax.grad(lambda x: jnp.sum(jnp.sin(jax.grad(lambda y: jnp.sum(gradient(y)))(x))))(x),
            jax.vmap(gradient)(jnp.stack([x, 2 * x])),
            jax.grad(jax.checkpoint(value))(x),
        )

    found, expected = jax.jit(
        lambda: (
            derivatives(lambda x: ops.moments(x, (0, 1))[1]),
            derivatives(lambda x: jnp.var(x, axis=(0, 1))),
        )
    )()
    for one, other in zip(*map(jax.tree_util.tree_leaves, (found, expected)), strict=True):
        np.testing.assert_allclose(one, other, 1e-4, 1e-5)
