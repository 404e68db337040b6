"""Other sizes: resampled, cut and padded images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_floats, as_wide_floats, per_axis
from trivium.ops.image.batches import in_dtype_of, on_batch
from trivium.state.types import Array, ArrayLike

__all__ = ["crop_images", "pad_images", "resize", "scale_and_translate", "window"]

_METHODS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


@op
def resize(
    images: ArrayLike,
    size: int | Sequence[int],
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Array:
    """Return images of another size.

    Args:
        images: Images of shape `(..., height, width, channels)`.
        size: The new height and width.
        interpolation: `"nearest"`, `"bilinear"`, `"bicubic"`, `"lanczos3"` or `"lanczos5"`.
        antialias: Whether a smaller image is smoothed first, so that no pixel is left out.
        crop_to_aspect_ratio: Whether what does not fit the new proportions is cut, rather than squeezed.
        pad_to_aspect_ratio: Whether it is filled up instead.
        fill_mode: How it is filled up: `"constant"`.
        fill_value: With what.
        data_format: Where the channels are; last where it is `None`.

    Returns:
        Images of the dtype of `images`; whole numbers are rounded.

    Raises:
        ValueError: A word is none of these, or the image is to be both cut and filled up.

    Example:
        >>> resize([[[0.0], [2.0]]], (1, 4)).ravel().tolist()
        [0.0, 0.5, 1.5, 2.0]
    """
    height, width = per_axis(size, 2, "size")
    if interpolation not in _METHODS:
        raise ValueError(f"`interpolation` is one of {_METHODS}; got {interpolation!r}.")
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError(
            "an image is cut to its new proportions (`crop_to_aspect_ratio`) or filled up "
            "(`pad_to_aspect_ratio`), not both."
        )
    if fill_mode != "constant":
        raise ValueError(f"`fill_mode` is 'constant'; got {fill_mode!r}.")

    def resized(x: Array) -> Array:
        top, left, h, w = window(
            x.shape[1:3], (height, width), crop_to_aspect_ratio, pad_to_aspect_ratio
        )
        if crop_to_aspect_ratio:
            x = x[:, top : top + h, left : left + w]
        elif pad_to_aspect_ratio:
            margins = [(0, 0), (-top, -top), (-left, -left), (0, 0)]
            x = jnp.pad(x, margins, constant_values=fill_value)
        shape = (x.shape[0], height, width, x.shape[-1])
        floats = x if interpolation == "nearest" else as_floats(x)
        results: Array = jax.image.resize(floats, shape, interpolation, antialias)
        return in_dtype_of(x, results)

    return on_batch(resized, images, data_format)


def window(
    size: Sequence[Any], target: Sequence[int], crop: bool = False, pad: bool = False
) -> tuple[Any, Any, Any, Any]:
    """Return the part of an image that becomes the whole image of another size.

    Args:
        size: The image's height and width.
        target: Those that it gets.
        crop: Whether what does not fit the new proportions is cut.
        pad: Whether it is filled up instead.

    Returns:
        The part's top, left, height and width; it reaches out of the image where that is filled up.

    Example:
        >>> window((4, 8), (2, 2)), window((4, 8), (2, 2), crop=True), window((4, 8), (2, 2), pad=True)
        ((0, 0, 4, 8), (0, 2, 4, 4), (-2, 0, 8, 8))
    """
    (h, w), (height, width) = size, target
    fitting = (w * height // width, h * width // height)
    if crop:
        kept = [max(min(n, fit), 1) for n, fit in zip((h, w), fitting, strict=True)]
        return (h - kept[0]) // 2, (w - kept[1]) // 2, *kept
    if pad:
        # As many on both sides, as Keras has it, so that one may be missing.
        top, left = ((max(n, fit) - n) // 2 for n, fit in zip((h, w), fitting, strict=True))
        return -top, -left, h + 2 * top, w + 2 * left
    return 0, 0, h, w


@op
def scale_and_translate(
    images: ArrayLike,
    output_shape: Sequence[int | None],
    scale: ArrayLike,
    translation: ArrayLike,
    spatial_dims: Sequence[int],
    method: str,
    antialias: bool = True,
) -> Array:
    """Return an array resampled at other places: cell `x` comes to stand at `x * scale + translation`.

    Cells have their centers at halves, and what comes from outside of `images` is 0.

    Args:
        images: An array of any rank.
        output_shape: The shape of the result; `None` for a size that stays.
        scale: A factor for each of the axes.
        translation: A distance for each of them, in cells of the result.
        spatial_dims: The axes.
        method: `"linear"`, `"cubic"`, `"lanczos3"` or `"lanczos5"`, or the names of these that JAX knows.
        antialias: Whether a smaller array is smoothed first.

    Example:
        >>> scale_and_translate([0.0, 2.0], (4,), [2.0], [0.0], (0,), "linear").tolist()
        [0.0, 0.5, 1.5, 2.0]
    """
    x = as_floats(images)
    sizes = zip(output_shape, x.shape, strict=True)
    shape = tuple(old if new is None else new for new, old in sizes)
    scale, translation = as_wide_floats(scale), as_wide_floats(translation)
    axes = tuple(spatial_dims)
    moved: Array = jax.image.scale_and_translate(
        x, shape, axes, scale, translation, method, antialias
    )
    return moved


@op
def crop_images(
    images: ArrayLike,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Array:
    """Cut pixels off the edges of images.

    Args:
        images: Images of shape `(..., height, width, channels)`.
        top_cropping: How many rows are cut above. Two of this, `bottom_cropping` and `target_height` are given.
        left_cropping: How many columns are cut on the left. Two of this, `right_cropping` and `target_width` are given.
        bottom_cropping: How many rows are cut below.
        right_cropping: How many columns are cut on the right.
        target_height: How many rows stay.
        target_width: How many columns stay.
        data_format: Where the channels are; last where it is `None`.

    Raises:
        ValueError: Not two of each three are given, or nothing would stay.

    Example:
        >>> crop_images(jnp.ones((5, 5, 1)), 1, 2, 1, target_width=2).shape
        (3, 2, 1)
    """

    def cut(x: Array) -> Array:
        height, width = x.shape[1:3]
        top, bottom = _margins(
            "cropping", height, -1, top=top_cropping, bottom=bottom_cropping, height=target_height
        )
        left, right = _margins(
            "cropping", width, -1, left=left_cropping, right=right_cropping, width=target_width
        )
        # Not by an index, which says nothing of the size where that is less than its end.
        x = jax.lax.slice_in_dim(x, top, height - bottom, axis=1)
        return jax.lax.slice_in_dim(x, left, width - right, axis=2)

    return on_batch(cut, images, data_format)


@op
def pad_images(
    images: ArrayLike,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Array:
    """Add zeros at the edges of images.

    Args:
        images: Images of shape `(..., height, width, channels)`.
        top_padding: How many rows are added above. Two of this, `bottom_padding` and `target_height` are given.
        left_padding: How many columns are added on the left. Two of this, `right_padding` and `target_width` are given.
        bottom_padding: How many rows are added below.
        right_padding: How many columns are added on the right.
        target_height: How many rows there are then.
        target_width: How many columns there are then.
        data_format: Where the channels are; last where it is `None`.

    Raises:
        ValueError: Not two of each three are given, or one would be negative.

    Example:
        >>> pad_images(jnp.ones((5, 5, 1)), 1, 2, 1, target_width=9).shape
        (7, 9, 1)
    """

    def padded(x: Array) -> Array:
        height, width = x.shape[1:3]
        top, bottom = _margins(
            "padding", height, 1, top=top_padding, bottom=bottom_padding, height=target_height
        )
        left, right = _margins(
            "padding", width, 1, left=left_padding, right=right_padding, width=target_width
        )
        return jnp.pad(x, [(0, 0), (top, bottom), (left, right), (0, 0)])

    return on_batch(padded, images, data_format)


def _margins(what: str, size: int, sign: int, **given: int | None) -> tuple[int, int]:
    """Return both margins of an axis; two of them and its new size, `size + sign * (before + after)`, are given."""
    (first, before), (second, after), (third, target) = given.items()
    names = f"`{first}_{what}`, `{second}_{what}` and `target_{third}`"
    if sum(n is not None for n in (before, after, target)) != 2:
        raise ValueError(f"exactly two of {names} are given; got {before}, {after} and {target}.")
    if target is None:
        assert before is not None and after is not None
        target = size + sign * (before + after)
    elif before is None:
        assert after is not None
        before = sign * (target - size) - after
    else:
        after = sign * (target - size) - before
    assert after is not None
    for name, n, least in ((first, before, 0), (second, after, 0), (third, target, sign < 0)):
        # Of a size that is not known nothing is refused.
        if isinstance(n, int) and n < least:
            raise ValueError(
                f"of {size} pixels and {names} follows {name} = {n}; it is at least {int(least)}."
            )
    return before, after
