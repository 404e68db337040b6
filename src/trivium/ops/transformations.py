"""Transformations: functions called side by side, forgetting, differentiated by hand, as ops.

As in `control`, the functions may call layers, and what layers do besides computing is carried through.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.graph.op import op
from trivium.graph.tensor import is_symbolic
from trivium.ops.arrays import as_array
from trivium.ops.closures import op_of_functions
from trivium.ops.control import length_of, pure_form, slice_of, stacked, zeros_of
from trivium.ops.lowering.products import NAME
from trivium.state.effects import finding, put_back
from trivium.state.scopes import EffectError
from trivium.state.seeds import split_seeds
from trivium.state.variable import Variable

__all__ = [
    "custom_gradient", "jvp", "remat", "rematerialize", "stop_gradient", "vectorize", "vectorized_map",
]  # fmt: skip

_Function = Callable[..., Any]


@op_of_functions
def vectorized_map(function: _Function, elements: Any) -> Any:
    """Call a function with each slice along the first axis, all at once.

    Args:
        function: A function of one slice.
        elements: Arrays with the same first axis, in any structure.

    Returns:
        The results, stacked along a new first axis.

    Example:
        >>> vectorized_map(lambda x: x * 2, jnp.array([1, 2])).tolist()
        [2, 4]
    """
    first = slice_of(elements)
    if finding():
        return stacked(function(zeros_of(first)), length_of(elements))
    step = pure_form(function, first)
    if not step.writes and not step.adds_loss:
        return jax.vmap(function)(elements)
    before = step.now()
    spread = [_spread(v, x, length_of(elements)) for v, x in zip(step.writes, before, strict=True)]
    result, values, losses = jax.vmap(step)(spread, elements)
    after = [_joined(v, *pair) for v, *pair in zip(step.writes, before, values, strict=True)]
    put_back(step, after, None if losses is None else jnp.sum(losses))
    return result


def _spread(variable: Variable, value: Any, count: int) -> Any:
    """Return what a variable holds at the beginning of each of several calls side by side."""
    if variable.aggregation == "seed":
        return split_seeds(value, count)
    return jnp.broadcast_to(value, (count, *value.shape))


def _joined(variable: Variable, before: Any, after: Any) -> Any:
    """Return what a variable holds after calls side by side, of which each has given it a value."""
    if variable.aggregation == "seed":
        return before + jnp.array([0, 1], "uint32")
    if variable.aggregation == "sum":
        return before + jnp.sum(after - before, axis=0).astype(before.dtype)
    if variable.aggregation == "mean":
        return jnp.mean(after, axis=0).astype(before.dtype)
    if variable.aggregation == "only_first_replica":
        return after[0]
    raise EffectError(
        f"vectorized_map: the calls side by side each give the variable {variable.path!r} a new value, and nothing "
        'says what becomes of them. Make it with `aggregation="mean"`, `"sum"` or `"only_first_replica"`, or call one '
        "after the other with `ops.map`."
    )


def remat(f: _Function, keep_products: bool = False) -> _Function:
    """Make a function forget what it computes on the way, and compute it again when gradients need it.

    It saves memory and costs time: training keeps the function's arguments and results, and nothing in between.

    Args:
        f: A function of arrays, or one that calls layers, or a layer.
        keep_products: Whether to keep the results of matrix products and convolutions, which cost most to compute anew.

    Returns:
        A function of the same arguments with the same results and gradients.

    Example:
        >>> jax.grad(remat(lambda x: jnp.sin(jnp.sin(x))))(0.0).item()
        1.0

    Reference:
        Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016.
    """

    @functools.wraps(f, updated=())
    def forgetful(*args: Any, **kwargs: Any) -> Any:
        if not kwargs and all(map(_is_array, jax.tree_util.tree_leaves(args))):
            return rematerialize(f, *args, keep_products=keep_products)
        # What is no array (`training=True`) is part of the function.
        leaves, tree = jax.tree_util.tree_flatten((args, kwargs))
        places = [i for i, leaf in enumerate(leaves) if _is_array(leaf)]

        def of_arrays(*arrays: Any) -> Any:
            filled = list(leaves)
            for i, array in zip(places, arrays, strict=True):
                filled[i] = array
            a, k = jax.tree_util.tree_unflatten(tree, filled)
            return f(*a, **k)

        return rematerialize(of_arrays, *(leaves[i] for i in places), keep_products=keep_products)

    return forgetful


def _is_array(x: Any) -> bool:
    return is_symbolic(x) or isinstance(x, jax.Array | np.ndarray)


@op_of_functions
def rematerialize(f: _Function, *args: Any, keep_products: bool = False) -> Any:
    """Call a function; gradients compute anew what it computed on the way. See `remat`.

    Args:
        f: The function.
        args: Its arguments.
        keep_products: See `remat`.

    Example:
        >>> rematerialize(lambda x: x * 2, jnp.array(3.0)).item()
        6.0
    """
    if finding():
        return f(*args)
    step = pure_form(f, *args)
    policy = _is_product if keep_products else None
    result, written, loss = jax.checkpoint(step, policy=policy)(step.now(), *args)
    put_back(step, written, loss)
    return result


def _is_product(operation: Any, *args: Any, **settings: Any) -> bool:
    """Say whether an operation's result is kept where products are."""
    kept: bool = jax.checkpoint_policies.dots_saveable(operation, *args, **settings)
    return kept or operation.name == NAME


