"""What layers of images draw."""

from __future__ import annotations

from typing import Any

from trivium import random
from trivium.state.seeds import Seed

__all__ = ["between", "chosen"]


def between(
    shape: Any, bounds: tuple[float, float], seed: Seed, scale: float = 1.0, offset: float = 0.0
) -> Any:
    """Return numbers drawn evenly, scaled and moved.

    Args:
        shape: How many, as a shape.
        bounds: The range that they are drawn from.
        seed: A whole number or a `SeedGenerator`.
        scale: What the range is multiplied by first.
        offset: What is added to it then.

    Example:
        >>> between((2,), (0.5, 0.5), 1, scale=2.0, offset=1.0).tolist()
        [2.0, 2.0]
    """
    lower, upper = (offset + scale * bound for bound in bounds)
    return random.uniform(shape, lower, upper, seed=seed)


def chosen(count: Any, chance: tuple[float, float], seed: Seed) -> Any:
    """Return for each image whether it is chosen, by a chance that is drawn for it, too.

    Args:
        count: How many images there are.
        chance: The range of the chance.
        seed: A whole number or a `SeedGenerator`.

    Example:
        >>> chosen(3, (1.0, 1.0), 1).tolist(), chosen(2, (0.0, 0.0), 1).tolist()
        ([True, True, True], [False, False])
    """
    chances = between((count,), chance, seed)
    return random.uniform((count,), seed=seed) < chances
