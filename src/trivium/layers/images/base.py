"""What layers of images share: what they are called on, and how its parts change together.

Such a layer works in two steps. It draws the parameters of each image (`get_random_transformation`), and then it
applies them to the images and to all that belongs to them (`transform_images`, `transform_labels`, …). So a flipped
image has flipped boxes and a flipped mask, and anybody may apply parameters of their own.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from trivium import ops
from trivium.layers.base import Layer
from trivium.layers.images.boxes import dense_boxes
from trivium.layers.images.eager import run_compiled
from trivium.layers.spatial import data_format_of
from trivium.state import SeedGenerator
from trivium.state.seeds import Seed
from trivium.state.trees import map_tree
from trivium.state.types import Array

__all__ = ["BaseImagePreprocessingLayer", "ColorLayer", "ImageShape"]

# What a layer is called on, by its key in a dict, and the method that changes it; images come first.
_PARTS = {
    "images": "transform_images",
    "bounding_boxes": "transform_bounding_boxes",
    "labels": "transform_labels",
    "segmentation_masks": "transform_segmentation_masks",
}


class ImageShape(NamedTuple):
    """The sizes of a batch of images, wherever their channels stand; a symbol for one that is not known."""

    batch: Any
    height: Any
    width: Any
    channels: Any


class BaseImagePreprocessingLayer(Layer):
    """A layer that changes images and what belongs to them.

    It is called on an image, a batch of images, or a dict with some of these; other keys pass through:

    - `"images"`: shape `(height, width, channels)`, or `(batch, height, width, channels)`; the channels stand before
      the height with `"channels_first"`. The other parts have the batch's axis if and only if the images have it.
    - `"labels"`: shape `(batch, ...)`.
    - `"bounding_boxes"`: a dict with `"boxes"`, shape `(batch, boxes, 4)`, and `"labels"`, shape `(batch, boxes)`; or
      nested lists with another number of boxes for each image, which are filled up with boxes of zeros, labels of -1.
    - `"segmentation_masks"`: shape `(batch, height, width, channels)`, or without channels. They keep their dtype.

    A class of your own overrides `get_random_transformation`, `transform_images` and, for such data,
    `transform_bounding_boxes`, `transform_segmentation_masks` and `transform_labels`, which leaves labels as they are.
    The library's own say no more than what they do where they act: in `_draw`, `_transform_images`, `_transform_boxes`
    and `_transform_masks`.

    Args:
        bounding_box_format: The format of the boxes, for data that has some; see `utils.bounding_boxes`.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: `data_format` is neither; or the layer is called on what has another shape, or on boxes without
            knowing their format.

    Shapes:
        As above; images come out in the layer's compute dtype.

    Example:
        >>> import numpy as np
        >>> class Darker(BaseImagePreprocessingLayer):
        ...     def get_random_transformation(self, data, training=True, seed=None):
        ...         return {"factor": 0.5} if training else None
        ...     def transform_images(self, images, transformation, training=True):
        ...         return images * transformation["factor"] if training else images
        >>> image = np.ones((1, 2, 3))
        >>> Darker()(image)[0, 0].tolist(), Darker()(image, training=False)[0, 0].tolist()
        ([0.5, 0.5, 0.5], [1.0, 1.0, 1.0])
    """

    _stateless = True
    _left_out: ClassVar[dict[str, Any]] = {**Layer._left_out, "bounding_box_format": None}

    # Whether the layer acts in inference, too.
    _always: ClassVar[bool] = False
    # Whether it changes boxes, so that it must know their format.
    _moves_boxes: ClassVar[bool] = True

    # What it draws from; none where it draws nothing.
    generator: SeedGenerator | None = None

    def __init__(
        self, bounding_box_format: str | None = None, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._set(
            bounding_box_format=bounding_box_format, data_format=data_format_of(self, data_format)
        )
        # Images are cast where they are changed. Boxes and labels stay precise whatever images are computed in.
        self.autocast = False

    def _set_seed(self, seed: int | None) -> None:
        """Keep the seed, and a generator that `_draw` draws from."""
        self._set(seed=seed)
        self.generator = SeedGenerator(seed)

    def shape_of(self, data: Any) -> ImageShape:
        """Return the sizes of images, or of the images in a dict; of one image, those of a batch of one.

        Args:
            data: What the layer is called on.

        Raises:
            ValueError: These are no images.
        """
        shape = tuple((data["images"] if isinstance(data, dict) else data).shape)
        if len(shape) not in (3, 4):
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}): an image has 3 axes, and a batch of them 4; got "
                f"images of shape {shape}."
            )
        batch, sizes = (1, *shape)[-4], shape[-3:]
        first = self.data_format == "channels_first"
        return ImageShape(batch, *(*sizes[1:], sizes[0]) if first else sizes)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draw the parameters of each image.

        Args:
            data: What the layer is called on.
            training: Whether the layer acts.
            seed: A whole number, a `SeedGenerator` or `None`; the layer's own generator where it is `None`.

        Returns:
            A dict of arrays, one row for each image; `None` where the layer does nothing.
        """
        if not (training or self._always):
            return None
        return self._draw(self.shape_of(data), self.generator if seed is None else seed)

    def _draw(self, shape: ImageShape, seed: Seed) -> Any:
        """Return the parameters of each image of a batch. They hold all that the `transform_…` methods need to know."""
        raise NotImplementedError(
            f"{type(self).__name__} does not say what it draws: give it `get_random_transformation`."
        )

    def _acts(self, transformation: Any, training: bool) -> bool:
        return self._always or (training and transformation is not None)

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        """Return a batch of images changed.

        Args:
            images: The images.
            transformation: What `get_random_transformation` gave for them.
            training: Whether the layer acts.
        """
        images = ops.cast(images, self.compute_dtype)
        if not self._acts(transformation, training):
            return images
        return self._transform_images(images, transformation)

    def _transform_images(self, images: Array, transformation: Any) -> Any:
        raise NotImplementedError(
            f"{type(self).__name__} does not say what becomes of images: give it `transform_images`."
        )

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        """Return the labels that belong to the changed images: the same here.

        Args:
            labels: One for each image.
            transformation: What `get_random_transformation` gave.
            training: Whether the layer acts.
        """
        return labels

    def transform_bounding_boxes(
        self, bounding_boxes: dict[str, Any], transformation: Any, training: bool = True
    ) -> dict[str, Any]:
        """Return the boxes that belong to the changed images, without touching the dict that is given.

        Args:
            bounding_boxes: A dict with `"boxes"`, shape `(batch, boxes, 4)`, and `"labels"`, shape `(batch, boxes)`.
            transformation: What `get_random_transformation` gave.
            training: Whether the layer acts.

        Raises:
            NotImplementedError: The layer does not know.
        """
        if not self._acts(transformation, training):
            return bounding_boxes
        return self._transform_boxes(bounding_boxes, transformation)

    def _transform_boxes(self, bounding_boxes: dict[str, Any], transformation: Any) -> Any:
        raise NotImplementedError(
            f"{type(self).__name__} does not say what becomes of bounding boxes: give it `transform_bounding_boxes`, "
            "or call it on data without them."
        )

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        """Return the masks that belong to the changed images.

        Args:
            segmentation_masks: Masks, with an axis for channels.
            transformation: What `get_random_transformation` gave.
            training: Whether the layer acts.

        Raises:
            NotImplementedError: The layer does not know.
        """
        if not self._acts(transformation, training):
            return segmentation_masks
        return self._transform_masks(segmentation_masks, transformation)

    def _transform_masks(self, masks: Array, transformation: Any) -> Any:
        raise NotImplementedError(
            f"{type(self).__name__} does not say what becomes of masks: give it `transform_segmentation_masks`, or "
            "call it on data without them."
        )

    def call(self, data: Any, training: bool = True) -> Any:
        """Compute the output.

        Args:
            data: An image, a batch of them, or a dict; see the class.
            training: Whether the layer acts, for one that acts while training only. A layer called on its own does.
        """
        parts = dict(data) if isinstance(data, dict) else {"images": data}
        if "images" not in parts:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}) was called on a dict without 'images'; it has "
                f"{', '.join(map(repr, parts)) or 'no keys'}."
            )
        parts["images"] = ops.convert_to_tensor(parts["images"])
        self.shape_of(parts)  # which refuses what is no image.
        given = {key: self._arrays(key, parts) for key in _PARTS if key in parts}
        if not isinstance(data, dict):
            return run_compiled(self, self._change, given["images"], training)
        return {**parts, **run_compiled(self, self._change, given, training)}

    def _arrays(self, key: str, parts: dict[str, Any]) -> Any:
        """Return a part of the data as an array, or as a dict of arrays."""
        if key != "bounding_boxes":
            return ops.convert_to_tensor(parts[key])
        if self.bounding_box_format is None and self._moves_boxes:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}) was called on bounding boxes without knowing their "
                f"format: make it with `bounding_box_format`, {type(self).__name__}(..., "
                'bounding_box_format="xyxy") say.'
            )
        return dense_boxes(parts[key], batched=len(parts["images"].shape) == 4)

    def _change(self, data: Any, training: bool) -> Any:
        """Draw, and change all parts."""
        parts = data if isinstance(data, dict) else {"images": data}
        rank = len(parts["images"].shape)
        # One image is a batch of one; masks without channels get one.
        flat = "segmentation_masks" in parts and len(parts["segmentation_masks"].shape) < rank
        if flat:
            masks = ops.expand_dims(parts["segmentation_masks"], self._channel_axis)
            parts = {**parts, "segmentation_masks": masks}
        batch = map_tree(lambda x: x[None], parts) if rank == 3 else parts
        like_data = batch if isinstance(data, dict) else batch["images"]
        transformation = self.get_random_transformation(like_data, training=training)
        changed = {}
        for key, value in batch.items():
            transform = getattr(self, _PARTS[key])
            changed[key] = transform(value, transformation=transformation, training=training)
        if rank == 3:
            changed = map_tree(lambda x: x[0], changed)
        if flat:
            masks = ops.squeeze(changed["segmentation_masks"], self._channel_axis)
            changed["segmentation_masks"] = masks
        return changed if isinstance(data, dict) else changed["images"]

    @property
    def _channel_axis(self) -> int:
        return -3 if self.data_format == "channels_first" else -1

    @property
    def _spatial_axes(self) -> tuple[int, int]:
        """The axes of the height and the width, of one image or a batch."""
        return (-2, -1) if self.data_format == "channels_first" else (-3, -2)


class ColorLayer(BaseImagePreprocessingLayer):
    """A layer that leaves each thing where it is in its image: labels, boxes and masks stay as they are.

    Args:
        kwargs: As for `BaseImagePreprocessingLayer`.
    """

    _moves_boxes = False

    def _transform_boxes(self, bounding_boxes: dict[str, Any], transformation: Any) -> Any:
        return bounding_boxes

    def _transform_masks(self, masks: Array, transformation: Any) -> Any:
        return masks
