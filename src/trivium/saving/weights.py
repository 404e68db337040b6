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
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from trivium.layers import Layer
from trivium.saving import legacy, safetensors, shards
from trivium.saving.durable import durable
from trivium.saving.hdf5 import (
    WeightFileError,
    attribute,
    damage_named,
    datasets,
    hdf5,
    set_attribute,
)
from trivium.saving.numbers import write_dataset
from trivium.saving.places import has_own_state, seed_places, variable_places, walk
from trivium.saving.stored import Stored, stored_of, values_of
from trivium.state import Variable, suggest

__all__ = [
    "OTHERS",
    "WeightFileError",
    "load_weights",
    "read_weights",
    "save_weights",
    "stored_groups",
    "variable_places",
    "write_weights",
]

_SUFFIXES = (".weights.h5", ".weights.json", ".safetensors")
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
    if (max_shard_size is not None) != path.name.endswith(".weights.json"):
        raise ValueError(
            "Weights in several files have a list of them, whose name ends in '.weights.json', and `max_shard_size` in "
            f"gigabytes; got {str(path)!r} and max_shard_size={max_shard_size!r}."
        )
    if not layer.weights:
        raise ValueError(
            f"{layer.name!r} has no weights to save: call it on data first, so that it is built."
        )
    if max_shard_size is not None:
        groups = list(stored_groups(layer))
        shards.write(path, groups, int(max_shard_size * 1e9), overwrite, _write_file)
    elif path.suffix == ".safetensors":
        safetensors.write(layer, path, overwrite)
    else:
        with durable(path, overwrite) as part:
            _write_file(stored_groups(layer), part)


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
    path = _checked(filepath, (".h5", ".hdf5"))
    if not path.exists():
        raise FileNotFoundError(f"There is no weight file {path}.")
    if path.is_dir():
        raise WeightFileError(f"{path} is a folder, and no weight file.")
    if path.suffix == ".safetensors":
        with damage_named(str(path)), safetensors.opened(path, layer) as stored:
            _set(layer, stored, str(path), skip_mismatch, by_name)
    elif path.suffix == ".json":
        with damage_named(str(path)), shards.opened(path) as files:
            stored = {
                k: v
                for file, name in files
                for k, v in _stored(layer, datasets(file, name, OTHERS), name, by_name).items()
            }
            _set(layer, stored, str(path), skip_mismatch, by_name)
    else:
        with open(path, "rb", buffering=0) as raw, hdf5(raw, "r", str(path)) as file:
            with damage_named(str(path)):
                of_keras_2 = legacy.is_legacy(file)
            if not of_keras_2:
                _check_built(layer)
                with damage_named(str(path)):
                    found = datasets(file, str(path), OTHERS)
                read_weights(layer, found, str(path), skip_mismatch, by_name)
                return
            _check_built(layer)
            with damage_named(str(path)):
                found = datasets(file, str(path))
                ones = {k: stored_of(d, str(path)) for k, d in found.items()}
                group = file.get("model_weights", file)
                pairs = legacy.pairs(layer, group, ones, str(path), by_name, skip_mismatch)
                values = values_of(pairs, str(path))
            for (_, weight), value in zip(pairs, values, strict=True):
                weight.assign(value)


class Group(NamedTuple):
    """What a layer keeps in a file.

    Args:
        place: The group's name.
        layer: The layer's name.
        values: What it keeps by name, each with the attributes of its dataset.
    """

    place: str
    layer: str
    values: dict[str, tuple[Any, dict[str, Any]]]


def write_weights(layer: Any, file: Any) -> None:
    """Write a layer's weights into an open HDF5 file or group.

    Args:
        layer: The layer or model.
        file: An `h5py.File` or `h5py.Group`, open for writing.
    """
    _write(stored_groups(layer), file, checksums=False)


def _write_file(groups: Iterable[Group], path: Path, saving: str | None = None) -> None:
    """Write what layers keep into a new weight file, which says in which saving it was written."""
    with (
        open(path, "xb+", buffering=0) as file,
        hdf5(file, "w", libver="v110") as weights,  # This form has checksums of its records, too.
    ):
        _write(groups, weights, checksums=True)
        if saving is not None:
            set_attribute(weights, "saving", saving)


def _write(groups: Iterable[Group], file: Any, checksums: bool) -> None:
    for group in groups:
        file.require_group(group.place).attrs["name"] = group.layer
        for key, (value, attributes) in group.values.items():
            place = f"{group.place}/{key}"
            dataset = write_dataset(file, place, np.asarray(value), checksums)
            for name, said in attributes.items():
                set_attribute(dataset, name, said)


def stored_groups(layer: Any) -> Iterator[Group]:
    """Yield what each of a layer's layers keeps in a file, itself first.

    Args:
        layer: The layer or model.

    Raises:
        ValueError: A weight has no place.
    """
    positions = {id(variable): i for i, variable in enumerate(layer.weights)}
    written: dict[int, str] = {}
    own: set[int] = set()
    for path, inner in walk(layer):
        store: dict[str, Any] = {}
        inner.save_own_variables(store)
        if has_own_state(inner, "save_own_variables"):
            own.update(map(id, inner._own_weights()))
        values = {}
        for key, value in store.items():
            said: dict[str, Any] = {}
            if id(value) in written:
                # Keras wants the weights of a layer that shares some in its place, too.
                said = {"alias": written[id(value)]}
            elif id(value) in positions:
                written[id(value)] = f"{path}vars/{key}"
                said = {"position": positions[id(value)], "path": value.path}
            values[key] = (value, said)
        yield Group(f"{path}vars", inner.name, values)
    lost = [v.path for v in layer.weights if id(v) not in written.keys() | own]
    if lost:
        raise ValueError(
            f"The weights {lost} of {layer.name!r} cannot be saved: no attribute of a layer holds them, nor a list or "
            "dict in one."
        )


