"""Layers that change the colors of each image by chance: a number for each image says how far."""

from __future__ import annotations

from typing import Any, ClassVar

from trivium import ops, random
from trivium.layers.checks import unit_fraction
from trivium.layers.images.base import ColorLayer, ImageShape
from trivium.layers.images.drawing import between
from trivium.layers.images.pixels import GradedLayer, PixelLayer, by_rows, each, rescaled
from trivium.layers.images.settings import Factor, ValueRange, factor_of
from trivium.layers.registry import LAYERS
from trivium.state.dtypes import epsilon
from trivium.state.seeds import Seed
from trivium.state.types import Array

__all__ = [
    "RandomBrightness", "RandomColorDegeneration", "RandomContrast", "RandomGrayscale", "RandomHue",
    "RandomSaturation",
]  # fmt: skip


@LAYERS.register()
class RandomBrightness(PixelLayer):
    """While training, adds a number to all pixels of an image.

    Args:
        factor: How much of the range of values is added: two numbers from -1 (all black) to 1 (all white), between
            which it is drawn for each image; one number `f` stands for `(-f, f)`.
        value_range: The least and the greatest number that a pixel holds; results are clipped to it.
        seed: A whole number; by the global seed where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: `factor` or `value_range` is out of its range.

    Example:
        >>> import numpy as np
        >>> RandomBrightness((0.1, 0.1))(np.array([[[0.0, 100.0, 250.0]]]))[0, 0].tolist()
        [25.5, 125.5, 255.0]
    """

    def __init__(
        self,
        factor: Factor,
        value_range: ValueRange = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, **kwargs)
        self._set(factor=factor_of(self, (-1, 1), factor=factor))
        self._set_seed(seed)

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        low, high = self.value_range
        share = between((shape.batch, 1, 1, 1), self.factor, seed)
        return {"rgb_delta": share * (high - low)}

    def _changed(self, pixels: Array, transformation: Any) -> Any:
        return ops.clip(pixels + each(transformation["rgb_delta"], pixels), *self.value_range)


@LAYERS.register()
class RandomContrast(PixelLayer):
    """While training, moves the pixels of an image away from the mean of their channel, or toward it.

    Args:
        factor: Two numbers from 0 to 1, `(lower, upper)`: each image's distances from the mean are multiplied by a
            number from `1 - lower` to `1 + upper`. One number stands for both.
        value_range: The least and the greatest number that a pixel holds; results are clipped to it.
        seed: A whole number; by the global seed where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: `factor` or `value_range` is out of its range.

    Example:
        >>> import numpy as np
        >>> image = np.array([[[100.0], [200.0]]])
        >>> contrasts = [RandomContrast(0.5, seed=s)(image)[0, 1].item() for s in range(20)]
        >>> 175 <= min(contrasts) < 185, 215 < max(contrasts) <= 225
        (True, True)
    """

    def __init__(
        self,
        factor: Factor,
        value_range: ValueRange = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, **kwargs)
        # Which checks; the order of the two means something.
        factor_of(self, (0, 1), factor=factor)
        pair = tuple(factor) if isinstance(factor, list | tuple) else (factor, factor)
        self._set(factor=pair)
        self._set_seed(seed)

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        lower, upper = self.factor
        sizes = (shape.batch, 1, 1, 1)
        return {"contrast_factor": between(sizes, (1.0 - lower, 1.0 + upper), seed)}

    def _changed(self, pixels: Array, transformation: Any) -> Any:
        mean = by_rows(ops.mean, pixels, self._spatial_axes)
        factor = each(transformation["contrast_factor"], pixels)
        return ops.clip((pixels - mean) * factor + mean, *self.value_range)


@LAYERS.register()
class RandomHue(GradedLayer):
    """While training, turns the hues of an image around the circle of colors.

    Args:
        factor: Two numbers from 0 to 1, between which the turn is drawn for each image, to either side; 1 is half of
            the circle. One number `f` stands for `(0, f)`.
        value_range: The least and the greatest number that a pixel holds.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        seed: A whole number; by the global seed where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: `factor` or `value_range` is out of its range; or an image has not three channels.

    Example:
        >>> import numpy as np
        >>> red = np.array([[[255.0, 0.0, 0.0]]])
        >>> RandomHue((1, 1))(red)[0, 0].tolist()
        [0.0, 255.0, 255.0]

    Reference:
        Smith, "Color Gamut Transform Pairs", SIGGRAPH 1978, https://doi.org/10.1145/800248.807361
    """

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        left = random.uniform((shape.batch,), seed=seed) > 0.5
        turn = between((shape.batch,), self.factor, seed)
        return {"factor": ops.where(left, -turn, turn) * 0.5}

    def _changed(self, pixels: Array, transformation: Any) -> Any:
        colors = rescaled(pixels, self.value_range, (0, 1))
        hsv = ops.image.rgb_to_hsv(colors, self.data_format)
        hue, saturation, value = ops.split(hsv, 3, self._channel_axis)
        turned = (hue + each(transformation["factor"], pixels)) % 1
        hsv = ops.concatenate([turned, saturation, value], self._channel_axis)
        colors = ops.clip(ops.image.hsv_to_rgb(hsv, self.data_format), 0, 1)
        return rescaled(colors, (0, 1), self.value_range)


