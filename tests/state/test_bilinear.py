"""Operations that are linear in two arrays stand under all of JAX's transformations."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trivium.state.bilinear import bilinear


def gives(matrix: Any, vector: Any, *, how: int) -> Any:
    return how * matrix @ vector


def for_matrix(g: Any, matrix: Any, vector: Any, how: int) -> Any:
    assert matrix.shape == (*g.shape, *vector.shape)
    return how * jnp.outer(g, vector)


def for_vector(g: Any, matrix: Any, vector: Any, how: int) -> Any:
    assert vector.shape == matrix.shape[1:]
    return scaled(matrix.T, g, how=how)


def of_many(matrix: Any, vector: Any, axes: Any, how: int) -> Any:
    return jax.vmap(lambda m, v: how * m @ v, axes)(matrix, vector)


scaled = bilinear("scaled_product", gives, for_matrix, for_vector, of_many)
MATRIX, VECTOR = jnp.arange(6.0).reshape(2, 3), jnp.array([1.0, -2.0, 0.5])


def ours(matrix: Any, vector: Any) -> Any:
    return jnp.sum(jnp.sin(scaled(matrix, vector, how=3)))


def plain(matrix: Any, vector: Any) -> Any:
    return jnp.sum(jnp.sin(3 * matrix @ vector))


@pytest.mark.parametrize(
    "under",
    [
        lambda f: f,
        jax.jit,
        lambda f: jax.grad(f, (0, 1)),
        lambda f: jax.jit(jax.grad(jax.checkpoint(f), (0, 1))),
        lambda f: lambda m, v: jax.jvp(f, (m, v), (m + 1, v * 2)),
        lambda f: jax.hessian(f, 1),
        lambda f: jax.jacrev(jax.grad(f, 1), 1),
        lambda f: lambda m, v: jax.vmap(f, (None, 0))(m, jnp.stack([v, v + 1])),
        lambda f: lambda m, v: jax.vmap(jax.grad(f, (0, 1)), (None, 1))(m, jnp.stack([v, v + 1], 1)),
    ],
)  # fmt: skip
def test_it_stands_under_every_transformation(under: Any) -> None:
    for got, wanted in zip(
        jax.tree.leaves(under(ours)(MATRIX, VECTOR)),
        jax.tree.leaves(under(plain)(MATRIX, VECTOR)),
        strict=True,
    ):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


def test_it_stands_in_a_function_that_is_split_over_devices() -> None:
    mesh = jax.make_mesh((1,), ("parts",), (jax.sharding.AxisType.Auto,))
    spec = jax.sharding.PartitionSpec
    split = jax.shard_map(
        lambda m, v: jax.lax.psum(ours(m, v), "parts"),
        mesh=mesh,
        in_specs=(spec(), spec("parts")),
        out_specs=spec(),
    )
    got = jax.grad(split, (0, 1))(MATRIX, VECTOR)
    for one, other in zip(got, jax.grad(plain, (0, 1))(MATRIX, VECTOR), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
