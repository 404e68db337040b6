"""What a layer demands of its inputs, and the error that says so."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any

import jax

from trivium.layers.checks import known

__all__ = ["InputSpec", "check_input"]


class InputSpec:
    """The rank, sizes and dtype that a layer wants of one input.

    Args:
        dtype: The dtype.
        shape: The shape, `None` for any size.
        ndim: The number of dimensions.
        max_ndim: The greatest number of dimensions.
        min_ndim: The least number of dimensions.
        axes: Sizes by axis, e.g. `{-1: 784}`.
        allow_last_axis_squeeze: Whether a last axis of size 1 may be missing or one too many.
        name: The input's name.
        optional: Whether it may be `None`.

    Example:
        >>> InputSpec(min_ndim=2, axes={-1: 784})
        InputSpec(min_ndim=2, axes={-1: 784})
    """

    def __init__(
        self,
        dtype: str | None = None,
        shape: tuple[int | None, ...] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = dtype
        self.shape = tuple(shape) if shape is not None else None
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = dict(axes or {})
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional

    def __repr__(self) -> str:
        said = {k: v for k, v in vars(self).items() if v not in (None, {}, False)}
        return "InputSpec(" + ", ".join(f"{k}={v!r}" for k, v in said.items()) + ")"

    def complaint(self, x: Any) -> str | None:
        """Return what is wrong with `x`, or `None`."""
        shape = tuple(x.shape)
        rank = len(shape)
        wanted = self.shape
        if wanted is not None and self.allow_last_axis_squeeze:
            if wanted[-1] == 1 and rank == len(wanted) - 1:
                wanted = wanted[:-1]
            elif rank == len(wanted) + 1 and shape[-1] == 1:
                shape, rank = shape[:-1], rank - 1
        ndim = len(wanted) if wanted is not None else self.ndim
        if ndim is not None and rank != ndim:
            return f"{ndim} dimensions"
        if self.min_ndim is not None and rank < self.min_ndim:
            return f"at least {self.min_ndim} dimensions"
        if self.max_ndim is not None and rank > self.max_ndim:
            return f"at most {self.max_ndim} dimensions"
        for axis, size in self.axes.items():
            if (
                size is not None
                and shape[axis] not in (size, None)
                and isinstance(shape[axis], int)
            ):
                return f"size {size} on axis {axis}"
        for axis, size in enumerate(wanted or ()):
            if size is not None and shape[axis] != size and isinstance(shape[axis], int):
                return f"shape {self.shape}"
        if self.dtype is not None and str(x.dtype) != self.dtype:
            return f"dtype {self.dtype}"
        return None


def check_input(spec: Any, inputs: Any, path: str, kind: str) -> None:
    """Compare a layer's inputs with its `input_spec`.

    Args:
        spec: An `InputSpec`, or a structure of them like the inputs'.
        inputs: Arrays or symbolic tensors.
        path: The layer's path, for the message.
        kind: The layer's class, for the message.

    Raises:
        TypeError: There is no array among the inputs.
        ValueError: An input is not as the layer wants it.
    """
    specs = [spec] if isinstance(spec, InputSpec) else jax.tree_util.tree_leaves(spec)
    flat = jax.tree_util.tree_leaves(inputs)
    if flat and not any(hasattr(x, "shape") for x in flat):
        raise TypeError(
            f"Layer {path!r} ({kind}) takes arrays; got {reprlib.repr(inputs)}. Make an array of it: np.array(...)."
        )
    if len(flat) != len(specs):
        shapes = ", ".join(str(known(getattr(x, "shape", ()))) for x in flat)
        raise ValueError(
            f"Layer {path!r} ({kind}) takes {'one input' if len(specs) == 1 else f'{len(specs)} inputs'}; it was "
            f"called on {len(flat)}, of shapes {shapes}."
        )
    for i, (one, x) in enumerate(zip(specs, flat, strict=True)):
        if one is None or not hasattr(x, "shape"):
            continue
        complaint = one.complaint(x)
        if complaint:
            which = f"input {i}" if len(flat) > 1 else "its input"
            raise ValueError(
                f"Layer {path!r} ({kind}) wants {complaint} of {which}; got shape {known(x.shape)}, dtype {x.dtype}. "
                "Check the data's shape, or the layer before it."
            )
