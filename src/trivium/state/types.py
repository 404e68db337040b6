"""Types: what the library's signatures say, each a protocol or an alias with one meaning.

Three kinds of type stand for "an array". What comes *in* from people is `ArrayLike`, what an op gives *out* is
`Array`, and several of either in a structure of lists and dicts are a `Tree`. While a graph is recorded, a symbolic
tensor stands wherever the signature says `Array`: it has an array's shape, dtype and operators, and no values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Protocol, TypeAlias, runtime_checkable

import jax
import numpy as np

from trivium.state.operators import ArrayOperators

__all__ = [
    "Array",
    "ArrayLike",
    "Axes",
    "DType",
    "Operation",
    "Shape",
    "Size",
    "Step",
    "Tree",
]

Array: TypeAlias = jax.Array
"""An array as ops give it; while a graph is recorded, a symbolic tensor."""

_Number: TypeAlias = bool | int | float | complex
ArrayLike: TypeAlias = Annotated[
    Array | np.ndarray | np.generic | _Number | ArrayOperators | Sequence[Any], "tensor"
]
"""What an op takes for an array: an array, a number, a nested list of numbers, a variable or a symbolic tensor.

An op's arguments of this type are its *tensors*, the others its *settings* (`trivium.graph.tensor_arguments`). The mark
behind the type keeps it in one piece in unions such as `ArrayLike | None`, so that it can be found there.
"""

Size: TypeAlias = int | None
"""How long an axis is; `None` where that is not known before there is data."""

Shape: TypeAlias = Sequence[Size]
"""An array's shape as people write it."""

Axes: TypeAlias = int | Sequence[int] | None
"""One axis or several, counted from the end where negative; all of them where it is `None`."""

DType: TypeAlias = str | type[Any] | np.dtype[Any]
"""A dtype: its name, as the library writes it everywhere, or a type of Python, NumPy or JAX that means it."""

Tree: TypeAlias = Annotated[Any, "tensors"]
"""Arrays in a structure of lists, tuples, dicts and what else `jax.tree_util` knows; one array is a tree, too.

To a type checker it is anything, since any object is a leaf; the word says how it is read.
"""


@runtime_checkable
class Operation(Protocol):
    """What a node of a graph calls: an op, a layer, a model, a loss, the reading of a variable, a line of JAX code.

    Called with arrays it computes; with symbolic tensors among its arguments it records itself as a node. What is
    called twice in one graph is one object with two nodes: that is how a graph knows that weights are shared.

    Example:
        >>> from trivium import layers, ops
        >>> isinstance(ops.add, Operation), isinstance(layers.Dense(1), Operation), isinstance(1, Operation)
        (True, True, False)
    """

    @property
    def name(self) -> str:
        """What diagrams, summaries and errors call it."""
        ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute from arrays, or record on symbolic tensors."""
        ...


class Step(Protocol):
    """One step of training, evaluation or prediction: a pure function from the state and a batch to both's successors.

    `Model.train_step`, `test_step` and `predict_step` are steps, and so is what a user writes in their place.
    """

    def __call__(self, state: Tree, data: Tree) -> tuple[Tree, Tree]:
        """Work on one batch.

        Args:
            state: The values of all variables before it.
            data: The batch: `x`, or a tuple of `x`, `y` and sample weights.

        Returns:
            Logs (for prediction: outputs), and the values of all variables after it.
        """
        ...
