"""The two linear programs of a layered drawing, after Gansner, Koutsofios, North and Vo (1993), solved exactly.

Ranks: the edges as short as they can be in total. Coordinates: the edges as straight as they can be in total.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from trivium.viz.diagrams.web import Link, Web

__all__ = ["coordinates", "ranks"]

_BOX_GAP, _LINE_GAP = 28.0, 14.0  # Between two boxes, and beside a line.
# How much a bend weighs: on the way past other boxes, in a chain, in the middle of a fan, and elsewhere.
_LONG, _CHAIN, _FAN, _LOOSE = 16.0, 12.0, 4.0, 1.0


class _Program:
    """Inequalities: a sum of some variables, each times its share, is at most a limit."""

    def __init__(self) -> None:
        self.rows: list[tuple[Sequence[int], Sequence[float], float]] = []

    def at_most(self, places: Sequence[int], shares: Sequence[float], limit: float) -> None:
        self.rows.append((places, shares, limit))

    def minimize(self, cost: Sequence[float], bounds: Sequence[tuple[float, float | None]]) -> Any:
        from scipy.optimize import linprog
        from scipy.sparse import csr_array

        if not self.rows:
            return np.array([low for low, _ in bounds])
        places, shares, limits = zip(*self.rows, strict=True)
        ends = np.cumsum([0, *map(len, places)])
        values = np.array([*itertools.chain(*shares)], float), [*itertools.chain(*places)], ends
        matrix = csr_array(values, shape=(len(limits), len(cost)))
        result = linprog(cost, A_ub=matrix, b_ub=limits, bounds=bounds, method="highs")
        assert result.success, result.message
        return result.x


def ranks(
    count: int, links: Sequence[Link], first: Sequence[int] = (), last: Sequence[int] = ()
) -> list[int]:
    """Give each box a rank, higher than those of the boxes before it.

    Args:
        count: The number of boxes.
        links: The edges, without a cycle.
        first: Boxes that have the first rank to themselves.
        last: Boxes that have the last rank to themselves.

    Example:
        >>> ranks(4, [Link(0, 1), Link(1, 2), Link(3, 2)])
        [0, 1, 2, 1]
    """
    program = _Program()
    end = count  # The last rank of all is a variable, too.
    cost = [0.5 / (count + 1)] * (count + 1)  # Where it makes no difference: early.
    for link in links:
        program.at_most((link.source, link.target), (1, -1), -1)
        cost[link.source] -= 1
        cost[link.target] += 1
    for i in range(count):
        program.at_most((i, end), (1, -1), 0 if i in last else -1)
        if i in last:
            program.at_most((end, i), (1, -1), 0)
    low = 1 if first else 0
    bounds = [(0, 0) if i in first else (low, None) for i in range(count)]
    return [round(x) for x in program.minimize(cost, [*bounds, (0, None)])[:count]]


def coordinates(web: Web) -> list[float]:
    """Return each middle across, so that the weighted sum of all bends is as small as it can be.

    Of all such drawings it is the mean of the one that leans left most and the one that leans right most, which is
    another such drawing.

    Args:
        web: The web, in order.
    """
    program, count = _Program(), len(web.ranks)
    for layer in web.layers:
        for u, v in itertools.pairwise(layer):
            gap = _LINE_GAP if max(u, v) >= web.boxes else _BOX_GAP
            program.at_most((u, v), (1, -1), -gap - (web.sizes[u][0] + web.sizes[v][0]) / 2)
    bends = _bends(web)
    for i, (_, places, shares, offset) in enumerate(bends, count):
        program.at_most((*places, i), (*shares, -1), -offset)
        program.at_most((*places, i), (*(-share for share in shares), -1), offset)
    half = [size / 2 for size, _ in web.sizes]
    weights = [weight for weight, *_ in bends]
    free = [(0.0, None)] * len(weights)
    lean = 0.2 / count  # Less than any bend weighs, for all together.
    left = program.minimize([lean] * count + weights, [*((h, None) for h in half), *free])
    width = max(x + h for x, h in zip(left[:count], half, strict=True))
    walls = [(h, width - h + 1e-6) for h in half]
    right = program.minimize([-lean] * count + weights, [*walls, *free])
    return [float(x) for x in (left[:count] + right[:count]) / 2]


def _bends(web: Web) -> list[tuple[float, tuple[int, ...], tuple[float, ...], float]]:
    """Return what is to be small: for each a weight, and places, their shares and an offset, whose sum it is."""
    bends: list[Any] = []
    fans: dict[tuple[int, bool], list[tuple[int, float, float]]] = {}
    for (u, v, leaves, enters), shortcut in web.segments.items():
        if not shortcut:
            fans.setdefault((u, True), []).append((v, leaves, enters))
            fans.setdefault((v, False), []).append((u, enters, leaves))
    for (u, v, leaves, enters), shortcut in web.segments.items():
        weight = _LONG if min(u, v) >= web.boxes else _LOOSE
        if not shortcut and len(fans[u, True]) == len(fans[v, False]) == 1:
            weight = max(weight, _CHAIN)
        bends.append((weight, (u, v), (1, -1), leaves - enters))
    for (v, _), ends in fans.items():
        if len(ends) > 1:
            # The middle one straight, or right between the two in the middle.
            ends.sort(key=lambda end: (web.place[end[0]], end[2], end[1]))
            middle = ends[(len(ends) - 1) // 2 : len(ends) // 2 + 1]
            share = 1 / len(middle)
            offset = sum(mine - theirs for _, mine, theirs in middle) * share
            places = (v, *(w for w, *_ in middle))
            bends.append((_FAN, places, (1, *([-share] * len(middle))), offset))
    return bends
