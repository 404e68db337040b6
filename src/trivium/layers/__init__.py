"""Layers, one family a file. To add one: write its file, import it here, and give it a row in the contract test."""

from trivium.layers.base import Layer
from trivium.layers.convolution import Conv1D, Conv2D, Conv3D
from trivium.layers.core import Activation
from trivium.layers.dense import Dense
from trivium.layers.input_layer import Input, InputLayer
from trivium.layers.input_spec import InputSpec
from trivium.layers.merging import (
    Add, Average, Concatenate, Maximum, Minimum, Multiply, Subtract, add, average, concatenate, maximum,
    minimum, multiply, subtract,
)  # fmt: skip
from trivium.layers.normalization import BatchNormalization
from trivium.layers.pooling import MaxPooling2D
from trivium.layers.registry import deserialize, serialize
from trivium.layers.regularization import Dropout
from trivium.layers.reshaping import Flatten, Permute, RepeatVector, Reshape

MaxPool2D = MaxPooling2D

__all__ = [
    "Activation",
    "Add", "Average", "BatchNormalization", "Concatenate", "Conv1D", "Conv2D", "Conv3D",
    "Dense", "Dropout",
    "Flatten",
    "Input",
    "InputLayer",
    "InputSpec",
    "Layer", "MaxPool2D", "MaxPooling2D", "Maximum", "Minimum", "Multiply", "Permute", "RepeatVector", "Reshape",
    "Subtract", "add", "average", "concatenate",
    "deserialize", "maximum", "minimum", "multiply",
    "serialize", "subtract",
]
