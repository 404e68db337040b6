"""Products of sequences have the numbers of the plain ones, and their derivatives of every order."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import ops
from trivium.ops.lowering.products import NAME, einsum_of_sequences, product_of_sequences

RNG = np.random.default_rng(0)


def normal(*shape: int) -> jax.Array:
    return jnp.asarray(RNG.normal(size=shape), "float32")


X, W = normal(2, 3, 4), normal(4, 5)
EVERY_ORDER = {
    "value": lambda f: f,
    "gradients": lambda f: jax.grad(lambda x, w: jnp.sum(jnp.sin(f(x, w))), (0, 1)),
    "jvp": lambda f: lambda x, w: jax.jvp(f, (x, w), (jnp.cos(x), jnp.sin(w))),
    "hessian": lambda f: jax.hessian(lambda x, w: jnp.sum(jnp.sin(f(x, w))), (0, 1)),
    "third": lambda f: jax.grad(
        lambda w: jnp.sum(jnp.sin(jax.grad(lambda w: jnp.sum(jnp.sin(f(X, w))))(w)))
    ),
    "remat": lambda f: jax.grad(jax.checkpoint(lambda x, w: jnp.sum(jnp.sin(f(x, w)))), (0, 1)),
    "vmap of rows": lambda f: lambda x, w: jax.vmap(f, (0, None))(jnp.stack([x, 2 * x]), w),
    "vmap of both": lambda f: (
        lambda x, w: jax.vmap(
            jax.grad(lambda x, w: jnp.sum(jnp.sin(f(x, w))), (0, 1)), (1, 2), (1, 2)
        )(jnp.stack([x, 2 * x], 1), jnp.stack([w, -w], 2))
    ),
}


@pytest.mark.parametrize("order", EVERY_ORDER)
def test_values_and_derivatives(order: str) -> None:
    changed = EVERY_ORDER[order]
    arguments = (W,) if order == "third" else (X, W)

    @jax.jit
    def both(*arrays: Any) -> Any:
        return changed(ops.matmul)(*arrays), changed(jnp.matmul)(*arrays)

    found, expected = both(*arguments)
    jax.tree_util.tree_map(
        lambda a, b: np.testing.assert_allclose(a, b, 2e-5, 2e-5), found, expected
    )


@pytest.mark.parametrize(
    ("subscripts", "x", "kernel", "taken"),
    [
        ("abc,cde->abde", (2, 3, 4), (4, 5, 6), True),
        ("...c,cd->...d", (2, 3, 4), (4, 5), True),
        ("...bc,bcd->...d", (2, 3, 3, 4), (3, 4, 5), True),
        ("abc, cd -> abd", (2, 0, 4), (4, 5), True),
        ("abc,dc->abd", (2, 3, 4), (5, 4), False),
        ("abc,cd->adb", (2, 3, 4), (4, 5), False),
        ("abc,cbd->ad", (2, 3, 4), (4, 3, 5), False),
        ("abc,cd->ad", (2, 3, 4), (4, 5), False),
        ("ab,bc->ac", (2, 3), (3, 4), False),
        ("abb,bc->abc", (2, 4, 4), (4, 4), False),
        ("abc,abc->ab", (2, 3, 4), (2, 3, 4), False),
    ],
)
def test_equations(subscripts: str, x: Any, kernel: Any, taken: bool) -> None:
    x, kernel = normal(*x), normal(*kernel)
    assert (einsum_of_sequences(subscripts, x, kernel) is not None) == taken
    found, expected = ops.einsum(subscripts, x, kernel), jnp.einsum(subscripts, x, kernel)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, 1e-5, 1e-5)


@pytest.mark.parametrize(("x", "kernel"), [((2, 3, 4), (5, 6)), ((2, 3, 4, 4), (4, 6))])
def test_wrong_shapes_are_refused_as_ever(x: Any, kernel: Any) -> None:
    with pytest.raises(ValueError):
        ops.einsum("abc,cd->abd", normal(*x), normal(*kernel))


@pytest.mark.parametrize(
    ("left", "right", "wanted"),
    [
        ("bfloat16", "bfloat16", "bfloat16"),
        ("bfloat16", "float32", "float32"),
        ("int8", "int8", "int32"),
        ("int32", "float32", "float32"),
    ],
)
def test_dtypes_are_those_of_the_plain_product(left: str, right: str, wanted: str) -> None:
    x, w = X.astype(left), W.astype(right)
    found = ops.matmul(x, w)
    assert found.dtype == wanted and (product_of_sequences(x, w) is None) == ("int" in left)
    np.testing.assert_array_equal(found, jnp.matmul(x, w, preferred_element_type=wanted))


def test_products_that_are_kept_are_not_computed_anew() -> None:
    def count(keep: bool) -> int:
        def loss(w: Any) -> Any:
            inner = lambda w: jnp.sum(jnp.sin(ops.matmul(jnp.sin(ops.matmul(X, w)), W.T)))  # noqa: E731
            return ops.rematerialize(inner, w, keep_products=keep)

        return str(jax.make_jaxpr(jax.grad(loss))(W)).count(NAME)

    assert count(True) < count(False)


def test_a_layer_in_half_precision_and_a_tape() -> None:
    layer = tv.layers.EinsumDense(
        "abc,cde->abde", (3, 2, 2), bias_axes="de", dtype="mixed_bfloat16"
    )
    layer.build(X.shape)

    def gradient(multiply: Any) -> Any:
        kernel, bias = layer.kernel.value, layer.bias.value

        def loss(kernel: Any) -> Any:
            product = multiply("abc,cde->abde", X.astype("bfloat16"), kernel.astype("bfloat16"))
            return jnp.sum(jnp.sin(product + bias.astype("bfloat16")).astype("float32"))

        return jax.grad(loss)(kernel)

    with tv.GradientTape() as tape:
        loss = ops.sum(ops.cast(ops.sin(layer(X)), "float32"))
    found = tape.gradient(loss, layer.kernel)
    assert found.dtype == "float32"
    np.testing.assert_array_equal(found, gradient(ops.einsum))
    np.testing.assert_allclose(found, gradient(jnp.einsum), 0.02, 0.02)
