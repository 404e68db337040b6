"""What is in the files of `tf.train.Checkpoint`, without the objects: `tf.train.list_variables` and its kin."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from trivium.compat.tensorflow.checkpoints import read_checkpoint
from trivium.compat.tensorflow.contents import path_of
from trivium.compat.written import WRITTEN, covers
from trivium.state.registry import suggest

__all__: list[str] = []

# What TensorFlow puts behind the path of a variable among the objects.
_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


@covers("tensorflow.train.load_checkpoint")
def _load_checkpoint(ckpt_dir_or_file: Any) -> Any:
    path = path_of(ckpt_dir_or_file)
    if os.path.isdir(path):
        latest = WRITTEN["tensorflow.train.latest_checkpoint"](path)
        if latest is None:
            raise ValueError(f"Couldn't find a checkpoint in the folder {path!r}.")
        path = latest
    return CheckpointReader(path)


class CheckpointReader:
    """The variables of a checkpoint's file, by name.

    Args:
        path: The checkpoint, as `Checkpoint.save` returned it.
    """

    def __init__(self, path: str) -> None:
        self._values = {name + _VALUE: v for name, v in read_checkpoint(path).items()}

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """Return the shapes."""
        return {name: list(v.shape) for name, v in self._values.items()}

    def get_variable_to_dtype_map(self) -> dict[str, Any]:
        """Return the dtypes."""
        kind = WRITTEN["tensorflow.as_dtype"]
        return {name: kind(v.dtype) for name, v in self._values.items()}

    def has_tensor(self, tensor_str: str) -> bool:
        """Say whether there is a variable of this name."""
        return tensor_str in self._values

    def get_tensor(self, tensor_str: str) -> Any:
        """Return the value of a variable, as NumPy's array or number."""
        if tensor_str not in self._values:
            raise KeyError(
                f"The checkpoint has no {tensor_str!r}. {suggest(tensor_str, self._values)}"
            )
        return self._values[tensor_str][()]


@covers("tensorflow.train.list_variables")
def _list_variables(ckpt_dir_or_file: Any) -> list[tuple[str, list[int]]]:
    return sorted(_load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())


@covers("tensorflow.train.load_variable")
def _load_variable(ckpt_dir_or_file: Any, name: str) -> Any:
    found: np.ndarray = _load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))
    return found
