"""`Input`: where data comes into a graph."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np

from trivium.graph import Node, SymbolicTensor
from trivium.layers.base import Layer
from trivium.layers.checks import flag
from trivium.layers.registry import LAYERS
from trivium.state.dtypes import standardize_dtype
from trivium.state.types import DType, Shape

__all__ = ["Input", "InputLayer"]


@LAYERS.register()
class InputLayer(Layer):
    """The layer that stands for an input of a model.

    Args:
        shape: The shape without the batch, `None` for sizes that are not known.
        batch_size: The batch size, where it is fixed.
        dtype: The dtype; the default float type where it is `None`.
        sparse: Whether the data comes as sparse matrices, whose batches are made dense one by one. Those that come
            without a word are, too.
        ragged: Kept for Keras's signature: JAX has no ragged arrays.
        batch_shape: The shape with the batch, in place of `shape` and `batch_size`.
        input_tensor: A symbolic tensor to let data in at, in place of a new one: where a graph is cut.
        optional: Whether the input may be `None`.
        name: A name.
        kwargs: `input_shape` and `batch_input_shape`, older names of `shape` and `batch_shape`.

    Raises:
        TypeError: A size is no whole number, or `input_tensor` is no symbolic tensor.
        ValueError: The shape is missing, said twice, has a negative size or is not that of `input_tensor`; `ragged` is
            asked for.

    Example:
        >>> InputLayer(shape=(28, 28)).output.shape
        (None, 28, 28)
    """

    _unwritten: ClassVar[frozenset[str]] = Layer._unwritten | {
        "shape", "batch_size", "input_tensor", "trainable", "autocast", "activity_regularizer",
    }  # fmt: skip

    def __init__(
        self,
        shape: Shape | None = None,
        batch_size: int | None = None,
        dtype: DType | None = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Shape | None = None,
        input_tensor: SymbolicTensor | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if "input_shape" in kwargs:
            warnings.warn("InputLayer: `input_shape` is now called `shape`.", stacklevel=2)
            shape = kwargs.pop("input_shape")
        batch_shape = kwargs.pop("batch_input_shape", batch_shape)
        super().__init__(name=name, **kwargs)
        if ragged:
            raise ValueError(
                "InputLayer: JAX has no ragged arrays, so `ragged=True` is refused: pad the rows to one length "
                "(`utils.pad_sequences`) and mask what was added."
            )
        if input_tensor is not None:
            batch_shape = _shape_of(self, input_tensor, shape, batch_size, batch_shape, dtype)
            dtype = input_tensor.dtype
        else:
            batch_shape = _batch_shape(shape, batch_size, batch_shape)
        self.batch_shape = batch_shape
        self.sparse, self.ragged = flag(self, sparse=bool(sparse)), False
        self.optional = flag(self, optional=optional)
        self._dtype = standardize_dtype(dtype)
        self.built = True
        if input_tensor is None:
            input_tensor = SymbolicTensor(batch_shape, self._dtype, name=self.name)
        self._inbound_nodes.append(Node(self, (), {}, input_tensor))

    @property
    def dtype(self) -> str:
        """The dtype of the data."""
        return self._dtype

    @property
    def input(self) -> Any:
        """The symbolic tensor: an input layer's input is its output."""
        return self.output

    def call(self, *args: Any, **kwargs: Any) -> None:
        """Input layers are not called: the graph puts the data in their place."""
        raise TypeError(
            f"The input layer {self.name!r} is where data comes in; it cannot be called."
        )

    def _config_argument(self, name: str) -> Any:
        return self.dtype if name == "dtype" else super()._config_argument(name)


def _batch_shape(
    shape: Shape | None, batch_size: int | None, batch_shape: Shape | None
) -> tuple[int | None, ...]:
    if (shape is None) == (batch_shape is None):
        raise ValueError(
            f"An input needs its `shape` (without the batch) or its `batch_shape`, one of the two; got "
            f"shape={shape!r}, batch_shape={batch_shape!r}."
        )
    if batch_shape is None:
        return _sizes("batch_shape", (batch_size, *_sizes("shape", shape)))
    if batch_size is not None:
        raise ValueError(
            f"An input's `batch_shape` has the batch size already; got batch_shape={batch_shape!r}, "
            f"batch_size={batch_size!r}."
        )
    return _sizes("batch_shape", batch_shape)


def _shape_of(
    layer: Layer,
    tensor: object,
    shape: Shape | None,
    batch_size: int | None,
    batch_shape: Shape | None,
    dtype: DType | None,
) -> tuple[int | None, ...]:
    """Return the shape of the tensor that stands for an input, once it is what else was said of it."""
    if not isinstance(tensor, SymbolicTensor):
        raise TypeError(f"InputLayer: `input_tensor` is a symbolic tensor; got {tensor!r}.")
    said = {
        "shape": (None if shape is None else _sizes("shape", shape), tensor.shape[1:]),
        "batch_size": (batch_size, tensor.shape[0] if tensor.shape else None),
        "batch_shape": (
            None if batch_shape is None else _sizes("batch_shape", batch_shape),
            tensor.shape,
        ),
        "dtype": (None if dtype is None else standardize_dtype(dtype), tensor.dtype),
    }
    for name, (given, own) in said.items():
        if given is not None and given != own:
            raise ValueError(
                f"Input {layer.name!r}: `{name}` is that of the tensor given, {own!r}; got {given!r}. Leave it out."
            )
    return tensor.shape


def _sizes(what: str, shape: Any) -> tuple[int | None, ...]:
    if isinstance(shape, int):
        raise ValueError(
            f"`{what}` is a tuple of sizes: write ({shape},) for {shape} numbers a sample."
        )
    sizes = tuple(shape)
    if not all(d is None or isinstance(d, int | np.integer) for d in sizes):
        raise TypeError(
            f"`{what}` has whole numbers, and None for sizes that are not known; got {sizes}."
        )
    sizes = tuple(None if d is None else int(d) for d in sizes)
    if any(d is not None and d < 0 for d in sizes):
        raise ValueError(
            f"`{what}` has a negative size: {sizes}. Use None for a size that is not known."
        )
    return sizes


def Input(
    shape: Shape | None = None,
    batch_size: int | None = None,
    dtype: DType | None = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Shape | None = None,
    name: str | None = None,
    tensor: SymbolicTensor | None = None,
    optional: bool = False,
) -> SymbolicTensor:
    """Return a symbolic tensor at which data comes into a graph.

    Args:
        shape: The shape of one sample, without the batch; `None` for sizes that are not known.
        batch_size: The batch size, where it is fixed.
        dtype: The dtype; the default float type where it is `None`.
        sparse: Whether the data comes as sparse matrices, as for `InputLayer`.
        ragged: Kept for Keras's signature: JAX has no ragged arrays.
        batch_shape: The shape with the batch, in place of `shape` and `batch_size`.
        name: A name.
        tensor: A symbolic tensor to let data in at, in place of a new one: where a graph is cut.
        optional: Whether the input may be `None`.

    Returns:
        The symbolic tensor: `tensor` itself where it is given.

    Raises:
        TypeError: A size is no whole number, or `tensor` is no symbolic tensor.
        ValueError: The shape is missing, said twice, has a negative size or is not that of `tensor`; `ragged` is asked
            for.

    Example:
        >>> x = Input(shape=(28, 28), name="image")
        >>> x.shape, x.name
        ((None, 28, 28), 'image')
    """
    layer = InputLayer(
        shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional, name
    )
    return layer.output
