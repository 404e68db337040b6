"""Layers that make one tensor out of several."""

from __future__ import annotations

import functools
import math
import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from trivium import ops
from trivium.layers.base import Layer
from trivium.layers.checks import axis_of, flag, is_whole, known
from trivium.layers.registry import LAYERS
from trivium.state.dtypes import is_float, is_half
from trivium.state.types import Array, DType

__all__ = ["Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract"]


class Merge(Layer):
    """A layer of a list of inputs. Subclasses give `_merge`, and say what they ask of the shapes in `_check`.

    Args:
        kwargs: `name`, `dtype`, `trainable`, as for every layer.
    """

    _stateless = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Sequence[Array]) -> Array:
        """Compute the output."""
        if not isinstance(inputs, list | tuple) or not inputs:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}) is called on a list of inputs, like `layer([a, b])`; got "
                + (
                    f"one of shape {known(inputs.shape)}."
                    if hasattr(inputs, "shape")
                    else f"{inputs!r}."
                )
            )
        self._check([known(x.shape) for x in inputs])
        return self._merge(list(inputs))

    def _masks(self, inputs: Sequence[Array], mask: Sequence[Array | None] | None) -> list[Any]:
        """Return the mask of each input, `None` for those that have none."""
        if mask is None:
            return [None] * len(inputs)
        if not isinstance(mask, list | tuple) or len(mask) != len(inputs):
            came = len(mask) if isinstance(mask, list | tuple) else f"a {type(mask).__name__}"
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}) wants a list with a mask, or None, for each of its "
                f"{len(inputs)} inputs; got {came}."
            )
        return list(mask)

    def _merge(self, inputs: list[Array]) -> Array:
        raise NotImplementedError

    def _check(self, shapes: list[tuple[int | None, ...]]) -> None:
        raise NotImplementedError

    def _refuse(self, wanted: str, shapes: list[tuple[int | None, ...]]) -> None:
        raise ValueError(
            f"Layer {self.path!r} ({type(self).__name__}) wants {wanted}; got inputs of shapes "
            f"{', '.join(map(str, shapes))}."
        )


class Elementwise(Merge):
    """A merge of inputs element by element.

    Args:
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Shapes:
        A list of `(batch, ...)`, alike or broadcasting behind the batch, to `(batch, ...)`; one of `(1, ...)` goes with
        each sample of the others.
    """

    def _check(self, shapes: list[tuple[int | None, ...]]) -> None:
        # One sample, like an array that stands in the graph, goes with each of a batch.
        if len({s[0] for s in shapes if s and s[0] not in (1, None)}) > 1:
            self._refuse("one batch size", shapes)
        rank = max(map(len, shapes))
        full = [(*s[:1], *(1,) * (rank - len(s)), *s[1:]) for s in shapes]
        for sizes in zip(*full, strict=True):
            if len({n for n in sizes if n not in (1, None)}) > 1:
                self._refuse("shapes that are equal, or broadcast, behind the batch", shapes)

    def _merge(self, inputs: list[Array]) -> Array:
        rank = max(len(x.shape) for x in inputs)
        return self._combine([_with_rank(x, rank) for x in inputs])

    def _combine(self, inputs: list[Array]) -> Array:
        raise NotImplementedError

    def compute_mask(
        self, inputs: Sequence[Array], mask: Sequence[Array | None] | None = None
    ) -> Array | None:
        """Return where any of the inputs counts. One without a mask counts everywhere, which no mask says, too."""
        masks = self._masks(inputs, mask)
        if any(m is None for m in masks):
            return None
        return functools.reduce(ops.logical_or, masks)


class Selective(Elementwise):
    """A merge that leaves inputs out where their masks are false.

    `_neutral` stands in for what is left out, and the output is `_nothing` where all of the inputs are.
    """

    def call(self, inputs: Sequence[Array], mask: Sequence[Array | None] | None = None) -> Array:
        """Compute the output.

        Args:
            inputs: The inputs.
            mask: Their masks, shape `(batch, ...)` without the last axis, or `None` for those without one.
        """
        if mask is None:
            return super().call(inputs)
        counts = [
            None if m is None else ops.broadcast_to(ops.expand_dims(m, -1), x.shape)
            for x, m in zip(inputs, self._masks(inputs, mask), strict=True)
        ]
        shown = [
            x if c is None else ops.where(c, x, self._neutral(x.dtype))
            for x, c in zip(inputs, counts, strict=True)
        ]
        output = super().call(shown)
        masked = [c for c in counts if c is not None]
        if len(masked) < len(counts):
            return output  # There is always an input that counts.
        rank = len(output.shape)
        any_counts = functools.reduce(ops.logical_or, [_with_rank(c, rank) for c in masked])
        return ops.where(any_counts, output, self._nothing(inputs))

    def _neutral(self, dtype: DType) -> Any:
        raise NotImplementedError

    def _nothing(self, inputs: Sequence[Array]) -> Any:
        return _with_rank(inputs[0], max(len(x.shape) for x in inputs))


