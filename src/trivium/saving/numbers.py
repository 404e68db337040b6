"""The numbers of a dataset: written with a checksum, and read into memory as a device takes it.

HDF5 lets one thread work at a time, and so what is large is read past it: several threads read, into the memory that a
device takes, and sum what the processor's cache still holds. In a weight file numbers have HDF5's own checksum,
fletcher32, which any reader compares, and which changes with the numbers; it takes as long as reading them. So a second
one stands in an attribute, `crc32`: where numbers have it, HDF5 need not be asked. In an archive there is the zip's.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from trivium.saving.bounds import MIB
from trivium.saving.checksums import crc32, joined
from trivium.saving.hdf5 import WeightFileError, attribute, region_of
from trivium.state.placing import room_for

__all__ = ["is_bfloat16", "value_of", "write_dataset"]

# HDF5 keeps what is smaller within its own records, which have checksums.
_SMALL = 4096
_LARGE = MIB // 4
_CHUNK = MIB
_SUM = "crc32"
# What HDF5 adds to a chunk.
_FLETCHER32 = 4


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
        if value.size and not _read_past(dataset, value):
            dataset.read_direct(value)
    except Exception as error:  # What HDF5 says of damage has many types.
        raise WeightFileError(f"{source}: {dataset.name!r} cannot be read: {error}.") from error
    return value.view(jnp.dtype("bfloat16")) if half else value


class _Piece(NamedTuple):
    """Numbers that lie one after the other: where they are in the file, and which bytes of the array they are."""

    at: int
    start: int
    stop: int


def _read_past(dataset: Any, value: np.ndarray) -> bool:
    """Fill an array with a dataset's numbers if that can be done without HDF5, and say whether they are right."""
    region = region_of(dataset)
    if region is None or region.handle is None or value.nbytes < _LARGE:
        return False
    known, pieces = attribute(dataset, _SUM), _pieces_of(dataset, value)
    crc, room = 0, _bytes_of(value)
    for at, start, stop in pieces:
        try:
            crc = joined(crc, region.read_at(at, room[start:stop]), stop - start)
        except EOFError:
            return False  # HDF5 says what is wrong.
    # Where the sum is another one, somebody has changed the numbers: by HDF5, whose own sum is right then, or not.
    return bool(pieces) and (dataset.chunks is None or crc == known)


def _pieces_of(dataset: Any, value: np.ndarray) -> list[_Piece]:
    """Return where in a file the numbers of a dataset lie as they lie in memory; nowhere where they don't."""
    import h5py

    plist, size = dataset.id.get_create_plist(), value.nbytes
    if dataset.file.userblock_size or not dataset.id.get_type().equal(
        h5py.h5t.py_create(value.dtype)
    ):
        return []
    if plist.get_layout() == h5py.h5d.CONTIGUOUS:
        return [_Piece(dataset.id.get_offset(), 0, size)]
    if (
        not dataset.chunks
        or dataset.chunks[1:] != value.shape[1:]
        or not _has_fletcher32_alone(plist)
    ):
        return []
    rows, pieces = dataset.chunks[0], []
    length = rows * value[:1].nbytes
    for row in range(0, len(value), rows):
        chunk = dataset.id.get_chunk_info_by_coord((row, *[0] * (value.ndim - 1)))
        if chunk.filter_mask or chunk.size != length + _FLETCHER32 or chunk.byte_offset is None:
            return []
        start = row * value[:1].nbytes
        pieces.append(_Piece(chunk.byte_offset, start, min(start + length, size)))
    return pieces


def _has_fletcher32_alone(plist: Any) -> bool:
    import h5py

    filters = [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]
    return filters == [h5py.h5z.FILTER_FLETCHER32]


def write_dataset(file: Any, place: str, value: np.ndarray, checksums: bool) -> Any:
    """Write an array into an open HDF5 file, and return its dataset.

    Args:
        file: The file or group.
        place: The dataset's name.
        value: The array.
        checksums: Whether to keep checksums of the numbers, by which a flipped bit is found when they are read.
    """
    import h5py

    options: dict[str, Any] = {}
    summed = checksums and value.nbytes > _SMALL
    if summed:
        rows = max(1, _CHUNK // max(1, value[:1].nbytes))
        options = {"chunks": (min(rows, len(value)), *value.shape[1:]), "fletcher32": True}
    elif checksums and value.size:
        options["dcpl"] = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        options["dcpl"].set_layout(h5py.h5d.COMPACT)
    with ThreadPoolExecutor(1) as pool:  # Has no thread until something is handed to it.
        # Ours is computed while HDF5 computes its own.
        whole = np.ascontiguousarray(value) if summed else None
        crc = None if whole is None else pool.submit(crc32, _bytes_of(whole))
        dataset = file.create_dataset(place, data=value, **options)
        if crc is not None:
            dataset.attrs[_SUM] = crc.result()
    if str(value.dtype) == "bfloat16":
        dataset.attrs["dtype"] = "bfloat16"  # As Keras says it; HDF5 knows it as two bytes only.
    return dataset


def _bytes_of(value: np.ndarray) -> memoryview:
    return value.reshape(-1).view(np.uint8).data  # Types of JAX's own have no buffers.
