"""Files that may be compressed, opened for reading and writing."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from typing import IO, Any

from trivium.data.checks import DataError
from trivium.state import suggest

__all__ = ["check_compression", "opened"]

_KNOWN = ("", "GZIP", "ZLIB")
# Packed bytes read at a time. They are unpacked as far as there is room, so that memory stays flat.
_PIECE = 1 << 16


def check_compression(compression: str | None) -> str:
    """Return the name of a way to compress.

    Args:
        compression: `"GZIP"`, `"ZLIB"`, in any case of letters, or `""` or `None` for none.

    Raises:
        DataError: It is another one.

    Example:
        >>> check_compression("gzip"), check_compression(None)
        ('GZIP', '')
    """
    name = str(compression or "").upper()
    if name not in _KNOWN:
        raise DataError(
            f'`compression` is "GZIP", "ZLIB", or "" for none; got {compression!r}. {suggest(name, _KNOWN[1:])}'
        )
    return name


def opened(path: str | os.PathLike[str], mode: str, compression: str = "", level: int = -1) -> Any:
    """Open a file of bytes.

    Args:
        path: The file.
        mode: `"rb"` or `"wb"`.
        compression: As `check_compression` returns it.
        level: How much to compress, from 0 to 9; -1 for zlib's own choice.

    Returns:
        An open file.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with opened(f"{folder}/a", "wb", "ZLIB") as file:
        ...         _ = file.write(b"text")
        ...     with opened(f"{folder}/a", "rb", "ZLIB") as file:
        ...         file.read()
        b'text'
    """
    if compression == "GZIP":
        return gzip.open(path, mode, compresslevel=6 if level < 0 else level)
    file = open(path, mode)  # noqa: SIM115 - who asked for it closes it
    if compression == "ZLIB":
        return io.BufferedReader(_Inflated(file)) if mode == "rb" else _Deflated(file, level)
    return file


class _Inflated(io.RawIOBase):
    """The contents of a stream of zlib's, RFC 1950."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._stream = file, zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:
        while not self._stream.eof:
            packed = self._stream.unconsumed_tail or self._file.read(_PIECE)
            if not packed:
                raise EOFError("the compressed file ended before its end-of-stream marker")
            if piece := self._stream.decompress(packed, len(room)):
                room[: len(piece)] = piece
                return len(piece)
        return 0

    def close(self) -> None:
        self._file.close()
        super().close()


class _Deflated(io.RawIOBase):
    """A stream of zlib's that is being written."""

    def __init__(self, file: IO[bytes], level: int) -> None:
        self._file, self._stream = file, zlib.compressobj(level)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._file.write(self._stream.compress(data))
        return len(data)

    def flush(self) -> None:
        if not self.closed:
            self._file.write(self._stream.flush(zlib.Z_SYNC_FLUSH))
            self._file.flush()

    def close(self) -> None:
        if not self.closed:
            self._file.write(self._stream.flush())
            self._file.close()
            self._stream = zlib.compressobj()  # `close` of the base flushes once more
            self._file = io.BytesIO()
            super().close()
