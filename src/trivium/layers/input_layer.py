"""`Input`: where data comes into a graph."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from trivium.graph import Node, SymbolicTensor
from trivium.layers.base import Layer
from trivium.layers.registry import LAYERS
from trivium.state.dtypes import standardize_dtype

__all__ = ["Input", "InputLayer"]


@LAYERS.register()
class InputLayer(Layer):
    """The layer that stands for an input of a model.

    Args:
        shape: The shape without the batch, `None` for sizes that are not known.
        batch_size: The batch size, where it is fixed.
        dtype: The dtype; the default float type where it is `None`.
        batch_shape: The shape with the batch, in place of `shape` and `batch_size`.
        optional: Whether the input may be `None`.
        name: A name.

    Raises:
        TypeError: A size is no whole number.
        ValueError: The shape is missing, said twice, or has a negative size.

    Example:
        >>> InputLayer(shape=(28, 28)).output.shape
        (None, 28, 28)
    """

    _unwritten: ClassVar[frozenset[str]] = frozenset({"shape", "batch_size"})
    _constants: ClassVar[dict[str, Any]] = {"sparse": False, "ragged": False}

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        batch_shape: Any = None,
        optional: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        if (shape is None) == (batch_shape is None):
            raise ValueError(
                f"An input needs its `shape` (without the batch) or its `batch_shape`, one of the two; got "
                f"shape={shape!r}, batch_shape={batch_shape!r}."
            )
        if batch_shape is None:
            batch_shape = (batch_size, *_sizes("shape", shape))
        self.batch_shape = _sizes("batch_shape", batch_shape)
        self.optional = optional
        self._dtype = standardize_dtype(dtype)
        self.built = True
        tensor = SymbolicTensor(self.batch_shape, self._dtype, name=self.name)
        self._inbound_nodes.append(Node(self, (), {}, tensor))

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
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: Any = None,
    optional: bool = False,
) -> SymbolicTensor:
    """Return a symbolic tensor at which data comes into a graph.

    Args:
        shape: The shape of one sample, without the batch; `None` for sizes that are not known.
        batch_size: The batch size, where it is fixed.
        dtype: The dtype; the default float type where it is `None`.
        batch_shape: The shape with the batch, in place of `shape` and `batch_size`.
        name: A name.
        tensor: A symbolic tensor whose shape and dtype to take.
        optional: Whether the input may be `None`.

    Returns:
        The symbolic tensor.

    Raises:
        TypeError: A size is no whole number.
        ValueError: The shape is missing, said twice, or has a negative size.

    Example:
        >>> x = Input(shape=(28, 28), name="image")
        >>> x.shape, x.name
        ((None, 28, 28), 'image')
    """
    if tensor is not None:
        batch_shape, dtype = tensor.shape, dtype or tensor.dtype
    layer = InputLayer(shape, batch_size, dtype, batch_shape, name=name, optional=optional)
    return layer.output
