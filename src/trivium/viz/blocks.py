"""Which equal blocks of a model are compiled once, and which are not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trivium.graph import Graph
from trivium.graph.folding import loops
from trivium.graph.repeats import Repeat, repeats
from trivium.state.settings import is_block_folding_enabled

__all__ = ["equal_blocks"]

_CLOSE = 0.5  # Nobody wonders about a few small layers.


def equal_blocks(model: Any) -> list[str]:
    """Return a line for each run of equal blocks of a model: whether it is compiled once, as a loop, and if not, why.

    Args:
        model: The model, in any style. Of one that is not built, or of which there is no graph, there are none.

    Example:
        >>> import trivium as tv
        >>> from trivium import layers
        >>> deep = [layers.Dense(4, name=f"hidden_{i}") for i in range(50)]
        >>> equal_blocks(tv.Sequential([tv.Input((4,)), *deep]))
        ["Compiled once, as a loop: 50 equal blocks, 'hidden_0' to 'hidden_49'"]
    """
    try:
        graph = model.graph()
    except Exception:  # As for the table: the layers are listed by their calls.
        return []
    return list(_lines(graph))


def _lines(graph: Graph) -> Iterator[str]:
    folded = loops(graph)
    within = {i for run in folded for i in range(run.start, run.stop)}
    for run in folded:
        yield f"Compiled once, as a loop: {_named(run)}"
    for run in repeats(graph, _CLOSE):
        if within.isdisjoint(range(run.start, run.stop)):
            yield f"Compiled one by one: {_named(run)} ({_why_not(run)})"
            within.update(range(run.start, run.stop))
    for i, node in enumerate(graph.nodes):
        inner = getattr(node.operation, "graph", None)
        if i not in within and callable(inner):
            yield from _lines(inner())


def _named(run: Repeat) -> str:
    first, last = (
        next((n.name for n in block if hasattr(n.operation, "variables")), block[0].name)
        for block in (run.blocks[0], run.blocks[-1])
    )
    size = len(run.blocks[0])
    of = f" of {size} calls" if size > 1 else ""
    return f"{len(run.blocks)} equal blocks{of}, {first!r} to {last!r}"


def _why_not(run: Repeat) -> str:
    if is_block_folding_enabled() is False:
        return "`config.disable_block_folding()` was called"
    return (
        f"a loop would spare the program {run.spares} variables, and from {run.worth} on it is worth it; "
        "`config.enable_block_folding()` makes it one"
    )
