"""Patterns: axes moved, merged and split by their names."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from itertools import chain

import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_array
from trivium.state.types import Array, ArrayLike

__all__ = ["rearrange"]

# A group of axes in parentheses, an axis alone, the axes without names, or one of size 1.
_PART = re.compile(r"\(([^()]*)\)|([A-Za-z_]\w*|\.\.\.|1)(?!\w)|(\S)")


@op
def rearrange(tensor: ArrayLike, pattern: str, **axes_lengths: int) -> Array:
    """Move, merge and split axes, as a pattern says that names them.

    Args:
        tensor: An array.
        pattern: The axes before and after, as in `"batch (height cells) channels -> batch height (cells channels)"`:
            axes in parentheses are one axis together, `1` is an axis of size 1, and `...` is all that have no name.
        axes_lengths: The sizes of axes that are split off; of each group all but one.

    Raises:
        ValueError: The pattern is not written so, does not fit the array, or leaves a size open.

    Example:
        >>> rearrange([[1, 2, 3, 4]], "one (row column) -> (column one) row", row=2).tolist()
        [[1, 3], [2, 4]]

    Reference:
        Rogozhnikov, "Einops: Clear and Reliable Tensor Manipulations with Einstein-like Notation", ICLR 2022,
        https://openreview.net/forum?id=oapKSVM2bcj
    """
    x = jnp.asarray(as_array(tensor))
    left, arrow, right = pattern.partition("->")
    named = sum(part[0] != "..." for part in _parts(left, pattern))
    rest = [f"axis {i} of the rest" for i in range(x.ndim - named)] if "..." in left else []
    before, after = _groups(left, rest, pattern), _groups(right, rest, pattern)
    names, order = list(chain(*before)), list(chain(*after))
    if not arrow or len(set(names)) < len(names) or sorted(names) != sorted(order):
        raise ValueError(
            f"a pattern has the same axes on both sides of `->`, each of them once; got {pattern!r}."
        )
    if len(before) != x.ndim:
        raise ValueError(f"{pattern!r} is of {len(before)} axes; the array has shape {x.shape}.")
    sizes = _sizes(before, x, axes_lengths, pattern)
    split = x.reshape([sizes[name] for name in names])
    moved = split.transpose([names.index(name) for name in order])
    return moved.reshape([math.prod(sizes[name] for name in group) for group in after])


def _parts(side: str, pattern: str) -> list[list[str]]:
    """Return the names in each part of a side; `...` stands for the axes without names."""
    parts = []
    for several, one, unknown in _PART.findall(side):
        inside = several.split()
        if unknown or not all(n.isidentifier() or n in ("...", "1") for n in inside):
            raise ValueError(
                f"a pattern is made of names, parentheses, `...` and `1`; got {pattern!r}."
            )
        parts.append([one] if one else ["(", *inside])
    return parts


def _groups(side: str, rest: list[str], pattern: str) -> list[list[str]]:
    """Return the names of what makes up each axis: of one of size 1 nothing does."""
    groups = []
    for part in _parts(side, pattern):
        if part == ["..."]:
            groups += [[name] for name in rest]
        else:
            each = [rest if name == "..." else [name] for name in part if name not in ("(", "1")]
            groups.append(list(chain(*each)))
    return groups


def _sizes(
    groups: list[list[str]], x: Array, given: Mapping[str, int], pattern: str
) -> dict[str, int]:
    """Return the size of each name, from those that are given and what is left of the axes."""
    sizes = dict(given)
    if strange := given.keys() - set(chain(*groups)):
        raise ValueError(f"{pattern!r} has no axis {min(strange)!r}, of which a size is given.")
    for axis, (group, size) in enumerate(zip(groups, x.shape, strict=True)):
        known = math.prod(sizes[name] for name in group if name in sizes)
        missing = [name for name in group if name not in sizes]
        if len(missing) > 1:
            raise ValueError(f"{pattern!r} leaves the sizes of {missing} open: give all but one.")
        # A size that is not known may be anything.
        fits = not isinstance(size, int) or (size % known == 0 if missing else size == known)
        if not fits:
            raise ValueError(
                f"axis {axis} has the size {size}, which {group} of {dict(given)} do not make."
            )
        sizes |= dict.fromkeys(missing, size // known)
    return sizes
