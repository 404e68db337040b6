"""A weight in a file of any kind: what is known of it before its numbers are read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from trivium.saving.bounds import MIB
from trivium.saving.hdf5 import WeightFileError, attribute
from trivium.saving.numbers import is_bfloat16, value_of
from trivium.state import Variable, is_float
from trivium.state.placing import handed_over

__all__ = ["Stored", "stored_of", "values_of"]

# What is worth threads.
_LARGE = 4 * MIB


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


def values_of(pairs: Iterable[tuple[Stored, Variable]], source: str) -> list[Any]:
    """Return what weights of a file hold, to be assigned to variables of their shapes: read by all cores.

    Args:
        pairs: The weights, each with its variable.
        source: What to call the file in messages.

    Raises:
        WeightFileError: One is damaged, or of another kind than its variable.
    """
    pairs = list(pairs)
    for one, variable in pairs:  # Before any number is read.
        if one.kind not in ("fiub" if is_float(variable.dtype) else "iub"):
            raise WeightFileError(
                f"{source}: {one.name!r} holds values of the type {one.dtype}; {variable.path!r} wants "
                f"{variable.dtype}."
            )
    few = sum(4 * variable.size for _, variable in pairs) < _LARGE
    with ThreadPoolExecutor(1 if few else os.cpu_count()) as pool:
        # An error leaves what nobody has begun to read.
        read = map(_read, pairs) if few else pool.map(_read, pairs)
        return [_placed(value, variable) for value, (_, variable) in zip(read, pairs, strict=True)]


def _read(pair: tuple[Stored, Variable]) -> np.ndarray:
    return pair[0].read()


def _placed(value: np.ndarray, variable: Variable) -> Any:
    # One that has to be cast is brought to the device when it is assigned.
    same = value.dtype == jnp.dtype(variable.kept_dtype)
    return handed_over(value) if same and value.size else value