def vectorize(
    pyfunc: _Function, *, excluded: set[int | str] | None = None, signature: str | None = None
) -> _Function:
    """Make a function of single elements one of arrays.

    Args:
        pyfunc: The function.
        excluded: Positions and names of the arguments to pass as they are.
        signature: The axes that it works on itself, such as `"(n),(n)->()"`; none where it is `None`.

    Returns:
        A function that broadcasts its arguments.

    Example:
        >>> vectorize(lambda a, b: a + b)(jnp.array([1, 2]), 10).tolist()
        [11, 12]
    """
    return op(jnp.vectorize(pyfunc, excluded=excluded or set(), signature=signature))


@op
def stop_gradient(variable: Any) -> Any:
    """Return the same values, taken for constants by gradients.

    Args:
        variable: An array or a variable.

    Example:
        >>> jax.grad(lambda x: stop_gradient(x) * x)(3.0).item()
        3.0
    """
    return jax.lax.stop_gradient(as_array(variable))


def custom_gradient(f: _Function) -> _Function:
    """Give a function a gradient of its own.

    Args:
        f: A function that returns its result and a function from the result's gradient to the arguments' gradients.

    Returns:
        An op that returns the result alone.

    Example:
        >>> @custom_gradient
        ... def clipped(x):
        ...     return x * x, lambda upstream: jnp.clip(upstream * 2 * x, -1.0, 1.0)
        >>> jax.grad(clipped)(3.0).item()
        1.0
    """
    return op(functools.wraps(f)(jax.custom_gradient(f)))


@op_of_functions
def jvp(fun: _Function, primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """Return a function's result and its change along a direction.

    Args:
        fun: A function of arrays.
        primals: A list or tuple of its arguments.
        tangents: The direction, in the structure of `primals`.
        has_aux: Whether the function returns a pair whose second part is not differentiated.

    Returns:
        The result, its change and, with `has_aux`, the second part.

    Example:
        >>> [part.item() for part in jvp(lambda x: x * x, (3.0,), (1.0,))]
        [9.0, 6.0]
    """
    if finding():
        fun(*primals)
    step = pure_form(fun, *primals)

    def pure(*given: Any) -> Any:
        result, written, loss = step(step.now(), *given)
        result, more = result if has_aux else (result, None)
        return result, (more, written, loss)

    result, change, (more, written, loss) = jax.jvp(pure, primals, tangents, has_aux=True)
    put_back(step, written, loss)
    return (result, change, more) if has_aux else (result, change)
