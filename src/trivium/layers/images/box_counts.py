"""As many bounding boxes for each image."""

from __future__ import annotations

from typing import Any, ClassVar

from trivium import ops
from trivium.layers.checks import is_whole, positive_int
from trivium.layers.images.base import ColorLayer
from trivium.layers.registry import LAYERS
from trivium.state.seeds import Seed

__all__ = ["MaxNumBoundingBoxes"]


@LAYERS.register()
class MaxNumBoundingBoxes(ColorLayer):
    """Gives each image the same number of bounding boxes: leaves the last ones out, or fills up.

    Images, labels and masks stay as they are.

    Args:
        max_number: How many boxes there are then.
        fill_value: What boxes and their labels hold that are added: a whole number.
        kwargs: As for `BaseImagePreprocessingLayer`, which also says what the layer takes and gives.

    Raises:
        ValueError: `max_number` is no whole number above zero, or `fill_value` no whole number.

    Example:
        >>> import numpy as np
        >>> boxes = {"boxes": [[0, 0, 1, 2]], "labels": [5]}
        >>> y = MaxNumBoundingBoxes(2)({"images": np.zeros((4, 4, 3)), "bounding_boxes": boxes})
        >>> y["bounding_boxes"]["labels"].tolist(), y["bounding_boxes"]["boxes"][1].tolist()
        ([5, -1], [-1.0, -1.0, -1.0, -1.0])
    """

    _always = True
    # Keras's config has no `fill_value`; here it is there where it says something.
    _left_out: ClassVar[dict[str, Any]] = {**ColorLayer._left_out, "fill_value": -1}

    def __init__(self, max_number: int, fill_value: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not is_whole(fill_value):
            raise ValueError(
                f"MaxNumBoundingBoxes: `fill_value` is a whole number; got {fill_value!r}."
            )
        self._set(max_number=positive_int(self, max_number=max_number), fill_value=int(fill_value))

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Return nothing: nothing is drawn.

        Args:
            data: What the layer is called on.
            training: Nothing depends on it.
            seed: Likewise.
        """
        return None

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """Return the images.

        Args:
            images: The images.
            transformation: What `get_random_transformation` gave; not needed.
            training: Nothing depends on it.
        """
        return images

    def _transform_boxes(self, bounding_boxes: dict[str, Any], transformation: Any) -> Any:
        def counted(x: Any) -> Any:
            x = x[:, : self.max_number]
            missing = self.max_number - x.shape[1]
            margins = [(0, missing) if axis == 1 else (0, 0) for axis in range(len(x.shape))]
            return ops.pad(x, margins, constant_values=self.fill_value)

        parts = {key: counted(bounding_boxes[key]) for key in ("boxes", "labels")}
        return {**bounding_boxes, **parts}
