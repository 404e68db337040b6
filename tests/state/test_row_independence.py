"""Which programs are proven to work on each row by itself, and that the proof is true."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from trivium.ops.lowering import canonical, products
from trivium.state.jaxpr import as_function
from trivium.state.row_independence import rows_apart
from trivium.state.stacking import stacked, unstacked

W = np.random.default_rng(0).normal(size=(6, 6)).astype("float32")
GEOMETRY = canonical.Geometry((1, 1), ((0, 1), (1, 0)), (1, 1), (1, 1))
KERNEL = np.random.default_rng(1).normal(size=(2, 6, 3)).astype("float32")


def heads(x):
    """Products of each row's parts with each other, rows and parts on one axis."""
    split = x.reshape(-1, 4, 2, 3).transpose(0, 2, 1, 3).reshape(-1, 4, 3)
    weights = jax.nn.softmax(jnp.einsum("hqd,hkd->hqk", split, split))
    mixed = (weights @ split).reshape(-1, 2, 4, 3)
    return mixed.transpose(0, 2, 1, 3).reshape(-1, 4, 6)


def through_time(x):
    def step(carry, now):
        carry = jnp.tanh(now @ W + carry)
        return carry, carry

    return lax.scan(step, jnp.zeros_like(x[:, 0]), x.transpose(1, 0, 2))[1].transpose(1, 0, 2)


def replaced(i, x):
    part = jnp.tanh(lax.dynamic_slice_in_dim(x, i, 1, 1))
    return lax.dynamic_update_slice_in_dim(x, part, i, 1)


def convolved(x, numbers=("NWC", "WIO", "NWC")):
    return lax.conv_general_dilated(x, KERNEL, (1,), "SAME", dimension_numbers=numbers)


def as_kernel(x):
    numbers = ("NWC", "WIO", "NWC")
    kernel = x[:, :2].transpose(1, 2, 0)
    return lax.conv_general_dilated(W[None], kernel, (1,), "SAME", dimension_numbers=numbers).T


def windows(x, shape):
    return lax.reduce_window(x, -jnp.inf, lax.max, shape, (1, 1, 1), "SAME")


