"""Weight files: an HDF5 dataset for each weight, where Keras looks for it.

A file follows the layout of Keras's `.weights.h5`: a layer's own weights are `vars/0`, `vars/1`, … in the group of the
layer, whose path is made of attribute names, and of class names numbered within a list (`layers/dense_1/vars/0`). So
files go from Keras to Trivium and back. Besides, each dataset has two attributes: `position`, the weight's place in the
order of the data's flow, by which a network takes the file of its twin in another style, and `path`, for readers.

Reading trusts nothing: no link is followed, no other file is opened, sizes, shapes and dtypes are compared before any
number is read, and the model is changed only when everything fits.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from trivium.layers import Layer
from trivium.saving.durable import durable
from trivium.saving.hdf5 import (
    WeightFileError,
    attribute,
    damage_named,
    datasets,
    hdf5,
    value_of,
    write_dataset,
)
from trivium.saving.places import has_own_state, seed_places, variable_places, walk
from trivium.state import Variable, is_float, suggest

__all__ = [
    "OTHERS",
    "WeightFileError",
    "load_weights",
    "read_weights",
    "save_weights",
    "variable_places",
    "write_weights",
]

_SUFFIX = ".weights.h5"
# What lies in the same file beside a model's weights: Keras's optimizer, and our random generators.
OTHERS = ("optimizer", "seeds")


def save_weights(
    layer: Any,
    filepath: str | os.PathLike[str],
    overwrite: bool = True,
    max_shard_size: float | None = None,
) -> None:
    """Write a layer's or model's weights to a file.

    The file is written beside its place, brought to the disk and then moved there: neither a failure nor a loss of
    power leaves a half-written file, or none where there was one.

    Args:
        layer: The layer or model.
        filepath: A path that ends in `.weights.h5`; in `.weights.json` for weights in several files.
        overwrite: Whether a file that is there may be replaced.
        max_shard_size: The most gigabytes in one file, for a path that ends in `.weights.json`.

    Raises:
        ValueError: The path ends otherwise, the layer has no weights yet, or a weight has no place.
        FileExistsError: The file is there and `overwrite` is false.
        OSError: The disk is full, the folder cannot be written to, …; what was there is unchanged.

    Example:
        >>> import tempfile, trivium as tv
        >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save_weights(f"{folder}/model.weights.h5")
        ...     model.load_weights(f"{folder}/model.weights.h5")
    """
    path = _checked(filepath)
    if max_shard_size is not None:
        raise NotImplementedError("Weights in several files are not written yet.")
    if not layer.weights:
        raise ValueError(
            f"{layer.name!r} has no weights to save: call it on data first, so that it is built."
        )
    with (
        durable(path, overwrite) as part,
        open(part, "xb+", buffering=0) as file,
        hdf5(file, "w", libver="v110") as weights,  # This form has checksums of its records, too.
    ):
        write_weights(layer, weights, checksums=True)


def load_weights(
    layer: Any,
    filepath: str | os.PathLike[str],
    skip_mismatch: bool = False,
    by_name: bool = False,
) -> None:
    """Set a layer's or model's weights from a file that `save_weights`, ours or Keras's, wrote.

    Args:
        layer: The layer or model, built.
        filepath: The path.
        skip_mismatch: Whether weights that the file lacks, or has in another shape, stay as they are, with a warning.
        by_name: Whether each layer takes the weights of the layer of its name, and those that the file does not name
            stay as they are.

    Raises:
        FileNotFoundError: There is no such file.
        WeightFileError: The file is damaged, no HDF5 file, or holds other weights; none has been changed.
        UnsafeFileError: The file asks for other files, or says that it is larger than it is.
        ValueError: The layer is not built.
    """
    path = _checked(filepath)
    if not path.exists():
        raise FileNotFoundError(f"There is no weight file {path}.")
    if path.is_dir():
        raise WeightFileError(f"{path} is a folder, and no weight file.")
    with open(path, "rb", buffering=0) as raw, hdf5(raw, "r", str(path)) as file:
        read_weights(layer, file, str(path), skip_mismatch, by_name)


def write_weights(layer: Any, file: Any, checksums: bool = False) -> None:
    """Write a layer's weights into an open HDF5 file or group.

    Args:
        layer: The layer or model.
        file: An `h5py.File` or `h5py.Group`, open for writing.
        checksums: Whether HDF5 keeps checksums of the numbers.
    """
    positions = {id(variable): i for i, variable in enumerate(layer.weights)}
    written: dict[int, str] = {}
    for path, inner in walk(layer):
        group = file.require_group(f"{path}vars")
        group.attrs["name"] = inner.name
        store: dict[str, Any] = {}
        inner.save_own_variables(store)
        for key, value in store.items():
            place = f"{path}vars/{key}"
            dataset = write_dataset(file, place, np.asarray(value), checksums)
            if (
                id(value) in written
            ):  # Keras wants the weights of a layer that shares some in its place, too.
                dataset.attrs["alias"] = written[id(value)]
            elif id(value) in positions:
                written[id(value)] = place
                dataset.attrs["position"] = positions[id(value)]
                dataset.attrs["path"] = value.path
    own = {
        id(v)
        for _, x in walk(layer)
        if has_own_state(x, "save_own_variables")
        for v in x._own_weights()
    }
    lost = [v.path for v in layer.weights if id(v) not in written.keys() | own]
    if lost:
        raise ValueError(
            f"The weights {lost} of {layer.name!r} cannot be saved: no attribute of a layer holds them, nor a list or "
            "dict in one."
        )


def read_weights(
    layer: Any,
    file: Any,
    source: str,
    skip_mismatch: bool = False,
    by_name: bool = False,
    order: list[Variable] | None = None,
) -> None:
    """Set a layer's weights from an open HDF5 file or group.

    Args:
        layer: The layer or model, built.
        file: An `h5py.File` or `h5py.Group`, open for reading.
        source: What to call the file in messages.
        skip_mismatch: Whether weights that do not fit stay as they are, with a warning.
        by_name: Whether each layer takes the weights of the layer of its name.
        order: The weights in the order that the file's are in, where that is not the layer's own.

    Raises:
        WeightFileError: The file is damaged, or holds other weights; none has been changed.
        UnsafeFileError: The file asks for other files, or says that it is larger than it is.
        ValueError: The layer is not built.
    """
    if not layer.built:
        raise ValueError(
            f"{layer.name!r} is not built, so it has no weights to set: call it on data first, or `build(input_shape)`."
        )
    missing: list[str] = []
    with damage_named(source):
        stored = datasets(file, source, OTHERS)
        seeds = seed_places(layer)
        stored = {
            k: d for k, d in stored.items() if k not in seeds and attribute(d, "alias") is None
        }
        stores = _own_stores(layer, stored, source)
        if by_name:
            pairs = _by_name(layer, file, stored, source, skip_mismatch)
        else:
            by_place = order is None and (skip_mismatch or stores)
            found = None if by_place else _by_position(layer, stored, source, order)
            pairs, missing = found or _by_place(layer, stored, source, skip_mismatch)
        values = [(variable, _value(dataset, variable, source)) for dataset, variable in pairs]
    if missing:
        warnings.warn(f"{source}: these weights stay as they are: {missing}.", stacklevel=4)
    for variable, value in values:
        variable.assign(value)
    for inner, store in stores:
        inner.load_own_variables(store)


def _own_stores(
    layer: Any, stored: dict[str, Any], source: str
) -> list[tuple[Layer, dict[str, np.ndarray]]]:
    """Take out what layers read themselves, whose classes have a `load_own_variables`."""
    stores = []
    for path, inner in walk(layer):
        if has_own_state(inner, "load_own_variables"):
            mine = [k for k in stored if k.startswith(f"{path}vars/")]
            store = {k.removeprefix(f"{path}vars/"): value_of(stored.pop(k), source) for k in mine}
            stores.append((inner, store))
    return stores


_Pairs = list[tuple[Any, Variable]]


def _by_position(
    layer: Any, stored: dict[str, Any], source: str, order: list[Variable] | None = None
) -> tuple[_Pairs, list[str]] | None:
    """Pair datasets and weights in the order of the data's flow; `None` where the file does not tell it."""
    by_position = {attribute(d, "position"): d for d in stored.values()}
    if len(by_position) != len(stored) or set(by_position) != set(range(len(stored))):
        return None
    weights = layer.weights if order is None else order
    if len(stored) != len(weights):
        raise WeightFileError(
            f"{source} holds {len(stored)} weights; {layer.name!r} has {len(weights)}."
        )
    pairs = [(by_position[i], weight) for i, weight in enumerate(weights)]
    for dataset, weight in pairs:
        if dataset.shape != weight.shape:
            raise WeightFileError(_other_shape(dataset, weight, source))
    return pairs, []


