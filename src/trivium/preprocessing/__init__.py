"""Data made ready for a model: datasets of files and of windows, and helpers for images, sequences and texts.

Example:
    >>> import numpy as np
    >>> import trivium as tv
    >>> series = np.sin(np.arange(50.0))
    >>> dataset = tv.preprocessing.timeseries_dataset_from_array(series[:-8], series[8:], sequence_length=8)
    >>> next(iter(dataset))[0].shape
    (35, 8)
"""

import importlib
from typing import TYPE_CHECKING, Any

from trivium.preprocessing import image, sequence
from trivium.preprocessing.loaders import (
    audio_dataset_from_directory,
    image_dataset_from_directory,
    text_dataset_from_directory,
)
from trivium.preprocessing.splitting import split_dataset
from trivium.preprocessing.timeseries import timeseries_dataset_from_array
from trivium.state import suggest

if TYPE_CHECKING:
    from trivium.preprocessing import text


def __getattr__(name: str) -> Any:
    if name != "text":  # Older programs ask for it: it is imported then.
        raise AttributeError(
            f"module 'trivium.preprocessing' has no attribute {name!r}. {suggest(name, __all__)}"
        )
    return importlib.import_module("trivium.preprocessing.text")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "audio_dataset_from_directory",
    "image",
    "image_dataset_from_directory",
    "sequence",
    "split_dataset",
    "text",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]
