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
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from trivium.layers.kernels import FACTORS
from trivium.saving import legacy, pairing, safetensors, shards
from trivium.saving.archive import opened
from trivium.saving.durable import durable
from trivium.saving.given import is_open, is_zip, name_of, path_of, reading, written
from trivium.saving.hdf5 import (
    WeightFileError,
    attribute,
    damage_named,
    datasets,
    hdf5,
    set_attribute,
)
from trivium.saving.numbers import write_dataset
from trivium.saving.optimizer_places import states_in
from trivium.saving.places import has_own_state, place_of, seed_places, variable_places, walk
from trivium.saving.stored import Stored, stored_of, values_of
from trivium.state import Variable

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

_WRITTEN = (".weights.h5", ".weights.json", ".safetensors")
_READ = (*_WRITTEN, ".keras", ".h5", ".hdf5")
# What lies in the same file beside a model's weights: Keras's optimizer, and our random generators.
OTHERS = ("optimizer", "seeds")


def save_weights(
    layer: Any,
    filepath: str | os.PathLike[str] | IO[bytes],
    overwrite: bool = True,
    max_shard_size: float | None = None,
) -> None:
    """Write a layer's or model's weights to a file.

    The file is written beside its place, brought to the disk and then moved there: neither a failure nor a loss of
    power leaves a half-written file, or none where there was one.

    Args:
        layer: The layer or model.
        filepath: A path that ends in `.weights.h5`; in `.safetensors`; in `.weights.json` for weights in several files;
            or a file that is open for writing, in binary mode, which becomes one as `.weights.h5`.
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
    if not layer.weights:
        raise ValueError(
            f"{layer.name!r} has no weights to save: call it on data first, so that it is built."
        )
    if is_open(filepath, writing=True):
        if max_shard_size is not None:
            raise ValueError("`max_shard_size` makes several files, which go to a path.")
        groups = list(stored_groups(layer))
        with written(filepath) as file:
            _write_file(groups, file)
        return
    path = path_of(filepath)
    _check_ending(path, _WRITTEN)
    if (max_shard_size is not None) != path.name.endswith(".weights.json"):
        raise ValueError(
            "Weights in several files have a list of them, whose name ends in '.weights.json', and `max_shard_size` in "
            f"gigabytes; got {str(path)!r} and max_shard_size={max_shard_size!r}."
        )
    if max_shard_size is not None:
        groups = list(stored_groups(layer))
        shards.write(path, groups, int(max_shard_size * 1e9), overwrite, _write_new)
    elif path.suffix == ".safetensors":
        safetensors.write(layer, path, overwrite)
    else:
        with durable(path, overwrite) as part:
            _write_new(stored_groups(layer), part)


def load_weights(
    layer: Any,
    filepath: str | os.PathLike[str] | IO[bytes],
    skip_mismatch: bool = False,
    by_name: bool = False,
) -> None:
    """Set a layer's or model's weights from a file that `save_weights`, ours or Keras's, wrote.

    Args:
        layer: The layer or model, built.
        filepath: The path of a weight file, or of a whole model's, of which the weights are taken; or such a file, of
            HDF5 or `.keras`, that is open for reading.
        skip_mismatch: Whether weights that the file lacks, or has in another shape, stay as they are, with a warning.
        by_name: Whether each layer takes the weights of the layer of its name, and those that the file does not name
            stay as they are.

    Raises:
        FileNotFoundError: There is no such file.
        WeightFileError: The file is damaged, no HDF5 file, or holds other weights; none has been changed.
        UnsafeFileError: The file asks for other files, or says that it is larger than it is.
        ValueError: The layer is not built.
    """
    source = name_of(filepath)
    if not is_open(filepath) and not (path := path_of(filepath)).is_dir():
        _check_ending(path, _READ)
    with reading(filepath, "weight file") as raw:
        _check_built(layer)
        set_all = _found(layer, raw, source, skip_mismatch, by_name)
    # Not before the checksum of all of it is known to be right.
    set_all()


def _found(
    layer: Any, raw: IO[bytes] | Path, source: str, skip_mismatch: bool, by_name: bool
) -> Callable[[], None]:
    """Read a layer's weights from a file of any kind, or a model's folder, and return what sets them."""
    if isinstance(raw, Path) or source.endswith(".keras") or is_zip(raw):
        with opened(raw, source) as archive, archive.weights() as file:
            return _found_in_hdf5(layer, file, source, skip_mismatch, by_name)
    if source.endswith(".safetensors"):
        with damage_named(source), safetensors.opened(Path(source), layer) as stored:
            return _matched(layer, stored, source, skip_mismatch, by_name)
    if source.endswith(".json"):
        with damage_named(source), shards.opened(Path(source)) as files:
            stored = {
                k: v
                for file, name in files
                for k, v in _stored(layer, datasets(file, name, OTHERS), name, by_name).items()
            }
            return _matched(layer, stored, source, skip_mismatch, by_name)
    return _found_in_hdf5(layer, raw, source, skip_mismatch, by_name)


def _found_in_hdf5(
    layer: Any, raw: IO[bytes], source: str, skip_mismatch: bool, by_name: bool
) -> Callable[[], None]:
    with hdf5(raw, "r", source) as file, damage_named(source):
        if not legacy.is_legacy(file):
            stored = _stored(layer, datasets(file, source, OTHERS), source, by_name)
            return _matched(layer, stored, source, skip_mismatch, by_name)
        ones = {k: stored_of(d, source) for k, d in datasets(file, source).items()}
        group = file.get("model_weights", file)
        pairs = legacy.pairs(layer, group, ones, source, by_name, skip_mismatch)
        return _setting(pairs, values_of(pairs, source))


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


def _write_new(groups: Iterable[Group], path: Path, saving: str | None = None) -> None:
    """Write what layers keep into a new weight file, which says in which saving it was written."""
    with open(path, "xb+", buffering=0) as file:
        _write_file(groups, file, saving)


def _write_file(groups: Iterable[Group], file: IO[bytes], saving: str | None = None) -> None:
    # This form of HDF5 has checksums of its records, too.
    with hdf5(file, "w", libver="v110") as weights:
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
        own_state = has_own_state(inner, "save_own_variables")
        if own_state:
            own.update(map(id, inner._own_weights()))
        groups: dict[str, dict[str, Any]] = {f"{path}vars": {}}
        for key, value in store.items():
            said: dict[str, Any] = {}
            place = f"{path}vars/{key}" if own_state else place_of(path, key)
            if id(value) in written:
                # Keras wants the weights of a layer that shares some in its place, too.
                said = {"alias": written[id(value)]}
            elif id(value) in positions:
                written[id(value)] = place
                said = {"position": positions[id(value)], "path": value.path}
            if not own_state and key.startswith(FACTORS):
                said["alpha"] = repr(float(inner.lora_alpha))
            group, _, name = place.rpartition("/")
            groups.setdefault(group, {})[name] = (value, said)
        for key, array in inner._stored_besides().items():
            groups[f"{path}vars"][key] = array, {"alias": f"{path}{FACTORS}/kernel"}
        yield from (Group(place, inner.name, values) for place, values in groups.items())
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
        set_all = _matched(layer, stored, source, skip_mismatch, by_name, order)
    set_all()


def _check_built(layer: Any) -> None:
    if not layer.built:
        raise ValueError(
            f"{layer.name!r} is not built, so it has no weights to set: call it on data first, or `build(input_shape)`."
        )


def _stored(layer: Any, found: dict[str, Any], source: str, names: bool) -> dict[str, Stored]:
    """Return the weights among an HDF5 file's datasets, by their places."""
    others = states_in(found, layer) | seed_places(layer).keys()
    return {
        k: stored_of(d, source, names)
        for k, d in found.items()
        if k not in others and attribute(d, "alias") is None
    }


