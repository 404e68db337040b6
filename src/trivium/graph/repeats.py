"""What repeats in a graph: runs of equal blocks, each of which goes on from what the one before it gave."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from trivium.graph.likeness import Likeness
from trivium.graph.node import Node
from trivium.state.dtypes import is_float
from trivium.state.variable import Variable

if TYPE_CHECKING:
    from trivium.graph.graph import Graph

__all__ = ["FEWEST", "Repeat", "repeats"]

# How many equal blocks are a loop at least.
FEWEST = 4
# How many variables a loop must spare the program to be worth it, each that stands in all blocks counted once for each
# block but one: a loop over few small layers takes longer than these one after the other, and what XLA saves on them is
# less than a second. Variables are counted, and not calls, since they are the same ones however a block is written: as
# layers in a row, as a layer of a user's, as a model. See docs/performance.md.
WORTH = 80
# Blocks that work on sequences lose a quarter of their speed in a loop, in which XLA keeps what their gradients need as
# slices of larger arrays: there only a long wait for XLA is worse.
WORTH_OF_SEQUENCES = 320
# XLA takes a convolution's kernel, with its two gradients, for as long as several matrices.
_CONVOLUTION = 3


@dataclasses.dataclass
class Repeat:
    """Equal blocks, one after the other.

    Attributes:
        start: The place of the first block's first node among the graph's.
        blocks: The nodes of each block.
        enters: What the first block goes on from: the tensors that the other blocks find in the one before.
        carries: The places of these in a block, as the number of a node and that of an output.
        leaves: The places of what others use of any block, beside what the last one carries on.
        stacks: The variables that stand in the same place of each block, for each place.
    """

    start: int
    blocks: list[list[Node]]
    enters: list[Any]
    carries: list[tuple[int, int]]
    leaves: list[tuple[int, int]]
    stacks: list[tuple[Variable, ...]]

    @property
    def stop(self) -> int:
        """The place after the last block's last node."""
        return self.start + len(self.blocks) * len(self.blocks[0])

    @property
    def spares(self) -> int:
        """How many variables the loop spares the program, to be held against `worth`."""
        first = [column[0] for column in self.stacks]
        # States of random numbers cost nothing.
        each = [_CONVOLUTION if v.ndim > 3 else 1 for v in first if is_float(v.kept_dtype)]
        return (len(self.blocks) - 1) * sum(each)

    @property
    def worth(self) -> int:
        """How many variables a loop must spare to be worth it for blocks of this kind."""
        sequences = any(len(t.shape) == 3 for t in self.enters)
        return WORTH_OF_SEQUENCES if sequences else WORTH


class _Sequence:
    """The nodes of a graph as numbers that are equal for nodes that do the same."""

    def __init__(self, graph: Graph, fewest: int) -> None:
        self.nodes = graph.nodes
        self.maker = {
            id(t): (i, k)
            for i, node in enumerate(self.nodes)
            for k, t in enumerate(node.output_tensors)
        }
        # What is given in the middle is not what its node would give.
        self.cut = any(id(t) in self.maker for t in graph.input_tensors)
        known: dict[Any, int] = {}
        likes: dict[int, Likeness] = {}
        self.likes: list[Likeness | None] = []
        numbers: list[int] = []
        looks = [
            (type(n.operation), *((str(t.shape), t.dtype) for t in n.output_tensors))
            for n in self.nodes
        ]
        times = Counter(looks)
        for node, look in zip(self.nodes, looks, strict=True):
            if times[look] < fewest:  # Nothing like it can stand in each block.
                self.likes.append(None)
                numbers.append(-1 - len(numbers))
                continue
            like = likes.get(id(node.operation))
            if like is None:
                like = likes[id(node.operation)] = Likeness(node.operation)
            self.likes.append(like)
            try:
                form = (like.form, like.arguments(node), look, bool(node.closures) and id(node))
                numbers.append(known.setdefault(form, len(known)))
            except TypeError:  # Something in it cannot be compared.
                numbers.append(-1 - len(numbers))
        self.numbers = np.array(numbers)
        # No run can spare more.
        self.most = _CONVOLUTION * sum(len(like.variables) for like in likes.values())
        self.edges = [
            [(*self.maker.get(id(t), (-1, 0)), id(t)) for t in node.inputs] for node in self.nodes
        ]
        used = [*graph.output_tensors, *graph.losses]
        self.outside = {id(t) for t in used}
        self.readers: dict[int, list[int]] = {}
        for i, node in enumerate(self.nodes):
            for t in node.inputs:
                self.readers.setdefault(id(t), []).append(i)

    def alike(self, i: int, period: int) -> bool:
        """Say whether a node reads what the one a period later reads, a period earlier or from the same place."""
        return all(
            (a == c and a == -1 and t == u) or t == u or (a >= 0 and c == a + period and b == d)
            for (a, b, t), (c, d, u) in zip(self.edges[i], self.edges[i + period], strict=True)
        )

    def is_used_outside(self, tensor: Any, start: int, stop: int) -> bool:
        """Say whether anything but some nodes uses a tensor."""
        readers = self.readers.get(id(tensor), ())
        return id(tensor) in self.outside or any(not start <= i < stop for i in readers)


