"""Symbolic tensors: what flows along a graph's edges, with a shape and a dtype but no values."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax

from trivium.graph.errors import CaptureError
from trivium.state.dtypes import standardize_dtype
from trivium.state.names import auto_name
from trivium.state.operators import OPERATORS, ArrayOperators
from trivium.state.symbolic_dimensions import Dimension, parse_sizes, symbols_of
from trivium.state.traces import asked_by_operator
from trivium.state.types import DType

__all__ = ["SymbolicTensor", "fresh_dimension", "is_symbolic", "tensor_like"]

# The batch's size is one symbol for all tensors, since batches that meet are of one length: `x + y` of two inputs needs
# no proof. Any other unknown size gets a symbol of its own; which are equal is for shape inference to find out.
(_BATCH,) = parse_sizes(["b"])
_count = itertools.count()


def fresh_dimension() -> Dimension:
    """Return a symbol for a size that is not known."""
    return parse_sizes([f"d{next(_count)}"])[0]


class KerasHistory(NamedTuple):
    """Where a symbolic tensor comes from, as Keras has it: what was called, which call of it, which of the outputs."""

    operation: Any
    node_index: int
    tensor_index: int


class SymbolicTensor(ArrayOperators):
    """A placeholder with a shape and a dtype that records what is done with it.

    Args:
        shape: The shape; `None` for a size that is not known (in the first place: the batch size, one for all).
        dtype: The dtype; the default float type where it is `None`.
        name: A name.

    Example:
        >>> x = SymbolicTensor((None, 3))
        >>> (x * 2).shape, x.dtype
        ((None, 3), 'float32')
    """

    is_symbolic = True
    __array_priority__ = 1000  # NumPy's operators leave the work to ours.

    def __init__(
        self, shape: Sequence[Any], dtype: DType | None = "float32", name: str | None = None
    ) -> None:
        self.dims: tuple[Any, ...] = tuple(
            (_BATCH if i == 0 else fresh_dimension()) if d is None else d
            for i, d in enumerate(shape)
        )
        self.dtype = standardize_dtype(dtype)
        self.name = name or auto_name("tensor")
        self.node: Any = (
            None  # The `Node` that gives it; nodes know tensors, so the type stands there.
        )
        self.index = 0
        self.mask: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "dims": tuple(d if isinstance(d, int) else str(d) for d in self.dims)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        dims = parse_sizes(map(str, state["dims"])) if state["dims"] else ()
        # A symbol may come from another process: those that are still to be given have other names.
        taken = [int(n[1:]) for d in dims for n in symbols_of(d) if n != "b"]
        global _count
        _count = itertools.count(max([next(_count), *(n + 1 for n in taken)]))
        vars(self).update(state, dims=dims)

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape, with `None` for sizes that are not known."""
        return tuple(d if isinstance(d, int) else None for d in self.dims)

    # What programs read of Keras's tensors under names with a line before them: read-only here.
    @property
    def _keras_mask(self) -> Any:
        return self.mask

    @property
    def _keras_history(self) -> KerasHistory:
        if self.node is None:
            raise AttributeError(f"No call gave the symbolic tensor {self.name!r}.")
        nodes = [id(node) for node in getattr(self.node.operation, "_inbound_nodes", ())]
        at = nodes.index(id(self.node)) if id(self.node) in nodes else 0
        return KerasHistory(self.node.operation, at, self.index)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.dims)

    @property
    def spec(self) -> jax.ShapeDtypeStruct:
        """The shape, with symbols for unknown sizes, and the dtype, as JAX's tracing takes them.

        JAX has no text: where only shapes count, an array of bytes stands for it.
        """
        return jax.ShapeDtypeStruct(self.dims, "uint8" if self.is_text else self.dtype)

    @property
    def is_text(self) -> bool:
        """Whether the values are text, which stays on the host."""
        return self.dtype == "string"

    def error(self, what: str) -> CaptureError:
        """Return the error for code that needs the values this tensor does not have."""
        return CaptureError(
            f"a symbolic tensor ({self.name!r}, shape {self.shape}) has no values yet: {what}. "
            "A graph is recorded before any data exists, so branches on values belong into the graph itself: "
            "use `ops.where` or `ops.cond` in place of `if`, a fixed count in place of a loop over values, "
            "and ops in place of NumPy."
        )

    def _operate(self, name: str, *operands: Any) -> Any:
        return OPERATORS[name](*operands)

    def __bool__(self) -> bool:
        raise self.error("Python cannot branch on it (`if`, `while`, `and`, `or`, `not`)")

    def __float__(self) -> float:
        raise self.error("float() needs a number")

    def __int__(self) -> int:
        raise self.error("int() needs a number")

    def __index__(self) -> int:
        raise self.error("it cannot be an index or a size")

    def __len__(self) -> int:
        if isinstance(size := self.dims[0] if self.dims else None, int):
            return size
        raise self.error("its length is not known")

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __array__(self, dtype: DType | None = None, copy: bool | None = None) -> Any:
        raise self._no_array("NumPy")

    @property
    def __jax_array__(self) -> Any:
        # A property: JAX's functions only ask whether it is there, and this is the moment to say what to do. An
        # operator of a JAX array, as in `array + tensor`, looks at what it gets: no array, so it leaves it to ours.
        if asked_by_operator():
            return lambda: self
        raise self._no_array("jax.numpy")

    def _no_array(self, who: str) -> CaptureError:
        error = self.error(
            f"{who} needs an array; take the function of the same name from `trivium.ops`"
        )
        error.wants_array = True
        return error

    def __repr__(self) -> str:
        return f"<SymbolicTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"


def is_symbolic(x: object) -> bool:
    """Say whether `x` is a symbolic tensor.

    Example:
        >>> is_symbolic(SymbolicTensor((2,))), is_symbolic(1.0)
        (True, False)
    """
    return isinstance(x, SymbolicTensor)


def tensor_like(spec: Any, name: str | None = None) -> SymbolicTensor:
    """Return a new symbolic tensor, which no call has given yet, of the sizes and the dtype of another or of a spec.

    Args:
        spec: A symbolic tensor, or what has a shape and a dtype.
        name: A name.

    Example:
        >>> tensor_like(jax.ShapeDtypeStruct((2, 3), "int32"), "x")
        <SymbolicTensor shape=(2, 3), dtype=int32, name=x>
    """
    shape = spec.dims if is_symbolic(spec) else spec.shape
    return SymbolicTensor(shape, spec.dtype, name)
