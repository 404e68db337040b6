"""Where arrays are made: the device that is asked for."""

from __future__ import annotations

import contextlib
from typing import Any

import jax

from trivium.state.registry import suggest

__all__ = ["device"]


def device(device_name: str) -> contextlib.AbstractContextManager[Any]:
    """Make arrays, and run what is given none that lie elsewhere, on a device while a `with` block lasts.

    Args:
        device_name: The kind and the number, e.g. `"cpu:0"` or `"gpu:1"`; a kind alone means its first device.

    Returns:
        What a `with` statement enters.

    Raises:
        ValueError: There is no such device; the message lists those there are.

    Example:
        >>> import jax.numpy as jnp
        >>> with device("cpu:0"):
        ...     jnp.ones(2).device.platform
        'cpu'
    """
    kind, _, number = str(device_name).lower().partition(":")
    backends = {"cuda": "gpu", "rocm": "gpu"}
    known = {f"{d.platform}:{i}": d for p in _platforms() for i, d in enumerate(jax.devices(p))}
    name = f"{backends.get(kind, kind)}:{number or 0}"
    if name not in known:
        raise ValueError(f"There is no device {device_name!r}. {suggest(name, known)}")
    chosen: contextlib.AbstractContextManager[Any] = jax.default_device(known[name])
    return chosen


def _platforms() -> list[str]:
    """Return the kinds of devices that there are: the default one, and the CPU."""
    return list(dict.fromkeys([jax.default_backend(), "cpu"]))
