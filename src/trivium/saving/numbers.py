"""The numbers of a dataset: written with a checksum, and read into memory as a device takes it.

What is large lies in one piece, as it does in memory, and its checksum in an attribute, `crc32`. So it is read past
HDF5, which lets one thread work at a time: several read, and sum what the processor's cache still holds. HDF5's own
checksum of numbers, fletcher32, would have them in chunks, which takes twice the time to read. Files that have it are
read, too.
"""

from __future__ import annotations

import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from trivium.saving.bounds import MIB
from trivium.saving.hdf5 import WeightFileError, attribute, region_of
from trivium.state.placing import room_for

__all__ = ["is_bfloat16", "value_of", "write_dataset"]

# HDF5 keeps what is smaller within its own records, which have checksums.
_SMALL = 4096
_LARGE = MIB // 4
_SUM = "crc32"


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
        WeightFileError: It cannot be read, holds something else, or has another checksum.
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
        crc = _read(dataset, value) if value.size else None
        known = attribute(dataset, _SUM)
        if crc is not None and isinstance(known, int) and crc != known:
            raise ValueError(
                f"its numbers are not those whose checksum its attribute {_SUM!r} has; delete that attribute if "
                "somebody has changed them on purpose"
            )
    except Exception as error:  # What HDF5 says of damage has many types.
        raise WeightFileError(f"{source}: {dataset.name!r} cannot be read: {error}.") from error
    return value.view(jnp.dtype("bfloat16")) if half else value


def _read(dataset: Any, value: np.ndarray) -> int:
    """Fill an array with a dataset's numbers, and return their CRC-32."""
    room = _bytes_of(value)
    at, region = _place_of(dataset, value), region_of(dataset)
    if at is not None and region is not None and region.handle is not None:
        return region.read_at(at, room)
    dataset.read_direct(value)
    return zlib.crc32(room)


def _place_of(dataset: Any, value: np.ndarray) -> int | None:
    """Return where in a file the numbers of a dataset lie as they lie in memory; `None` where they don't."""
    import h5py

    plist = dataset.id.get_create_plist()
    as_in_memory = (
        value.nbytes >= _LARGE
        and plist.get_layout() == h5py.h5d.CONTIGUOUS
        and dataset.id.get_type().equal(h5py.h5t.py_create(value.dtype))
        and dataset.file.userblock_size == 0
    )
    place: int | None = dataset.id.get_offset() if as_in_memory else None
    return place


def write_dataset(file: Any, place: str, value: np.ndarray, checksums: bool) -> Any:
    """Write an array into an open HDF5 file, and return its dataset.

    Args:
        file: The file or group.
        place: The dataset's name.
        value: The array.
        checksums: Whether to keep a checksum of the numbers, by which a flipped bit is found when they are read.
    """
    import h5py

    options: dict[str, Any] = {}
    if checksums and value.size and value.nbytes <= _SMALL:
        options["dcpl"] = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        options["dcpl"].set_layout(h5py.h5d.COMPACT)
    with ThreadPoolExecutor(1) as pool:  # Has no thread until something is handed to it.
        # The sum is computed while the system writes.
        summed = checksums and value.nbytes > _SMALL
        crc = pool.submit(zlib.crc32, _bytes_of(np.ascontiguousarray(value))) if summed else None
        dataset = file.create_dataset(place, data=value, **options)
        if crc is not None:
            dataset.attrs[_SUM] = crc.result()
    if str(value.dtype) == "bfloat16":
        dataset.attrs["dtype"] = "bfloat16"  # As Keras says it; HDF5 knows it as two bytes only.
    return dataset


def _bytes_of(value: np.ndarray) -> memoryview:
    return value.reshape(-1).view(np.uint8).data  # Types of JAX's own have no buffers.
