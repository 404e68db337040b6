"""Reader of the IDX format, in which MNIST and its kin were published.

Reference:
    LeCun, Cortes and Burges, "The MNIST database of handwritten digits", 1998 (file formats).
"""

from __future__ import annotations

import itertools
import math
import struct
import zlib
from collections.abc import Iterator

import numpy as np

__all__ = ["read_idx"]

_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_BLOCK = 1 << 16
# DEFLATE's best case: no file holds more than this many times its own size.
_GREATEST_RATIO = 1032


def read_idx(compressed: bytes, name: str) -> np.ndarray:
    """Return the array in a gzipped IDX file.

    Args:
        compressed: The file's bytes.
        name: What to call the file in messages.

    Returns:
        A new array of the shape and type that the file declares.

    Raises:
        ValueError: The file is damaged, is no IDX file, or holds more or less than it declares.
    """
    try:
        blocks = _inflate(compressed)
        head = next(blocks, b"")
        dtype, shape, start = _header(head)
        size = math.prod(shape) * dtype.itemsize
        if size > _GREATEST_RATIO * len(compressed):
            raise ValueError(f"it declares the shape {shape}, more than its size can hold")
        array = np.empty(shape, dtype)
        _fill(array.reshape(-1).view(np.uint8), head[start:], blocks)
    except (ValueError, zlib.error) as error:
        raise ValueError(f"{name} cannot be read as a gzipped IDX file: {error}.") from error
    return array.astype(dtype.newbyteorder("="), copy=False)


def _inflate(compressed: bytes) -> Iterator[bytes]:
    stream = zlib.decompressobj(wbits=31)
    view = memoryview(compressed)
    for start in range(0, len(view), _BLOCK):
        yield stream.decompress(view[start : start + _BLOCK])
    if not stream.eof:
        raise ValueError("it ends too early")


def _header(head: bytes) -> tuple[np.dtype, tuple[int, ...], int]:
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _DTYPES or head[3] == 0:
        raise ValueError(f"its magic number is {head[:4].hex(' ') or 'missing'}")
    start = 4 + 4 * head[3]
    if len(head) < start:
        raise ValueError("it ends within its header")
    return np.dtype(_DTYPES[head[2]]), struct.unpack(f">{head[3]}I", head[4:start]), start


def _fill(room: np.ndarray, first: bytes, blocks: Iterator[bytes]) -> None:
    filled = 0
    for block in itertools.chain([first], blocks):
        if filled + len(block) > room.size:
            raise ValueError(f"it holds more than the {room.size:,} bytes of data that it declares")
        room[filled : filled + len(block)] = np.frombuffer(block, np.uint8)
        filled += len(block)
    if filled < room.size:
        raise ValueError(f"it declares {room.size:,} bytes of data and holds {filled:,}")
