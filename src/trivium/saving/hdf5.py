"""HDF5 files: how one is opened, and what is read of it.

Reading trusts nothing: no link is followed, no other file is opened, and what a dataset says of its size is compared
with what the file has of it before an array is made.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import numpy as np

from trivium.saving.bounds import MIB
from trivium.saving.region import Region
from trivium.state.safety import ModelFileError, UnsafeFileError

__all__ = [
    "WeightFileError",
    "attribute",
    "damage_named",
    "datasets",
    "hdf5",
    "region_of",
    "set_attribute",
]

_OBJECTS = 200_000
_DEPTH = 64
_ATTRIBUTE = MIB
# The pipelines that HDF5 and h5py have built in; any other would be looked for among the plugins on this machine.
_FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}
# What a packed dataset may unpack to.
_RATIO = 20
# What a file is, by its ending; of others HDF5 is read.
_KINDS = {".json": "list of weight files", ".safetensors": "safetensors file"}
# The files that are being read, by the numbers that HDF5 gives to those that are open in this process.
_READ: dict[Any, Region] = {}


class WeightFileError(ModelFileError):
    """A weight file is damaged, or holds other weights than the model has; the message names the file."""


@contextlib.contextmanager
def damage_named(source: str) -> Iterator[None]:
    """Turn whatever goes wrong while a file is read into an error that names it: HDF5 finds damage in many ways.

    Args:
        source: What to call the file.
    """
    try:
        yield
    except (ModelFileError, MemoryError):
        raise
    except Exception as error:
        said = str(error) or type(error).__name__
        what = _KINDS.get(PurePath(source).suffix, "HDF5 file")
        raise WeightFileError(f"{source} is no {what}, or a damaged one: {said}.") from error


@contextlib.contextmanager
def hdf5(file: Any, mode: str, source: str = "the file", **options: Any) -> Iterator[Any]:
    """Open an HDF5 file in an open file while a `with` block lasts.

    Args:
        file: A `Region`, or a file that is open without a buffer.
        mode: `"r"` or `"w"`.
        source: What to call it in messages.
        options: More options of `h5py.File`.

    Raises:
        WeightFileError: It cannot be read.
        OSError: It cannot be written.
    """
    import h5py

    if not isinstance(file, Region):
        file = Region(file, 0, None if mode == "w" else file.seek(0, 2))
    reading = damage_named(source) if mode == "r" else contextlib.nullcontext()
    with reading:
        # No cache of chunks: each is read once, and every dataset would keep a megabyte of its own.
        opened = h5py.File(file, mode, rdcc_nbytes=0, **options)
    try:
        with opened, _known(opened, file, source) if mode == "r" else contextlib.nullcontext():
            yield opened
    except Exception as error:
        raise file.error or error from error


@contextlib.contextmanager
def _known(opened: Any, region: Region, source: str) -> Iterator[None]:
    """Have `region_of` know where the datasets of an open file lie, while a `with` block lasts."""
    import h5py

    with damage_named(source):
        number = h5py.h5o.get_info(opened.id).fileno
    _READ[number] = region
    try:
        yield
    finally:
        del _READ[number]


def region_of(dataset: Any) -> Region | None:
    """Return the bytes of the file that a dataset lies in; `None` for a file that somebody else has opened.

    Args:
        dataset: The dataset.
    """
    import h5py

    return _READ.get(h5py.h5o.get_info(dataset.id).fileno)


def datasets(file: Any, source: str, others: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the plain datasets of a file by name, refusing whatever lies outside of it.

    Args:
        file: An open `h5py.File` or `h5py.Group`.
        source: What to call the file in messages.
        others: Groups at the top to pass over.

    Raises:
        UnsafeFileError: Something is a link, lies in another file, is stored in a way that is not read, or says that it
            is larger than what the file has of it.
    """
    import h5py

    found: dict[str, Any] = {}
    groups: list[tuple[str, Any, int]] = [("", file, 0)]
    visited: set[int] = set()
    stored, size = 0, _size_of(file)
    while groups:
        prefix, group, depth = groups.pop()
        if depth > _DEPTH:
            raise UnsafeFileError(f"{source} has groups within groups more than {_DEPTH} deep.")
        for key in group:
            name = f"{prefix}{key}"
            if name in others:
                continue
            # Asked of its own group, so that no link on the way is followed.
            inside = isinstance(group.get(key, getlink=True), h5py.HardLink)
            thing: Any = group[key] if inside else None
            address = h5py.h5o.get_info(thing.id).addr if inside else 0
            known = address in visited
            visited.add(address)
            if len(visited) > _OBJECTS:
                raise UnsafeFileError(f"{source} has more than {_OBJECTS:,} groups and datasets.")
            if isinstance(thing, h5py.Group) and not known:
                groups.append((f"{name}/", thing, depth + 1))
            elif isinstance(thing, h5py.Dataset) and not known and _is_here(thing):
                stored += _checked_size(thing, source)
                found[name] = thing
            else:
                raise UnsafeFileError(
                    f"{source}: {name!r} is a link, or lies in another file. Weight files with such contents are not "
                    "read, since they can pass other files' contents off as weights."
                )
    if stored > size:
        raise UnsafeFileError(f"{source} says that it holds {stored:,} bytes; it has {size:,}.")
    return found


