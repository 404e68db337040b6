"""Layers of images: other sizes, other places, other colors. One family a file, on what `base` says of all."""

from trivium.layers.images.base import BaseImagePreprocessingLayer
from trivium.layers.images.box_counts import MaxNumBoundingBoxes
from trivium.layers.images.distortions import RandomElasticTransform, RandomPerspective
from trivium.layers.images.erasing import RandomErasing
from trivium.layers.images.flips import RandomFlip
from trivium.layers.images.sizes import CenterCrop, RandomCrop, Resizing
from trivium.layers.images.warps import RandomRotation, RandomShear, RandomTranslation, RandomZoom

__all__ = [
    "BaseImagePreprocessingLayer",
    "CenterCrop",
    "MaxNumBoundingBoxes",
    "RandomCrop",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomPerspective",
    "RandomRotation",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "Resizing",
]  # fmt: skip
