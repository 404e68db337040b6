"""A loop that remembers little: gradients go back through it chunk by chunk."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

from trivium.ops.lowering.windows import chosen, on_cpu

__all__ = ["chunk_of", "early_products", "lower_scan", "remembered", "thrifty"]

# A loop of so many steps is long, and so many bytes are a burden.
_LONG, _BURDEN = 1024, 2**28
# What costs less to compute anew than to write into memory and to read back, and the name of what is written instead.
_CHEAP = {
    "abs", "add", "and", "broadcast_in_dim", "convert_element_type", "copy", "div", "eq", "exp", "ge", "gt",
    "integer_pow", "le", "log", "log1p", "logistic", "lt", "max", "min", "mul", "ne", "neg", "not", "or", "pow",
    "reshape", "rsqrt", "select_n", "sign", "slice", "split", "sqrt", "square", "squeeze", "sub", "tanh", "transpose",
}  # fmt: skip
_REMEMBERED = "trivium_remembered"


def early_products() -> bool:
    """Say whether products of a loop's inputs are computed before the loop, for all steps at once.

    Accelerators are fast at one large product. On the CPU the gradients of what it gives, an array of all steps, cost
    more time than it saves: an LSTM of 64 units is trained 1.5 times as fast with a product in each step.
    """
    return not on_cpu()


def chunk_of(steps: int, kept: int) -> int | None:
    """Return how many steps of a loop to forget at a time and compute anew for the gradients; `None` for none.

    That is one more pass forward. On the CPU a long loop is faster for it all the same, since what it keeps fits into
    the cache: an LSTM of 1024 steps by a quarter at least. Elsewhere it is for the memory.

    Args:
        steps: How many steps the loop has.
        kept: How many bytes they would keep.
    """
    return math.isqrt(steps) if steps >= _LONG and (on_cpu() or kept > _BURDEN) else None


def remembered(x: jax.Array) -> jax.Array:
    """Mark what a step computes its results from by cheap operations alone, so that a `thrifty` step remembers it.

    Args:
        x: An array.

    Example:
        >>> remembered(jnp.ones(2)).tolist()
        [1.0, 1.0]
    """
    return x if chosen("recurrence") == "plain" else checkpoint_name(x, _REMEMBERED)


def thrifty(step: Callable[..., Any]) -> Callable[..., Any]:
    """Return a step that keeps its products and what is `remembered` for the gradients, and computes the rest anew.

    By itself JAX keeps some dozen arrays of each step of a cell with gates: all that any derivative is a product of.
    On the CPU, where the loop waits for memory, a GRU is trained a quarter faster for the few that are kept so. The
    numbers are the same but for rounding, where XLA fuses otherwise. Elsewhere the step stays as it is.

    Args:
        step: A pure function of arrays.

    Reference:
        Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016 (cheap operations are done again).
    """
    if chosen("recurrence") == "plain":
        return step
    # In a loop XLA does not merge what is computed anew with what was computed first, so nothing must prevent it.
    return jax.checkpoint(step, policy=_is_remembered, prevent_cse=False)


def _is_remembered(primitive: Any, *_: Any, **params: Any) -> bool:
    if primitive.name == "name":
        return bool(params["name"] == _REMEMBERED)
    return primitive.name not in _CHEAP


def lower_scan(
    f: Callable[..., Any],
    init: Any,
    xs: Any,
    length: int | None,
    reverse: bool,
    unroll: int | bool,
    chunk: int | None,
) -> Any:
    """Do what `jax.lax.scan` does; with `chunk`, keep for gradients only the state before each chunk of steps.

    What a chunk computes on the way is computed anew when gradients come to it. For n steps in chunks of √n, that is
    the memory of 2√n steps, for one more pass forward.

    Args:
        f: As for `jax.lax.scan`, and so are the others.
        init: The first state.
        xs: Arrays with the same first axis, of a known size where there is a chunk.
        length: How many steps.
        reverse: Whether to begin at the end.
        unroll: How many steps to write out in a row.
        chunk: How many steps to forget at a time; `None` to remember all.

    Reference:
        Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016.
    """
    if chunk is None:
        return jax.lax.scan(f, init, xs, length, reverse, unroll)

    @jax.checkpoint
    def through(state: Any, part: Any) -> Any:
        return jax.lax.scan(f, state, part, None, reverse, unroll)

    tree_map = jax.tree_util.tree_map
    steps = jax.tree_util.tree_leaves(xs)[0].shape[0]
    whole = steps // chunk * chunk
    # The steps that fill no chunk stand at the end, so backwards they come first.
    rest = tree_map(lambda x: x[whole:], xs)
    chunks = tree_map(lambda x: x[:whole].reshape(-1, chunk, *x.shape[1:]), xs)
    if reverse:
        state, after = through(init, rest)
        state, ys = jax.lax.scan(through, state, chunks, None, reverse)
    else:
        state, ys = jax.lax.scan(through, init, chunks)
        state, after = through(state, rest)
    ys = tree_map(lambda y, r: jnp.concatenate([y.reshape(whole, *y.shape[2:]), r]), ys, after)
    return state, ys
