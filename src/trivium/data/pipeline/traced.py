"""Users' functions, traced once: for all rows of a batch side by side, or for whole batches.

Variables that a function reads (the mean that a layer has learned, say) are inputs of the program, so that it sees what
they hold at each call. Whatever cannot be traced (Python's `if` on a value, NumPy, files, text) is called as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from trivium.data.pipeline.draws import Root, traced_draws, words_of
from trivium.data.pipeline.elements import as_element, call_on, on_host
from trivium.state.frame import entered
from trivium.state.functions import StatefulFunction
from trivium.state.plain import host_randomness, same, set_host_randomness
from trivium.state.types import Tree

__all__ = ["Traced"]


class Traced:
    """A function of an element, traced for those of one form.

    Args:
        function: The function.
        rows: Whether it is called on batches, as a function of each row.

    Example:
        >>> double = Traced(lambda row: row.sum() * 2, rows=True)
        >>> double(np.eye(3), (1, 2), np.arange(3, dtype="uint32")).tolist()
        [2.0, 2.0, 2.0]
        >>> Traced(lambda row: np.cos(row), rows=True)(np.eye(3), (1, 2), np.arange(3, dtype="uint32"))
    """

    def __init__(self, function: Callable[..., Any], rows: bool) -> None:
        def one(element: Tree, words: Any, place: Any) -> Any:
            before = host_randomness()
            # Without a generator of the program's own, a draw without a seed is an error: it would be one for all.
            with traced_draws(words, place), entered(generator=None):
                made = as_element(call_on(function, element))
            if not same(before, host_randomness()):
                set_host_randomness(before)
                raise ValueError("It drew from NumPy or Python, which would be one number for all.")
            if not rows and not _only_arrays(made):
                raise TypeError(
                    "It returns what a compiled function would return as something else."
                )
            return made

        self._run: StatefulFunction | None = StatefulFunction(
            jax.vmap(one, in_axes=(0, None, 0)) if rows else one
        )

    def __call__(self, element: Tree, root: Root, places: np.ndarray) -> Any:
        """Return what the function makes of an element, or `None` where it has to be called as it is.

        Args:
            element: An element of NumPy's and JAX's arrays, or with `rows` several side by side.
            root: What the function's random numbers follow from.
            places: The place of the element in the pass, or of each row.
        """
        if self._run is None:
            return None
        if not _only_arrays(element):
            self._run = None
            return None
        try:
            with on_host():
                return self._run(element, words_of(root), places)
        except Exception:
            # What is wrong with the function itself shows where it is called as it is.
            self._run = None
            return None


def _only_arrays(element: Tree) -> bool:
    """Say whether an element is made of arrays that JAX has."""
    leaves = jax.tree_util.tree_leaves(element, is_leaf=lambda x: x is None or isinstance(x, list))
    return all(
        isinstance(x, jax.Array)
        or (isinstance(x, np.ndarray | np.generic) and x.dtype.kind in "biufc")
        for x in leaves
    )
