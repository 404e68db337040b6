"""Equal blocks run as one loop: traced once, compiled once, over the blocks' variables side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax

from trivium.graph.repeats import Repeat, repeats
from trivium.graph.shared_shapes import blank
from trivium.state.frame import current_frame, entered
from trivium.state.logits import logits_of
from trivium.state.masks import get_mask, set_mask
from trivium.state.scopes import StatelessScope, add_losses, in_shape_scope
from trivium.state.settings import is_block_folding_enabled
from trivium.state.stacking import stacked, unstacked
from trivium.state.variable import Variable

if TYPE_CHECKING:
    from trivium.graph.graph import Graph

__all__ = ["fold", "folds", "loops"]


class _Unlike(Exception):
    """Blocks that look alike do not go on from each other as a loop needs it."""


def folds() -> bool:
    """Say whether equal blocks become loops here: in compiled steps, where nobody looks inside."""
    frame = current_frame()
    lookers = frame.watched, frame.trail, frame.binder, frame.tapes or None
    return frame.folds is not None and all(looker is None for looker in lookers)


def loops(graph: Graph) -> list[Repeat]:
    """Return the equal blocks of a graph that become loops, as `config.enable_block_folding` and its kin have it.

    Args:
        graph: The graph.

    Example:
        >>> from trivium.graph import Graph, SymbolicTensor
        >>> x = y = SymbolicTensor((None, 3))
        >>> for _ in range(30):
        ...     y = y * 2.0 + 1.0
        >>> loops(Graph(x, y))  # There is no variable in it.
        []
    """
    setting = is_block_folding_enabled()
    return [] if setting is False else repeats(graph, 0.0 if setting else 1.0)


def fold(repeat: Repeat, values: dict[int, Any]) -> bool:
    """Run equal blocks as one loop, and put what others use of them into `values`.

    Args:
        repeat: The blocks.
        values: Values by the tensors' ids, as in `Graph.trace`.

    Returns:
        Whether that could be done; if not, nothing has happened.
    """
    carried = [values[id(t)] for t in repeat.enters]
    if not carried or any(
        not isinstance(c, jax.Array) or logits_of(c) is not None for c in carried
    ):
        return False
    loop = _Loop(repeat, values, [get_mask(c) for c in carried])
    slices = [_side_by_side(column) for column in repeat.stacks]
    try:
        carried, (rows, written, losses) = jax.lax.scan(
            loop.body, carried, slices, length=len(repeat.blocks)
        )
    except Exception:
        # If it is an error of the blocks' own, they raise it one after the other, and say where it comes from.
        return False
    folds = current_frame().folds
    assert folds is not None
    folds.extend(repeat.stacks)
    for place, new in zip(loop.writes, written, strict=True):
        for variable, value in zip(repeat.stacks[place], unstacked(new), strict=True):
            variable.assign(value)
    if losses:
        each = [unstacked(loss) for loss in losses]
        add_losses([loss for block in zip(*each, strict=True) for loss in block])
    tensors = [[block[j].output_tensors[k] for block in repeat.blocks] for j, k in repeat.leaves]
    for column, stack in zip(tensors, rows, strict=True):
        for tensor, value in zip(column, unstacked(stack), strict=True):
            values[id(tensor)] = value
    for (j, k), mask, value in zip(repeat.carries, loop.masks, carried, strict=True):
        if mask is not None:
            set_mask(value, mask)
        values[id(repeat.blocks[-1][j].output_tensors[k])] = value
    return True


def _side_by_side(variables: Sequence[Variable]) -> Any:
    """Return the values of variables as rows of an array."""
    if in_shape_scope():  # Hundreds of blank values would be made and stacked to be one.
        shape, dtype = variables[0].form
        return blank(jax.ShapeDtypeStruct((len(variables), *shape), dtype))
    return stacked([v.kept_value for v in variables])


class _Loop:
    """The body of the loop, and what is found out while it is traced."""

    def __init__(self, repeat: Repeat, values: dict[int, Any], masks: list[Any]) -> None:
        self._repeat, self.masks = repeat, masks
        # The second block is the model of all: what it goes on from stands in the first.
        self._before, self._block = repeat.blocks[0], repeat.blocks[1]
        own = {
            id(t)
            for block in (self._before, self._block)
            for node in block
            for t in node.output_tensors
        }
        self._around = {
            id(t): values[id(t)] for node in self._block for t in node.inputs if id(t) not in own
        }
        self.writes: list[int] = []

    def body(self, carried: list[Any], slices: list[Any]) -> Any:
        repeat, values = self._repeat, dict(self._around)
        for (j, k), value, mask in zip(repeat.carries, carried, self.masks, strict=True):
            if mask is not None:
                set_mask(value, mask)
            values[id(self._before[j].output_tensors[k])] = value
        mine = [column[1] for column in repeat.stacks]
        scope = StatelessScope(zip(mine, slices, strict=True), collect_losses=True)
        # Loops within stack what is a row of a stack already: nobody else need know of these.
        with scope, entered(folds=[]):
            for node in self._block:
                args, kwargs = node.fill(values)
                result = node.operation(*args, **kwargs)
                for tensor, value in zip(
                    node.output_tensors, jax.tree_util.tree_leaves(result), strict=True
                ):
                    values[id(tensor)] = value
        known = {id(v) for v in mine}
        if any(id(v) not in known for v in scope.variables):
            raise _Unlike  # Blocks that share a variable write it.
        new = [scope.get_current_value(v) for v in mine]
        self.writes = [i for i, (a, b) in enumerate(zip(new, slices, strict=True)) if a is not b]
        following = [values[id(self._block[j].output_tensors[k])] for j, k in repeat.carries]
        for a, b, mask in zip(carried, following, self.masks, strict=True):
            if (
                (a.shape, a.dtype) != (b.shape, b.dtype)
                or get_mask(b) is not mask
                or logits_of(b) is not None
            ):
                raise _Unlike
        rows = [values[id(self._block[j].output_tensors[k])] for j, k in repeat.leaves]
        if any(get_mask(r) is not None or logits_of(r) is not None for r in rows):
            raise _Unlike
        return following, (rows, [new[i] for i in self.writes], scope.losses)
