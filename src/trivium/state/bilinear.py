"""Operations that are linear in each of two arrays, with transposes of one's own in place of those that JAX derives.

They are operations of JAX's like any other: under `jax.jit`, `jax.vmap`, `jax.jvp`, `jax.grad` and any of them within
another. (`jax.custom_vjp` knows no `jax.jvp`, and so no `jax.hessian`.)

Reference:
    https://docs.jax.dev/en/latest/jax-primitives.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from typing import Any, Protocol

import jax
from jax._src import core
from jax.interpreters import ad, batching, mlir

__all__ = ["Bilinear", "bilinear", "program_of"]


_forwards: dict[Any, Callable[..., jax.Array]] = {}


class Bilinear(Protocol):
    """A function of two arrays and a setting, linear in each array."""

    def __call__(self, x: jax.Array, y: jax.Array, *, how: Hashable) -> jax.Array:
        """Return its value."""
        ...


def bilinear(
    name: str,
    forward: Callable[..., jax.Array],
    left: Callable[..., jax.Array],
    right: Callable[..., jax.Array],
    batched: Callable[..., jax.Array],
) -> Bilinear:
    """Return a function `(x, y, how=...)` that is linear in `x` and in `y` as one operation.

    Args:
        name: Its name in programs.
        forward: Computes it, given `x`, `y` and `how`, which is any value that can be hashed.
        left: Given the result's gradient, the spec of `x`, and `y` and `how`: the gradient of `x`.
        right: Given the result's gradient, `x`, the spec of `y`, and `how`: the gradient of `y`.
        batched: Computes it for `jax.vmap`, given `x`, `y`, the mapped axis of each or `None`, and `how`. The mapped
            axis of the result is the first.

    Example:
        >>> dot = bilinear("my_dot", lambda x, y, how: x @ y,
        ...     lambda g, x, y, how: g * y, lambda g, x, y, how: g * x,
        ...     lambda x, y, axes, how: jax.vmap(lambda a, b: a @ b, axes)(x, y))
        >>> one = jax.numpy.arange(3.0)
        >>> jax.grad(lambda x: dot(x, 2 * one, how=None))(one).tolist()
        [0.0, 2.0, 4.0]
    """
    primitive = core.Primitive(name)
    _forwards[primitive] = forward
    compiled = jax.jit(forward, static_argnames="how")
    primitive.def_impl(lambda x, y, *, how: compiled(x, y, how=how))

    def typed(x: Any, y: Any, *, how: Hashable) -> Any:
        # As JAX infers it, so that what a type says of devices goes along.
        program = jax.make_jaxpr(functools.partial(forward, how=how))(x, y)
        return program.out_avals[0]

    primitive.def_abstract_eval(typed)
    mlir.register_lowering(primitive, mlir.lower_fun(forward, multiple_results=False))
    ad.defbilinear(
        primitive,
        lambda g, x, y, *, how: left(g, _spec(x), y, how),
        lambda g, x, y, *, how: right(g, x, _spec(y), how),
    )

    def batch(args: Any, axes: Any, *, how: Hashable) -> Any:
        return batched(*args, axes, how), 0

    batching.primitive_batchers[primitive] = batch

    def bind(x: jax.Array, y: jax.Array, *, how: Hashable) -> jax.Array:
        result: jax.Array = primitive.bind(*_alike(x, y), how=how)
        return result

    return bind


def program_of(operation: Any, how: Hashable, *operands: Any) -> Any:
    """Return the program that computes an operation of `bilinear`'s; `None` of any other operation.

    Args:
        operation: The operation.
        how: Its setting.
        operands: Its operands' specs.

    Example:
        >>> program_of(jax.lax.add_p, None) is None
        True
    """
    if operation not in _forwards:
        return None
    return jax.make_jaxpr(functools.partial(_forwards[operation], how=how))(*operands)


def _alike(*arrays: jax.Array) -> list[jax.Array]:
    """Return arrays as different on as many devices as one of them is, so that gradients are summed over the devices.

    Within `jax.shard_map` an array is the same on all devices or another on each; JAX's own operations bring theirs
    into line by themselves.
    """
    axes = [jax.typeof(array).mat.varying for array in arrays]
    union = frozenset().union(*axes)
    if not union:
        return list(arrays)
    return [
        jax.lax.pcast(array, tuple(union - own), to="varying") if union - own else array
        for array, own in zip(arrays, axes, strict=True)
    ]


def _spec(unknown: Any) -> jax.ShapeDtypeStruct:
    """Return the spec of the operand that a gradient is for."""
    return jax.ShapeDtypeStruct(unknown.aval.shape, unknown.aval.dtype)
