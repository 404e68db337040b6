"""HDF5 files: what is read of one, and how datasets are written.

Reading trusts nothing: no link is followed, no other file is opened, and what a dataset says of its size is compared
with what the file has of it before an array is made.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from trivium.saving.archive import Region
from trivium.saving.bounds import MIB
from trivium.state.placing import room_for
from trivium.state.safety import ModelFileError, UnsafeFileError

__all__ = [
    "WeightFileError",
    "attribute",
    "damage_named",
    "datasets",
    "hdf5",
    "is_bfloat16",
    "set_attribute",
    "value_of",
    "write_dataset",
]

_OBJECTS = 200_000
_DEPTH = 64
_ATTRIBUTE = MIB
# The pipelines that HDF5 and h5py have built in; any other would be looked for among the plugins on this machine.
_FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}
# What a packed dataset may unpack to.
_RATIO = 20
# HDF5 keeps what is smaller within its own records, which have checksums.
_SMALL = 4096
_CHUNK = MIB


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
        raise WeightFileError(f"{source} is no HDF5 file, or a damaged one: {said}.") from error


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
        opened = h5py.File(file, mode, **options)
    try:
        with opened:
            yield opened
    except Exception as error:
        raise file.error or error from error


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
        # A declared shape costs memory before a number of it is read.
        if name not in thing.attrs:
            return None
        known = thing.attrs.get_id(name)
        if known.shape != () or known.get_storage_size() > _ATTRIBUTE:
            return None
        text = h5py.check_string_dtype(known.dtype)
        if known.dtype.kind == "O" and (text is None or not of_any_length):
            return None
        value = thing.attrs[name]
    except (OSError, TypeError, ValueError, RuntimeError):
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return (
        int(value) if isinstance(value, np.integer) else value if isinstance(value, str) else None
    )


def is_bfloat16(dataset: Any) -> bool:
    """Say whether a dataset's pairs of bytes are bfloat16.

    Args:
        dataset: The dataset.
    """
    pairs = dataset.dtype == np.dtype("V2")
    return pairs and attribute(dataset, "dtype", of_any_length=True) == "bfloat16"


def value_of(dataset: Any, source: str) -> np.ndarray:
    """Return what a dataset that `datasets` has let pass holds, if it is numbers, in an array that is nobody else's.

    Args:
        dataset: The dataset.
        source: What to call the file in messages.

    Raises:
        WeightFileError: It cannot be read, or holds something else.
    """
    import jax.numpy as jnp

    half = is_bfloat16(dataset)
    if not half and dataset.dtype.kind not in "fiub":
        raise WeightFileError(
            f"{source}: {dataset.name!r} holds values of the type {dataset.dtype}."
        )
    # Room that a device can take as it is, so that the numbers are in memory once.
    value = room_for(dataset.shape, dataset.dtype)
    try:
        if value.size:
            dataset.read_direct(value)
    except Exception as error:  # What HDF5 says of damage has many types.
        raise WeightFileError(f"{source}: {dataset.name!r} cannot be read: {error}.") from error
    return value.view(jnp.dtype("bfloat16")) if half else value


def write_dataset(file: Any, place: str, value: np.ndarray, checksums: bool) -> Any:
    """Write an array into an open HDF5 file, and return its dataset.

    Args:
        file: The file or group.
        place: The dataset's name.
        value: The array.
        checksums: Whether HDF5 keeps checksums of the numbers, by which it finds a flipped bit when it reads them.
    """
    options: dict[str, Any] = {}
    if checksums and value.nbytes > _SMALL:
        rows = max(1, _CHUNK // max(1, value[:1].nbytes))
        options = {"chunks": (min(rows, len(value)), *value.shape[1:]), "fletcher32": True}
    elif checksums and value.size:
        import h5py

        options["dcpl"] = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        options["dcpl"].set_layout(h5py.h5d.COMPACT)
    dataset = file.create_dataset(place, data=value, **options)
    if str(value.dtype) == "bfloat16":
        dataset.attrs["dtype"] = "bfloat16"  # As Keras says it; HDF5 knows it as two bytes only.
    return dataset
