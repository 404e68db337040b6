"""Logs: what steps report, as Python's numbers by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trivium.state.late import LateNumbers, as_number

__all__ = ["late_numbers", "numbers"]


def numbers(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return logs as Python floats, in the order of their names; what is no single number stays an array.

    Args:
        result: What a step returned as logs.

    Example:
        >>> import numpy as np
        >>> numbers({"loss": np.float32(0.5), "by_output": {"a": np.float32(0.25)}})
        {'a': 0.25, 'loss': 0.5}
    """
    return {name: as_number(value) for name, value in _flat(result)}


def late_numbers(result: Mapping[str, Any]) -> LateNumbers:
    """Return the `numbers` of a step that need not have ended: they are waited for by who looks at them.

    Args:
        result: What the step returned as logs.
    """
    return LateNumbers.of(dict(_flat(result)))


def _flat(result: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in sorted(result.items()):
        if isinstance(value, dict):
            yield from _flat(value)
        else:
            yield name, value
