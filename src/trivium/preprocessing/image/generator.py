"""`ImageDataGenerator`: images changed at random on their way, image by image, in NumPy."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from trivium.preprocessing.image.affine import (
    apply_affine_transform,
    apply_brightness_shift,
    apply_channel_shift,
    pair_of,
)
from trivium.preprocessing.image.file_iterators import DataFrameIterator, DirectoryIterator
from trivium.preprocessing.image.files import check_data_format
from trivium.preprocessing.image.iterators import NumpyArrayIterator
from trivium.state import floatx

__all__ = ["ImageDataGenerator"]

# Keeps a division by a standard deviation finite; Keras's number.
_EPSILON = 1e-6


class ImageDataGenerator:
    """Makes batches of images that are changed at random, as older programs do.

    New programs take `utils.image_dataset_from_directory` and the layers of augmentation, which are compiled into the
    training. Chance is NumPy's global generator, as in Keras.

    Args:
        featurewise_center: Whether to subtract the mean of the data, which `fit` finds, for each channel.
        samplewise_center: Whether to subtract each image's own mean.
        featurewise_std_normalization: Whether to divide by the data's standard deviation, which `fit` finds.
        samplewise_std_normalization: Whether to divide by each image's own.
        zca_whitening: Whether to make pixels uncorrelated; `fit` finds how.
        zca_epsilon: Keeps that finite.
        rotation_range: The greatest angle to turn by, in degrees.
        width_shift_range: The greatest shift to the side: below 1 a part of the width, else pixels; a whole number `n`
            draws from those between `-n` and `n`, a list from its entries and their negatives.
        height_shift_range: Likewise up and down.
        brightness_range: The least and the greatest brightness, where 1 changes nothing.
        shear_range: The greatest angle to shear by, in degrees.
        zoom_range: The least and the greatest factor, or `r` for `(1 - r, 1 + r)`; below 1 images grow.
        channel_shift_range: The greatest number to add to all values.
        fill_mode: What lies outside of an image: `"nearest"`, `"constant"`, `"reflect"` or `"wrap"`.
        cval: The value outside, for `"constant"`.
        horizontal_flip: Whether to mirror half of the images left to right.
        vertical_flip: Whether to mirror half of them top to bottom.
        rescale: What values are multiplied by.
        preprocessing_function: Is applied to each image before `rescale`, and returns one of the same shape.
        data_format: Where the channels are: `"channels_last"` or `"channels_first"`.
        validation_split: The part of the data for `subset="validation"`, from the beginning.
        interpolation_order: The order of the splines between pixels.
        dtype: The dtype of what comes; `config.floatx()` by default.

    Raises:
        ValueError: An argument makes no sense.

    Example:
        >>> batches = ImageDataGenerator(rescale=1 / 255).flow(np.full((3, 4, 4, 1), 255.0), batch_size=2)
        >>> next(batches).shape, len(batches)
        ((2, 4, 4, 1), 2)
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: float | Sequence[float] = 0.0,
        height_shift_range: float | Sequence[float] = 0.0,
        brightness_range: tuple[float, float] | None = None,
        shear_range: float = 0.0,
        zoom_range: float | Sequence[float] = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Callable[[np.ndarray], np.ndarray] | None = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: str | None = None,
    ) -> None:
        if validation_split and not 0 < validation_split < 1:
            raise ValueError(f"`validation_split` lies between 0 and 1; got {validation_split!r}.")
        self.samplewise_std_normalization = samplewise_std_normalization
        # A division by the deviation is one of what is centered.
        self.samplewise_center = samplewise_center or samplewise_std_normalization
        self.featurewise_std_normalization = featurewise_std_normalization and not zca_whitening
        self.featurewise_center = (
            featurewise_center or zca_whitening or featurewise_std_normalization
        )
        self.zca_whitening, self.zca_epsilon = zca_whitening, zca_epsilon
        self.rotation_range, self.shear_range = rotation_range, shear_range
        self.width_shift_range, self.height_shift_range = width_shift_range, height_shift_range
        self.zoom_range = pair_of(
            "zoom_range",
            (1 - zoom_range, 1 + zoom_range) if isinstance(zoom_range, int | float) else zoom_range,
        )
        self.brightness_range = (
            None if brightness_range is None else pair_of("brightness_range", brightness_range)
        )
        self.channel_shift_range = channel_shift_range
        self.fill_mode, self.cval, self.interpolation_order = fill_mode, cval, interpolation_order
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.rescale, self.preprocessing_function = rescale, preprocessing_function
        self.data_format, self.dtype = check_data_format(data_format), dtype or floatx()
        first = self.data_format == "channels_first"
        self.channel_axis, self.row_axis, self.col_axis = (1, 2, 3) if first else (3, 1, 2)
        self.validation_split = validation_split
        self.mean: np.ndarray | None = None
        self.std: np.ndarray | None = None
        self.zca_whitening_matrix: np.ndarray | None = None

    def flow(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: Any = None,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        ignore_class_split: bool = False,
        subset: str | None = None,
    ) -> NumpyArrayIterator:
        """Return batches of arrays; see `NumpyArrayIterator`."""
        return NumpyArrayIterator(
            x, y, self, batch_size, shuffle, sample_weight, seed, self.data_format, save_to_dir,
            save_prefix, save_format, subset, ignore_class_split, self.dtype,
        )  # fmt: skip

    def flow_from_directory(
        self,
        directory: str,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
    ) -> DirectoryIterator:
        """Return batches of the images in a folder; see `DirectoryIterator`."""
        return DirectoryIterator(
            directory, self, target_size, color_mode, classes, class_mode, batch_size, shuffle, seed,
            self.data_format, save_to_dir, save_prefix, save_format, follow_links, subset,
            interpolation, keep_aspect_ratio, self.dtype,
        )  # fmt: skip

    def flow_from_dataframe(
        self,
        dataframe: Any,
        directory: str | None = None,
        x_col: str = "filename",
        y_col: str | Sequence[str] = "class",
        weight_col: str | None = None,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        validate_filenames: bool = True,
    ) -> DataFrameIterator:
        """Return batches of the images that a table names; see `DataFrameIterator`."""
        return DataFrameIterator(
            dataframe, directory, self, x_col, y_col, weight_col, target_size, color_mode, classes,
            class_mode, batch_size, shuffle, seed, self.data_format, save_to_dir, save_prefix,
            save_format, subset, interpolation, False, self.dtype, validate_filenames,
        )  # fmt: skip

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Learn the means, deviations and correlations that `standardize` needs.

        Args:
            x: Images, shape `(count, height, width, channels)`.
            augment: Whether to learn them of images changed at random.
            rounds: How often each image is changed then.
            seed: A seed for NumPy's global generator.

        Raises:
            ValueError: `x` has another rank.
        """
        images = np.array(x, self.dtype)
        if images.ndim != 4:
            raise ValueError(f"`x` is images, with four axes; got shape {images.shape}.")
        if seed is not None:
            np.random.seed(seed)
        if self.rescale:
            images *= self.rescale
        if augment:
            images = np.stack([self.random_transform(i) for _ in range(rounds) for i in images])
        others = (0, self.row_axis, self.col_axis)
        if self.featurewise_center:
            self.mean = images.mean(others, keepdims=True)[0]
            images -= self.mean
        if self.featurewise_std_normalization:
            self.std = images.std(others, keepdims=True)[0]
            images /= self.std + _EPSILON
        if self.zca_whitening:
            # The inverse root of the covariance, from the singular values of the images: what it gives has no
            # correlations left, and looks as much as it can like what it was.
            u, s, _ = np.linalg.svd(images.reshape(len(images), -1).T, full_matrices=False)
            self.zca_whitening_matrix = (u * (np.sqrt(len(images)) / (s + self.zca_epsilon))) @ u.T

    def standardize(self, x: np.ndarray) -> np.ndarray:
        """Return an image normalized, in place where that is possible.

        Args:
            x: An image of floats.
        """
        if self.preprocessing_function:
            x = self.preprocessing_function(x)
        if self.rescale:
            x *= self.rescale
        if self.samplewise_center:
            x -= x.mean(keepdims=True)
        if self.samplewise_std_normalization:
            x /= x.std(keepdims=True) + _EPSILON
        if self.featurewise_center:
            x -= self._learned("featurewise_center", self.mean, 0)
        if self.featurewise_std_normalization:
            x /= self._learned("featurewise_std_normalization", self.std, 1 - _EPSILON) + _EPSILON
        if self.zca_whitening:
            whitening = self._learned("zca_whitening", self.zca_whitening_matrix, None)
            if whitening is not None:
                x = (x.reshape(-1, len(whitening)) @ whitening).reshape(x.shape)
        return x

    @staticmethod
    def _learned(setting: str, value: np.ndarray | None, otherwise: Any) -> Any:
        if value is not None:
            return value
        warnings.warn(
            f"ImageDataGenerator: `{setting}` needs numbers of the data, and is left out without them. Call `fit` with "
            "images first.",
            UserWarning,
            stacklevel=3,
        )
        return otherwise

    def get_random_transform(
        self, img_shape: tuple[int, ...], seed: int | None = None
    ) -> dict[str, Any]:
        """Draw how an image is changed.

        Args:
            img_shape: The image's shape.
            seed: A seed for NumPy's global generator.

        Returns:
            The settings of `apply_transform`.
        """
        if seed is not None:
            np.random.seed(seed)
        low, high = self.zoom_range
        chance = np.random
        return {  # Drawn in Keras's order, so that the same seed gives the same numbers.
            "theta": _within(self.rotation_range),
            "ty": _shift(self.height_shift_range, img_shape[self.row_axis - 1]),
            "tx": _shift(self.width_shift_range, img_shape[self.col_axis - 1]),
            "shear": _within(self.shear_range),
            **dict(
                zip(("zx", "zy"), (1, 1) if low == high == 1 else chance.uniform(low, high, 2), strict=True)
            ),
            "flip_horizontal": bool(chance.random() < 0.5) and self.horizontal_flip,
            "flip_vertical": bool(chance.random() < 0.5) and self.vertical_flip,
            "channel_shift_intensity": _within(self.channel_shift_range) if self.channel_shift_range else None,
            "brightness": None if self.brightness_range is None else chance.uniform(*self.brightness_range),
        }  # fmt: skip

    def apply_transform(self, x: np.ndarray, transform_parameters: dict[str, Any]) -> np.ndarray:
        """Return an image changed.

        Args:
            x: An image.
            transform_parameters: What `get_random_transform` returns, or some of it.
        """
        of: Callable[..., Any] = transform_parameters.get
        row, column, channel = self.row_axis - 1, self.col_axis - 1, self.channel_axis - 1
        x = apply_affine_transform(
            x, of("theta", 0), of("tx", 0), of("ty", 0), of("shear", 0), of("zx", 1), of("zy", 1),
            row, column, channel, self.fill_mode, self.cval, self.interpolation_order,
        )  # fmt: skip
        if of("channel_shift_intensity") is not None:
            x = apply_channel_shift(x, of("channel_shift_intensity"), channel)
        if of("flip_horizontal"):
            x = np.flip(x, column)
        if of("flip_vertical"):
            x = np.flip(x, row)
        if of("brightness") is not None:
            x = apply_brightness_shift(x, of("brightness"), scale=False)
        return x

    def random_transform(self, x: np.ndarray, seed: int | None = None) -> np.ndarray:
        """Return an image changed at random.

        Args:
            x: An image.
            seed: A seed for NumPy's global generator.
        """
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))


def _within(reach: float) -> float:
    return float(np.random.uniform(-reach, reach)) if reach else 0


def _shift(reach: Any, size: int) -> float:
    """Draw a shift in pixels: a float's range, a whole number's numbers, or one of a list's."""
    if np.ndim(reach) == 0 and not reach:
        return 0
    if isinstance(reach, float):
        distance = np.random.uniform(-reach, reach)
    else:
        distance = np.random.choice(reach) * np.random.choice([-1, 1])
    return float(distance * size if np.max(reach) < 1 else distance)
