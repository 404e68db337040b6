"""Attention: in blocks as in the plain form, slopes and all, in less memory; cuDNN's kernel where it fits."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trivium import config, ops
from trivium.ops.lowering import attention
from trivium.ops.lowering.attention import Attention

RNG = np.random.default_rng(0)
# Seven queries: three blocks of two, and one left over.
QUERY, KEY, VALUE = (
    jnp.asarray(RNG.normal(size=s), "float32") for s in [(2, 7, 4, 3), (2, 9, 2, 3), (2, 9, 2, 5)]
)
BIAS = jnp.asarray(RNG.normal(size=(1, 4, 7, 9)), "float32")
MASK = jnp.asarray(RNG.uniform(size=(2, 1, 7, 9)) < 0.7).at[0, 0, 3].set(False)
FORMS = {
    "plain": (Attention(0.6), {}),
    "causal": (Attention(0.6, causal=True), {"bias": BIAS}),
    "masked": (Attention(0.6), {"mask": MASK}),
    "of keys": (Attention(0.6, causal=True), {"mask": MASK[:, :, 2:3], "bias": BIAS[:, :1, :1]}),
    "window": (Attention(0.6, window=3, cap=1.5), {"mask": MASK[:1], "bias": BIAS}),
}


def value_and_gradients(attend, given):
    bias = given.get("bias")

    def total(query, key, value, bias):
        means = attend(query, key, value, **{**given, "bias": bias})
        return jnp.sum(means * jnp.cos(jnp.arange(means.size)).reshape(means.shape)), means

    argnums = (0, 1, 2) if bias is None else (0, 1, 2, 3)
    return jax.jit(jax.value_and_grad(total, argnums, has_aux=True))(QUERY, KEY, VALUE, bias)


@pytest.mark.parametrize("name", FORMS)
def test_blocks_give_the_plain_numbers_and_slopes(name, monkeypatch):
    attend, given = FORMS[name]
    plain = value_and_gradients(attend, given)
    monkeypatch.setattr(attention, "_ON_CPU", (1, 2))
    blocks = value_and_gradients(attend, given)
    for x, y in zip(
        jax.tree_util.tree_leaves(blocks), jax.tree_util.tree_leaves(plain), strict=True
    ):
        np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6)


def test_the_plain_form_is_the_definition():
    attend, given = FORMS["window"]
    means, weights = attend.with_weights(QUERY, KEY, VALUE, **given)
    q, k, v = (np.asarray(x, "float64") for x in (QUERY, KEY, VALUE))
    for b, h in np.ndindex(2, 4):
        logits = q[b, :, h] @ k[b, :, h // 2].T * 0.6 + np.asarray(BIAS[0, h])
        powers = np.exp(1.5 * np.tanh(logits / 1.5))
        near = abs(np.arange(7)[:, None] - np.arange(9)) < 3
        powers *= near & np.asarray(MASK[0, 0])
        wanted = powers / np.maximum(powers.sum(1, keepdims=True), 1e-30)
        np.testing.assert_allclose(weights[b, h], wanted, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(means[b, :, h], wanted @ v[b, :, h // 2], rtol=1e-5, atol=1e-5)


def test_gradients_are_those_of_the_softmax_and_those_of_gradients_exist():
    def plain(query, key, value):
        products = jnp.einsum("bqsgd,bksd->bsgqk", query.reshape(2, 7, 2, 2, 3), key) * 0.6
        # A bias of minus infinity hides a key, as a mask does.
        weights = jax.nn.softmax(products + hidden, axis=-1)
        return jnp.einsum("bsgqk,bksd->bqsgd", weights, value).reshape(2, 7, 4, 5)

    hidden = jnp.where(MASK[:, :, :1], 0, -jnp.inf)[:, :, None]

    def ours(*arrays):
        return Attention(0.6)(*arrays, bias=hidden[:, :, 0])

    along = [jnp.cos(jnp.arange(x.size)).reshape(x.shape) for x in (QUERY, KEY, VALUE)]

    def slopes(attend):
        gradient = jax.grad(lambda *xs: (attend(*xs) ** 2).sum(), (0, 1, 2))
        return jax.jit(lambda: jax.jvp(gradient, (QUERY, KEY, VALUE), tuple(along)))()

    both = map(jax.tree_util.tree_leaves, map(slopes, (ours, plain)))
    for x, y in zip(*both, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5)


def test_half_types_hold_the_means_whatever_the_number_of_keys():
    """The sum of 600 values of 300 is more than a float16 holds; their mean is not."""
    x = jnp.full((1, 600, 1, 2), 300, "float16")
    assert Attention(0.0)(x[:, :3], x, x).tolist() == x[:, :3].tolist()
    # Nor may a query be scaled in one.
    query, key = jnp.full_like(x[:, :1], 3e4), jnp.full_like(x, 1e-4)
    assert Attention(4.0)(query, key, x).tolist() == x[:, :1].tolist()


def test_dropout_keeps_the_mean_in_blocks(monkeypatch):
    attend = Attention(0.6, dropout=0.5)
    many = [jnp.repeat(x[:1], 500, axis=0) for x in (QUERY, KEY, VALUE)]
    plain = Attention(0.6)(QUERY, KEY, VALUE)[0]
    monkeypatch.setattr(attention, "_ON_CPU", (1, 2))
    dropped = attend(*many, chance=jax.random.key(0))
    assert np.abs(dropped.mean(0) - plain).max() < 0.3
    # Each block draws anew.
    same = attend(
        *(x[:, :1].repeat(6, axis=1) for x in (many[0],)), *many[1:], chance=jax.random.key(0)
    )
    assert not np.allclose(same[:, 0], same[:, 2]) and not np.allclose(same[:, 0], same[:, 4])


def temporary(attend, length):
    """Return how much memory the gradient takes besides its arguments and results."""
    x = jax.ShapeDtypeStruct((1, length, 1, 8), "float32")
    run = jax.jit(jax.grad(lambda *xs: attend(*xs).sum(), (0, 1, 2)))
    return run.lower(x, x, x).compile().memory_analysis().temp_size_in_bytes


def test_memory_grows_with_the_length_and_not_with_its_square():
    short, long = (temporary(Attention(0.6, causal=True), n) for n in (2048, 8192))
    assert long < 5 * short and long < 8192**2


def test_lengths_that_are_not_known_are_plain():
    x = jnp.ones((1, 600, 1, 4))
    assert "while" not in str(jax.make_jaxpr(Attention(0.5))(*[x[:, :8]] * 3))
    assert "scan" in str(jax.make_jaxpr(Attention(0.5))(x, x, x))


@pytest.mark.parametrize("fits", [True, False])
def test_the_kernel_is_taken_where_it_fits(monkeypatch, fits):
    """On a machine that says that it has one; what it computes is cuDNN's."""
    taken = []

    def kernel(query, key, value, *rest, **settings):
        taken.append(settings["implementation"])
        if not fits:
            raise NotImplementedError("The head dim must be <= 128.")
        return query * 0

    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(jax.nn, "dot_product_attention", kernel)
    half = [x.astype("bfloat16") for x in (QUERY, QUERY, QUERY)]
    result = ops.dot_product_attention(*half)
    assert taken == ["cudnn"] and bool(result.any()) != fits
    for given in (
        {"bias": BIAS[:, :, :, :7]},
        {"attn_logits_soft_cap": 2.0},
        {"flash_attention": False},
    ):
        assert ops.dot_product_attention(*half, **given).any()
    assert ops.dot_product_attention(QUERY, QUERY, QUERY).any()
    config.disable_flash_attention()
    try:
        assert not config.is_flash_attention_enabled()
        assert ops.dot_product_attention(*half).any()
    finally:
        config.enable_flash_attention()
    assert taken == ["cudnn"]
    if not fits:
        with pytest.raises(ValueError, match="cannot be taken here: The head dim"):
            ops.dot_product_attention(*half, flash_attention=True)


@pytest.mark.parametrize(
    "shapes",
    [
        [(2, 5, 4, 3), (1, 5, 4, 3), (1, 5, 4, 3)],
        [(2, 5, 4, 3), (2, 5, 4, 2), (2, 5, 4, 3)],
        [(2, 5, 4, 3), (2, 6, 4, 3), (2, 5, 4, 3)],
        [(2, 5, 4, 3), (2, 6, 3, 3), (2, 6, 3, 3)],
        [(2, 5, 4, 3), (2, 6, 4, 3), (2, 6, 2, 3)],
    ],
)
def test_sizes_that_do_not_fit_are_refused(shapes):
    with pytest.raises(ValueError, match="of which the query's number of heads is a multiple"):
        ops.dot_product_attention(*map(jnp.ones, shapes))
