"""Reverse mode: gradients carried back through operations that were noted, from the last to the first.

Each operation knows the way back through itself. What comes back to an array from the operations that it went into is
added up before the operation that made it is walked: it has made the array earlier than they have used it, so the order
in which they were noted, turned around, is one in which each sum is complete when it is needed.

Reference:
    Griewank and Walther, "Evaluating Derivatives", SIAM 2008, chapter 3 (adjoints; the list is named after Wengert).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax

from trivium.state.recording import Backward

__all__ = ["Node", "carried_back"]


class Node(NamedTuple):
    """An operation: the arrays that it was given and gave, by identity, and the way back through it."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    backward: Backward


def carried_back(
    nodes: Sequence[Node],
    ends: Sequence[jax.Array],
    seeds: Sequence[jax.Array | None],
    sources: Sequence[Sequence[int]],
) -> list[jax.Array | None]:
    """Take gradients back from some arrays to others.

    Args:
        nodes: The operations, in the order in which they were done.
        ends: The arrays whose sum the gradients are of.
        seeds: Their gradients; `None` for one that has none.
        sources: The identities of the arrays that each source is: a variable is each array that it was read as.

    Returns:
        The sources' gradients, `None` for those that no way leads to.

    Example:
        >>> double = Node((1,), (2,), lambda gradients: [2 * gradients[0]])
        >>> end = object()
        >>> add = Node((1, 2), (id(end),), lambda gradients: [gradients[0], gradients[0]])
        >>> carried_back([double, add], [end], [1.0], [[1], [2], [3]])
        [3.0, 1.0, None]
    """
    wanted = {i for identities in sources for i in identities}
    # Forward first: what follows from no source is left out, and an operation that has no gradient may stand there.
    reached = set(wanted)
    path = []
    for node in nodes:
        if not reached.isdisjoint(node.inputs):
            reached.update(node.outputs)
            path.append(node)
    gradients: dict[int, jax.Array] = {}

    def add(identity: int, gradient: jax.Array) -> None:
        before = gradients.get(identity)
        gradients[identity] = gradient if before is None else before + gradient

    for end, seed in zip(ends, seeds, strict=True):
        if seed is not None:
            add(id(end), seed)
    for node in reversed(path):
        given = [gradients.get(i) for i in node.outputs]
        if any(g is not None for g in given):
            # Nothing further back has a part in them: their memory is free for what comes.
            for identity in set(node.outputs) - wanted:
                gradients.pop(identity, None)
            for identity, gradient in zip(node.inputs, node.backward(given), strict=True):
                add(identity, gradient)
    return [_total([gradients[i] for i in s if i in gradients]) for s in sources]


def _total(parts: list[jax.Array]) -> jax.Array | None:
    # Not from Python's zero on: that would be an operation more.
    return sum(parts[1:], parts[0]) if parts else None
