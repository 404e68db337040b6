"""What the argument `seed` of a random function means."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.graph.errors import user_location
from trivium.state.frame import current_frame
from trivium.state.scopes import only_shapes
from trivium.state.seeds import Seed, SeedGenerator, draw_key
from trivium.state.types import Array

__all__ = ["key_of"]


def key_of(seed: Seed | Array) -> Array:
    """Return the typed JAX key that the argument `seed` means.

    Args:
        seed: A whole number gives the same key each time; a `SeedGenerator` the next of its own; a JAX key itself;
            `None` the next position of the global seed.

    Raises:
        ValueError: It is something else, or `None` inside a compiled function.

    Example:
        >>> bool((key_of(3) == key_of(3)).all())
        True
    """
    if isinstance(seed, SeedGenerator):
        return seed.next()
    frame = current_frame()
    if (
        seed is None
        and frame.generator is not None
        and frame.nodes is None
        and frame.drawing is None
    ):
        key: Array = frame.generator.next()
        return key
    words: Any
    if isinstance(seed, jax.Array) and jnp.issubdtype(seed.dtype, jax.dtypes.prng_key):
        return seed
    if seed is None:
        words = _fresh_words()
    elif isinstance(seed, int | np.integer) and 0 <= seed < 2**32:
        words = (seed, 0)
    else:
        raise ValueError(
            "`seed` is a whole number from 0 to 2**32 - 1, a `SeedGenerator`, a JAX key or None; "
            f"got {seed!r}."
        )
    key = jax.random.wrap_key_data(jnp.array(words, jnp.uint32), impl="threefry2x32")
    return key


def _fresh_words() -> Any:
    frame = current_frame()
    # A model's code that is recorded runs once; what it drew would be a constant of its graph.
    recorded = frame.nodes is not None and frame.drawing is None
    if not recorded and not isinstance(jnp.zeros(()), jax.core.Tracer):
        # Hashed, so that no position of the global seed meets a whole number given as a seed.
        return np.random.SeedSequence(draw_key()).generate_state(2)
    if only_shapes():
        return (0, 0)
    where = f"{place}: " if (place := user_location()) else ""
    raise ValueError(
        f"{where}a random function without a seed inside a compiled function, or a model's `call`, would "
        "give the same numbers at every call. Make a `random.SeedGenerator` once (a layer in its `__init__`, as "
        "an attribute) and pass it as `seed`."
    )
