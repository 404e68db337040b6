"""Random numbers: the bits that JAX draws, in one loop over the elements.

JAX's Threefry is a loop of five turns, each of which goes through two arrays in memory. Written out it is some hundred
operations on two numbers that stay in a core's registers, and what is made of the bits is done to them there, too: an
array is written once, or not at all. The bits are the same.

Reference:
    Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from trivium.ops.lowering.windows import on_cpu
from trivium.state.types import Array

__all__ = ["in_one_loop", "kept_by_chance"]

# By how many places the second number is turned, in the four rounds of even and of odd turns.
_TURNS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = np.uint32(0x1BD11BDA)


def in_one_loop(key: Array) -> Array:
    """Return a key of which `jax.random` draws the same numbers faster, where there is one: on the CPU.

    Args:
        key: A typed key of JAX's; one that is not of Threefry comes back as it is.

    Example:
        >>> key = jax.random.key(3)
        >>> bool((jax.random.bits(in_one_loop(key), (9,)) == jax.random.bits(key, (9,))).all())
        True
    """
    if not on_cpu() or str(jax.random.key_impl(key)) != "threefry2x32":
        return key
    faster: Array = jax.random.wrap_key_data(jax.random.key_data(key), impl=_kind())
    return faster


def kept_by_chance(key: Array, chance: float, shape: Sequence[int]) -> Array:
    """Return `jax.random.bernoulli(key, chance, shape)`, in a form that XLA does not compute anew for the gradients.

    XLA computes twice what it takes to be cheap, so that it need not be kept, and a hundred operations on whole numbers
    are cheap to it. A root is not, and those of 0 and 1 are what they are.

    Args:
        key: A typed key.
        chance: The chance of each element to be true.
        shape: The shape of the result.

    Example:
        >>> round(kept_by_chance(jax.random.key(0), 0.5, (1000,)).mean().item(), 1)
        0.5
    """
    kept = jax.random.bernoulli(in_one_loop(key), chance, tuple(shape))
    return jnp.sqrt(kept.astype("float32")) > 0 if on_cpu() else kept


@functools.cache
def _kind() -> Any:
    from jax.extend import random

    jax_own: Any = random.threefry_prng_impl
    return random.define_prng_impl(
        key_shape=jax_own.key_shape, seed=jax_own.seed, split=jax_own.split,
        random_bits=functools.partial(_bits, jax_own.random_bits), fold_in=jax_own.fold_in,
        name="threefry2x32_in_one_loop", tag="fry1",
    )  # fmt: skip


def _bits(otherwise: Any, key: Array, bit_width: int, shape: Sequence[int]) -> Array:
    """Draw bits: those of the place of each element, where JAX numbers them so and 32 bits hold the numbers."""
    known = all(isinstance(size, int) for size in shape)
    numbered = jax.config.jax_threefry_partitionable  # type: ignore[attr-defined]
    if not (known and shape and numbered and bit_width <= 32 and math.prod(shape) < 2**32):
        drawn: Array = otherwise(key, bit_width, shape)
        return drawn
    place = jnp.zeros(shape, "uint32")
    for axis in range(len(shape)):
        step = np.uint32(math.prod(shape[axis + 1 :]))
        place = place + lax.broadcasted_iota("uint32", shape, axis) * step
    first, second = _threefry(key[0], key[1], place)
    return (first ^ second).astype(f"uint{bit_width}")


def _threefry(key: Array, other: Array, place: Array) -> tuple[Array, Array]:
    """Return the two numbers that Threefry makes of the pair of zero and a place, in twenty rounds."""
    words = (key, other, key ^ other ^ _PARITY)
    first, second = jnp.broadcast_to(key, place.shape), place + other
    for turn in range(5):
        for by in _TURNS[turn % 2]:
            first = first + second
            second = first ^ (second << np.uint32(by) | second >> np.uint32(32 - by))
        first = first + words[(turn + 1) % 3]
        second = second + (words[(turn + 2) % 3] + np.uint32(turn + 1))
    return first, second
