"""Reader of `.npz` archives that trusts neither their sizes nor their pickles."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from trivium.datasets._unpickle import unpickle

__all__ = ["read_npz"]


def read_npz(path: Path, *names: str) -> tuple[np.ndarray, ...]:
    """Return some arrays of an `.npz` file.

    Args:
        path: The file.
        names: The arrays' names.

    Returns:
        The arrays, in the order of `names`. Ragged ones are object arrays of lists.

    Raises:
        ValueError: The file is damaged, lacks an array, or holds something else.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(
                _read_npy(archive, name, f"The array {name!r} of {path}") for name in names
            )
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{path} is damaged: {error}. Delete it to fetch it anew.") from error


def _read_npy(archive: zipfile.ZipFile, name: str, what: str) -> np.ndarray:
    if f"{name}.npy" not in archive.namelist():
        raise ValueError(f"{what} is missing; the file has {archive.namelist()}.")
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as file:
        shape, fortran, dtype = _header(file, what)
        if dtype.char == "O":
            array = unpickle(io.BytesIO(file.read()), what)
            if not isinstance(array, np.ndarray) or array.shape != shape:
                raise ValueError(f"{what} is declared as an array of shape {shape} and is not.")
            return array
        declared, stored = math.prod(shape) * dtype.itemsize, info.file_size - file.tell()
        if dtype.hasobject or declared != stored:
            raise ValueError(
                f"{what} declares {declared:,} bytes of {dtype} and stores {stored:,}."
            )
        flat = np.frombuffer(bytearray(file.read()), dtype)
    return flat.reshape(shape, order="F" if fortran else "C")


def _header(file: IO[bytes], what: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    try:
        version = np.lib.format.read_magic(file)
        if version[0] == 1:
            return np.lib.format.read_array_header_1_0(file)
        return np.lib.format.read_array_header_2_0(file)
    except ValueError as error:
        raise ValueError(f"{what} is not in NumPy's format: {error}.") from error
