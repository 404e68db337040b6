"""Shape inference: a function is traced once with symbols for unknown sizes, and the result's sizes read off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp

from trivium.graph.errors import CaptureError, is_foreign, raised_in
from trivium.graph.tensor import SymbolicTensor, fresh_dimension, is_symbolic
from trivium.state.scopes import only_shapes, shape_scope
from trivium.state.symbolic_dimensions import Dimension, blames_sizes, replace_symbols, symbols_of
from trivium.state.trees import keep_order
from trivium.state.types import Array, Tree

__all__ = ["caused_by_sizes", "infer", "stands_for_text"]

_Shapes: TypeAlias = Sequence[Sequence[Dimension]]


def infer(function: Callable[..., Any], args: Tree, kwargs: Tree) -> Any:
    """Return what `function(*args, **kwargs)` would return, with `jax.ShapeDtypeStruct` for arrays.

    Text is no array to JAX: the function gets a symbolic tensor for it, and what it returns as one comes back as one.

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
    indices = [i for i, leaf in enumerate(leaves) if is_symbolic(leaf)]

    returned: list[Any] = []

    def traced(*arrays: Array) -> Any:
        filled = list(leaves)
        for i, array in zip(indices, arrays, strict=True):
            filled[i] = (
                SymbolicTensor(array.shape, "string", "text") if leaves[i].is_text else array
            )
        a, k = keep_order((args, kwargs), jax.tree_util.tree_unflatten(tree, filled))
        with shape_scope():
            returned[:] = [function(*a, **k)]
        return jax.tree_util.tree_map(_stand_in, returned[0])

    shapes = [leaves[i].dims for i in indices]
    dtypes = [leaves[i].spec.dtype for i in indices]
    first: Exception | None = None
    why = {"unequal", "unknown"}
    tried: list[Any] = []
    for attempt, dims, cures in (
        # In this order, so that what is inferred is as exact as can be: a symbol for each unknown size; unknown sizes
        # that may have to be equal to others, taken for equal; numbers, for code that needs numbers for sizes.
        (_symbols, shapes, {"unequal", "unknown"}),
        (_symbols, _agree(shapes), {"unequal"}),
        (_symbols, _merge(shapes), {"unequal"}),
        (_numbers, shapes, {"unknown"}),
        (_numbers, _merge(shapes), {"unknown"}),
    ):
        # The code may be a user's, so it is run as few times as possible: once, if what it meets has nothing to do with
        # unknown sizes.
        if not why & cures or (attempt, dims) in tried:
            continue
        tried.append((attempt, dims))
        try:
            result = attempt(traced, dims, dtypes)
            texts = jax.tree_util.tree_map(_as_text, returned[0], result)
            return keep_order(returned[0], texts)
        except CaptureError:
            raise
        except Exception as error:
            first = first or error
            # Numbers that we chose may differ where the code, which said no word of it, wants them equal.
            why = caused_by_sizes(error, dims) if attempt is _symbols else {"unknown"}
    assert first is not None
    raise first from None


def stands_for_text(tree: Tree) -> bool:
    """Say whether what is symbolic is text in code that is traced for its shapes: of text there is nothing to trace.

    Args:
        tree: Arguments, nested, with symbolic tensors in them.
    """
    symbols = [x for x in jax.tree_util.tree_leaves(tree) if is_symbolic(x)]
    return only_shapes() and all(x.is_text and x.node is None for x in symbols)


def _stand_in(x: Any) -> Any:
    """Return an array in the place of text."""
    return jnp.zeros(x.dims, x.spec.dtype) if is_symbolic(x) and x.is_text else x


def _as_text(returned: Any, spec: Any) -> Any:
    return SymbolicTensor(spec.shape, "string", "text") if is_symbolic(returned) else spec


