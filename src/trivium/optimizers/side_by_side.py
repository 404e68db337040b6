"""Parameters of one shape side by side, so that a step is one formula for all of them, and not one for each."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, TypeAlias

from trivium.state.stacking import stacked, unstacked

__all__ = ["Groups", "SideBySide"]

Groups: TypeAlias = tuple[tuple[int, ...], ...]
"""The places of parameters that equal blocks of a model have in the same place of each."""


class SideBySide:
    """Lists with one entry for each parameter as lists in which each group is one array.

    Args:
        groups: The groups; none share a parameter.
        count: How many parameters there are.

    Attributes:
        places: For each entry of the shorter lists the parameters in it: groups first.

    Example:
        >>> import jax.numpy as jnp
        >>> side = SideBySide(((0, 2),), 3)
        >>> joined = side.join([jnp.zeros(2), jnp.ones(1), jnp.ones(2)])
        >>> [a.tolist() for a in joined]
        [[[0.0, 0.0], [1.0, 1.0]], [1.0]]
        >>> [a.tolist() for a in side.split(joined)]
        [[0.0, 0.0], [1.0], [1.0, 1.0]]
    """

    def __init__(self, groups: Groups, count: int) -> None:
        taken = {place for group in groups for place in group}
        self._count, self._groups = count, groups
        self.places = [*groups, *((i,) for i in range(count) if i not in taken)]

    def join(self, entries: Sequence[Any]) -> list[Any]:
        """Return the shorter list."""
        if not self._groups:
            return list(entries)
        return [
            entries[group[0]] if len(group) == 1 else stacked([entries[i] for i in group])
            for group in self.places
        ]

    def split(self, joined: Sequence[Any]) -> list[Any]:
        """Return the list with one entry for each parameter."""
        if not self._groups:
            return list(joined)
        entries: list[Any] = [None] * self._count
        for group, entry in zip(self.places, joined, strict=True):
            for i, one in zip(group, unstacked(entry) if len(group) > 1 else [entry], strict=True):
                entries[i] = one
        return entries

    def join_slots(self, slots: Sequence[OrderedDict[str, Any]]) -> list[OrderedDict[str, Any]]:
        """Do the same with what is kept for each parameter, by name."""
        columns = {name: self.join([slot[name] for slot in slots]) for name in slots[0]}
        return [
            OrderedDict((name, column[i]) for name, column in columns.items())
            for i in range(len(self.places))
        ]

    def split_slots(self, joined: Sequence[OrderedDict[str, Any]]) -> list[OrderedDict[str, Any]]:
        """Return what is kept for each parameter, by name."""
        columns = {name: self.split([slot[name] for slot in joined]) for name in joined[0]}
        return [
            OrderedDict((name, column[i]) for name, column in columns.items())
            for i in range(self._count)
        ]
