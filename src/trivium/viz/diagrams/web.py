"""The web of a layered drawing: boxes, and a point at every rank that an edge passes."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Hashable, Sequence

__all__ = ["Link", "Web"]


@dataclasses.dataclass(frozen=True)
class Link:
    """An edge to be drawn.

    Args:
        source: The box it leaves, by number.
        target: The box it enters.
        leaves: Where on the source's side, from its middle.
        enters: Where on the target's side, from its middle; `None` leaves it to the layout.
        bundle: Links of one bundle and source share their way as long as they can.
    """

    source: int
    target: int
    leaves: float = 0.0
    enters: float | None = None
    bundle: Hashable = None


class Web:
    """Boxes and points in their ranks, and the segments between neighboring ranks.

    Boxes come first; a number that is no box's is a point's.

    Args:
        sizes: Each box's extent across and along.
        links: The edges.
        ranks: Each box's rank; every link leads to a higher one.

    Example:
        >>> web = Web([(10, 10), (10, 10), (10, 10)], [Link(0, 1), Link(1, 2), Link(0, 2)], [0, 1, 2])
        >>> web.ways, web.ranks, web.shortcuts
        ([[0, 1], [1, 2], [0, 3, 2]], [0, 1, 2, 1], [False, False, True])
    """

    def __init__(
        self, sizes: Sequence[tuple[float, float]], links: Sequence[Link], ranks: Sequence[int]
    ) -> None:
        self.boxes = len(sizes)
        self.links = list(links)
        self.sizes = list(sizes)
        self.ranks = list(ranks)
        self.shortcuts = self._shortcuts()
        # Each segment: from, to, where on either side; and whether shortcuts alone run there.
        self.segments: dict[tuple[int, int, float, float], bool] = {}
        self.ways = self._ways()
        # The neighbors in the next rank and in the one before: which, and where on my side and on theirs.
        self.after: list[list[tuple[int, float, float]]] = [[] for _ in self.ranks]
        self.before: list[list[tuple[int, float, float]]] = [[] for _ in self.ranks]
        for u, v, leaves, enters in self.segments:
            self.after[u].append((v, leaves, enters))
            self.before[v].append((u, enters, leaves))
        self.layers: list[list[int]] = [[] for _ in range(max(self.ranks) + 1)]
        self.place = [0.0] * len(self.ranks)  # Which in its layer.

    def arrange(self, layers: list[list[int]]) -> None:
        """Take an order for the layers."""
        self.layers = layers
        for layer in layers:
            for i, v in enumerate(layer):
                self.place[v] = float(i)

    def _ways(self) -> list[list[int]]:
        """Lead each link through a point at each rank between its ends."""
        points: dict[Hashable, int] = {}
        ways = []
        for number, link in enumerate(self.links):
            way = [link.source]
            for rank in range(self.ranks[link.source] + 1, self.ranks[link.target]):
                bundle = number if link.bundle is None else link.bundle
                point = points.setdefault((link.source, bundle, rank), len(self.ranks))
                if point == len(self.ranks):
                    self.ranks.append(rank)
                    self.sizes.append((0.0, 0.0))
                way.append(point)
            way.append(link.target)
            ways.append(way)
            for u, v in itertools.pairwise(way):
                leaves = link.leaves if u == link.source else 0.0
                enters = (link.enters or 0.0) if v == link.target else 0.0
                segment = u, v, leaves, enters
                self.segments[segment] = self.shortcuts[number] and self.segments.get(segment, True)
        return ways

    def _shortcuts(self) -> list[bool]:
        """Say of each link whether there is another, longer way from its source to its target."""
        targets: list[list[int]] = [[] for _ in range(self.boxes)]
        for link in self.links:
            targets[link.source].append(link.target)
        reach = [0] * self.boxes  # Sets of boxes, as bits.
        for u in sorted(range(self.boxes), key=lambda u: -self.ranks[u]):
            for v in targets[u]:
                reach[u] |= reach[v] | 1 << v
        return [any(reach[w] >> k.target & 1 for w in targets[k.source]) for k in self.links]
