"""Layers of images: other sizes, other places, other colors. One family a file, on what `base` says of all."""

from trivium.layers.images.base import BaseImagePreprocessingLayer
from trivium.layers.images.flips import RandomFlip
from trivium.layers.images.warps import RandomRotation, RandomShear, RandomTranslation, RandomZoom

__all__ = [
    "BaseImagePreprocessingLayer", "RandomFlip", "RandomRotation", "RandomShear", "RandomTranslation", "RandomZoom",
]  # fmt: skip