# Of `x`, shape `(rows, 4, 6)`, to the same program for any number of rows.
APART = {
    "elements": lambda x: jnp.where(x > 0, jnp.exp(-x), jnp.clip(x, -1, 1) ** 3) / 2.0,
    "product": lambda x: x @ W + W[0],
    "product of the flat": lambda x: (x.reshape(-1, 6) @ W).reshape(-1, 4, 6),
    "two of a row": lambda x: jnp.einsum("bij,bkj->bik", x, x),
    "row on the right": lambda x: jnp.einsum("ij,btj->bti", W, x),
    "means": lambda x: (x - x.mean(1, keepdims=True)) * lax.rsqrt(x.var((1, 2), keepdims=True)),
    "softmax": lambda x: jax.nn.softmax(x, -1) + jax.nn.relu(x) + jax.nn.gelu(x),
    "along": lambda x: jnp.cumsum(x, 1) + jnp.sort(x, 2) + x[:, ::-1] + lax.top_k(x, 6)[0],
    "places": lambda x: jnp.argmax(x, 2) + jnp.argmin(x, 2),
    "parts": lambda x: jnp.concatenate([x[:, :2], jnp.split(x, 2, 1)[1]], 1)[:, 1:, ::2],
    "looked up": lambda x: jnp.asarray(W)[jnp.argmax(x, 1)],
    "looked up in the row": lambda x: jnp.take_along_axis(x, jnp.argmax(x, 2, keepdims=True), 2),
    "columns": lambda x: x[:, jnp.array([2, 0])],
    "padded": lambda x: jnp.pad(x, ((0, 0), (1, 2), (0, 0)))[:, :, None].squeeze(2),
    "stacked": lambda x: jnp.stack([*jnp.unstack(x, axis=1), x[:, 0]], 0).swapaxes(0, 1),
    "tiled": lambda x: jnp.tile(x, (1, 2, 1)),
    "sought": lambda x: jnp.searchsorted(jnp.arange(3.0), x),
    "product of sequences": lambda x: products.product_of_sequences(x, jnp.asarray(W)),
    "filled": lambda x: jnp.ones((x.shape[0], 4, 6)) * jnp.arange(6.0) + jnp.zeros_like(x),
    "counted": lambda x: lax.broadcasted_iota("float32", x.shape, 1) + x,
    "windows": lambda x: windows(x, (1, 2, 3)),
    "convolution": convolved,
    "our convolution": lambda x: canonical.convolve(x[..., None], jnp.ones((2, 2, 1, 3)), GEOMETRY),
    "rows last": lambda x: convolved(x.transpose(1, 2, 0), ("WCN", "WIO", "NWC")),
    "heads": heads,
    "scan": through_time,
    "while": lambda x: lax.fori_loop(0, 3, replaced, x),
    "counted while": lambda x: lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * 2), (0, x))[1],
    "cond": lambda x: lax.cond(W[0, 0] > 0, lambda v: v * 2, lambda v: -v, x),
    "gradient": jax.grad(lambda x: jnp.sum(jnp.tanh(x @ W) ** 2)),
    "remat": jax.checkpoint(lambda x: jnp.tanh(x @ W)),
    "many": jax.vmap(lambda row: jnp.tanh(row @ W).sum(0)),
    "stacks": lambda x: x @ unstacked(stacked([jnp.asarray(W), 2 * jnp.asarray(W)]))[1],
    "weights drawn": lambda x: x @ jax.random.normal(jax.random.key(0), (6, 6)),
    "half": lambda x: (x.astype("bfloat16") @ W.astype("bfloat16")).astype("float32"),
    "barrier": lambda x: lax.optimization_barrier((x, W))[0],
}  # fmt: skip
MIXED = {
    "mean of rows": lambda x: x - x.mean(0),
    "softmax of rows": lambda x: jax.nn.softmax(x, 0),
    "first row": lambda x: x - x[:1],
    "number of rows": lambda x: x / x.shape[0],
    "number of rows as an array": lambda x: x * jnp.asarray(float(x.shape[0])),
    "branch by the number": lambda x: x if x.shape[0] > 6 else 2 * x,
    "constant by the number": lambda x: x + np.linspace(0, 1, x.shape[0])[:, None, None],
    "number of the row": lambda x: x + jnp.arange(x.shape[0])[:, None, None],
    "rows with rows": lambda x: jnp.matmul(x[:, 0], x[:, 0].T) @ x[:, 0],
    "rows as parts": lambda x: x.reshape(4, -1, 6).transpose(1, 0, 2),
    "rows and parts": lambda x: x.transpose(1, 0, 2).reshape(-1, 4, 6),
    "sums": lambda x: jnp.cumsum(x, 0),
    "sorted": lambda x: jnp.sort(x, 0),
    "turned": lambda x: x[::-1],
    "moved": lambda x: jnp.roll(x, 1, 0),
    "some rows": lambda x: x[jnp.zeros(x.shape[0], int)],
    "five rows": lambda x: x[:5],
    "twice": lambda x: jnp.concatenate([x, x]),
    "tiled": lambda x: jnp.tile(x, (2, 1, 1)),
    "stacked": lambda x: jnp.stack([x, x], 1).swapaxes(0, 1).reshape(-1, 4, 6),
    "unstacked": lambda x: x + x.shape[0] * 0 + jnp.unstack(x, axis=0)[0],
    "each twice": lambda x: jnp.repeat(x, 2, 0),
    "padded": lambda x: jnp.pad(x, ((1, 0), (0, 0), (0, 0)))[:-1],
    "windows": lambda x: windows(x, (2, 1, 1)),
    "convolution over rows": lambda x: convolved(x, ("WNC", "WIO", "WNC")),
    "rows as a kernel": as_kernel,
    "noise": lambda x: x + jax.random.normal(jax.random.key(0), x.shape),
    "scan over rows": lambda x: lax.scan(lambda c, r: (c + r, c), jnp.zeros((4, 6)), x)[1],
    "carried mean": lambda x: lax.fori_loop(0, 2, lambda i, v: v - v.mean(0), x),
    "as often as rows": lambda x: lax.fori_loop(0, x.shape[0], lambda i, v: v * 2, x),
    "until all": lambda x: lax.while_loop(lambda v: jnp.any(v > 1), lambda v: v / 2, x),
    "branch by all": lambda x: lax.cond(x.sum() > 0, lambda v: v, lambda v: -v, x),
    "looked up in rows": lambda x: x[jnp.argmax(x[:, 0], 1) % 2],
    "scattered": lambda x: x.at[jnp.argmax(x[:, 0], 1) % 2].add(1.0),
    "gradient through a mean": jax.grad(lambda x: jnp.mean(x @ W)),
    "called back": lambda x: jax.pure_callback(lambda v: v, jax.ShapeDtypeStruct(x.shape, x.dtype), x),
    "a number": lambda x: x.sum(),
    "no rows": lambda x: jnp.ones((4, 6)),
}  # fmt: skip


