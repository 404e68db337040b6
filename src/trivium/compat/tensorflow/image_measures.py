"""`tf.image`: how much images differ from one another, and from place to place in them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium import ops
from trivium.compat.tensorflow.hosted import hosted
from trivium.compat.tensorflow.image_colors import convert
from trivium.compat.written import covers
from trivium.graph import SymbolicTensor
from trivium.graph.op import op
from trivium.ops.image.filters import similarity_maps
from trivium.state.types import Array, ArrayLike

__all__: list[str] = []


@covers("tensorflow.image.total_variation")
@hosted
def _total_variation(xp: Any, images: Any, name: str | None = None) -> Any:
    x = images
    down = xp.abs(x[..., 1:, :, :] - x[..., :-1, :, :])
    right = xp.abs(x[..., :, 1:, :] - x[..., :, :-1, :])
    return xp.sum(down, axis=(-3, -2, -1)) + xp.sum(right, axis=(-3, -2, -1))


@covers("tensorflow.image.image_gradients")
@hosted
def _image_gradients(xp: Any, image: Any) -> tuple[Any, Any]:
    down, right = image[:, 1:] - image[:, :-1], image[:, :, 1:] - image[:, :, :-1]
    return (
        xp.pad(down, [[0, 0], [0, 1], [0, 0], [0, 0]]),
        xp.pad(right, [[0, 0], [0, 0], [0, 1], [0, 0]]),
    )


@covers("tensorflow.image.sobel_edges")
def _sobel_edges(image: Any) -> Any:
    # The edges are reflected here, where the op of ours has zeros around.
    padded = ops.pad(_tensor(image), [[0, 0], [1, 1], [1, 1], [0, 0]], "reflect")
    return ops.image.sobel_edges(padded, "channels_last")[:, 1:-1, 1:-1]


def _comparable(first: Any, second: Any, max_val: Any) -> tuple[Any, Any, Any]:
    if not isinstance(first, np.ndarray):
        first = _tensor(first)
        second = _tensor(second)
    else:
        second = np.asarray(second)
    most = convert(np.asarray(max_val, jnp.dtype(str(ops.dtype(first)))), "float32")
    return convert(first, "float32"), convert(second, "float32"), most


@covers("tensorflow.image.psnr")
@hosted
def _psnr(xp: Any, a: Any, b: Any, max_val: Any, name: str | None = None) -> Any:
    a, b, most = _comparable(a, b, max_val)
    error = xp.mean(xp.square(a - b), axis=(-3, -2, -1))
    return 20 * np.log10(most) - 10 * xp.log10(error)


@covers("tensorflow.image.ssim")
def _ssim(
    img1: Any,
    img2: Any,
    max_val: Any,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    return_index_map: bool = False,
) -> Any:
    a, b, most = _comparable(img1, img2, max_val)
    if return_index_map:
        return _similarity_map(a, b, float(most), filter_size, filter_sigma, k1, k2)
    return ops.image.ssim(a, b, float(most), filter_size, filter_sigma, k1, k2, "channels_last")


@op
@functools.partial(jax.jit, static_argnums=range(2, 7))
def _similarity_map(a: ArrayLike, b: ArrayLike, *settings: Any) -> Array:
    pair = jnp.concatenate([jnp.asarray(a), jnp.asarray(b)], -1)
    light, structure = similarity_maps(pair.reshape(-1, *pair.shape[-3:]), *settings)
    found = jnp.mean(light * structure, -1)
    return found.reshape(*pair.shape[:-3], *found.shape[1:])


@covers("tensorflow.image.ssim_multiscale")
def _ssim_multiscale(
    img1: Any,
    img2: Any,
    max_val: Any,
    power_factors: Sequence[float] = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333),
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Any:
    a, b, most = _comparable(img1, img2, max_val)
    powers = tuple(float(p) for p in np.ravel(power_factors))
    return _at_several_scales(a, b, powers, float(most), filter_size, filter_sigma, k1, k2)


@op
@functools.partial(jax.jit, static_argnums=range(2, 8))
def _at_several_scales(
    a: ArrayLike, b: ArrayLike, powers: tuple[float, ...], *settings: Any
) -> Array:
    """Return the structural similarity of images, halved again and again.

    Wang et al., "Multi-scale Structural Similarity for Image Quality Assessment", 2003,
    https://doi.org/10.1109/ACSSC.2003.1292216
    """
    pair = jnp.stack([jnp.asarray(a), jnp.asarray(b)])
    parts: list[Array] = []
    for last in (*[False] * (len(powers) - 1), True):
        flat = pair.reshape(2, -1, *pair.shape[-3:])
        light, structure = similarity_maps(jnp.concatenate([flat[0], flat[1]], -1), *settings)
        found = jnp.mean(light * structure if last else structure, (1, 2))
        parts.append(jax.nn.relu(found).reshape(*pair.shape[1:-3], -1))
        odd = [n % 2 for n in pair.shape[-3:-1]]
        edges = [(0, 0)] * (pair.ndim - 3) + [(0, n) for n in odd] + [(0, 0)]
        pair = jnp.pad(pair, edges, "symmetric")
        rows, columns, channels = pair.shape[-3:]
        pair = pair.reshape(*pair.shape[:-3], rows // 2, 2, columns // 2, 2, channels).mean(
            (-4, -2)
        )
    each = [part**power for part, power in zip(parts, powers, strict=True)]
    return jnp.mean(functools.reduce(jnp.multiply, each), -1)


def _tensor(images: Any) -> Any:
    if isinstance(images, SymbolicTensor | jax.Array):
        return images
    return ops.convert_to_tensor(images)
