"""Keras's functions that make datasets of files, windows and parts: they give `tf.data.Dataset` to a program."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from trivium import utils
from trivium.compat.tensorflow.dataset import TFDataset
from trivium.compat.written import covers
from trivium.data import Dataset
from trivium.preprocessing.loaders.reading import FolderDataset

__all__ = ["TFFolderDataset"]


class TFFolderDataset(TFDataset, FolderDataset):
    """`tf.data.Dataset` with the names of the classes and the paths of the files."""


def _face(dataset: Dataset) -> TFDataset:
    """Return a dataset as programs for TensorFlow know it."""
    if not isinstance(dataset, FolderDataset):
        return TFDataset(dataset._elements, dataset._logs)
    made = TFFolderDataset(dataset._elements, dataset._logs)
    made.class_names, made.file_paths = dataset.class_names, dataset.file_paths
    return made


def _giving_faces(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        made = function(*args, **kwargs)
        return type(made)(map(_face, made)) if isinstance(made, tuple | list) else _face(made)

    # `trivium check` reads what a function gives.
    call.__annotations__ = {**function.__annotations__, "return": TFDataset}
    return call


_BOTH = (
    "image_dataset_from_directory",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
)
for _name in (*_BOTH, "audio_dataset_from_directory", "split_dataset"):
    _paths = (f"keras.utils.{_name}", *([f"keras.preprocessing.{_name}"] if _name in _BOTH else ()))
    covers(*_paths)(_giving_faces(getattr(utils, _name)))