def _by_place(
    layer: Any, stored: dict[str, Any], source: str, skip_mismatch: bool
) -> tuple[_Pairs, list[str]]:
    """Pair datasets and weights by their names in the file, and name the weights that are left over."""
    pairs, missing = [], []
    places = dict(_places_to_set(layer))
    for place, weight in places.items():
        dataset = stored.get(place)
        if dataset is not None and dataset.shape == weight.shape:
            pairs.append((dataset, weight))
        elif skip_mismatch:
            missing.append(weight.path)
        elif dataset is not None:
            raise WeightFileError(_other_shape(dataset, weight, source))
        else:
            raise WeightFileError(
                f"{source} has no weight for {weight.path!r}: there is no dataset {place!r}. {suggest(place, stored)}"
            )
    known = {f"{path}vars/{i}" for path, x in walk(layer) for i in range(len(x._own_weights()))}
    extra = [name for name in stored if name not in known]
    if extra and not skip_mismatch:
        raise WeightFileError(
            f"{source} holds {len(extra)} weights that {layer.name!r} does not have, {extra[0]!r} among them. Was it "
            "saved from another model?"
        )
    return pairs, missing


def _places_to_set(layer: Any) -> Iterator[tuple[str, Variable]]:
    own = {
        id(v)
        for _, x in walk(layer)
        if has_own_state(x, "load_own_variables")
        for v in x._own_weights()
    }
    for place, variable in variable_places(layer).items():
        if id(variable) not in own:
            yield place, variable


