"""Arrays in a zip file as they lie in memory: a checksum for each, and nothing read that the file has no room for."""

from __future__ import annotations

import math
import os
import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from trivium.saving.bounds import MIB
from trivium.state.placing import room_for

__all__ = ["DAMAGES", "members_of", "read_arrays", "zipped_text"]

# What the readers of zip, JSON, arrays and programs raise for what they cannot read.
DAMAGES = (
    zipfile.BadZipFile, zlib.error, struct.error, ValueError, TypeError, KeyError, IndexError, EOFError, OSError,
    RecursionError, NotImplementedError, AttributeError, OverflowError, RuntimeError, MemoryError, AssertionError,
)  # fmt: skip


def members_of(arrays: Sequence[np.ndarray]) -> tuple[dict[str, memoryview], list[Any]]:
    """Return arrays as members of a zip file, for `write_zip`, and what `read_arrays` needs besides.

    Args:
        arrays: The arrays, of which no copies are made.

    Returns:
        The members, and the arrays' dtypes and shapes as JSON.

    Example:
        >>> import io
        >>> from trivium.saving.zips import write_zip
        >>> members, forms = members_of([np.zeros((2, 3), "float32")])
        >>> file = io.BytesIO()
        >>> write_zip(file, members)
        >>> with zipfile.ZipFile(file) as opened:
        ...     forms, read_arrays(opened, forms, 1000)[0].shape
        ([['<f4', [2, 3]]], (2, 3))
    """
    members = {
        f"arrays/{number}": np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
        for number, array in enumerate(arrays)
    }
    # JAX's own types have names that NumPy learns from it; others have a byte order too.
    forms = [[a.dtype.name if a.dtype.kind == "V" else a.dtype.str, list(a.shape)] for a in arrays]
    return members, forms


def read_arrays(file: zipfile.ZipFile, forms: Any, room: int) -> list[np.ndarray]:
    """Read arrays whose sizes fit what the file declares, and what there is room for in it.

    They are nobody else's, and lie as a device takes them (`handed_over`).

    Args:
        file: The file.
        forms: What `members_of` returned.
        room: The size of the file in bytes.

    Raises:
        ValueError: They do not fit.
        zipfile.BadZipFile: A checksum is wrong.
    """
    found = []
    for number, (dtype, shape) in enumerate(forms):
        kind, info = jnp.dtype(dtype), file.getinfo(f"arrays/{number}")
        nbytes = math.prod(shape) * kind.itemsize
        room -= nbytes  # All of them fit into the file, where a forged one has them overlap.
        if kind.hasobject:
            raise ValueError(f"an array of {dtype}")
        if nbytes != info.file_size or room < 0 or info.compress_type != zipfile.ZIP_STORED:
            raise ValueError(
                f"array {number} of {info.file_size:,} bytes, where {nbytes:,} were declared"
            )
        found.append(room_for(tuple(shape), kind))
        if nbytes:
            _fill(found[-1].reshape(-1).view(np.uint8).data, file, info)
    return found


def _fill(room: memoryview, file: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
    """Read a member by pieces, which a processor's cache holds until they are summed and copied."""
    at = 0
    with file.open(info) as member:
        while at < len(room):
            count = member.readinto(room[at : at + MIB])  # type: ignore[attr-defined]
            if not count:
                raise EOFError(f"{info.filename} ends after {at:,} of its {len(room):,} bytes")
            at += count
        # The checksum is compared when the end is met.
        if member.read(1):
            raise ValueError(f"{info.filename} is longer than it says")


def zipped_text(path: Any, *names: str) -> tuple[str, bytes] | None:
    """Return the text that says what the arrays of a zip file are.

    Args:
        path: The file.
        names: What such a text may be called.

    Returns:
        The first of these names that the file has, and the text; `None` where it has none, or is no zip file.

    Raises:
        ValueError: The text is larger than the file.
    """
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as file:
        for info in (file.getinfo(name) for name in names if name in file.namelist()):
            if info.file_size > os.stat(path).st_size:
                raise ValueError(f"{info.filename} is larger than the file")
            return info.filename, file.read(info)
    return None
