"""A weight in a file of any kind: what is known of it before its numbers are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from trivium.saving.hdf5 import attribute, is_bfloat16, value_of

__all__ = ["Stored", "stored_of"]


class Stored(NamedTuple):
    """A weight in a file.

    Args:
        name: Its place in the file.
        shape: Its shape.
        kind: The letter of its dtype's kind, as in `np.dtype.kind`; `"f"` for bfloat16.
        dtype: Its dtype as a text.
        position: Its place in the order of the data's flow; `None` where the file does not say it.
        path: Its path in the model that was saved; `None` likewise.
        layer: The name of the layer that has it; `None` likewise.
        read: Reads the numbers.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    dtype: str
    position: int | None
    path: str | None
    layer: str | None
    read: Callable[[], np.ndarray]


def stored_of(dataset: Any, source: str, names: bool = False) -> Stored:
    """Return a dataset of an HDF5 file as a weight.

    Args:
        dataset: The dataset, one that `datasets` has let pass.
        source: What to call the file in messages.
        names: Whether to read the name of the layer that has it.
    """
    half = is_bfloat16(dataset)
    said = {name: attribute(dataset, name) for name in ("position", "path")}
    layer = attribute(dataset.parent, "name", of_any_length=True) if names else None
    return Stored(
        dataset.name,
        dataset.shape,
        "f" if half else dataset.dtype.kind,
        "bfloat16" if half else str(dataset.dtype),
        said["position"] if isinstance(said["position"], int) else None,
        said["path"] if isinstance(said["path"], str) else None,
        layer if isinstance(layer, str) else None,
        lambda: value_of(dataset, source),
    )