def traced(function, *sizes):
    return tuple(
        jax.make_jaxpr(function)(jax.ShapeDtypeStruct((rows, 4, 6), "float32")) for rows in sizes
    )


# Numbers of rows that the shapes have, too; and one, which only the other number tells from other sizes.
@pytest.mark.parametrize("sizes", [(5, 8), (4, 6), (1, 8)])
def test_what_is_proven(sizes):
    named = APART | {f"mixed: {name}": function for name, function in MIXED.items()}
    proven = {
        name: rows_apart(traced(function, *sizes), [True], sizes).results[0]
        for name, function in named.items()
    }
    wrong = {name for name, yes in proven.items() if yes == name.startswith("mixed: ")}
    if max(sizes) == 6:
        assert wrong == {"mixed: branch by the number"}  # Which both numbers take.
    else:  # JAX takes an axis of size 1 for one that is to be repeated.
        assert wrong == ({"looked up in the row"} if min(sizes) == 1 else set())


def test_a_proven_row_follows_from_no_other():
    (program,) = traced(lambda x: [function(x) for function in APART.values()], 5)
    run = jax.jit(as_function(program))
    one, two = np.random.default_rng(2).normal(size=(2, 5, 4, 6)).astype("float32")
    two[3] = one[3]
    for name, a, b in zip(APART, run(one), run(two), strict=True):
        np.testing.assert_array_equal(a[3], b[3], err_msg=name)
        assert not np.array_equal(a, b) or name == "filled"


def test_the_widest_value_of_a_row():
    programs = traced(lambda x: (x @ np.ones((6, 50), "float32")).sum((1, 2)), 5, 8)
    assert rows_apart(programs, [True], (5, 8))[1:] == (4 * 50 * 4, 4)
    assert rows_apart(traced(convolved, 5, 8), [True], (5, 8)).uses == 4
    assert rows_apart(traced(through_time, 5, 8), [True], (5, 8)).uses == 1


def test_nothing_is_proven_by_one_program():
    one, _ = traced(lambda x: x, 5, 8)
    assert rows_apart((one, one), [True], (5, 5)).results == [False]


def test_other_programs_are_no_proof():
    for other in (lambda x: x + 2.0, lambda x: x * 1.0, lambda x: x, lambda x: (x + 1.0) + 0.0):
        programs = traced(lambda x: x + 1.0, 5)[0], traced(other, 8)[0]
        assert rows_apart(programs, [True], (5, 8)).results == [False]
