"""The checksum of a zip's members: by all cores, from memory while the system writes, and as numbers are read."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

from trivium.saving.bounds import MIB

__all__ = ["Sums", "crc32", "crc32_of", "handle_of", "joined"]

# A part that a thread takes at once is worth the thread.
_PART = 32 * MIB
# A piece whose checksum is computed while it is written; less is read again, which costs less than a thread.
_PIECE = MIB


def crc32(data: Any, before: int = 0) -> int:
    """Return the CRC-32 of bytes, as zlib's function of that name does.

    Args:
        data: The bytes.
        before: That of what stands before them.

    Example:
        >>> crc32(b"ward", crc32(b"on")) == zlib.crc32(b"onward")
        True
    """
    return _quickest()(data, before)


@functools.cache
def _quickest() -> Callable[[Any, int], int]:
    """Return what computes the sum: ISA-L takes a twentieth of zlib's time, with the processor's own multiplication."""
    try:
        from isal.isal_zlib import crc32 as quick
    except ImportError:  # It is not made for every processor.
        return zlib.crc32
    return quick


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
    handle = handle_of(file)
    if handle is None:
        return _crc32(_following(file, start, size))
    parts = [(at, min(_PART, start + size - at)) for at in range(start, start + size, _PART)]
    if len(parts) < 2:
        return _crc32(_placed(handle, start, size))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        sums = pool.map(lambda part: _crc32(_placed(handle, *part)), parts)
        crc = 0
        for (_, length), more in zip(parts, sums, strict=True):
            crc = joined(crc, more, length)
    return crc


class Sums:
    """The CRC-32 of pieces of a file that were in memory anyway, so that little has to be read for the sum of all.

    Example:
        >>> import io
        >>> file, sums, data = io.BytesIO(), Sums(), bytes(range(256)) * 8192
        >>> with sums.beside(0, memoryview(data)):
        ...     file.write(data)
        2097152
        >>> sums.crc32_of(file, 0, len(data)) == zlib.crc32(data)
        True
    """

    def __init__(self) -> None:
        self._pieces: dict[int, tuple[int, int]] = {}

    @contextlib.contextmanager
    def beside(self, at: int, piece: memoryview) -> Iterator[None]:
        """Compute a large piece's checksum while the `with` block writes it.

        Args:
            at: The place that it is written to.
            piece: Its bytes.
        """
        self.forget(at, at + len(piece))
        if len(piece) < _PIECE:
            yield
            return
        with ThreadPoolExecutor(1) as pool:
            crc = pool.submit(crc32, piece)
            yield
            # Not later: whoever gave the bytes has their memory back then.
            self._pieces[at] = len(piece), crc.result()

    def note(self, at: int, length: int, crc: int) -> None:
        """Keep the checksum of a piece that somebody has read.

        Args:
            at: Its place.
            length: How long it is.
            crc: Its checksum.
        """
        # The one that is there begins at the same place: what is read twice is not summed twice.
        self._pieces.setdefault(at, (length, crc))

    def forget(self, start: int, end: float = float("inf")) -> None:
        """Forget the pieces that something else is written over, or that are cut off.

        Args:
            start: Where that begins.
            end: Where it ends.
        """
        pieces = self._pieces.items()
        self._pieces = {at: p for at, p in pieces if at >= end or at + p[0] <= start}

    def crc32_of(self, file: IO[bytes], start: int, size: int) -> int:
        """Return the CRC-32 of all of it; what lies between the pieces is read.

        Args:
            file: The file.
            start: The place in the file that places are counted from.
            size: How long it is.
        """
        crc, done = 0, 0
        for at, (length, piece) in sorted(self._pieces.items()):
            if at < done:  # Datasets of a file that somebody has made may lie over each other.
                continue
            crc = joined(crc, crc32_of(file, start + done, at - done), at - done)
            crc, done = joined(crc, piece, length), at + length
        return joined(crc, crc32_of(file, start + done, size - done), size - done)


def handle_of(file: IO[bytes]) -> int | None:
    """Return by what the system knows a file that may be read anywhere at any time; `None` for one in memory.

    Args:
        file: The file. One that unpacks another, or is a part of it, has that one's number, if any.
    """
    raw = getattr(file, "raw", file)
    if not (isinstance(raw, io.FileIO) and hasattr(os, "preadv")):
        return None
    if file.writable():
        file.flush()
    return raw.fileno()


def _crc32(pieces: Iterator[memoryview]) -> int:
    crc = 0
    for piece in pieces:
        crc = crc32(piece, crc)
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


def joined(first: int, second: int, length: int) -> int:
    """Return the CRC-32 of two pieces, one after the other, from those of each.

    A CRC is linear over bits: the first one is what it would be with as many zero bytes behind it (Adler, zlib's
    `crc32_combine`).

    Args:
        first: That of the first piece.
        second: That of the second one.
        length: The second one's, in bytes.

    Example:
        >>> joined(zlib.crc32(b"on"), zlib.crc32(b"ward"), 4) == zlib.crc32(b"onward")
        True
    """
    bits = 8 * length
    for power in range(bits.bit_length()):
        if bits >> power & 1:
            first = _times(_zeros(power), first)
    return first ^ second


@functools.cache
def _zeros(power: int) -> list[int]:
    """Return what `2**power` zero bits do to a sum, as a matrix: for each of its bits, what that becomes."""
    if power == 0:
        return [0xEDB88320, *(1 << i for i in range(31))]
    half = _zeros(power - 1)
    return [_times(half, row) for row in half]


def _times(matrix: list[int], bits: int) -> int:
    product = 0
    for i, row in enumerate(matrix):
        if bits >> i & 1:
            product ^= row
    return product
