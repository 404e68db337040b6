"""Layers that make raw data into what networks learn from: numbers, categories, words, images, sounds."""

from trivium.layers.preprocessing.numbers import Normalization, Rescaling

__all__ = ["Normalization", "Rescaling"]
