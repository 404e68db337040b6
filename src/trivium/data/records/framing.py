"""The bytes of a file of records, as TensorFlow and others write them.

A record is a length of 8 bytes, a checksum of these, the data, and a checksum of the data; numbers are little-endian. A
checksum is a CRC-32C (Castagnoli), rotated and shifted by a constant, since the CRC of data that holds its own CRC says
little.

Reference:
    TensorFlow, "TFRecord and tf.train.Example", section "TFRecords format details".
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple, Self

from trivium.data.checks import DamagedDataError, DataError
from trivium.data.records.compressed import check_compression, opened

__all__ = ["Framed", "RecordWriter", "checked", "framed"]

_LENGTH, _SUM = struct.Struct("<Q"), struct.Struct("<I")
# Read at once; more is read in pieces, so that a length that was made up is no reason to take memory.
_PIECE = 1 << 24


def _crc32c(data: bytes) -> int:
    try:
        from google_crc32c import value
    except ImportError:
        raise ImportError(
            "The checksums of records are computed by google-crc32c, which is not installed: "
            "pip install trivium[records]."
        ) from None
    return int(value(data))


def _masked(data: bytes) -> int:
    crc = _crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


class RecordWriter:
    """Writes records into a file, which `from_records` and TensorFlow's `TFRecordDataset` read.

    Args:
        path: The file; one that is there is written anew.
        compression: `"GZIP"`, `"ZLIB"`, or `None` for none. TensorFlow's own default.
        level: How much to compress, from 0 to 9; -1 for zlib's own choice.

    Raises:
        DataError: There is no such compression.
        ImportError: `google-crc32c` is not installed.

    Example:
        >>> import tempfile
        >>> from trivium.data import from_records
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with RecordWriter(f"{folder}/words.tfrecord") as writer:
        ...         writer.write(b"one")
        ...         writer.write(b"two")
        ...     [record.item() for record in from_records(f"{folder}/words.tfrecord")]
        [b'one', b'two']

    Reference:
        TensorFlow, "TFRecord and tf.train.Example", section "TFRecords format details".
    """

    def __init__(
        self, path: str | os.PathLike[str], compression: str | None = None, level: int = -1
    ) -> None:
        kind = check_compression(compression)
        _crc32c(b"")  # What is missing shows before a file is made.
        self._file: Any = opened(path, "wb", kind, level)

    def write(self, record: bytes) -> None:
        """Write one record.

        Args:
            record: Its bytes.

        Raises:
            TypeError: They are none.
        """
        if not isinstance(record, bytes | bytearray | memoryview):
            raise TypeError(
                f"A record is bytes; got {type(record).__name__}. Text becomes bytes by `.encode()`, a message by "
                "`.SerializeToString()`."
            )
        data = bytes(record)
        length = _LENGTH.pack(len(data))
        self._file.write(
            b"".join((length, _SUM.pack(_masked(length)), data, _SUM.pack(_masked(data))))
        )

    def flush(self) -> None:
        """Hand on to the system what was written so far."""
        self._file.flush()

    def close(self) -> None:
        """End the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Framed(NamedTuple):
    """A record as it was found: its file, number and first byte, its data, and the checksum beside it."""

    path: str
    number: int
    position: int
    data: bytes
    crc: int

    @property
    def place(self) -> str:
        """Which record of which file it is."""
        return _place(self.path, self.number, self.position)


def _place(path: str, number: int, position: int) -> str:
    return f"record {number} of the file {path!r}, at byte {position}"


def framed(path: str, compression: str) -> Iterator[Framed | DataError]:
    """Yield the records of a file; where no more can be found behind damage, an error and the end.

    Args:
        path: The file.
        compression: As `check_compression` returns it.
    """
    number = position = 0
    with opened(path, "rb", compression) as file:
        while True:
            place = _place(path, number, position)
            try:
                header = _read(file, 12)
                if not header:
                    return
                length = _LENGTH.unpack(header[:8])[0] if len(header) == 12 else 0
                if len(header) == 12 and _SUM.unpack(header[8:])[0] != _masked(header[:8]):
                    yield _damaged(place, path, number, "the checksum of its length does not match")
                    return
                body = _read(file, length + 4)
            except (OSError, EOFError, zlib.error) as error:
                yield DamagedDataError(
                    f"{place} cannot be read: {error}. What follows in the file is lost."
                )
                return
            if len(header) < 12 or len(body) < length + 4:
                here = len(header) + len(body)
                wanted = f"{16 + length} bytes" if len(header) == 12 else "at least 16 bytes"
                yield DamagedDataError(f"{place} is cut off: it has {here} bytes, not {wanted}.")
                return
            yield Framed(path, number, position, body[:-4], _SUM.unpack(body[-4:])[0])
            number, position = number + 1, position + 16 + length


def _damaged(place: str, path: str, number: int, what: str) -> DataError:
    hint = (
        " Is it a file of records, and is it not compressed? `compression` says how it is."
        if number == 0
        else " What follows in the file is lost."
    )
    return DamagedDataError(f"{place} is damaged: {what}.{hint}")


def checked(record: Framed) -> bytes:
    """Return the data of a record.

    Args:
        record: The record.

    Raises:
        DataError: The data is not what its checksum is of.
    """
    if _masked(record.data) != record.crc:
        raise DamagedDataError(
            f"{record.place} is damaged: the checksum of its data does not match."
        )
    return record.data


def _read(file: BinaryIO, size: int) -> bytes:
    if size <= _PIECE:
        return file.read(size)
    pieces = []
    while size and (piece := file.read(min(size, _PIECE))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
