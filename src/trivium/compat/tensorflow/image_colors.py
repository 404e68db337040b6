"""`tf.image`: dtypes, colors and brightness of images, and what is drawn by chance of both."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium import ops, random
from trivium.compat.errors import NotCovered
from trivium.compat.tensorflow.hosted import as_kind, hosted, is_traced
from trivium.compat.tensorflow.plain_draws import layer_seed
from trivium.compat.written import covers
from trivium.graph import SymbolicTensor
from trivium.preprocessing.image.encoded import decode_bytes, encode_jpeg
from trivium.state import SeedGenerator
from trivium.state.placing import to_device

__all__ = ["convert", "of_floats"]

# -- dtypes -----------------------------------------------------------------------------------------------------


def convert(image: Any, dtype: Any, saturate: bool = False) -> Any:
    """Return an image in another dtype: floats go from 0 to 1, whole numbers to the greatest that there is.

    Example:
        >>> convert(np.array([0, 255], "uint8"), "float32")
        array([0., 1.], dtype=float32)
    """
    old, new = jnp.dtype(_kind(image)), jnp.dtype(str(getattr(dtype, "name", dtype)))
    if old == new:
        return image
    if old.kind in "iu" and new.kind in "iu":
        most, limit = int(np.iinfo(old).max), int(np.iinfo(new).max)
        if most > limit:
            return as_kind(image // ((most + 1) // (limit + 1)), new.name, saturate)
        return as_kind(image, new.name) * ((limit + 1) // (most + 1))
    if old.kind in "iu":
        return as_kind(image, new.name) * (1.0 / np.iinfo(old).max)
    if new.kind in "iu":
        image = as_kind(image, "float32") if old.itemsize < 4 else image  # float16 ends at 65504
        return as_kind(image * (np.iinfo(new).max + 0.5), new.name, saturate)
    return as_kind(image, new.name)


def _kind(image: Any) -> str:
    return image.dtype.name if isinstance(image, np.ndarray) else str(ops.dtype(image))


@covers("tensorflow.image.convert_image_dtype")
@hosted
def _convert_image_dtype(
    xp: Any, image: Any, dtype: Any, saturate: bool = False, name: str | None = None
) -> Any:
    return convert(image, dtype, saturate)


def of_floats(function: Callable[..., Any], saturate: bool = False) -> Callable[..., Any]:
    """Return a function of images that computes in float32 and gives back the dtype that came."""

    @functools.wraps(function)
    def call(xp: Any, image: Any, *args: Any, **kwargs: Any) -> Any:
        kind = _kind(image)
        floats = image if "float" in kind else convert(image, "float32")
        return convert(function(xp, floats, *args, **kwargs), kind, saturate)

    return hosted(call)


# -- colors -----------------------------------------------------------------------------------------------------


def _rgb_to_grayscale(xp: Any, images: Any, name: str | None = None) -> Any:
    return _mixed(xp, images, [[0.2989], [0.5870], [0.1140]])


covers("tensorflow.image.rgb_to_grayscale")(of_floats(_rgb_to_grayscale))


@covers("tensorflow.image.grayscale_to_rgb")
@hosted
def _grayscale_to_rgb(xp: Any, images: Any, name: str | None = None) -> Any:
    return xp.repeat(images, 3, axis=-1)


_YIQ = [
    [0.299, 0.59590059, 0.2115],
    [0.587, -0.27455667, -0.52273617],
    [0.114, -0.32134392, 0.31119955],
]
_YUV = [
    [0.299, -0.14714119, 0.61497538],
    [0.587, -0.28886916, -0.51496512],
    [0.114, 0.43601035, -0.10001026],
]


def _mixed(xp: Any, images: Any, weights: Any) -> Any:
    return xp.matmul(images, np.asarray(weights, jnp.dtype(_kind(images))))


def _cover_mixed(name: str, weights: Any) -> None:
    @hosted
    def mix(xp: Any, images: Any) -> Any:
        return _mixed(xp, images, weights)

    covers(f"tensorflow.image.{name}")(mix)


for _name, _weights in {"yiq": _YIQ, "yuv": _YUV}.items():
    _cover_mixed(f"rgb_to_{_name}", _weights)
    _cover_mixed(f"{_name}_to_rgb", np.linalg.inv(_weights))


def _rgb_to_hsv(xp: Any, images: Any) -> Any:
    return ops.image.rgb_to_hsv(images, "channels_last")


def _hsv_to_rgb(xp: Any, images: Any) -> Any:
    return ops.image.hsv_to_rgb(images, "channels_last")


covers("tensorflow.image.rgb_to_hsv")(hosted(_rgb_to_hsv))
covers("tensorflow.image.hsv_to_rgb")(hosted(_hsv_to_rgb))


def _adjust_brightness(xp: Any, image: Any, delta: Any) -> Any:
    return image + delta


def _adjust_gamma(xp: Any, image: Any, gamma: float = 1, gain: float = 1) -> Any:
    return gain * image**gamma


def _turned(image: Any, delta: Any) -> Any:
    hue, saturation, value = ops.split(ops.image.rgb_to_hsv(image, "channels_last"), 3, axis=-1)
    colors = ops.concatenate([(hue + delta) % 1.0, saturation, value], axis=-1)
    return ops.image.hsv_to_rgb(colors, "channels_last")


def _deepened(image: Any, factor: Any) -> Any:
    hue, saturation, value = ops.split(ops.image.rgb_to_hsv(image, "channels_last"), 3, axis=-1)
    colors = ops.concatenate([hue, ops.clip(saturation * factor, 0.0, 1.0), value], axis=-1)
    return ops.image.hsv_to_rgb(colors, "channels_last")


# One program for a size of image, where there would be one for each of the thirty steps.
_turned_at_once, _deepened_at_once = jax.jit(_turned), jax.jit(_deepened)


def _adjust_hue(xp: Any, image: Any, delta: Any, name: str | None = None) -> Any:
    return np.asarray(_turned_at_once(image, delta)) if xp is np else _turned(image, delta)


def _adjust_saturation(xp: Any, image: Any, saturation_factor: Any, name: str | None = None) -> Any:
    if xp is np:
        return np.asarray(_deepened_at_once(image, saturation_factor))
    return _deepened(image, saturation_factor)


def _adjust_contrast(xp: Any, images: Any, contrast_factor: Any) -> Any:
    mean = xp.mean(images, axis=(-3, -2), keepdims=True)
    return (images - mean) * contrast_factor + mean


_ADJUST = {
    "brightness": of_floats(_adjust_brightness, saturate=True),
    "contrast": of_floats(_adjust_contrast, saturate=True),
    "hue": of_floats(_adjust_hue),
    "saturation": of_floats(_adjust_saturation),
}
for _name, _function in (_ADJUST | {"gamma": of_floats(_adjust_gamma, saturate=True)}).items():
    covers(f"tensorflow.image.adjust_{_name}")(_function)


@covers("tensorflow.image.adjust_jpeg_quality")
@hosted
def _adjust_jpeg_quality(
    xp: Any, image: Any, jpeg_quality: Any, dct_method: str = "", name: str | None = None
) -> Any:
    if isinstance(image, SymbolicTensor | jax.core.Tracer):
        raise NotCovered(
            "tf.image.adjust_jpeg_quality is not covered inside compiled code: use it in `map`."
        )
    image = np.asarray(image)  # without a gradient, on a tape
    pixels = convert(image, "uint8", saturate=True)
    made = decode_bytes(encode_jpeg(pixels, int(jpeg_quality), subsampling=2), pixels.shape[-1])
    return to_device(convert(made, image.dtype, saturate=True))


_ADJUST["jpeg_quality"] = _adjust_jpeg_quality


@covers("tensorflow.image.per_image_standardization")
@hosted
def _per_image_standardization(xp: Any, image: Any) -> Any:
    x = as_kind(image, "float32")
    axes = (-3, -2, -1)
    mean, spread = xp.mean(x, axis=axes, keepdims=True), xp.std(x, axis=axes, keepdims=True)
    least = np.float32(1 / np.sqrt(np.prod(x.shape[-3:])))
    return (x - mean) / xp.maximum(spread, least)


# -- by chance --------------------------------------------------------------------------------------------------


@functools.cache
def _generator(seed: int) -> SeedGenerator:
    # Of this module's own: the same seed begins one sequence, of which each call takes the next number.
    return SeedGenerator(seed)


def _drawn(seed: Any, low: Any, high: Any, shape: tuple[int, ...] = ()) -> Any:
    """Return numbers drawn evenly: by chance, after a seed, or by a pair of numbers that says all."""
    if isinstance(seed, _Stateless):
        return jax.random.uniform(seed.key(), shape, jnp.float32, low, high)
    generator = layer_seed(None) if seed is None else _generator(int(seed))
    return random.uniform(shape, low, high, seed=generator)


def _number(drawn: Any) -> Any:
    return drawn if is_traced(drawn) else np.asarray(drawn)


class _Stateless:
    """Two numbers that random numbers follow from."""

    def __init__(self, pair: Any) -> None:
        self.pair = pair

    def key(self) -> Any:
        words = jnp.asarray(self.pair).astype("uint32")
        if words.shape != (2,):
            raise ValueError(
                f"The `seed` of tf.image.stateless_random_* is two whole numbers; got {self.pair!r}."
            )
        return jax.random.wrap_key_data(words, impl="threefry2x32")


@hosted
def _flipped(xp: Any, image: Any, axis: int, seed: Any) -> Any:
    shape = tuple(image.shape[:-3])
    coins = _drawn(seed, 0.0, 1.0, shape) < 0.5
    coins = np.asarray(coins) if xp is np and not is_traced(coins) else coins
    return xp.where(xp.reshape(coins, (*shape, 1, 1, 1)), xp.flip(image, axis), image)


@hosted
def _random_crop(xp: Any, value: Any, size: Any, seed: Any) -> Any:
    sizes = [int(n) for n in np.asarray(size).tolist()]
    room = [old - new for old, new in zip(value.shape, sizes, strict=True)]
    if min(room) < 0:
        raise ValueError(
            f"tf.image.random_crop: a part of the shape {tuple(sizes)} is not within {tuple(value.shape)}."
        )
    shares = _drawn(seed, 0.0, 1.0, (len(sizes),))
    if xp is np and not is_traced(shares):
        starts = np.floor(np.asarray(shares) * (np.array(room) + 1)).astype(int)
        return value[tuple(slice(a, a + n) for a, n in zip(starts, sizes, strict=True))]
    return ops.slice(value, ops.cast(ops.floor(shares * (np.array(room) + 1)), "int32"), sizes)


def _checked(name: str, low: Any, high: Any, least: float | None = 0) -> None:
    if not high >= low or (least is not None and low < least):
        raise ValueError(f"tf.image.{name}: wanted a range that ascends; got {low} to {high}.")


def _random_jpeg_quality(image: Any, low: int, high: int, seed: Any) -> Any:
    _checked("random_jpeg_quality", low, high)
    return _adjust_jpeg_quality(image, int(_drawn(seed, low, high)))


def _by_range(kind: str) -> Callable[..., Any]:
    def change(image: Any, low: Any, high: Any, seed: Any) -> Any:
        _checked(f"random_{kind}", low, high)
        return _ADJUST[kind](image, _number(_drawn(seed, low, high)))

    return change


def _by_delta(kind: str) -> Callable[..., Any]:
    def change(image: Any, most: Any, seed: Any) -> Any:
        _checked(f"random_{kind}", -most, most, None)
        return _ADJUST[kind](image, _number(_drawn(seed, -most, most)))

    return change


def _cover(name: str, function: Callable[..., Any], *arguments: str) -> None:
    """Cover a random function in both forms: with a seed that begins a sequence, and with one that says all."""

    def call(*args: Any, **kwargs: Any) -> Any:
        kwargs.pop("name", None)
        names = [*arguments, "seed"]
        given = dict(zip(names, args, strict=False)) | kwargs
        unknown = [k for k in given if k not in names]
        missing = [n for n in arguments if n not in given]
        if unknown or missing:
            what = f"an unexpected argument {unknown[0]!r}" if unknown else f"no {missing[0]!r}"
            raise TypeError(f"tf.image.random_{name} got {what}; it takes {', '.join(names)}.")
        seed = given.pop("seed", None)
        return function(*(given[n] for n in arguments), seed)

    def stateless(*args: Any, **kwargs: Any) -> Any:
        if "seed" not in kwargs:
            *args, kwargs["seed"] = args  # type: ignore[assignment]
        return call(*args, **kwargs | {"seed": _Stateless(kwargs["seed"])})

    covers(f"tensorflow.image.random_{name}")(call)
    covers(f"tensorflow.image.stateless_random_{name}")(stateless)


_cover("flip_left_right", lambda image, seed: _flipped(image, -2, seed), "image")
_cover("flip_up_down", lambda image, seed: _flipped(image, -3, seed), "image")
_cover("brightness", _by_delta("brightness"), "image", "max_delta")
_cover("hue", _by_delta("hue"), "image", "max_delta")
_cover("contrast", _by_range("contrast"), "image", "lower", "upper")
_cover("saturation", _by_range("saturation"), "image", "lower", "upper")
_cover("jpeg_quality", _random_jpeg_quality, "image", "min_jpeg_quality", "max_jpeg_quality")
_cover("crop", _random_crop, "value", "size")
