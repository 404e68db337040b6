"""`tf.nn`: dilation and erosion, gradients of convolutions by themselves, sorted fits, dropout of one's own numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium import ops
from trivium.compat.errors import NotCovered
from trivium.compat.tensorflow.draws import key_of_seed
from trivium.compat.written import WRITTEN, covers
from trivium.graph.op import op
from trivium.ops.arrays import as_floats
from trivium.state.types import Array, ArrayLike, Shape

__all__: list[str] = []

# -- shapes in images ---------------------------------------------------------------------------------------------


def _padding_of(size: int, window: int, step: int, padding: str) -> tuple[int, int]:
    """Return what is added before and behind an axis."""
    if padding.upper() == "VALID":
        return 0, 0
    missing = max((-(-size // step) - 1) * step + window - size, 0)
    return missing // 2, missing - missing // 2


@covers("tensorflow.nn.dilation2d")
def _dilation2d(
    input: ArrayLike,
    filters: ArrayLike,
    strides: Sequence[int],
    padding: str,
    data_format: str = "NHWC",
    dilations: Sequence[int] = (1, 1, 1, 1),
    name: str | None = None,
) -> Array:
    if data_format != "NHWC":
        raise NotCovered(f"tf.nn.dilation2d: data_format={data_format!r} is not covered; NHWC is.")
    return _dilated(input, filters, tuple(strides[1:3]), padding, tuple(dilations[1:3]))


@op
def _dilated(
    input: ArrayLike, filters: ArrayLike, steps: Sequence[int], padding: str, holes: Sequence[int]
) -> Array:
    """Return the greatest of the numbers under a filter, each with the filter's own added: grayscale dilation.

    Haralick et al., "Image Analysis Using Mathematical Morphology", 1987, https://doi.org/10.1109/TPAMI.1987.4767941
    """
    x, shape = jnp.asarray(input), jnp.asarray(filters)
    rows, columns = shape.shape[:2]
    widths = [
        _padding_of(size, (window - 1) * hole + 1, step, padding)
        for size, window, step, hole in zip(
            x.shape[1:3], (rows, columns), steps, holes, strict=True
        )
    ]
    least = (
        jnp.finfo(x.dtype).min if jnp.issubdtype(x.dtype, jnp.floating) else jnp.iinfo(x.dtype).min
    )
    padded = jnp.pad(x, [(0, 0), *widths, (0, 0)], constant_values=least)
    ends = [
        size + sum(width) - (window - 1) * hole
        for size, width, window, hole in zip(
            x.shape[1:3], widths, (rows, columns), holes, strict=True
        )
    ]
    parts = [
        padded[:, i * holes[0] :, j * holes[1] :][:, : ends[0] : steps[0], : ends[1] : steps[1]]
        + shape[i, j]
        for i in range(rows)
        for j in range(columns)
    ]
    return jnp.max(jnp.stack(parts), axis=0)


@covers("tensorflow.nn.erosion2d")
def _erosion2d(
    value: ArrayLike,
    filters: ArrayLike,
    strides: Sequence[int],
    padding: str,
    data_format: str = "NHWC",
    dilations: Sequence[int] = (1, 1, 1, 1),
    name: str | None = None,
) -> Array:
    turned = ops.flip(ops.convert_to_tensor(filters), (0, 1))
    dilated = _dilation2d(ops.negative(value), turned, strides, padding, data_format, dilations)
    return ops.negative(dilated)


# -- gradients of convolutions ------------------------------------------------------------------------------------


def _cover_back(path: str, forward: str, of_filter: bool) -> None:
    """Cover the gradient of a convolution for its input, or for its filter."""

    def run(given: ArrayLike, sizes: Shape, upstream: ArrayLike, settings: dict[str, Any]) -> Array:
        given, upstream = jnp.asarray(given), jnp.asarray(upstream)
        shape = tuple(int(n) for n in np.asarray(sizes).tolist())

        def forwards(x: Array) -> Array:
            pair = (given, x) if of_filter else (x, given)
            found: Array = WRITTEN[forward](*pair, **settings)
            return found

        # The convolution is linear in each, so where the gradient is taken makes no difference.
        return jax.vjp(forwards, jnp.zeros(shape, given.dtype))[1](upstream)[0]

    recorded = op(run)

    def back(
        first: Any,
        second: Any,
        out_backprop: Any,
        strides: Any,
        padding: str,
        data_format: str | None = "NHWC",
        dilations: Any = (1, 1, 1, 1),
        name: str | None = None,
    ) -> Array:
        settings = {
            "strides": strides, "padding": padding, "data_format": data_format, "dilations": dilations,
        }  # fmt: skip
        given, sizes = (first, second) if of_filter else (second, first)
        return recorded(given, sizes, out_backprop, settings)

    covers(path)(back)


_DEPTHWISE = "tensorflow.nn.depthwise_conv2d"
_cover_back(f"{_DEPTHWISE}_backprop_filter", _DEPTHWISE, of_filter=True)
_cover_back(f"{_DEPTHWISE}_backprop_input", _DEPTHWISE, of_filter=False)


@covers("tensorflow.nn.atrous_conv2d_transpose")
def _atrous_conv2d_transpose(
    value: ArrayLike,
    filters: ArrayLike,
    output_shape: Shape,
    rate: int,
    padding: str,
    name: str | None = None,
) -> Array:
    transposed = WRITTEN["tensorflow.nn.conv2d_transpose"]
    made: Array = transposed(value, filters, output_shape, 1, padding, None, rate)
    return made


@covers("tensorflow.nn.batch_norm_with_global_normalization")
def _batch_norm_with_global_normalization(
    input: ArrayLike,
    mean: ArrayLike,
    variance: ArrayLike,
    beta: ArrayLike,
    gamma: ArrayLike,
    variance_epsilon: float,
    scale_after_normalization: bool,
    name: str | None = None,
) -> Array:
    normalized = WRITTEN["tensorflow.nn.batch_normalization"]
    scale = gamma if scale_after_normalization else None
    made: Array = normalized(input, mean, variance, beta, scale, variance_epsilon)
    return made


# -- sorted fits --------------------------------------------------------------------------------------------------


@covers("tensorflow.nn.isotonic_regression")
def _isotonic_regression(
    inputs: ArrayLike, decreasing: bool = True, axis: int = -1
) -> tuple[Array, Array]:
    return _isotonic(inputs, bool(decreasing), int(axis))


@op
def _isotonic(inputs: ArrayLike, decreasing: bool, axis: int) -> tuple[Array, Array]:
    """Return the nearest numbers that only go down, or up, and which of them are one average.

    SciPy finds what is averaged (Busing, "Monotone Regression", 2022, https://doi.org/10.18637/jss.v102.c01); the
    averages themselves are computed here, so that gradients go through them.
    """
    x = jnp.moveaxis(as_floats(inputs), axis, -1)
    segments = jax.pure_callback(
        lambda rows: _segments(np.asarray(rows), decreasing),
        jax.ShapeDtypeStruct(x.shape, "int32"),
        jax.lax.stop_gradient(x),
        vmap_method="expand_dims",
    )
    same = (segments[..., :, None] == segments[..., None, :]).astype(x.dtype)
    averages = jnp.einsum("...ij,...j->...i", same, x) / same.sum(-1)
    return jnp.moveaxis(averages, -1, axis), jnp.moveaxis(segments, -1, axis)


def _segments(rows: np.ndarray, decreasing: bool) -> np.ndarray:
    """Return for each number of each row which average it is part of."""
    from scipy.optimize import isotonic_regression

    def of_row(row: np.ndarray) -> np.ndarray:
        blocks = isotonic_regression(row, increasing=not decreasing).blocks
        return np.repeat(np.arange(len(blocks) - 1), np.diff(blocks))

    return np.apply_along_axis(of_row, -1, rows).astype(np.int32)


# -- dropout ------------------------------------------------------------------------------------------------------


@covers("tensorflow.nn.experimental.general_dropout")
def _general_dropout(
    x: ArrayLike,
    rate: float,
    uniform_sampler: Callable[..., Array],
    noise_shape: Shape | None = None,
    name: str | None = None,
) -> Array:
    x = ops.convert_to_tensor(x)
    if not 0 <= rate < 1:
        raise ValueError(f"tf.nn.experimental.general_dropout: `rate` is in [0, 1); got {rate}.")
    shape = [
        size if wanted is None else int(wanted)
        for size, wanted in zip(
            ops.shape(x), noise_shape or [None] * len(ops.shape(x)), strict=True
        )
    ]
    drawn = uniform_sampler(shape=shape, dtype=str(ops.dtype(x)))
    return ops.where(drawn >= rate, x / (1 - rate), ops.zeros_like(x))


@covers("tensorflow.nn.experimental.stateless_dropout")
def _stateless_dropout(
    x: ArrayLike,
    rate: float,
    seed: ArrayLike,
    rng_alg: Any = None,
    noise_shape: Shape | None = None,
    name: str | None = None,
) -> Array:
    def sampler(shape: Sequence[int], dtype: str) -> Array:
        return jax.random.uniform(key_of_seed(seed), tuple(shape), dtype)

    return _general_dropout(x, rate, sampler, noise_shape)
