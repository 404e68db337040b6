"""One batch predicted by a program that is there: all that `predict_on_batch` does from the second call on.

What a pass looks after (blocks of batches, chunks that grow, hooks, a model that may have to be built) costs as much as
a small network's step.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

import jax

from trivium.state import to_device
from trivium.state.session import session
from trivium.state.settings import is_block_folding_enabled
from trivium.state.trees import map_tree
from trivium.training.outputs import joined
from trivium.training.segments import is_small, padded, row_numbers

__all__ = ["Alone", "asked_of"]


class Alone(NamedTuple):
    """A program of one step that leaves the state as it is.

    Args:
        program: The `Program`.
        state: The `State` that it reads.
        size: How many rows it takes, where these are more than the batch has: then copies of the last fill it up.
    """

    program: Any
    state: Any
    size: int | None = None

    def __call__(self, data: Any) -> Any:
        """Return the outputs for a batch.

        Args:
            data: The batch, of the program's form.
        """
        rows = len(jax.tree_util.tree_leaves(data)[0])
        size = self.size or rows
        placed = jax.tree_util.tree_map(lambda a: _placed(padded(a, size, size)), data)
        run = self.program.laid(self.state.take(), placed, row_numbers(size), 0)
        result, _ = run(0, 1)
        outputs = self.program.rows(self.program.written(result), 1)
        return joined([outputs if size == rows else map_tree(lambda r: r[:rows], outputs)])


def _placed(array: Any) -> Any:
    return array if is_small(array) else to_device(array)


def asked_of(data: Any) -> Hashable:
    """Return what batches have in common that one program predicts, as the settings are now.

    Args:
        data: A batch.
    """
    leaves, tree = jax.tree_util.tree_flatten(data)
    form = tuple([(a.shape, a.dtype) for a in leaves])
    return form, tree, is_block_folding_enabled(), session().lowering
