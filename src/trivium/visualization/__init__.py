"""Pictures of images: galleries of them, with labels, boxes and masks. Matplotlib is imported when first needed."""

import importlib
from typing import TYPE_CHECKING, Any

from trivium.state.registry import suggest

if TYPE_CHECKING:
    from trivium.visualization.drawing import draw_bounding_boxes, draw_segmentation_masks
    from trivium.visualization.galleries import (
        plot_bounding_box_gallery,
        plot_image_gallery,
        plot_segmentation_mask_gallery,
    )

__all__ = [
    "draw_bounding_boxes", "draw_segmentation_masks", "plot_bounding_box_gallery", "plot_image_gallery",
    "plot_segmentation_mask_gallery",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(
            f"module 'trivium.visualization' has no attribute {name!r}. {suggest(name, __all__)}"
        )
    home = "drawing" if name.startswith("draw_") else "galleries"
    return getattr(importlib.import_module(f"trivium.visualization.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