def repeats(graph: Graph, share: float = 0.0, fewest: int = FEWEST) -> list[Repeat]:
    """Return the runs of equal blocks in a graph; of several ways to cut it the one with the most nodes.

    Args:
        graph: The graph; its layers are built.
        share: The least share of `Repeat.worth` that a run spares.
        fewest: How many blocks are a run at least.

    Example:
        >>> from trivium.graph import Graph, SymbolicTensor
        >>> x = y = SymbolicTensor((None, 3))
        >>> for _ in range(30):
        ...     y = y * 2.0 + 1.0
        >>> [(len(r.blocks), [n.name for n in r.blocks[0]]) for r in repeats(Graph(x, y))]
        [(30, ['multiply', 'add'])]
    """
    if len(graph.nodes) < fewest:
        return []
    sequence = _Sequence(graph, fewest)
    if sequence.cut or sequence.most < share * WORTH:
        return []
    found: list[Repeat] = []
    at = 0
    while at < len(sequence.nodes) - fewest + 1:
        best = None
        longest = (len(sequence.nodes) - at) // fewest
        following = sequence.numbers[at + 1 : at + longest + 1]
        for period in (np.flatnonzero(following == sequence.numbers[at]) + 1).tolist():
            count = _count(sequence, at, period)
            if count >= fewest and (best is None or count * period > best[0] * best[1]):
                best = count, period
        run = _run(sequence, at, *best) if best else None
        if run is None:
            at += 1
        elif run.spares < share * run.worth:
            at = run.stop - len(run.blocks[0]) + 1  # What begins within it spares less.
        else:
            found.append(run)
            at = run.stop
    return found


def _count(sequence: _Sequence, at: int, period: int) -> int:
    """Return how many blocks of a length are equal from a place on; of the first one not what it goes on from."""
    numbers = sequence.numbers[at:]
    same = numbers[:-period] == numbers[period:]
    length = int(np.argmin(same)) if not same.all() else len(same)
    most = length // period + 1
    for i in range(at + period, at + (most - 1) * period):
        if not sequence.alike(i, period):
            return (i - at) // period + 1
    return most


def _run(sequence: _Sequence, at: int, count: int, period: int) -> Repeat | None:
    """Return a run of equal blocks, if it can be a loop."""
    enters: dict[tuple[int, int], Any] = {}
    first, second = at, at + period
    for i in range(first, second):
        for (a, b, t), (c, d, u), tensor in zip(
            sequence.edges[i], sequence.edges[i + period], sequence.nodes[i].inputs, strict=True
        ):
            if first <= c < second:  # Out of the block before.
                if enters.setdefault((c - first, d), tensor) is not tensor or a >= first:
                    return None
                like = sequence.nodes[c].output_tensors[d]
                if tensor.shape != like.shape or tensor.dtype != like.dtype:
                    return None
            elif not (t == u or (c >= second and a == c - period and b == d)):
                return None
    last = at + count * period
    # In all other blocks: nothing out of a block further back, and nothing out of any as the same for all.
    for i in range(second, last):
        block = (i - at) // period
        for c, _, _ in sequence.edges[i]:
            if at <= c < at + (block - 1) * period:
                return None
            if block >= 2 and at <= c and any(c == a for a, _, _ in sequence.edges[i - period]):
                return None
    blocks = [sequence.nodes[i : i + period] for i in range(at, last, period)]
    stacks = _stacks(
        [
            [v for like in sequence.likes[i : i + period] if like for v in like.variables]
            for i in range(at, last, period)
        ]
    )
    if stacks is None:
        return None
    leaves = {
        (j, k)
        for block in range(count)
        for j in range(period)
        for k, t in enumerate(blocks[block][j].output_tensors)
        if sequence.is_used_outside(t, at, last) and not (block == count - 1 and (j, k) in enters)
    }
    return Repeat(at, blocks, list(enters.values()), list(enters), sorted(leaves), stacks)


def _stacks(blocks: Sequence[list[Variable]]) -> list[tuple[Variable, ...]] | None:
    """Return the variables in the same place of each block; `None` where blocks share some and not all."""
    if len({len(variables) for variables in blocks}) > 1:
        return None
    columns = {tuple(map(id, column)): column for column in zip(*blocks, strict=True)}
    own = [column for key, column in columns.items() if len(set(key)) > 1]
    each = [id(v) for column in columns.values() for v in {id(v): v for v in column}.values()]
    if any(len(set(map(id, c))) < len(c) for c in own) or len(set(each)) < len(each):
        return None
    return own
