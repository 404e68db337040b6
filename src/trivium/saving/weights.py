"""Weight files: one HDF5 dataset per weight, in the order of the data's flow."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["load_weights", "save_weights"]

_SUFFIX = ".weights.h5"


def save_weights(layer: Any, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Write a layer's or model's weights to a file.

    The file is written beside its place and then moved there: a failure leaves no half-written file.

    Args:
        layer: The layer or model.
        filepath: A path that ends in `.weights.h5`.
        overwrite: Whether a file that is there may be replaced.

    Raises:
        ValueError: The path does not end in `.weights.h5`, or the layer has no weights yet.
        FileExistsError: The file is there and `overwrite` is false.
    """
    import h5py

    path = _checked(filepath)
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists; pass `overwrite=True` to replace it.")
    weights = layer.weights
    if not weights:
        raise ValueError(
            f"{layer.name!r} has no weights to save: call it on data first, so that it is built."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    os.close(handle)
    try:
        with h5py.File(part, "w") as file:
            for i, weight in enumerate(weights):
                data = np.asarray(weight.value)
                # HDF5 knows no bfloat16; every one of its numbers is a float32.
                data = data.astype("float32") if weight.dtype == "bfloat16" else data
                file.create_dataset(f"weights/{i:05d}", data=data).attrs["path"] = weight.path
        os.replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def load_weights(layer: Any, filepath: str | os.PathLike[str]) -> None:
    """Set a layer's or model's weights from a file that `save_weights` wrote.

    Args:
        layer: The layer or model, built.
        filepath: The path.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file holds other weights; none has been changed.
    """
    import h5py

    path = _checked(filepath)
    if not path.exists():
        raise FileNotFoundError(f"There is no weight file {path}.")
    weights = layer.weights
    with h5py.File(path, "r") as file:
        stored = [
            _plain(file, f"weights/{i:05d}", path) for i in range(len(file.get("weights", ())))
        ]
        if len(stored) != len(weights):
            raise ValueError(
                f"{path} holds {len(stored)} weights; {layer.name!r} has {len(weights)}."
            )
        for dataset, weight in zip(stored, weights, strict=True):
            if dataset.shape != weight.shape:
                raise ValueError(
                    f"{path}: {dataset.attrs['path']!r} has shape {dataset.shape}; {weight.path!r} has {weight.shape}."
                )
        layer.set_weights([dataset[()] for dataset in stored])


def _plain(file: Any, name: str, path: Path) -> Any:
    """Return a dataset that lies in the file itself: no link, no external storage."""
    import h5py

    link = file.get(name, getlink=True)
    dataset = file.get(name) if isinstance(link, h5py.HardLink) else None
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
        raise ValueError(f"{path}: {name!r} is no plain dataset of this file, so it is not read.")
    return dataset


def _checked(filepath: str | os.PathLike[str]) -> Path:
    path = Path(filepath)
    if not path.name.endswith(_SUFFIX):
        raise ValueError(f"A weight file's name ends in {_SUFFIX!r}; got {str(path)!r}.")
    return path
