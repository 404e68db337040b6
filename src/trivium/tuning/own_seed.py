"""A seed for one run within a program that has one of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from trivium.state import set_random_seed
from trivium.state.session import own_session, session

__all__ = ["own_seed"]


@contextlib.contextmanager
def own_seed(seed: int) -> Iterator[None]:
    """Draw everything from a seed while the `with` block lasts, and go on with the seed from before after it.

    Names begin anew as well, so that the layers of each trial's model are called what they would be called alone.

    Args:
        seed: The seed.

    Example:
        >>> from trivium.state.seeds import global_seed
        >>> set_random_seed(7)
        >>> with own_seed(3):
        ...     inside = global_seed()
        >>> inside, global_seed()
        (3, 7)
    """
    import random

    import numpy as np

    here = own_session()
    kept = replace(here, names=here.names.copy())
    outside = random.getstate(), np.random.get_state()
    try:
        set_random_seed(seed)
        here.names.clear()
        yield
    finally:
        now = session()
        now.seed, now.position, now.generation = kept.seed, kept.position, kept.generation
        now.names = kept.names
        random.setstate(outside[0])
        np.random.set_state(outside[1])
