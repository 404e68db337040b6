"""The order of the boxes in each rank, with few crossings of edges."""

from __future__ import annotations

import itertools

import numpy as np

from trivium.viz.diagrams.web import Web

__all__ = ["crossings", "put_in_order"]

# Sweeps from one start, starts, and the ranks that all starts together sweep: a deep network gets fewer starts, so that
# its picture takes no longer.
_SWEEPS, _STARTS, _WORK = 12, 8, 3000


def put_in_order(web: Web) -> None:
    """Order each rank: sweeps by the neighbors' middle and swaps of neighbors, from several starts.

    Args:
        web: The web, which is changed.
    """
    best: list[list[int]] = []
    fewest = -1
    for start in range(min(max(_WORK // len(web.ranks), 2), _STARTS)):
        web.arrange(_walk(web, start))
        for sweep in range(_SWEEPS):
            found = crossings(web)
            if fewest < 0 or found < fewest:
                best, fewest = [list(layer) for layer in web.layers], found
            if found == 0:
                break
            _sweep(web, down=sweep % 2 == 0)
            _swap(web)
        if fewest == 0:
            break
    web.arrange(best)


def crossings(web: Web) -> int:
    """Count the crossings.

    Args:
        web: The web.
    """
    total = 0
    for layer in web.layers:
        ends = [
            (_at(web, v, mine), _at(web, w, theirs))
            for v in layer
            for w, mine, theirs in web.after[v]
        ]
        total += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in itertools.combinations(ends, 2))
    return total


def _walk(web: Web, start: int) -> list[list[int]]:
    """Put everything where a walk along the edges meets it; mirrored the second time, then where chance leads."""
    chance = np.random.default_rng(start)
    layers: list[list[int]] = [[] for _ in web.layers]
    seen: set[int] = set()
    sources = (v for v in range(web.boxes) if not web.before[v])
    stack = sorted(sources, key=lambda v: web.ranks[v])[::-1]
    while stack:
        v = stack.pop()
        if v not in seen:
            seen.add(v)
            layers[web.ranks[v]].append(v)
            following = [w for w, *_ in sorted(web.after[v], key=lambda end: end[1])[::-1]]
            stack += chance.permutation(following).tolist() if start > 1 else following
    return [layer[::-1] for layer in layers] if start == 1 else layers


def _at(web: Web, v: int, offset: float) -> float:
    """Return a place in a rank, and as a small part of one the place on a box's side."""
    return web.place[v] + offset * 1e-4


def _sweep(web: Web, down: bool) -> None:
    """Put everything in the middle of its neighbors in the rank before, one rank after the other."""
    sides = web.before if down else web.after
    for layer in web.layers if down else reversed(web.layers):
        middle = {}
        for v in layer:
            found = [_at(web, w, theirs) for w, _, theirs in sides[v]]
            middle[v] = sum(found) / len(found) if found else web.place[v]
        layer.sort(key=middle.__getitem__)
        for i, v in enumerate(layer):
            web.place[v] = float(i)


def _swap(web: Web) -> None:
    """Exchange neighbors as long as that saves crossings."""
    for _ in range(4):
        better = False
        for layer in web.layers:
            for i in range(len(layer) - 1):
                u, v = layer[i : i + 2]
                if _between(web, u, v) > _between(web, v, u):
                    layer[i : i + 2] = v, u
                    web.place[u], web.place[v] = web.place[v], web.place[u]
                    better = True
        if not better:
            break


def _between(web: Web, u: int, v: int) -> int:
    """Count the crossings of the edges of two neighbors, `u` before `v`."""
    total = 0
    for side in (web.before, web.after):
        mine = [_at(web, w, theirs) for w, _, theirs in side[u]]
        yours = [_at(web, w, theirs) for w, _, theirs in side[v]]
        total += sum(a > b for a in mine for b in yours)
    return total