def _limits(dtype: DType) -> tuple[Any, Any]:
    """Return the lowest and the highest number of a dtype."""
    if is_float(dtype):
        return -math.inf, math.inf
    info = np.iinfo(dtype)
    return info.min, info.max


def _with_rank(x: Array, rank: int) -> Array:
    """Give `x` axes of size 1 behind the batch."""
    missing = tuple(range(1, 1 + rank - len(x.shape)))
    return ops.expand_dims(x, missing) if missing else x


@LAYERS.register()
class Add(Elementwise):
    """The sum of the inputs: as `Elementwise`.

    Example:
        >>> import numpy as np
        >>> Add()([np.ones((1, 2)), np.ones((1, 2))]).tolist()
        [[2.0, 2.0]]

    Reference:
        He et al., "Deep Residual Learning for Image Recognition", 2015, https://arxiv.org/abs/1512.03385
    """

    def _combine(self, inputs: list[Array]) -> Array:
        return functools.reduce(ops.add, inputs)


@LAYERS.register()
class Subtract(Elementwise):
    """The first of two inputs less the second: as `Elementwise`.

    Example:
        >>> import numpy as np
        >>> Subtract()([np.ones((1, 2)), np.ones((1, 2))]).tolist()
        [[0.0, 0.0]]
    """

    def _check(self, shapes: list[tuple[int | None, ...]]) -> None:
        if len(shapes) != 2:
            self._refuse("exactly 2 inputs", shapes)
        super()._check(shapes)

    def _combine(self, inputs: list[Array]) -> Array:
        return ops.subtract(*inputs)


@LAYERS.register()
class Multiply(Selective):
    """The product of the inputs: as `Elementwise`.

    Those whose mask is false are left out; where all are the product is 0.

    Example:
        >>> import numpy as np
        >>> Multiply()([np.full((1, 2), 3.0), np.full((1, 2), 2.0)]).tolist()
        [[6.0, 6.0]]
    """

    def _neutral(self, dtype: DType) -> Any:
        return 1

    def _nothing(self, inputs: Sequence[Array]) -> Any:
        return 0

    def _combine(self, inputs: list[Array]) -> Array:
        return functools.reduce(ops.multiply, inputs)


@LAYERS.register()
class Average(Elementwise):
    """The mean of the inputs: as `Elementwise`.

    Example:
        >>> import numpy as np
        >>> Average()([np.full((1, 2), 3.0), np.full((1, 2), 2.0)]).tolist()
        [[2.5, 2.5]]
    """

    def _combine(self, inputs: list[Array]) -> Array:
        half = all(is_half(x.dtype) for x in inputs)
        # A sum overflows in half precision, and wraps around in bytes, where the mean does not.
        narrow = half or not any(is_float(x.dtype) for x in inputs)
        wide = [ops.cast(x, "float32") for x in inputs] if narrow else inputs
        mean = functools.reduce(ops.add, wide) / len(inputs)
        return ops.cast(mean, inputs[0].dtype) if half else mean


@LAYERS.register()
class Maximum(Selective):
    """The largest of the inputs, of which those whose mask is false are left out: as `Elementwise`.

    Example:
        >>> import numpy as np
        >>> Maximum()([np.full((1, 2), 3.0), np.full((1, 2), 2.0)]).tolist()
        [[3.0, 3.0]]

    Reference:
        Goodfellow et al., "Maxout Networks", 2013, https://arxiv.org/abs/1302.4389
    """

    def _combine(self, inputs: list[Array]) -> Array:
        return functools.reduce(ops.maximum, inputs)

    def _neutral(self, dtype: DType) -> Any:
        return _limits(dtype)[0]


@LAYERS.register()
class Minimum(Selective):
    """The smallest of the inputs, of which those whose mask is false are left out: as `Elementwise`.

    Example:
        >>> import numpy as np
        >>> Minimum()([np.full((1, 2), 3.0), np.full((1, 2), 2.0)]).tolist()
        [[2.0, 2.0]]
    """

    def _combine(self, inputs: list[Array]) -> Array:
        return functools.reduce(ops.minimum, inputs)

    def _neutral(self, dtype: DType) -> Any:
        return _limits(dtype)[1]


