"""Layers that make raw data into what networks learn from: numbers, categories, words, images, sounds."""

from trivium.layers.preprocessing.category_encoding import CategoryEncoding
from trivium.layers.preprocessing.discretization import Discretization
from trivium.layers.preprocessing.numbers import Normalization, Rescaling
from trivium.layers.preprocessing.pipeline import Pipeline
from trivium.layers.preprocessing.spectrograms import MelSpectrogram, STFTSpectrogram

__all__ = [
    "CategoryEncoding", "Discretization", "MelSpectrogram", "Normalization", "Pipeline", "Rescaling", "STFTSpectrogram",
]  # fmt: skip
