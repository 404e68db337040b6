"""Weights as `.safetensors`, which many libraries read: tensors by name (`layers/dense/kernel`).

The format has no checksums, so those of the tensors stand in its metadata, which others pass over. Files without are
read as they are.

It needs the package of that name: `pip install trivium[safetensors]`.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from trivium.saving.bounds import read_json
from trivium.saving.checksums import crc32
from trivium.saving.durable import durable
from trivium.saving.hdf5 import WeightFileError
from trivium.saving.places import variable_places, walk
from trivium.saving.region import Region
from trivium.saving.stored import Stored
from trivium.state import Variable
from trivium.state.placing import room_for

__all__ = ["opened", "write"]

# Where the metadata has the CRC-32 of each tensor's bytes, by its name.
_SUMS = "crc32"
_KINDS = {"F": "f", "B": "f", "I": "i", "U": "u"}
# What the dtypes are called that are no letter of these with so many bits.
_NAMES = {"BOOL": "bool", "BF16": "bfloat16", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2"}
_LETTERS = {"F": "float", "I": "int", "U": "uint"}


def write(layer: Any, path: Path, overwrite: bool) -> None:
    """Write a layer's weights.

    Args:
        layer: The layer or model.
        path: The file.
        overwrite: Whether it may be replaced.
    """
    import json

    library = _library()
    names = {id(v): name for name, v in _named(layer).items()}
    order = [names[id(v)] for v in layer.weights]
    tensors = {names[id(v)]: np.asarray(v.value, order="C") for v in layer.weights}
    sums = {name: crc32(_bytes_of(value)) for name, value in tensors.items()}
    said = {"format": "np", "order": json.dumps(order), _SUMS: json.dumps(sums)}
    with durable(path, overwrite) as part:
        try:
            library.numpy.save_file(tensors, part, said)
        except library.SafetensorError as error:
            raise _of_the_disk(error) from error


def _of_the_disk(error: Exception) -> OSError:
    """Return what the system said to the package, a full disk say, as the error that Python has for it."""
    # The package gives words alone; Rust puts the system's number behind them.
    if said := re.search(r"\(os error (\d+)\)", str(error)):
        number = int(said[1])
        return OSError(number, os.strerror(number))
    return OSError(str(error))


@contextlib.contextmanager
def opened(path: Path, layer: Any) -> Iterator[dict[str, Stored]]:
    """Give the weights in a file by their places in weight files of a layer.

    Args:
        path: The file.
        layer: The layer or model whose weights they may be.
    """
    places = {
        name: place for place, name in zip(variable_places(layer), _named(layer), strict=True)
    }
    layers = {f"{p}{v.name}": x.name for p, x in walk(layer) for v in x._own_weights()}
    with _library().safe_open(path, "np") as file, open(path, "rb", buffering=0) as raw:
        # The package has checked what the header says; the numbers are read past it, since it would map the whole file
        # and give copies that no device takes as they are.
        begin = 8 + int.from_bytes(raw.read(8), "little")
        header = read_json(raw.read(begin - 8), str(path))
        region = Region(raw, 0, raw.seek(0, 2))
        said = file.metadata() or {}
        order, sums = (
            read_json(said.get(key, "null").encode(), str(path)) for key in ("order", _SUMS)
        )
        positions = {name: i for i, name in enumerate(order)} if isinstance(order, list) else {}
        found = {}
        for name in file.keys():  # noqa: SIM118 - it is no dict
            part = file.get_slice(name)
            dtype, shape = str(part.get_dtype()), tuple(part.get_shape())
            at = begin + header[name]["data_offsets"][0]
            found[places.get(name, name)] = Stored(
                name,
                shape,
                "b" if dtype == "BOOL" else _KINDS.get(dtype[:1], "V"),
                dtype,
                positions.get(name),
                name,
                layers.get(name),
                functools.partial(
                    _read,
                    functools.partial(_read_at, region, at, shape, dtype)
                    if region.handle is not None
                    else functools.partial(_summed, file, name),
                    sums.get(name) if isinstance(sums, dict) else None,
                    f"{path}: {name!r}",
                ),
            )
        yield found


def _read(
    read: Callable[[], tuple[np.ndarray, int]], wanted: int | None, source: str
) -> np.ndarray:
    value, crc = read()
    if wanted is not None and crc != wanted:
        raise WeightFileError(
            f"{source} is damaged: its numbers have another checksum than the file says. If a program has changed them "
            f"on purpose, have it leave out {_SUMS!r} from the metadata that it writes."
        )
    return value


def _read_at(region: Region, at: int, shape: tuple[int, ...], dtype: str) -> tuple[np.ndarray, int]:
    value = room_for(shape, _NAMES.get(dtype) or f"{_LETTERS[dtype[0]]}{dtype[1:]}")
    return value, region.read_at(at, _bytes_of(value)) if value.size else 0


def _summed(file: Any, name: str) -> tuple[np.ndarray, int]:
    value = np.ascontiguousarray(file.get_tensor(name))
    return value, crc32(_bytes_of(value))


def _bytes_of(value: np.ndarray) -> memoryview:
    return value.reshape(-1).view(np.uint8).data


def _named(layer: Any) -> dict[str, Variable]:
    """Return a layer's weights by the names of their tensors, in the order of their places."""
    named: dict[str, Variable] = {}
    for place, variable in variable_places(layer).items():
        *path, _, _ = place.split("/")  # Without the group and the number in it.
        name = "/".join([*path, variable.name])
        named[place if name in named else name] = variable
    return named


def _library() -> Any:
    try:
        import safetensors
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "`.safetensors` files need the package of that name: pip install safetensors."
        ) from error
    return safetensors
