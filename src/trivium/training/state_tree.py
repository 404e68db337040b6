"""The state of a model in training as a tree of arrays by path: for checkpoints and functional programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from trivium.state import Variable, suggest

__all__ = ["matched", "tree_of"]

FORMATS = ("backend_tensor", "numpy_array")


def tree_of(variables: Iterable[Variable], value_format: str) -> dict[str, Any]:
    """Return the values of variables in nested dicts, a level for each name in a path.

    Args:
        variables: The variables.
        value_format: `"backend_tensor"` for JAX arrays, `"numpy_array"` for NumPy's.

    Raises:
        ValueError: Two variables have one path, or there is no such format.

    Example:
        >>> tree_of([Variable([1.0, 2.0], name="w")], "numpy_array")
        {'w': array([1., 2.], dtype=float32)}
    """
    if value_format not in FORMATS:
        raise ValueError(
            f"`value_format` is one of {FORMATS}; got {value_format!r}. {suggest(value_format, FORMATS)}"
        )
    tree: dict[str, Any] = {}
    for variable in variables:
        *outer, name = variable.path.split("/")
        place = tree
        for part in outer:
            place = place.setdefault(part, {})
        if name in place:
            raise ValueError(
                f"Two variables have the path {variable.path!r}, so a tree cannot hold both: give one another name."
            )
        place[name] = variable.numpy() if value_format == "numpy_array" else variable.value
    return tree


def matched(
    variables: Iterable[Variable], tree: Mapping[str, Any], what: str
) -> list[tuple[Variable, Any]]:
    """Return each variable with its value out of nested dicts as `tree_of` returns them.

    Args:
        variables: The variables.
        tree: Their values.
        what: What the tree is called, for messages.

    Raises:
        ValueError: The tree has a name that no variable has, lacks one, or has a value of another shape.
    """
    given = dict(_leaves(tree))
    mine = {v.path: v for v in variables}
    for path in given:
        if path not in mine:
            raise ValueError(f"{what} has a value for {path!r}. {suggest(path, list(mine))}")
    for path, variable in mine.items():
        if path not in given:
            raise ValueError(f"{what} has no value for the variable {path!r}.")
        if np.shape(given[path]) != variable.shape:
            raise ValueError(
                f"{what} has a value of shape {np.shape(given[path])} for {path!r}; its variable has {variable.shape}."
            )
    return [(variable, given[path]) for path, variable in mine.items()]


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}/")
        else:
            yield f"{prefix}{name}", value
