"""Windows: how much each sample of a frame counts."""

from __future__ import annotations

import jax.numpy as jnp

from trivium.state.dtypes import standardize_dtype
from trivium.state.types import Array

__all__ = ["bartlett", "blackman", "hamming", "hanning", "kaiser"]


def bartlett(x: int) -> Array:
    """Return the triangular window.

    Args:
        x: How many points.

    Example:
        >>> bartlett(3).round(2).tolist()
        [0.0, 1.0, 0.0]
    """
    return jnp.bartlett(int(x)).astype(standardize_dtype(None))


def blackman(x: int) -> Array:
    """Return the Blackman window.

    Args:
        x: How many points.

    Example:
        >>> blackman(3).round(2).tolist()
        [-0.0, 1.0, -0.0]
    """
    return jnp.blackman(int(x)).astype(standardize_dtype(None))


def hamming(x: int) -> Array:
    """Return the Hamming window.

    Args:
        x: How many points.

    Example:
        >>> hamming(3).round(2).tolist()
        [0.07999999821186066, 1.0, 0.07999999821186066]
    """
    return jnp.hamming(int(x)).astype(standardize_dtype(None))


def hanning(x: int) -> Array:
    """Return the Hann window.

    Args:
        x: How many points.

    Example:
        >>> hanning(3).round(2).tolist()
        [0.0, 1.0, 0.0]
    """
    return jnp.hanning(int(x)).astype(standardize_dtype(None))


def kaiser(x: int, beta: float) -> Array:
    """Return the Kaiser window.

    Args:
        x: How many points.
        beta: The shape: the larger, the narrower.

    Example:
        >>> kaiser(3, 0.0).tolist()
        [1.0, 1.0, 1.0]
    """
    return jnp.kaiser(int(x), beta).astype(standardize_dtype(None))