def caused_by_sizes(error: Exception, shapes: _Shapes) -> set[str]:
    """Say how unknown sizes may have caused an error.

    Args:
        error: What a function raised that was traced with symbols.
        shapes: The shapes that it was traced with.

    Returns:
        `"unequal"` where sizes may have had to be equal and one of them is a symbol, `"unknown"` where the code may
        need a number in a symbol's place; nothing where the error would have been raised for any size.

    Example:
        >>> caused_by_sizes(KeyError("a"), [(fresh_dimension(), 3)])
        set()
    """
    names = {name for dims in shapes for d in dims for name in symbols_of(d)}
    if isinstance(error, jax.errors.InconclusiveDimensionOperation) or blames_sizes(error, ()):
        return {"unequal", "unknown"}
    # The last are JAX's own.
    refusals = TypeError | ValueError | NotImplementedError | AssertionError
    if not isinstance(error, refusals) or not is_foreign(raised_in(error)):
        return set()  # What the user's own line raises, is meant.
    if not blames_sizes(error, names):
        return set()
    return {"unequal"} if isinstance(error, TypeError) else {"unequal", "unknown"}


def _specs(shapes: _Shapes, dtypes: Sequence[str]) -> list[jax.ShapeDtypeStruct]:
    return [jax.ShapeDtypeStruct(s, d) for s, d in zip(shapes, dtypes, strict=True)]


def _symbols(traced: Callable[..., Any], shapes: _Shapes, dtypes: Sequence[str]) -> Any:
    return jax.eval_shape(traced, *_specs(shapes, dtypes))


def _agree(shapes: _Shapes) -> Any:
    """Take an unknown size for the one that the other arrays with as many axes have there."""

    def size(rank: int, axis: int, d: Dimension) -> Any:
        others = {dims[axis] for dims in shapes if len(dims) == rank} - {1}
        sizes = [n for n in others if isinstance(n, int)]
        return sizes[0] if not isinstance(d, int) and len(sizes) == 1 else d

    return [tuple(size(len(dims), i, d) for i, d in enumerate(dims)) for dims in shapes]


def _merge(shapes: _Shapes) -> Any:
    """Take all unknown sizes but the batch's for one."""
    unknown = [d for dims in shapes for d in dims[1:] if not isinstance(d, int)]
    batch = {str(dims[0]) for dims in shapes if dims}
    return [
        tuple(d if isinstance(d, int) or str(d) in batch else unknown[0] for d in dims)
        for dims in shapes
    ]


# Two numbers for each symbol, so that what depends on it can be told from what does not. Multiples of 12, since code
# divides sizes (by 2, 3, 4, 6) and has to come out even, and the first of 60, for 5 as well. The two sets are so far
# apart that fifty symbols have room before a size of one, 60 + 12 * 50, meets one of the other.
_STARTS = (60, 660)
_BETWEEN = 12


def _numbers(traced: Callable[..., Any], shapes: _Shapes, dtypes: Sequence[str]) -> Any:
    """Trace with two different numbers for each symbol; where the results differ, the size is unknown."""
    unknown = dict.fromkeys(d for dims in shapes for d in dims if not isinstance(d, int))
    results, sizes = [], []
    for start in _STARTS:
        given: dict[str, int] = {}

        def number(name: str, given: dict[str, int] = given, start: int = start) -> int:
            return given.setdefault(name, start + _BETWEEN * len(given))

        known = {d: replace_symbols(d, number) for d in unknown}
        sizes.append(known)
        filled = [[known.get(d, d) for d in dims] for dims in shapes]
        results.append(jax.eval_shape(traced, *_specs(filled, dtypes)))
    names = {(sizes[0][d], sizes[1][d]): d for d in unknown}

    def merge(a: jax.ShapeDtypeStruct, b: jax.ShapeDtypeStruct) -> Any:
        dims = [
            m if m == n else names.get((m, n)) or fresh_dimension()
            for m, n in zip(a.shape, b.shape, strict=True)
        ]
        return jax.ShapeDtypeStruct(dims, a.dtype)

    return jax.tree_util.tree_map(merge, *results)
