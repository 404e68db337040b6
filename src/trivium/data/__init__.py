"""Data: what a user passes to `fit`, made into arrays or into a stream of batches."""

from trivium.data.adapter import make_source
from trivium.data.checks import class_weights_to_sample_weights
from trivium.data.pydataset import PyDataset
from trivium.data.sources import (
    ArraySource,
    Source,
    pack_x_y_sample_weight,
    unpack_x_y_sample_weight,
    validation_split,
)
from trivium.data.streams import StreamSource

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