@LAYERS.register()
class RandomSaturation(GradedLayer):
    """While training, makes the colors of an image more or less vivid.

    Args:
        factor: Two numbers from 0 to 1, between which `f` is drawn for each image: saturations are multiplied by
            `f / (1 - f)`, up to 1, so 0 gives shades of gray, 0.5 the image itself and 1 pure colors. One number `f`
            stands for `(0, f)`.
        value_range: The least and the greatest number that a pixel holds.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        seed: A whole number; by the global seed where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: `factor` or `value_range` is out of its range; or an image has not three channels.

    Example:
        >>> import numpy as np
        >>> image = np.array([[[200.0, 150.0, 100.0]]])
        >>> [RandomSaturation((f, f))(image)[0, 0].round().tolist() for f in (0, 0.5, 1)]
        [[200.0, 200.0, 200.0], [200.0, 150.0, 100.0], [200.0, 100.0, 0.0]]

    Reference:
        Smith, "Color Gamut Transform Pairs", SIGGRAPH 1978, https://doi.org/10.1145/800248.807361
    """

    def _ends_of(self, factor: Factor) -> tuple[float, float]:
        # Keras's configs hold numbers below 0, which multiply saturations by less than 0: by 0, that is.
        return factor_of(self, (-1, 1), least=0, factor=factor)

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        factor = between((shape.batch,), self.factor, seed)
        return {"factor": factor / (1 - factor + epsilon())}

    def _changed(self, pixels: Array, transformation: Any) -> Any:
        self._check_colors(pixels)
        # In terms of hue, saturation s and value v a color is v - v * s * (what its hue lacks of it). So a channel's
        # distance from v grows as s does, until s is 1 and the smallest channel at the bottom.
        r, g, b = ops.split(pixels, 3, self._channel_axis)
        value = ops.maximum(ops.maximum(r, g), b)
        spread = value - ops.minimum(ops.minimum(r, g), b)
        most = (value - self.value_range[0]) / ops.where(spread > 0, spread, 1)
        times = ops.clip(each(transformation["factor"], pixels), 0, ops.maximum(most, 1))
        return value - (value - pixels) * times


@LAYERS.register()
class RandomColorDegeneration(GradedLayer):
    """While training, mixes each image with itself in shades of gray.

    Args:
        factor: How much of the gray image there is: two numbers from 0 to 1, between which it is drawn for each image.
            Below 0, down to -1, colors get stronger. One number `f` stands for `(0, f)`.
        value_range: The least and the greatest number that a pixel holds; results are clipped to it.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        seed: A whole number; by the global seed where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: `factor` or `value_range` is out of its range; or an image has neither three channels nor one.

    Example:
        >>> import numpy as np
        >>> yellow = np.array([[[200.0, 200.0, 0.0]]])
        >>> RandomColorDegeneration((1, 1))(yellow)[0, 0].astype(int).tolist()
        [177, 177, 177]

    Reference:
        Cubuk et al., "AutoAugment", 2018, https://arxiv.org/abs/1805.09501 ("Color" there)
    """

    def _ends_of(self, factor: Factor) -> tuple[float, float]:
        return factor_of(self, (-1, 1), least=0, factor=factor)

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        return {"factor": between((shape.batch, 1, 1, 1), self.factor, seed)}

    def _changed(self, pixels: Array, transformation: Any) -> Any:
        gray = ops.image.rgb_to_grayscale(pixels, self.data_format)
        mixed = pixels + each(transformation["factor"], pixels) * (gray - pixels)
        return ops.clip(mixed, *self.value_range)


@LAYERS.register()
class RandomGrayscale(ColorLayer):
    """While training, takes the colors from some images; they keep their channels, which are equal then.

    Args:
        factor: The chance of an image to become gray, from 0 to 1.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        seed: A whole number; by the global seed where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: `factor` is out of its range; or an image has neither three channels nor one.

    Example:
        >>> import numpy as np
        >>> yellow = np.array([[[200.0, 200.0, 0.0]]])
        >>> RandomGrayscale(1.0)(yellow)[0, 0].astype(int).tolist()
        [177, 177, 177]

    Reference:
        Recommendation ITU-R BT.601-7, section 2.5.1.
    """

    # Keras's config forgets it.
    _left_out: ClassVar[dict[str, Any]] = {**ColorLayer._left_out, "seed": None}

    def __init__(
        self,
        factor: float = 0.5,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self._set(factor=unit_fraction(self, factor=factor))
        self._set_seed(seed)

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        return random.uniform((shape.batch, 1, 1, 1), seed=seed) < self.factor

    def _transform_images(self, images: Array, transformation: Any) -> Any:
        gray = ops.image.rgb_to_grayscale(images, self.data_format)
        return ops.where(each(transformation, images), gray, images)
