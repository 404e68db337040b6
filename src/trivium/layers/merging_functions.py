"""The merging layers' short forms: functions that make the layer and call it, with the layer's arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trivium.layers.merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
)
from trivium.state.types import Array

__all__ = [
    "add", "average", "concatenate", "dot", "maximum", "minimum", "multiply", "subtract",
]  # fmt: skip


def add(inputs: Sequence[Array], **kwargs: Any) -> Array:
    """Return the sum of the inputs: `Add(**kwargs)(inputs)`.

    Example:
        >>> import numpy as np
        >>> add([np.ones((1, 2)), np.ones((1, 2))]).tolist()
        [[2.0, 2.0]]
    """
    return Add(**kwargs)(inputs)


def subtract(inputs: Sequence[Array], **kwargs: Any) -> Array:
    """Return the first of two inputs less the second: `Subtract(**kwargs)(inputs)`.

    Example:
        >>> import numpy as np
        >>> subtract([np.ones((1, 2)), np.ones((1, 2))]).tolist()
        [[0.0, 0.0]]
    """
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Sequence[Array], **kwargs: Any) -> Array:
    """Return the product of the inputs: `Multiply(**kwargs)(inputs)`.

    Example:
        >>> import numpy as np
        >>> multiply([np.full((1, 2), 3.0), np.full((1, 2), 2.0)]).tolist()
        [[6.0, 6.0]]
    """
    return Multiply(**kwargs)(inputs)


def average(inputs: Sequence[Array], **kwargs: Any) -> Array:
    """Return the mean of the inputs: `Average(**kwargs)(inputs)`.

    Example:
        >>> import numpy as np
        >>> average([np.full((1, 2), 3.0), np.full((1, 2), 2.0)]).tolist()
        [[2.5, 2.5]]
    """
    return Average(**kwargs)(inputs)


def maximum(inputs: Sequence[Array], **kwargs: Any) -> Array:
    """Return the largest of the inputs, element by element: `Maximum(**kwargs)(inputs)`.

    Example:
        >>> import numpy as np
        >>> maximum([np.full((1, 2), 3.0), np.full((1, 2), 2.0)]).tolist()
        [[3.0, 3.0]]
    """
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[Array], **kwargs: Any) -> Array:
    """Return the smallest of the inputs, element by element: `Minimum(**kwargs)(inputs)`.

    Example:
        >>> import numpy as np
        >>> minimum([np.full((1, 2), 3.0), np.full((1, 2), 2.0)]).tolist()
        [[2.0, 2.0]]
    """
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Sequence[Array], axis: int = -1, **kwargs: Any) -> Array:
    """Return the inputs one after another along an axis: `Concatenate(axis, **kwargs)(inputs)`.

    Example:
        >>> import numpy as np
        >>> concatenate([np.ones((2, 3)), np.ones((2, 4))]).shape
        (2, 7)
    """
    return Concatenate(axis, **kwargs)(inputs)


def dot(inputs: Sequence[Array], axes: int | Sequence[int] = -1, **kwargs: Any) -> Array:
    """Return the dot products of two inputs along an axis of each: `Dot(axes, **kwargs)(inputs)`.

    Example:
        >>> import numpy as np
        >>> dot([np.ones((1, 2)), np.ones((1, 2))], axes=1).tolist()
        [[2.0]]
    """
    return Dot(axes, **kwargs)(inputs)
