"""Layers that make raw data into what networks learn from: numbers, categories, words, images, sounds."""

from trivium.layers.preprocessing.category_encoding import CategoryEncoding
from trivium.layers.preprocessing.discretization import Discretization
from trivium.layers.preprocessing.hashing import HashedCrossing, Hashing
from trivium.layers.preprocessing.lookups import IntegerLookup, StringLookup
from trivium.layers.preprocessing.numbers import Normalization, Rescaling
from trivium.layers.preprocessing.pipeline import Pipeline
from trivium.layers.preprocessing.spectrograms import MelSpectrogram, STFTSpectrogram
from trivium.layers.preprocessing.text_vectorization import TextVectorization

__all__ = [
    "CategoryEncoding", "Discretization", "HashedCrossing", "Hashing", "IntegerLookup", "MelSpectrogram",
    "Normalization", "Pipeline", "Rescaling", "STFTSpectrogram", "StringLookup", "TextVectorization",
]  # fmt: skip