def _by_name(
    layer: Any, file: Any, stored: dict[str, Any], source: str, skip_mismatch: bool
) -> _Pairs:
    """Pair the weights of layers of one name."""
    groups: dict[str, dict[str, Any]] = {}
    for place, dataset in stored.items():
        group, _, key = place.rpartition("/")
        name = attribute(file[group], "name")
        if isinstance(name, str):
            groups.setdefault(name, {})[key] = dataset
    pairs: _Pairs = []
    for _, inner in walk(layer):
        named, mine = groups.get(inner.name), inner._own_weights()
        if not named or not mine:
            continue
        fitting = [(named.get(str(i)), weight) for i, weight in enumerate(mine)]
        wrong = next((f"{weight.path!r} has {weight.shape}" for d, weight in fitting
                      if d is None or d.shape != weight.shape), None)  # fmt: skip
        if wrong is None and len(named) == len(mine):
            pairs += fitting
        elif not skip_mismatch:
            shapes = [d.shape for d in named.values()]
            raise WeightFileError(
                f"{source}: the weights of {inner.name!r} have the shapes {shapes}; "
                f"{wrong or f'the layer has {len(mine)} weights'}."
            )
    return pairs


def _other_shape(dataset: Any, weight: Variable, source: str) -> str:
    name = attribute(dataset, "path") or dataset.name
    return f"{source}: {name!r} has shape {dataset.shape}; {weight.path!r} has {weight.shape}."


def _value(dataset: Any, weight: Variable, source: str) -> np.ndarray:
    """Read a dataset whose shape is known to be the weight's, once its dtype is known to be harmless."""
    half = attribute(dataset, "dtype") == "bfloat16" and dataset.dtype == np.dtype("V2")
    if not half and dataset.dtype.kind not in ("fiub" if is_float(weight.dtype) else "iub"):
        raise WeightFileError(
            f"{source}: {dataset.name!r} holds values of the type {dataset.dtype}; {weight.path!r} wants "
            f"{weight.dtype}."
        )
    return value_of(dataset, source)


def _checked(filepath: str | os.PathLike[str]) -> Path:
    path = Path(filepath)
    if not path.name.endswith(_SUFFIX):
        raise ValueError(f"A weight file's name ends in {_SUFFIX!r}; got {str(path)!r}.")
    return path
