"""Layered drawing of a directed graph, after Sugiyama, Tagawa and Toda (1981).

A graph flows *along* one axis, rank by rank, and spreads *across* the other. Each box gets a rank (`programs`), the
boxes of a rank get an order with few crossings (`crossings`), and then all get coordinates (`programs`). Long edges
pass the ranks between at points of their own (`web`), so that no edge can meet a box.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from trivium.viz.diagrams.crossings import put_in_order
from trivium.viz.diagrams.programs import coordinates, ranks
from trivium.viz.diagrams.web import Link, Web

__all__ = ["Layout", "Link", "Stop", "layered"]

_RANK_GAP = 34.0  # Between two ranks, and more where an edge goes far across.
_SNAP = 8.0  # An edge that would bend by less leaves its box beside the middle instead.

# A place that an edge passes: the coordinate across, and from where to where along it runs straight.
Stop = tuple[float, float, float]


@dataclasses.dataclass
class Layout:
    """Where everything is.

    Args:
        across: The middle of each box, across.
        along: The middle of each box, along.
        routes: The stops of each link.
        breadth: The extent across.
        length: The extent along.
    """

    across: list[float]
    along: list[float]
    routes: list[list[Stop]]
    breadth: float
    length: float


def layered(
    sizes: Sequence[tuple[float, float]],
    links: Sequence[Link],
    first: Sequence[int] = (),
    last: Sequence[int] = (),
) -> Layout:
    """Place boxes and edges.

    Args:
        sizes: Each box's extent across and along.
        links: The edges, without a cycle.
        first: Boxes that have the first rank to themselves.
        last: Boxes that have the last rank to themselves.

    Example:
        >>> layout = layered([(10, 10), (10, 10), (10, 10)], [Link(0, 1), Link(1, 2), Link(0, 2)])
        >>> [round(x) for x in layout.along], [len(route) for route in layout.routes]
        ([5, 51, 96], [2, 2, 3])
    """
    if not sizes:
        return Layout([], [], [], 0.0, 0.0)
    web = Web(sizes, links, ranks(len(sizes), links, first, last))
    put_in_order(web)
    across = coordinates(web)
    shift = min(x - w / 2 for x, (w, _) in zip(across, web.sizes, strict=True))
    across = [x - shift for x in across]
    bands = _bands(web, across)
    along = [sum(bands[rank]) / 2 for rank in web.ranks[: web.boxes]]
    breadth = max(x + w / 2 for x, (w, _) in zip(across, web.sizes, strict=True))
    routes = _routes(web, across, along, bands)
    return Layout(across[: web.boxes], along, routes, breadth, bands[-1][1])


def _bands(web: Web, across: list[float]) -> list[tuple[float, float]]:
    """Return from where to where each rank reaches; the wider an edge swings, the more room it gets."""
    swing = [0.0] * len(web.layers)
    for u, v, leaves, enters in web.segments:
        far = abs(across[u] + leaves - across[v] - enters)
        swing[web.ranks[u]] = max(swing[web.ranks[u]], far)
    bands, at = [], 0.0
    for layer, far in zip(web.layers, swing, strict=True):
        length = max(web.sizes[v][1] for v in layer)
        bands.append((at, at + length))
        at += length + _RANK_GAP + min(far * 0.08, 50.0)
    return bands


def _routes(
    web: Web, across: list[float], along: list[float], bands: list[tuple[float, float]]
) -> list[list[Stop]]:
    """Give each link its stops."""
    routes = []
    for link, way, goal in zip(web.links, web.ways, _enter(web, across), strict=True):
        u, v = link.source, link.target
        leave = across[u] + link.leaves
        if len(way) > 2 and abs(across[way[1]] - leave) < _SNAP:
            leave = across[way[1]]
        first = (leave, along[u] + web.sizes[u][1] / 2, bands[web.ranks[u]][1])
        last = (goal, bands[web.ranks[v]][0], along[v] - web.sizes[v][1] / 2)
        routes.append([first, *((across[p], *bands[web.ranks[p]]) for p in way[1:-1]), last])
    return routes


def _enter(web: Web, across: list[float]) -> list[float]:
    """Return where across each link enters its target: side by side, in the order they come from."""
    ends = [0.0] * len(web.links)
    comers: dict[int, list[tuple[float, int]]] = {}
    for i, (link, way) in enumerate(zip(web.links, web.ways, strict=True)):
        middle = across[link.target]
        ends[i] = middle + (link.enters or 0.0)
        if link.enters is None:
            origin = across[way[-2]] + (link.leaves if len(way) == 2 else 0.0)
            comers.setdefault(link.target, []).append((origin - middle, i))
    for target, found in comers.items():
        found.sort()
        step = min(16.0, web.sizes[target][0] / (2 * len(found)))
        offsets = [(k - (len(found) - 1) / 2) * step for k in range(len(found))]
        # One that comes straight stays straight.
        straight = [o for o, (far, _) in zip(offsets, found, strict=True) if abs(far) < 1.0]
        for offset, (_, i) in zip(offsets, found, strict=True):
            ends[i] += offset - (straight[0] if straight else 0.0)
    return ends
