"""The state of a model in training as a tree of arrays by path: for checkpoints and functional programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from trivium.state import Variable, suggest
from trivium.training.steps import Steps

__all__ = ["TreeState", "matched", "tree_of"]

FORMATS = ("backend_tensor", "numpy_array")


class TreeState(Steps):
    """The part of a trainer that gives its state as a tree, and takes it back."""

    def _state_groups(self) -> dict[str, list[Variable]]:
        return {
            "trainable_variables": self.trainable_variables,
            "non_trainable_variables": self.non_trainable_variables,
            "optimizer_variables": self.optimizer.variables if self.optimizer is not None else [],
            "metrics_variables": self.metrics_variables,
        }

    def get_state_tree(self, value_format: str = "backend_tensor") -> dict[str, Any]:
        """Return all that training changes, as nested dicts by the variables' paths.

        Args:
            value_format: `"backend_tensor"` for JAX arrays, `"numpy_array"` for NumPy's.

        Returns:
            `trainable_variables`, `non_trainable_variables`, `optimizer_variables` and `metrics_variables`.

        Raises:
            ValueError: Two variables have one path, or there is no such format.

        Example:
            >>> import trivium as tv
            >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2, name="out")], name="net")
            >>> model.get_state_tree()["trainable_variables"]["net"]["out"]["kernel"].shape
            (4, 2)
        """
        groups = self._state_groups()
        return {name: tree_of(group, value_format) for name, group in groups.items()}

    def set_state_tree(self, state_tree: Mapping[str, Any]) -> None:
        """Set what `get_state_tree` returned, or the groups of it that are given.

        Args:
            state_tree: The groups, each nested dicts by the variables' paths.

        Raises:
            ValueError: A group or a path is unknown, a value is missing or has another shape.
        """
        groups = self._state_groups()
        for name in state_tree:
            if name not in groups:
                raise ValueError(f"There is no group {name!r}. {suggest(name, list(groups))}")
        # All is looked at before anything is set.
        pairs = [
            pair
            for name, tree in state_tree.items()
            for pair in matched(groups[name], tree, f"state_tree[{name!r}]")
        ]
        for variable, value in pairs:
            variable.assign(value)


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
