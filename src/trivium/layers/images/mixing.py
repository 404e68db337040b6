"""Layers that mix the images of a batch with each other, and their labels in proportion."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from trivium import ops, random
from trivium.layers.checks import number
from trivium.layers.images.base import BaseImagePreprocessingLayer, ImageShape
from trivium.layers.images.drawing import between
from trivium.layers.images.settings import Factor, factor_of
from trivium.layers.registry import LAYERS
from trivium.state.seeds import Seed
from trivium.state.types import Array

__all__ = ["CutMix", "MixUp"]


class _Mixing(BaseImagePreprocessingLayer):
    """A layer that mixes each image with another one of its batch, or leaves a single image as it is.

    What it draws holds the other image's number under `permutation_order`, and the share of an image in its own
    result under `mix_weight`.
    """

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        """Return labels mixed as the images are, in float32; in inference they stay.

        Args:
            labels: One-hot labels, or other numbers that can be mixed, shape `(batch, n)`.
            transformation: What `get_random_transformation` gave.
            training: Whether the layer acts.

        Raises:
            ValueError: The labels are numbers of classes.
        """
        if len(labels.shape) < 2:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}) mixes labels, so they have a number for each class, "
                f"shape (batch, classes); got labels of shape {labels.shape}. `ops.one_hot(labels, n)` makes them so."
            )
        labels = ops.cast(labels, "float32")
        if not training or transformation is None:
            return labels
        return self._blended(labels, transformation)

    def _blended(self, x: Array, transformation: Any) -> Any:
        """Return the mean of each row and the one that it is mixed with, by their shares."""
        column = (-1, *[1] * (len(x.shape) - 1))
        weight = ops.cast(ops.reshape(transformation["mix_weight"], column), x.dtype)
        return weight * x + (1 - weight) * self._others(x, transformation)

    def _others(self, x: Any, transformation: Any) -> Any:
        return ops.take(x, transformation["permutation_order"], axis=0)

    def _order(self, shape: ImageShape, seed: Seed) -> Array:
        return random.shuffle(jnp.arange(shape.batch, dtype="int32"), seed=seed)


@LAYERS.register()
class CutMix(_Mixing):
    """While training, puts a rectangle of another image of the batch into each image, and mixes labels by its area.

    Args:
        factor: The parameter of the beta distribution that the shares of images follow: two numbers from 0 to 1,
            between which it is drawn for each batch; one number `f` stands for `(0, f)`. At 1 all shares are equally
            likely, near 0 nearly all of an image or nothing is replaced.
        seed: A whole number; by the global seed where it is `None`.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: `factor` is out of its range; or labels are numbers of classes.
        NotImplementedError: There are bounding boxes.

    Shapes:
        Labels are `(batch, n)`: one-hot, say. One image without a batch stays as it is.

    Example:
        >>> import numpy as np
        >>> data = {"images": np.arange(2.0)[:, None, None, None] * np.ones((2, 8, 8, 1)), "labels": np.eye(2)}
        >>> mixed = CutMix(seed=1)(data)
        >>> np.allclose(mixed["images"].mean((1, 2, 3)), mixed["labels"][:, 1])
        True

    Reference:
        Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features", 2019,
        https://arxiv.org/abs/1905.04899
    """

    def __init__(
        self,
        factor: Factor = 1.0,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self._set(factor=factor_of(self, (0, 1), factor=factor))
        self._set_seed(seed)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draw the rectangle of each image, and whose image it shows.

        Args:
            data: What the layer is called on.
            training: Whether the layer acts.
            seed: A whole number, a `SeedGenerator` or `None`; the layer's own generator where it is `None`.

        Returns:
            A dict of `permutation_order` and `mix_weight`, shape `(batch,)`, and `batch_masks`, which broadcasts to
            images; `None` in inference and for a single image.
        """
        single = len((data["images"] if isinstance(data, dict) else data).shape) == 3
        return None if single else super().get_random_transformation(data, training, seed)

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        alpha = between((), self.factor, seed) + 1e-6
        ratio = jnp.sqrt(1 - random.beta((shape.batch,), alpha, alpha, seed=seed))
        columns = self._cut(shape.batch, shape.width, ratio, seed)
        rows = self._cut(shape.batch, shape.height, ratio, seed)
        # What counts is how many pixels are replaced: a rectangle's edges may fall between pixels.
        share = jnp.mean(rows, 1, "float32") * jnp.mean(columns, 1, "float32")
        masks = (rows[:, :, None] & columns[:, None, :])[:, None]
        return {
            "permutation_order": self._order(shape, seed),
            "batch_masks": jnp.moveaxis(masks, 1, self._channel_axis),
            "mix_weight": 1 - share,
        }

    def _cut(self, batch: Any, size: Any, ratio: Array, seed: Seed) -> Array:
        """Draw a stretch of an axis for each image, shape `(batch, size)`."""
        length = ratio * size
        start = random.uniform((batch,), seed=seed) * (size - length)
        place = jnp.arange(size)
        return (place >= start[:, None]) & (place < (start + length)[:, None])

    def _transform_images(self, images: Array, transformation: Any) -> Any:
        others = self._others(images, transformation)
        return ops.where(transformation["batch_masks"], others, images)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        """Return the masks with the same rectangles of the same others; they keep their dtype.

        Args:
            segmentation_masks: Masks, with an axis for channels.
            transformation: What `get_random_transformation` gave.
            training: Whether the layer acts.
        """
        if not training or transformation is None:
            return segmentation_masks
        return self._transform_images(segmentation_masks, transformation)


