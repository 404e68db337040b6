"""A part of a file as a file of its own: how HDF5 reads and writes weights in place, within an archive."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable
from typing import IO, Any

from trivium.saving.bounds import MIB
from trivium.saving.checksums import Sums, crc32, handle_of

__all__ = ["Region"]

# What is read at once, so that a processor's cache still holds it when it is summed.
_PIECE = MIB


class Region(io.RawIOBase):
    """A part of an open file, from `start` on, as a file of its own.

    Args:
        file: The file.
        start: Where the part begins.
        size: How long it is; `None` for one that is being written, which grows.
        sums: Keeps the checksums of what is written, and of what is read at a place.
    """

    def __init__(
        self, file: IO[bytes], start: int, size: int | None = None, sums: Sums | None = None
    ) -> None:
        self._file, self.start, self._sums = file, start, sums
        self._growing, self._size, self._at = size is None, size or 0, 0
        self.error: OSError | None = None

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def writable(self) -> bool:
        """Say whether it is being written."""
        return self._growing

    def seekable(self) -> bool:
        """Say that it has places to go to."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place.

        Args:
            offset: The place.
            whence: 0 from the start, 1 from where it is, 2 from the end.
        """
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def truncate(self, size: int | None = None) -> int:
        """Cut it off, or let it grow.

        Args:
            size: The new size; up to the place where it is `None`.
        """
        self._size = self._at if size is None else size
        if self._sums is not None:
            self._sums.forget(self._size)
        self._tried(lambda: self._file.truncate(self.start + self._size))
        return self._size

    def readinto(self, buffer: Any) -> int:
        """Read what fits into a buffer, and return how much it is.

        Args:
            buffer: The buffer.
        """
        view = memoryview(buffer).cast("B")
        count = max(min(len(view), self._size - self._at), 0)
        self._file.seek(self.start + self._at)
        read = self._file.readinto(view[:count])  # type: ignore[attr-defined]
        self._at += read or 0
        return read or 0

    @property
    def handle(self) -> int | None:
        """By what the system knows a file that `read_at` can read; `None` for one in memory, or one that grows."""
        return None if self._growing else handle_of(self._file)

    def read_at(self, at: int, room: memoryview) -> int:
        """Fill memory from a place in it, whatever else is read meanwhile by other threads; return the CRC-32.

        Args:
            at: The place.
            room: The memory, in bytes.

        Raises:
            EOFError: It ends before.
        """
        handle, done, crc = self.handle, 0, 0
        end = min(len(room), self._size - at)
        while handle is not None and done < end:
            piece = room[done : min(done + _PIECE, end)]
            # Not mapped: a file that somebody cuts off would end the process then.
            count = os.preadv(handle, [piece], self.start + at + done)
            if not count:
                break
            crc = crc32(piece[:count], crc)
            done += count
        if done < len(room):
            raise EOFError(f"it ends {len(room) - done:,} bytes too early")
        if self._sums is not None:
            self._sums.note(at, len(room), crc)
        return crc

    def write(self, data: Any) -> int:
        """Write, and return how much it was.

        Args:
            data: The bytes.
        """
        view = memoryview(data).cast("B")
        summed = self._sums.beside(self._at, view) if self._sums else contextlib.nullcontext()
        with summed:
            self._tried(lambda: self._put(view))
        self._at += len(view)
        self._size = max(self._size, self._at)
        return len(view)

    def _put(self, view: memoryview) -> None:
        self._file.seek(self.start + self._at)
        while len(view):
            view = view[self._file.write(view) :]

    def _tried(self, action: Callable[[], Any]) -> None:
        """Do something, and keep what the disk says to it: HDF5 would tell its own story instead."""
        try:
            action()
        except OSError as error:
            self.error = self.error or error
            raise

    @property
    def size(self) -> int:
        """How long it is."""
        return self._size
