"""The checksum of a zip's members, computed by all cores: it is most of what reading a large file costs."""

from __future__ import annotations

import functools
import os
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO

from trivium.saving.bounds import MIB

__all__ = ["crc32_of"]

# A part that a thread takes at once is worth the thread.
_PART = 32 * MIB


def crc32_of(file: IO[bytes], start: int, size: int) -> int:
    """Return the CRC-32 of a part of an open file.

    Args:
        file: The file. What was written to it must have reached the system.
        start: Where the part begins, in bytes.
        size: How long it is, in bytes. A file that ends before is read up to its end.

    Example:
        >>> import io
        >>> crc32_of(io.BytesIO(b"-whole"), 1, 5) == zlib.crc32(b"whole")
        True
    """
    try:
        handle = file.fileno()
    except OSError:  # It is in memory.
        handle = None
    if handle is None or not hasattr(os, "pread"):
        return _crc32(_following(file, start, size))
    parts = [(at, min(_PART, start + size - at)) for at in range(start, start + size, _PART)]
    if len(parts) < 2:
        return _crc32(_placed(handle, start, size))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        sums = pool.map(lambda part: _crc32(_placed(handle, *part)), parts)
        crc = 0
        for (_, length), more in zip(parts, sums, strict=True):
            crc = _joined(crc, more, length)
    return crc


def _crc32(pieces: Iterator[memoryview]) -> int:
    crc = 0
    for piece in pieces:
        crc = zlib.crc32(piece, crc)
    return crc


def _following(file: IO[bytes], start: int, size: int) -> Iterator[memoryview]:
    file.seek(start)
    return _pieces(lambda at, room: file.readinto(room), start, size)  # type: ignore[attr-defined]


def _placed(handle: int, start: int, size: int) -> Iterator[memoryview]:
    # Read at a place, not mapped: a file that somebody cuts off would end the process then.
    return _pieces(lambda at, room: os.preadv(handle, [room], at), start, size)


def _pieces(read: Callable[[int, memoryview], int], start: int, size: int) -> Iterator[memoryview]:
    room, at, end = memoryview(bytearray(min(MIB, max(size, 1)))), start, start + size
    while at < end and (count := read(at, room[: end - at])):
        yield room[:count]
        at += count


def _joined(first: int, second: int, length: int) -> int:
    """Return the CRC-32 of two pieces, one after the other, from those of each; `length` is the second one's, in bytes.

    A CRC is linear over bits: the first one is what it would be with `length` zero bytes behind it (Adler, zlib's
    `crc32_combine`).
    """
    return _times(_zeros(8 * length), first) ^ second


@functools.lru_cache(
    maxsize=128
)  # All parts of a file but the last are of one length, whose halves these are.
def _zeros(bits: int) -> list[int]:
    """Return what some zero bits do to a sum, as a matrix: for each of its bits, what that becomes."""
    if bits == 0:
        return [1 << i for i in range(32)]
    if bits % 2:
        one = [0xEDB88320, *(1 << i for i in range(31))]
        return [_times(one, row) for row in _zeros(bits - 1)]
    half = _zeros(bits // 2)
    return [_times(half, row) for row in half]


def _times(matrix: list[int], bits: int) -> int:
    product = 0
    for i, row in enumerate(matrix):
        if bits >> i & 1:
            product ^= row
    return product
