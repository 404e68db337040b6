"""Shape inference: a function is traced once with symbols for unknown sizes, and the result's sizes read off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from trivium.graph.errors import CaptureError
from trivium.graph.tensor import fresh_dimension, is_symbolic
from trivium.state.jaxpr import replace_symbols
from trivium.state.scopes import shape_scope
from trivium.state.trees import keep_order

__all__ = ["infer"]


def infer(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Return what `function(*args, **kwargs)` would return, with `jax.ShapeDtypeStruct` for arrays.

    Args:
        function: A function of arrays.
        args: Its arguments, nested structures with symbolic tensors in them.
        kwargs: Its keyword arguments, likewise.

    Raises:
        Exception: Whatever the function raises for these shapes.

    Example:
        >>> from trivium.graph import SymbolicTensor
        >>> x = SymbolicTensor((None, 4))
        >>> infer(lambda a: a.reshape((-1, 2, 2)), (x,), {}).shape[1:]
        (2, 2)
    """
    leaves, tree = jax.tree_util.tree_flatten((args, kwargs))
    places = [i for i, leaf in enumerate(leaves) if is_symbolic(leaf)]

    returned: list[Any] = []

    def traced(*arrays: Any) -> Any:
        filled = list(leaves)
        for i, array in zip(places, arrays, strict=True):
            filled[i] = array
        a, k = keep_order((args, kwargs), jax.tree_util.tree_unflatten(tree, filled))
        with shape_scope():
            returned[:] = [function(*a, **k)]
        return returned[0]

    shapes = [leaves[i].dims for i in places]
    dtypes = [leaves[i].dtype for i in places]
    attempts = [(_symbols, shapes)]
    if any(not isinstance(d, int) for dims in shapes for d in dims):
        # Unknown sizes may have to be equal; some code needs numbers for sizes (`int(x.shape[0])`, comparisons).
        agreed, merged = _agree(shapes), _merge(shapes)
        attempts += [(_symbols, agreed), (_symbols, merged), (_numbers, shapes), (_numbers, merged)]
    first: Exception | None = None
    for attempt, dims in attempts:
        try:
            result = attempt(traced, dims, dtypes)
            return keep_order(returned[0], result)
        except CaptureError:
            raise
        except Exception as error:
            first = first or error
    assert first is not None
    raise first from None


def _specs(shapes: Any, dtypes: Any) -> list[jax.ShapeDtypeStruct]:
    return [jax.ShapeDtypeStruct(s, d) for s, d in zip(shapes, dtypes, strict=True)]


def _symbols(traced: Callable[..., Any], shapes: Any, dtypes: Any) -> Any:
    return jax.eval_shape(traced, *_specs(shapes, dtypes))


def _agree(shapes: Any) -> Any:
    """Take an unknown size for the one that the other arrays with as many axes have there."""

    def size(rank: int, axis: int, d: Any) -> Any:
        others = {dims[axis] for dims in shapes if len(dims) == rank} - {1}
        sizes = [n for n in others if isinstance(n, int)]
        return sizes[0] if not isinstance(d, int) and len(sizes) == 1 else d

    return [tuple(size(len(dims), i, d) for i, d in enumerate(dims)) for dims in shapes]


def _merge(shapes: Any) -> Any:
    """Take all unknown sizes but the batch's for one."""
    unknown = [d for dims in shapes for d in dims[1:] if not isinstance(d, int)]
    batch = {str(dims[0]) for dims in shapes if dims}
    return [
        tuple(d if isinstance(d, int) or str(d) in batch else unknown[0] for d in dims)
        for dims in shapes
    ]


def _numbers(traced: Callable[..., Any], shapes: Any, dtypes: Any) -> Any:
    """Trace with two different numbers for each symbol; where the results differ, the size is unknown."""
    unknown = dict.fromkeys(d for dims in shapes for d in dims if not isinstance(d, int))
    results, sizes = [], []
    for start in (60, 660):
        given: dict[str, int] = {}

        def number(name: str, given: dict[str, int] = given, start: int = start) -> int:
            return given.setdefault(name, start + 12 * len(given))

        known = {d: replace_symbols(d, number) for d in unknown}
        sizes.append(known)
        filled = [[known.get(d, d) for d in dims] for dims in shapes]
        results.append(jax.eval_shape(traced, *_specs(filled, dtypes)))
    names = {(sizes[0][d], sizes[1][d]): d for d in unknown}

    def merge(a: Any, b: Any) -> Any:
        dims = [
            m if m == n else names.get((m, n)) or fresh_dimension()
            for m, n in zip(a.shape, b.shape, strict=True)
        ]
        return jax.ShapeDtypeStruct(dims, a.dtype)

    return jax.tree_util.tree_map(merge, *results)
