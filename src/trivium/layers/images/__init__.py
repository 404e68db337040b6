"""Layers of images: other sizes, other places, other colors. One family a file, on what `base` says of all."""

from trivium.layers.images.base import BaseImagePreprocessingLayer
from trivium.layers.images.box_counts import MaxNumBoundingBoxes
from trivium.layers.images.colors import (
    RandomBrightness,
    RandomColorDegeneration,
    RandomContrast,
    RandomGrayscale,
    RandomHue,
    RandomSaturation,
)
from trivium.layers.images.composed import RandomColorJitter
from trivium.layers.images.distortions import RandomElasticTransform, RandomPerspective
from trivium.layers.images.erasing import RandomErasing
from trivium.layers.images.filters import RandomGaussianBlur, RandomSharpness
from trivium.layers.images.flips import RandomFlip
from trivium.layers.images.histograms import (
    AutoContrast,
    ContrastLimitedAdaptiveHistogramEqualization,
    Equalization,
)
from trivium.layers.images.mixing import CutMix, MixUp
from trivium.layers.images.policies import AugMix, RandAugment
from trivium.layers.images.sizes import CenterCrop, RandomCrop, Resizing
from trivium.layers.images.tones import RandomInvert, RandomPosterization, Solarization
from trivium.layers.images.warps import RandomRotation, RandomShear, RandomTranslation, RandomZoom

__all__ = [
    "AugMix", "AutoContrast", "BaseImagePreprocessingLayer", "CenterCrop",
    "ContrastLimitedAdaptiveHistogramEqualization", "CutMix", "Equalization", "MaxNumBoundingBoxes",
    "MixUp", "RandAugment", "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter",
    "RandomContrast", "RandomCrop", "RandomElasticTransform", "RandomErasing", "RandomFlip",
    "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert", "RandomPerspective",
    "RandomPosterization", "RandomRotation", "RandomSaturation", "RandomSharpness", "RandomShear",
    "RandomTranslation", "RandomZoom", "Resizing", "Solarization",
]  # fmt: skip