def _matched(
    layer: Any,
    stored: dict[str, Stored],
    source: str,
    skip_mismatch: bool = False,
    names: bool = False,
    order: list[Variable] | None = None,
) -> Callable[[], None]:
    """Read those of a file's weights that are a layer's, if all fit, and return what sets them."""
    missing: list[str] = []
    stores = pairing.own_stores(layer, stored)
    if names:
        pairs = pairing.by_name(layer, stored, source, skip_mismatch)
    else:
        places = order is None and (skip_mismatch or bool(stores))
        found = None if places else pairing.by_position(layer, stored, source, order)
        pairs, missing = found or pairing.by_place(layer, stored, source, skip_mismatch)
    said = f"{source}: these weights stay as they are: {missing}." if missing else ""
    return _setting(pairs, values_of(pairs, source), stores, said)


def _setting(
    pairs: pairing.Pairs, values: list[Any], stores: pairing.Stores = (), missing: str = ""
) -> Callable[[], None]:
    """Return what sets weights to values, and hands layers what they read themselves."""

    def set_all() -> None:
        if missing:
            warnings.warn(missing, stacklevel=4)
        for (_, variable), value in zip(pairs, values, strict=True):
            variable.assign(value)
        for inner, store in stores:
            inner.load_own_variables(store)

    return set_all


def _check_ending(path: Path, endings: tuple[str, ...]) -> None:
    if not path.name.endswith(endings):
        ends = ", ".join(map(repr, endings))
        raise ValueError(f"A weight file's name ends in one of {ends}; got {str(path)!r}.")
