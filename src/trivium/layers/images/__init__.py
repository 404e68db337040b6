"""Layers of images: other sizes, other places, other colors. One family a file, on what `base` says of all."""

from trivium.layers.images.base import BaseImagePreprocessingLayer
from trivium.layers.images.flips import RandomFlip

__all__ = ["BaseImagePreprocessingLayer", "RandomFlip"]