def read_weights(
    layer: Any,
    found: dict[str, Any],
    source: str,
    skip_mismatch: bool = False,
    by_name: bool = False,
    order: list[Variable] | None = None,
) -> None:
    """Set a layer's weights from an open HDF5 file or group.

    Args:
        layer: The layer or model, built.
        found: The file's datasets by name, as `datasets` found them, without those of `OTHERS`.
        source: What to call the file in messages.
        skip_mismatch: Whether weights that do not fit stay as they are, with a warning.
        by_name: Whether each layer takes the weights of the layer of its name.
        order: The weights in the order that the file's are in, where that is not the layer's own.

    Raises:
        WeightFileError: The file is damaged, or holds other weights; none has been changed.
        UnsafeFileError: The file asks for other files, or says that it is larger than it is.
        ValueError: The layer is not built.
    """
    _check_built(layer)
    with damage_named(source):
        stored = _stored(layer, found, source, by_name)
        _set(layer, stored, source, skip_mismatch, by_name, order)


def _check_built(layer: Any) -> None:
    if not layer.built:
        raise ValueError(
            f"{layer.name!r} is not built, so it has no weights to set: call it on data first, or `build(input_shape)`."
        )


def _stored(layer: Any, found: dict[str, Any], source: str, names: bool) -> dict[str, Stored]:
    """Return the weights among an HDF5 file's datasets, by their places."""
    seeds = seed_places(layer)
    return {
        k: stored_of(d, source, names)
        for k, d in found.items()
        if k not in seeds and attribute(d, "alias") is None
    }


def _set(
    layer: Any,
    stored: dict[str, Stored],
    source: str,
    skip_mismatch: bool,
    by_name: bool,
    order: list[Variable] | None = None,
) -> None:
    """Set a layer's weights from those that a file has, if all fit."""
    missing: list[str] = []
    stores = _own_stores(layer, stored)
    if by_name:
        pairs = _by_name(layer, stored, source, skip_mismatch)
    else:
        by_place = order is None and (skip_mismatch or bool(stores))
        found = None if by_place else _by_position(layer, stored, source, order)
        pairs, missing = found or _by_place(layer, stored, source, skip_mismatch)
    values = values_of(pairs, source)
    if missing:
        warnings.warn(f"{source}: these weights stay as they are: {missing}.", stacklevel=5)
    for (_, variable), value in zip(pairs, values, strict=True):
        variable.assign(value)
    for inner, store in stores:
        inner.load_own_variables(store)


def _own_stores(layer: Any, stored: dict[str, Stored]) -> list[tuple[Layer, dict[str, np.ndarray]]]:
    """Take out what layers read themselves, whose classes have a `load_own_variables`."""
    stores = []
    for path, inner in walk(layer):
        if has_own_state(inner, "load_own_variables"):
            mine = [k for k in stored if k.startswith(f"{path}vars/")]
            store = {k.removeprefix(f"{path}vars/"): stored.pop(k).read() for k in mine}
            stores.append((inner, store))
    return stores


_Pairs = list[tuple[Stored, Variable]]


def _by_position(
    layer: Any, stored: dict[str, Stored], source: str, order: list[Variable] | None = None
) -> tuple[_Pairs, list[str]] | None:
    """Pair datasets and weights in the order of the data's flow; `None` where the file does not tell it."""
    by_position = {one.position: one for one in stored.values()}
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
    layer: Any, stored: dict[str, Stored], source: str, skip_mismatch: bool
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
    known = {f"{path}vars/{i}" for path, x in walk(layer) for i in range(len(x._stored_weights()))}
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


def _by_name(layer: Any, stored: dict[str, Stored], source: str, skip_mismatch: bool) -> _Pairs:
    """Pair the weights of layers of one name."""
    groups: dict[str, list[Stored]] = {}
    for one in stored.values():
        if one.layer is not None:
            groups.setdefault(one.layer, []).append(one)
    pairs: _Pairs = []
    for _, inner in walk(layer):
        named, mine = groups.get(inner.name), inner._own_weights()
        if not named or not mine:
            continue
        # In a file they are in the order of their names, of which "10" comes before "2".
        named.sort(key=lambda one: (len(one.name), one.name))
        if [one.shape for one in named] == [weight.shape for weight in mine]:
            pairs += zip(named, mine, strict=True)
        elif not skip_mismatch:
            raise WeightFileError(
                f"{source}: the weights of {inner.name!r} have the shapes {[one.shape for one in named]}; the layer's "
                f"have {[weight.shape for weight in mine]}."
            )
    return pairs


def _other_shape(one: Stored, weight: Variable, source: str) -> str:
    return f"{source}: {(one.path or one.name)!r} has shape {one.shape}; {weight.path!r} has {weight.shape}."


def _checked(filepath: str | os.PathLike[str], more: tuple[str, ...] = ()) -> Path:
    path = Path(filepath)
    if not path.name.endswith((*_SUFFIXES, *more)):
        ends = ", ".join(map(repr, (*_SUFFIXES, *more)))
        raise ValueError(f"A weight file's name ends in one of {ends}; got {str(path)!r}.")
    return path
