"""Data: what a user passes to `fit`, made into arrays or into a stream of batches."""

from trivium.training.data.adapter import make_source
from trivium.training.data.checks import class_weights_to_sample_weights
from trivium.training.data.pydataset import PyDataset
from trivium.training.data.sources import (
    ArraySource,
    Source,
    pack_x_y_sample_weight,
    unpack_x_y_sample_weight,
    validation_split,
)
from trivium.training.data.streams import StreamSource

__all__ = [
    "ArraySource",
    "PyDataset",
    "Source",
    "StreamSource",
    "class_weights_to_sample_weights",
    "make_source",
    "pack_x_y_sample_weight",
    "unpack_x_y_sample_weight",
    "validation_split",
]
