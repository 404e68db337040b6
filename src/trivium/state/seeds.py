"""Seeds: every random number follows from one global seed and the place of its use in the data's flow.

`set_random_seed` sets the seed. A draw without a seed of its own takes the next position of a global count. A model's
variables get theirs in the order of its graph, so equal graphs draw equal numbers, in whatever style they were
written. First values are drawn by NumPy's Philox on the host: nothing to compile, and the same on every device.

Reference:
    Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011 (Philox and Threefry).
"""

from __future__ import annotations

import random as python_random
import threading
from collections.abc import Iterable
from typing import Any, ClassVar, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from trivium.state.configured import Configured
from trivium.state.copying import Copied
from trivium.state.drawing import Position, current_drawing
from trivium.state.frame import current_frame
from trivium.state.names import auto_name
from trivium.state.registry import Registry
from trivium.state.retracing import note_traced
from trivium.state.session import own_session, session
from trivium.state.tracking import SEEDS
from trivium.state.undo import note_undo
from trivium.state.variable import Variable

__all__ = [
    "Seed",
    "SeedGenerator",
    "draw_key",
    "global_seed",
    "host_generator",
    "reserve",
    "set_random_seed",
    "split_seeds",
]


def set_random_seed(seed: int) -> None:
    """Make every later random number reproducible: ours, NumPy's and Python's.

    In a thread other than the main one our seed is the thread's own from then on; NumPy's and Python's have one for
    the whole process.

    Args:
        seed: A whole number from 0 to 2**32 - 1.

    Raises:
        ValueError: It is not such a number; nothing has been changed.

    Example:
        >>> set_random_seed(42)
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise ValueError(f"The seed is a whole number from 0 to 2**32 - 1; got {seed!r}.")
    own_session().reseed(int(seed))
    python_random.seed(int(seed))
    np.random.seed(int(seed))


def global_seed() -> int:
    """Return the global seed, chosen by chance once where none was set.

    Example:
        >>> set_random_seed(7); global_seed()
        7
    """
    here = session()
    if here.seed is None:
        here.seed = int(np.random.SeedSequence().generate_state(1)[0])
    return here.seed


def _next_position() -> Position:
    if current_frame().sharing:
        note_traced()
    here, seed = session(), global_seed()
    number, generation = here.position, here.generation

    def undo() -> None:
        # A later seed has begun another count, which this draw was no part of.
        if here.generation == generation:
            here.position = min(here.position, number)

    note_undo(undo)
    here.position = number + 1
    return generation, seed, number


def draw_key() -> tuple[int, ...]:
    """Return (global seed, next position): a key that no other draw gets.

    While a variable's first value is drawn, the position is the variable's own; each further draw for it has one key
    more of the same position.

    Example:
        >>> set_random_seed(7); draw_key(), draw_key()
        ((7, 0), (7, 1))
    """
    drawing = current_drawing()
    if drawing is None:
        return _next_position()[1:]
    if drawing.position is None:
        drawing.position = _next_position()
    again = (drawing.count, 0) if drawing.count else ()
    drawing.count += 1
    return (*drawing.position[1:], *again)


def reserve(variables: Iterable[Variable]) -> None:
    """Give each variable that has no value yet its position, in this order.

    Positions that some of them hold already are given out again: a model inside another was made first, and the order
    of the outer one's graph is what counts. A model that was made and is not used keeps what it took: it draws what
    it would have drawn alone, and models made after it draw what comes then.

    Args:
        variables: The variables, in the order of the data's flow.

    Example:
        >>> set_random_seed(7)
        >>> a, b = (Variable(lambda shape, dtype: np.zeros(shape), shape=(1,)) for _ in "ab")
        >>> reserve([b]); reserve([a, b])
        >>> a.position[1:], b.position[1:]
        ((7, 0), (7, 1))
    """
    waiting = [v for v in variables if not v.initialized]
    generation = session().generation
    movable = [v for v in waiting if v.position is None or v.position[0] == generation]
    held = iter(sorted(v.position for v in movable if v.position is not None))
    for variable in movable:
        variable.hold(next(held, None) or _next_position())


def host_generator(seed: Any = None) -> np.random.Generator:
    """Return a NumPy generator for one draw on the host.

    Args:
        seed: A whole number gives the same generator each time; `None` the next position of the global seed; a
            `SeedGenerator` its next state.

    Example:
        >>> host_generator(3).integers(100) == host_generator(3).integers(100)
        np.True_
    """
    if isinstance(seed, SeedGenerator):
        key = tuple(int(k) for k in np.asarray(jax.random.key_data(seed.next())))
        return np.random.Generator(np.random.Philox(key=key))
    # A seed of one's own is one key word more than a position, so the two never meet.
    entropy = draw_key() if seed is None else (int(seed), 0, 1)
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(entropy)))


_GENERATORS: Registry[Any] = Registry("seed generator", "keras.random")


def split_seeds(state: jax.Array, count: int) -> jax.Array:
    """Return states for generators side by side, none of which draws what another, or the one they come from, draws.

    Args:
        state: The state of a `SeedGenerator`, shape `(2,)`.
        count: How many.

    Returns:
        States, shape `(count, 2)`.

    Example:
        >>> split_seeds(jnp.array([1, 0], "uint32"), 3).shape
        (3, 2)
    """
    key = jax.random.wrap_key_data(state, impl="threefry2x32")
    return jax.random.key_data(jax.random.split(key, count))


# Threads of a pipeline may draw from one generator, whose state is read and moved on in one go. It may be held twice: a
# state is drawn when it is first read.
_moving = threading.RLock()


@_GENERATORS.register()
class SeedGenerator(Copied, Configured):
    """A source of random keys whose state is a variable, so that pure functions can carry it.

    Threads that share one get a key each; which gets which is a matter of who comes first.

    Args:
        seed: A whole number; `None` takes the next position of the global seed when first used.
        name: A name.

    Example:
        >>> generator = SeedGenerator(1)
        >>> a, b = generator.next(), generator.next()
        >>> bool(jax.random.uniform(a) == jax.random.uniform(b))
        False
    """

    _tracked_as = SEEDS
    _unwritten: ClassVar[frozenset[str]] = frozenset({"name"})

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        if seed is not None and (not isinstance(seed, int | np.integer) or seed < 0):
            raise ValueError(f"A seed is a whole number of at least 0, or None; got {seed!r}.")
        self.seed = seed
        self.name = name or auto_name("seed_generator")
        self.state = Variable(
            self._first, shape=(2,), dtype="uint32", trainable=False, aggregation="seed",
            name="seed_generator_state",
        )  # fmt: skip

    def _first(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        entropy = draw_key() if self.seed is None else (int(self.seed), 0, 1)
        return np.array([np.random.SeedSequence(entropy).generate_state(1)[0], 0], dtype)

    def next(self, ordered: bool = True) -> jax.Array:
        """Return a fresh key and move on.

        Args:
            ordered: Kept for Keras's signature; the order is always the program's.

        Returns:
            A typed JAX random key.
        """
        with _moving:
            state = self.state.value
            self.state.assign(state + jnp.array([0, 1], "uint32"))
        key: jax.Array = jax.random.wrap_key_data(state, impl="threefry2x32")
        return key


Seed: TypeAlias = int | np.integer[Any] | SeedGenerator | None
"""What a random function takes for its seed; `trivium.ops.keys.key_of` says what each means, and takes keys of JAX."""