@LAYERS.register()
class Concatenate(Merge):
    """The inputs one after another along an axis.

    Args:
        axis: The axis.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `axis` is no whole number.

    Shapes:
        A list of `(batch, ..., n_i, ...)`, alike but on `axis`, to `(batch, ..., sum of n_i, ...)`.

    Example:
        >>> import numpy as np
        >>> Concatenate()([np.ones((2, 3)), np.ones((2, 4))]).shape
        (2, 7)

    Reference:
        Huang et al., "Densely Connected Convolutional Networks", 2016, https://arxiv.org/abs/1608.06993
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set(axis=axis_of(self, axis))

    def _check(self, shapes: list[tuple[int | None, ...]]) -> None:
        rank = len(shapes[0])
        if any(len(s) != rank for s in shapes) or not -rank <= self.axis < rank:
            self._refuse(
                f"inputs of one number of dimensions that have an axis {self.axis}", shapes
            )
        for i, sizes in enumerate(zip(*shapes, strict=True)):
            if i != self.axis % rank and len({n for n in sizes if n is not None}) > 1:
                self._refuse(f"shapes that are equal on every axis but {self.axis}", shapes)

    def _merge(self, inputs: list[Array]) -> Array:
        return ops.concatenate(inputs, axis=self.axis)

    def compute_mask(
        self, inputs: Sequence[Array], mask: Sequence[Array | None] | None = None
    ) -> Array | None:
        """Return the masks one after another, true for inputs that have none."""
        masks = self._masks(inputs, mask)
        if all(m is None for m in masks):
            return None
        full = []
        for x, own in zip(inputs, masks, strict=True):
            if own is None:
                own = ops.ones_like(x, dtype="bool")
            elif len(own.shape) < len(x.shape):
                own = ops.broadcast_to(ops.expand_dims(own, -1), x.shape)
            full.append(own)
        return ops.any(ops.concatenate(full, axis=self.axis), axis=-1)


@LAYERS.register()
class Dot(Merge):
    """The dot products of two inputs along an axis of each, sample by sample.

    Args:
        axes: The axis of both, or a pair with the axis of each.
        normalize: Whether vectors along the axis are brought to length 1 before, which gives cosines.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: `axes` is neither an axis nor a pair.

    Shapes:
        `(batch, *a, n)` and `(batch, n, *b)`, the axes of size `n` anywhere, to `(batch, *a, *b)`; at least
        `(batch, 1)`.

    Example:
        >>> import numpy as np
        >>> Dot(axes=(2, 1))([np.ones((5, 3, 4)), np.ones((5, 4, 2))]).shape
        (5, 3, 2)
    """

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        pair = tuple(axes) if isinstance(axes, Sequence) else (axes, axes)
        if len(pair) != 2 or not all(map(is_whole, pair)) or 0 in pair:
            raise ValueError(
                f"Dot: `axes` is an axis, or a pair of axes, behind the batch's; got {axes!r}."
            )
        self._set(axes=axes, normalize=flag(self, normalize=normalize))

    def _axes(self, ranks: Sequence[int]) -> list[int]:
        axes = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        return [a + n if a < 0 else a for a, n in zip(axes, ranks, strict=True)]

    def _check(self, shapes: list[tuple[int | None, ...]]) -> None:
        if len(shapes) != 2:
            self._refuse("exactly 2 inputs", shapes)
        axes = self._axes([len(s) for s in shapes])
        if any(not 0 < a < len(s) for a, s in zip(axes, shapes, strict=True)):
            self._refuse(f"inputs that have the axes {self.axes}", shapes)
        if len({s[a] for a, s in zip(axes, shapes, strict=True)} - {None}) > 1:
            self._refuse(f"equal sizes on the axes {axes[0]} and {axes[1]}", shapes)

    def _merge(self, inputs: list[Array]) -> Array:
        axes = self._axes([len(x.shape) for x in inputs])
        if self.normalize:
            inputs = [ops.normalize(x, a) for x, a in zip(inputs, axes, strict=True)]
        letters = iter(string.ascii_lowercase)
        names = [["Z", *(next(letters) for _ in x.shape[1:])] for x in inputs]
        for name, axis in zip(names, axes, strict=True):
            name[axis] = "N"
        left = ["Z", *(n for name in names for n in name if n not in "ZN")]
        output = ops.einsum(f"{','.join(map(''.join, names))}->{''.join(left)}", *inputs)
        return output if len(left) > 1 else ops.expand_dims(output, -1)

    def compute_mask(
        self, inputs: Sequence[Array], mask: Sequence[Array | None] | None = None
    ) -> Array | None:
        """Return no mask: the axis that it belonged to may be gone."""
        return None
