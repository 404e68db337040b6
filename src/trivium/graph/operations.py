"""Operations by what they are: when two nodes do the same, whichever objects they call."""

from __future__ import annotations

from typing import Any

import numpy as np

from trivium.graph.node import ReadVariable
from trivium.state.types import Operation

__all__ = ["same_operation"]

_PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic)


def same_operation(a: Operation, b: Operation) -> bool:
    """Say whether two nodes' operations are the same thing.

    One object is the same as itself. Of two objects, lines of JAX code are the same if they compute the same, readings
    of a variable if they read the same one in the same dtype, and layers if nothing tells them apart but their names:
    one class, one config, and neither variables nor random numbers of their own. So a `ReLU()` made anew in each call
    of a model is one operation, while two `Dense(3)`, or two `Dropout(0.5)`, are two.

    Args:
        a: An operation.
        b: Another.

    Example:
        >>> from trivium import layers, ops
        >>> same_operation(layers.ReLU(), layers.ReLU()), same_operation(layers.ReLU(), layers.ReLU(max_value=6))
        (True, False)
        >>> same_operation(ops.add, ops.add), same_operation(layers.Dense(3), layers.Dense(3))
        (True, False)
    """
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, ReadVariable):
        assert isinstance(b, ReadVariable)
        return a.variable is b.variable and a.dtype == b.dtype
    if hasattr(a, "signature"):
        return bool(a.signature == getattr(b, "signature", None))
    return _is_stateless(a) and _is_stateless(b) and _same_settings(a, b)


def _is_stateless(operation: Operation) -> bool:
    """Say whether a layer keeps nothing, not even a generator: of a layer not built yet nobody knows."""
    variables = getattr(operation, "variables", None)
    builds = getattr(operation, "built", True) or not _has_own_build(operation)
    return isinstance(variables, list) and not variables and builds


def _has_own_build(operation: Operation) -> bool:
    """Say whether a layer's class makes something when its input's shape is known.

    The common base's `build` makes nothing; it is the last in the order of classes, before `object`.
    """
    kinds = [kind for kind in type(operation).__mro__ if "build" in vars(kind)]
    return len(kinds) > 1


def _same_settings(a: Any, b: Any) -> bool:
    """Compare configs, and attributes of plain values: a class may forget one in its config."""
    try:
        configs = [_nameless(layer.get_config()) for layer in (a, b)]
    except (NotImplementedError, TypeError, ValueError):
        return False  # What cannot be written down cannot be compared, either.
    return _equal(*configs) and _equal(_plain_attributes(a), _plain_attributes(b))


def _nameless(config: Any, outermost: bool = True) -> Any:
    """Leave out layers' names, which are counted by themselves; the name of a policy of dtypes says something."""
    if isinstance(config, list | tuple):
        return [_nameless(value, False) for value in config]
    if not isinstance(config, dict):
        return config
    is_layer = outermost or {"name", "trainable"} <= config.keys()
    return {k: _nameless(v, False) for k, v in config.items() if not (is_layer and k == "name")}


def _plain_attributes(layer: Operation) -> dict[str, Any]:
    return {
        key: value
        for key, value in vars(layer).items()
        if not key.startswith("_") and key not in ("name", "built") and isinstance(value, _PLAIN)
    }


def _equal(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(_equal, a, b))
    if hasattr(a, "__array__"):
        return np.array_equal(np.asarray(a), np.asarray(b))
    return bool(a == b)
