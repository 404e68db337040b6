"""Policies: layers that choose among others by chance."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from trivium import ops, random
from trivium.layers.checks import is_whole, number, positive_int
from trivium.layers.images.base import BaseImagePreprocessingLayer, ImageShape
from trivium.layers.images.colors import (
    RandomBrightness,
    RandomColorDegeneration,
    RandomContrast,
)
from trivium.layers.images.composed import Composed
from trivium.layers.images.filters import RandomSharpness
from trivium.layers.images.histograms import AutoContrast, Equalization
from trivium.layers.images.settings import Factor, ValueRange, factor_of, value_range_of
from trivium.layers.images.tones import RandomPosterization, Solarization
from trivium.layers.images.warps import RandomRotation, RandomShear, RandomTranslation
from trivium.layers.registry import LAYERS
from trivium.state.seeds import Seed
from trivium.state.types import Array

__all__ = ["AugMix", "RandAugment"]


class _Policy(Composed):
    """A layer that chooses among the layers of RandAugment, for a whole batch, which a compiled step has one of run.

    The numbers that a layer draws are each image's own.
    """

    def _set_policy(
        self, value_range: ValueRange, factor: Factor, interpolation: str, seed: int | None
    ) -> None:
        """Keep the settings, and make the layers."""
        strength = factor_of(self, (0, 1), factor=factor)
        colors = value_range_of(self, value_range)
        self._set(value_range=colors, factor=strength, interpolation=interpolation)
        self._set_seed(seed)
        shared = {**self._shared(), "bounding_box_format": self.bounding_box_format}
        moved = {**shared, "interpolation": interpolation}
        painted = {**shared, "value_range": colors}
        bits = max(1, int(8 * strength[1]))
        made: dict[str, BaseImagePreprocessingLayer] = {
            "random_shear": RandomShear(strength, strength, **moved),
            "random_translation": RandomTranslation(strength, strength, **moved),
            "random_rotation": RandomRotation(strength, **moved),
            "random_brightness": RandomBrightness(strength, **painted),
            "random_color_degeneration": RandomColorDegeneration(strength, **painted),
            "random_contrast": RandomContrast(strength, **painted),
            "random_sharpness": RandomSharpness(strength, **painted),
            "random_posterization": RandomPosterization(bits, **painted),
            "solarization": Solarization(strength, strength, **painted),
            "auto_contrast": AutoContrast(**painted),
            "equalization": Equalization(**painted),
        }
        for name in self._names:
            self._keep(name, made[name])

    def _one_of(self, choice: Any, method: str, x: Any, transforms: dict[str, Any]) -> Any:
        """Return what the chosen layer makes of images, masks or boxes; a number behind the last one leaves them."""

        def by(layer: BaseImagePreprocessingLayer, name: str) -> Any:
            return lambda given: getattr(layer, method)(given, transforms[name])

        branches = [by(layer, name) for name, layer in self._parts().items()]
        # Nothing is drawn or kept in there, so JAX's own function will do.
        return jax.lax.switch(choice, [*branches, lambda given: given], x)


@LAYERS.register()
class RandAugment(_Policy):
    """While training, applies some layers, chosen anew for each batch, one after the other.

    They shear, move, turn, brighten, fade, strengthen contrasts, sharpen, posterize, solarize, stretch contrasts and
    equalize, with numbers drawn for each image.

    Args:
        value_range: The least and the greatest number that a pixel holds.
        num_ops: How many layers are applied.
        factor: How strongly: two numbers from 0 to 1, which are the layers' `factor`; one number `f` stands for
            `(0, f)`.
        interpolation: What is taken between pixels: `"bilinear"` or `"nearest"`.
        seed: A whole number; by the global seed where it is `None`.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: A setting is out of its range; or an image has neither three channels nor one.

    Example:
        >>> import numpy as np
        >>> RandAugment(seed=1)(np.zeros((2, 8, 8, 3), "uint8")).shape
        (2, 8, 8, 3)

    Reference:
        Cubuk et al., "RandAugment: Practical automated data augmentation with a reduced search space", 2019,
        https://arxiv.org/abs/1909.13719
    """

    _names = (
        "random_shear", "random_translation", "random_rotation", "random_brightness", "random_color_degeneration",
        "random_contrast", "random_sharpness", "random_posterization", "solarization", "auto_contrast", "equalization",
    )  # fmt: skip

    def __init__(
        self,
        value_range: ValueRange = (0, 255),
        num_ops: int = 2,
        factor: Factor = 0.5,
        interpolation: str = "bilinear",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        if not is_whole(num_ops, least=0):
            raise ValueError(
                f"{type(self).__name__}: `num_ops` is a number of layers; got {num_ops!r}."
            )
        self._set(num_ops=num_ops)
        self._set_policy(value_range, factor, interpolation, seed)

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        chosen = random.randint((self.num_ops,), 0, len(self._names), seed=seed)
        return {"transforms": self._draws(shape, seed), "layer_idxes": chosen}

    def _applied(self, method: str, x: Any, transformation: Any) -> Any:
        chosen, transforms = transformation["layer_idxes"], transformation["transforms"]
        # A loop, for what is written out several times takes as many times as long to compile.
        return jax.lax.fori_loop(
            0, self.num_ops, lambda i, x: self._one_of(chosen[i], method, x, transforms), x
        )

    def _transform_images(self, images: Array, transformation: Any) -> Any:
        return self._applied("transform_images", images, transformation)

    def _transform_masks(self, masks: Array, transformation: Any) -> Any:
        return self._applied("transform_segmentation_masks", masks, transformation)

    def _transform_boxes(self, bounding_boxes: dict[str, Any], transformation: Any) -> Any:
        return self._applied("transform_bounding_boxes", bounding_boxes, transformation)


@LAYERS.register()
class AugMix(_Policy):
    """While training, blends each image with what several chains of layers make of it, chosen anew for each batch.

    The layers are those of `RandAugment`, or nothing in a chain's place, with numbers drawn for each image and place.

    Args:
        value_range: The least and the greatest number that a pixel holds; results are clipped to it.
        num_chains: How many chains are blended.
        chain_depth: How many layers are in a chain.
        factor: How strongly they act: two numbers from 0 to 1, which are the layers' `factor`; one number `f` stands
            for `(0, f)`.
        alpha: The parameter, above 0, of the distributions that the shares follow: a Dirichlet one of the chains, a
            beta one of the image itself.
        all_ops: Whether there are layers that change brightness, colors, contrast and sharpness, too: the paper leaves
            them out for data that is tested with such corruptions.
        interpolation: What is taken between pixels: `"bilinear"` or `"nearest"`.
        seed: A whole number; by the global seed where it is `None`.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: A setting is out of its range; or an image has neither three channels nor one.

    Shapes:
        Masks are blended as images are, in the compute dtype. Boxes stay.

    Example:
        >>> import numpy as np
        >>> AugMix(seed=1)(np.zeros((2, 8, 8, 3), "uint8")).shape
        (2, 8, 8, 3)

    Reference:
        Hendrycks et al., "AugMix: A Simple Data Processing Method to Improve Robustness and Uncertainty", 2019,
        https://arxiv.org/abs/1912.02781
    """

    def __init__(
        self,
        value_range: ValueRange = (0, 255),
        num_chains: int = 3,
        chain_depth: int = 3,
        factor: Factor = 0.3,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: str = "bilinear",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        if not number(self, alpha=alpha) > 0:
            raise ValueError(f"{type(self).__name__}: `alpha` is above 0; got {alpha!r}.")
        self._set(
            num_chains=positive_int(self, num_chains=num_chains),
            chain_depth=positive_int(self, chain_depth=chain_depth),
            alpha=alpha, all_ops=all_ops,
        )  # fmt: skip
        corrupting = {
            "random_brightness",
            "random_color_degeneration",
            "random_contrast",
            "random_sharpness",
        }
        self._names = tuple(n for n in RandAugment._names if all_ops or n not in corrupting)
        self._set_policy(value_range, factor, interpolation, seed)

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        weights = random.gamma((self.num_chains,), self.alpha, seed=seed)
        places = self.num_chains * self.chain_depth
        _, transforms = ops.scan(lambda _, __: (_, self._draws(shape, seed)), 0, length=places)
        return {
            "chain_mixing_weights": weights / jnp.sum(weights),
            "weight_sample": random.beta((), self.alpha, self.alpha, seed=seed),
            "layer_idxes": random.randint((places,), 0, len(self._names) + 1, seed=seed),
            "transforms": transforms,
        }

    def _blended(self, method: str, x: Array, transformation: Any) -> Any:
        weights, own = (
            ops.cast(transformation[k], x.dtype) for k in ("chain_mixing_weights", "weight_sample")
        )

        def link(place: Any, x: Array) -> Any:
            here = jax.tree_util.tree_map(lambda drawn: drawn[place], transformation["transforms"])
            return self._one_of(transformation["layer_idxes"][place], method, x, here)

        def chain(i: Any, total: Array) -> Array:
            first = i * self.chain_depth
            return total + weights[i] * jax.lax.fori_loop(first, first + self.chain_depth, link, x)

        return own * x + (1 - own) * jax.lax.fori_loop(0, self.num_chains, chain, jnp.zeros_like(x))

    def _transform_images(self, images: Array, transformation: Any) -> Any:
        blended = self._blended("transform_images", images, transformation)
        return ops.clip(blended, *self.value_range)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        """Return the masks blended as the images are, in the compute dtype: one-hot masks become shares of classes.

        Args:
            segmentation_masks: Masks, with an axis for channels.
            transformation: What `get_random_transformation` gave.
            training: Whether the layer acts.
        """
        masks = ops.cast(segmentation_masks, self.compute_dtype)
        if not training or transformation is None:
            return masks
        return self._blended("transform_segmentation_masks", masks, transformation)

    def _transform_boxes(self, bounding_boxes: dict[str, Any], transformation: Any) -> Any:
        return bounding_boxes
