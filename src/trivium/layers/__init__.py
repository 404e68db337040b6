"""Layers, one family a file. To add one: write its file, import it here, and give it a row in the contract test."""

from trivium.layers.base import Layer
from trivium.layers.core import Activation, Flatten
from trivium.layers.dense import Dense
from trivium.layers.input_layer import Input, InputLayer
from trivium.layers.input_spec import InputSpec
from trivium.layers.registry import deserialize, serialize

__all__ = [
    "Activation",
    "Dense",
    "Flatten",
    "Input",
    "InputLayer",
    "InputSpec",
    "Layer",
    "deserialize",
    "serialize",
]