def _size_of(file: Any) -> int:
    try:
        return int(file.file.id.get_filesize())
    except Exception as error:
        raise ModelFileError(str(error)) from error


def _is_here(dataset: Any) -> bool:
    return not dataset.external and not dataset.is_virtual


def _checked_size(dataset: Any, source: str) -> int:
    """Return how many bytes of the file a dataset has, if that is enough for what it says that it holds."""
    if dataset.shape is None:  # An empty one, which nothing is read of.
        return 0
    plist = dataset.id.get_create_plist()
    codes = [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]
    if any(code not in _FILTERS for code in codes):
        raise UnsafeFileError(
            f"{source}: {dataset.name!r} is stored in a way that only a plugin of HDF5 can read; none is loaded."
        )
    stored = int(dataset.id.get_storage_size())
    said = int(np.prod(dataset.shape, dtype=object)) * dataset.dtype.itemsize
    packed = any(_FILTERS[code] in ("gzip", "lzf") for code in codes)
    if said > (_RATIO * stored + MIB if packed else stored):
        raise UnsafeFileError(
            f"{source}: {dataset.name!r} says that it holds {said:,} bytes, and the file has {stored:,} of it."
        )
    return stored


def set_attribute(thing: Any, name: str, value: Any) -> None:
    """Give a dataset or group an attribute that is a whole number or a text, stored within it.

    Args:
        thing: The dataset or group.
        name: The attribute's name.
        value: The value.
    """
    thing.attrs[name] = np.bytes_(value.encode()) if isinstance(value, str) else value


def attribute(thing: Any, name: str, of_any_length: bool = False) -> Any:
    """Return an attribute of a dataset or group if it is a whole number or a text, else `None`.

    Args:
        thing: The dataset or group.
        name: The attribute's name.
        of_any_length: Whether texts that lie elsewhere in the file are read, too, as Keras stores them: HDF5 may never
            come back from a file that is made so. Ours lie within their object.
    """
    import h5py

    try:
        # By HDF5's own calls where that will do: a model's file has several attributes for each weight.
        if not h5py.h5a.exists(thing.id, name.encode()):
            return None
        known = h5py.h5a.open(thing.id, name.encode())
        # A declared shape costs memory before a number of it is read.
        if known.shape != () or known.get_storage_size() > _ATTRIBUTE:
            return None
        dtype = known.dtype
        if dtype.kind == "O":
            if h5py.check_string_dtype(dtype) is None or not of_any_length:
                return None
            value = thing.attrs[name]
        elif dtype.kind not in "iuS":  # What is composed of others may have text elsewhere, too.
            return None
        else:
            room = np.empty((), dtype)
            known.read(room)
            value = room[()]
    except (OSError, TypeError, ValueError, RuntimeError):
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return (
        int(value) if isinstance(value, np.integer) else value if isinstance(value, str) else None
    )
