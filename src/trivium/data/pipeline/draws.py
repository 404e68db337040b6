"""Random numbers in a pipeline: those of an element follow from its place, not from who else draws.

Whatever a function draws while it is called on an element (a layer's generator, a random function without a seed, the
generator that `random_map` gives it) follows from the seed, the pass, how many functions come before, and the place of
the element in the pass. So any number of workers gives the same elements, and a run that goes on in another process
draws for its elements what the first one would have drawn.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np

from trivium.data.orders import OrderKey
from trivium.state.drawing import Drawing
from trivium.state.frame import entered
from trivium.state.scopes import EffectError, Policy, StatelessScope

__all__ = ["Root", "drawing_for", "generator_for", "root_of", "traced_draws", "words_of"]

# What the random numbers of one function in one pass follow from.
Root = tuple[int, ...]

# "draw" in ASCII, beside the seed: keeps these numbers apart from those of the global seed's positions.
_APART = 0x64726177
# Elements are made by several threads, and the first of them draws a generator's first state.
_initializing = threading.Lock()


def root_of(key: OrderKey, stage: int, seed: int | None = None) -> Root:
    """Return what the random numbers of one function in one pass follow from.

    Args:
        key: What the pass's orders follow from.
        stage: How many functions come before.
        seed: A seed of the function's own, in place of the key's.

    Example:
        >>> root_of(OrderKey(1, (0,)), 2) == root_of(OrderKey(1, (0,)), 2) != root_of(OrderKey(1, (0,)), 3)
        True
    """
    return (key.seed if seed is None else seed, _APART, *key.steps, stage)


def generator_for(root: Root, place: int) -> np.random.Generator:
    """Return a NumPy generator for the element at a place.

    Example:
        >>> generator_for((1, 2), 3).integers(100) == generator_for((1, 2), 3).integers(100)
        np.True_
    """
    return np.random.Generator(np.random.Philox(np.random.SeedSequence((*root, place))))


# Each element asks, and a function has one root an epoch: so a few are in use at a time.
@functools.lru_cache(maxsize=64)
def words_of(root: Root) -> np.ndarray:
    """Return a root as the two words of a JAX key."""
    return np.random.SeedSequence(root).generate_state(2)


class _Own(Policy):
    """Generators have states that follow from an element's place.

    Args:
        words: The root of the function, as words.
        place: The place; a tracer where the function is traced for a batch of elements.
        traced: Whether it is, so that the function may keep nothing else.
    """

    def __init__(self, words: Any, place: Any, traced: bool) -> None:
        self._words, self._place, self._traced = words, place, traced

    def missing(self, variable: Any) -> Any:
        if variable.aggregation != "seed":
            return None
        with _initializing:
            variable.initialize()
        # The first word says which generator it is; the second counts its draws outside of the pipeline.
        return _state(self._words, self._place, variable.peek()[0])

    def refuse(self, variable: Any) -> None:
        if self._traced and variable.aggregation != "seed":
            raise EffectError(f"{variable.path!r} is changed by a function that is to be traced.")


@jax.jit
def _state(words: Any, place: Any, generator: Any) -> Any:
    key = jax.random.wrap_key_data(words, impl="threefry2x32")
    return jax.random.key_data(jax.random.fold_in(jax.random.fold_in(key, place), generator))


@contextmanager
def drawing_for(root: Root, place: int) -> Iterator[None]:
    """Let what is drawn in the `with` block be the numbers of one element.

    Args:
        root: What the function's numbers follow from.
        place: The element's place in the pass.

    Example:
        >>> import trivium as tv
        >>> with drawing_for((1, 2), 3):
        ...     one = tv.random.uniform(())
        >>> with drawing_for((1, 2), 3):
        ...     other = tv.random.uniform(())
        >>> bool(one == other)
        True
    """
    scope = StatelessScope(policy=_Own(words_of(root), place, traced=False))
    # The first entry of a position, the generation of the global seed, is no part of what is drawn.
    with scope, entered(drawing=Drawing((0, *root, place))):  # type: ignore[arg-type]
        yield
    for variable in scope.variables:
        if variable.aggregation != "seed":
            variable.assign(scope.get_current_value(variable))


def traced_draws(words: Any, place: Any) -> StatelessScope:
    """Return a scope in which a function is traced with the random numbers of one element.

    Args:
        words: The function's root as words, traced.
        place: The element's place, traced.
    """
    return StatelessScope(policy=_Own(words, place, traced=True))