@LAYERS.register()
class MixUp(_Mixing):
    """While training, blends each image with another one of the batch, and their labels in the same proportion.

    Args:
        alpha: The parameter of the beta distribution that the shares follow, above 0: the smaller, the less is mixed.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        seed: A whole number; by the global seed where it is `None`.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: `alpha` is not above 0; or labels are numbers of classes.

    Shapes:
        Labels are `(batch, n)`: one-hot, say. Of bounding boxes there are twice as many: those of both images.

    Example:
        >>> import numpy as np
        >>> data = {"images": np.arange(2.0)[:, None, None, None] * np.ones((2, 8, 8, 1)), "labels": np.eye(2)}
        >>> mixed = MixUp(seed=1)(data)
        >>> np.allclose(mixed["images"].mean((1, 2, 3)), mixed["labels"][:, 1])
        True

    Reference:
        Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2017, https://arxiv.org/abs/1710.09412; for boxes
        Zhang et al., "Bag of Freebies for Training Object Detection Neural Networks", 2019,
        https://arxiv.org/abs/1902.04103
    """

    def __init__(
        self,
        alpha: float = 0.2,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        if not number(self, alpha=alpha) > 0:
            raise ValueError(f"{type(self).__name__}: `alpha` is above 0; got {alpha!r}.")
        self._set(alpha=alpha)
        self._set_seed(seed)

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        order = self._order(shape, seed)
        weight = random.beta((shape.batch,), self.alpha, self.alpha, seed=seed)
        return {"mix_weight": weight, "permutation_order": order}

    def _transform_images(self, images: Array, transformation: Any) -> Any:
        return self._blended(images, transformation)

    def transform_bounding_boxes(
        self, bounding_boxes: dict[str, Any], transformation: Any, training: bool = True
    ) -> dict[str, Any]:
        """Return the boxes of both images, one after the other.

        Args:
            bounding_boxes: A dict with `"boxes"`, shape `(batch, boxes, 4)`, and `"labels"`, shape `(batch, boxes)`.
            transformation: What `get_random_transformation` gave.
            training: Whether the layer acts.
        """
        if not training or transformation is None:
            return bounding_boxes
        both = {
            key: ops.concatenate(
                [bounding_boxes[key], self._others(bounding_boxes[key], transformation)], 1
            )
            for key in ("boxes", "labels")
        }
        return {**bounding_boxes, **both}

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
        return self._blended(masks, transformation)
