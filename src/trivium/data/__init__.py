"""Data: what a user passes to `fit`, made into arrays or into a stream of batches, and a lazy pipeline.

Example:
    >>> import numpy as np
    >>> import trivium as tv
    >>> x, y = np.arange(6.0), np.arange(6)
    >>> batches = tv.data.Dataset.from_tensor_slices((x, y)).shuffle(6).batch(4)
    >>> [len(batch[0]) for batch in batches]
    [4, 2]
"""

import importlib
from typing import TYPE_CHECKING, Any

from trivium.data.adapter import make_source
from trivium.data.checks import class_weights_to_sample_weights
from trivium.data.pydataset import PyDataset
from trivium.data.source import Source
from trivium.data.sources import (
    ArraySource,
    pack_x_y_sample_weight,
    unpack_x_y_sample_weight,
    validation_split,
)
from trivium.data.streams import StreamSource
from trivium.state import suggest

if TYPE_CHECKING:
    from trivium.data.pipeline import Dataset


def __getattr__(name: str) -> Any:
    # Most programs pass arrays: the pipeline is imported by those that ask for it.
    if name != "Dataset":
        raise AttributeError(
            f"module 'trivium.data' has no attribute {name!r}. {suggest(name, __all__)}"
        )
    value = globals()[name] = importlib.import_module("trivium.data.pipeline").Dataset
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "ArraySource",
    "Dataset",
    "PyDataset",
    "Source",
    "StreamSource",
    "class_weights_to_sample_weights",
    "make_source",
    "pack_x_y_sample_weight",
    "unpack_x_y_sample_weight",
    "validation_split",
]
