"""Data that is looked up in tables: what has no row there is found on the host, where a program could only go on."""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

import numpy as np

from trivium.data.checks import DataError
from trivium.data.files import FileRows
from trivium.data.lazy import dense
from trivium.data.sparse import SparseRows
from trivium.graph import Graph, SymbolicTensor
from trivium.layers.embedding import Embedding
from trivium.layers.preprocessing import CategoryEncoding
from trivium.models.functional_inputs import match_inputs
from trivium.state.trees import named_leaves

__all__ = ["check_lookups"]


class _Lookup(NamedTuple):
    """An input that a layer takes for numbers of rows of its table, or of categories."""

    tensor: SymbolicTensor
    layer: Embedding | CategoryEncoding

    @property
    def rows(self) -> int:
        """How many rows or categories there are."""
        layer = self.layer
        return int(layer.input_dim if isinstance(layer, Embedding) else layer.num_tokens)


# Found once for each graph: `predict` on a single sample asks, too.
_known: weakref.WeakKeyDictionary[Graph, list[_Lookup]] = weakref.WeakKeyDictionary()


def check_lookups(graph: Graph, x: Any, path: str) -> None:
    """Check numbers that go from the data straight to an `Embedding` or a `CategoryEncoding`.

    Args:
        graph: The model's graph.
        x: The data, NumPy or JAX arrays as the model takes them.
        path: The model's path, for messages.

    Raises:
        DataError: A number has no vector; the message names the layer, the number and its place.

    Example:
        >>> import trivium as tv
        >>> ids = tv.Input((2,))
        >>> graph = tv.Model(ids, tv.layers.Embedding(3, 4, name="words")(ids)).graph()
        >>> check_lookups(graph, np.array([[0, 1], [2, 3]]), "model")
        Traceback (most recent call last):
            ...
        trivium.data.checks.DataError: `x`: ...'words' (Embedding) has a vector for each of the numbers 0 to 2...
    """
    if graph not in _known:
        _known[graph] = _lookups(graph)
    if not _known[graph]:
        return
    try:
        given = {id(t): (array, place) for t, array, place in match_inputs(graph, x, path)}
    except ValueError:
        return  # Data of another form is refused, or understood, where the model is called on it.
    for lookup in _known[graph]:
        array, place = given[id(lookup.tensor)]
        if array is None or _in_range(array, lookup.rows):
            continue
        try:
            lookup.layer.check_numbers(dense(array))
        except ValueError as error:
            raise DataError(f"`x{place.removeprefix('inputs')}`: {error}") from None


def _lookups(graph: Graph) -> list[_Lookup]:
    """Return which inputs reach a table as they are, through models inside this one."""
    inputs = {id(t): t for _, t in named_leaves(graph.inputs, "") if t is not None}
    found = []
    for node in graph.nodes:
        taken = [t for t in node.inputs if id(t) in inputs]
        if isinstance(node.operation, Embedding):
            # A `ReversibleEmbedding` that goes back takes vectors and adds no axis.
            numbers = [t for t in taken if len(t.shape) < len(node.outputs.shape)]
            found += [_Lookup(t, node.operation) for t in numbers]
            continue
        if isinstance(node.operation, CategoryEncoding):
            # Its weights, of counts, are no numbers of categories.
            found += [_Lookup(t, node.operation) for t in taken if t is node.args[0]]
            continue
        inner = getattr(node.operation, "_graph", None)
        if taken and isinstance(inner, Graph) and node.args:
            passed = match_inputs(inner, node.args[0], node.name)
            layers = {id(lookup.tensor): lookup.layer for lookup in _lookups(inner)}
            found += [
                _Lookup(inputs[id(t)], layers[id(own)])
                for own, t, _ in passed
                if id(t) in inputs and id(own) in layers
            ]
    return found


def _in_range(array: Any, count: int) -> bool:
    """Say whether all numbers are from 0 to `count - 1`, in one look at each."""
    if isinstance(array, FileRows):
        return all(_in_range(piece, count) for piece in array.pieces())
    values = array.matrix.data if isinstance(array, SparseRows) else array
    if not values.size or np.dtype(values.dtype) == bool:
        return True
    # NaN compares as false, and has no row either.
    return bool((values.min() >= 0) & (values.max() < count))
