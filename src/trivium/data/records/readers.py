"""Datasets of files of records, of lines of text, and of records that all have one length."""

from __future__ import annotations

import itertools
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from trivium.data.checks import DataError, check_count
from trivium.data.orders import OrderKey
from trivium.data.paths import found_files
from trivium.data.pipeline.dataset import Dataset
from trivium.data.pipeline.failures import Failed
from trivium.data.pipeline.stages import UNKNOWN, Elements
from trivium.data.records.compressed import check_compression, opened
from trivium.data.records.framing import Framed, checked, framed
from trivium.data.texts import TEXT

__all__ = ["from_bytes", "from_records", "from_text"]

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def from_records(files: Paths, *, compression: str | None = None) -> Dataset:
    """Make a dataset of the records of files that `RecordWriter` or TensorFlow wrote.

    Each record's checksum is verified when it is read. A record that is damaged is an error that names the file, the
    record's number and its place; `ignore_errors` leaves it out and counts it. Where damage hides how long a record
    is, the rest of its file is lost with it.

    Args:
        files: A path, a pattern such as `"data/*.tfrecord"`, or several. The records come file by file;
            `Dataset.list_files(...).interleave(from_records)` mixes them.
        compression: `"GZIP"`, `"ZLIB"`, or `None` for none.

    Returns:
        A dataset of bytes, each an array of objects without axes.

    Raises:
        DataError: There is no such file or compression; when it is read: a record is damaged.
        ImportError: `google-crc32c` is not installed.

    Example:
        >>> import tempfile
        >>> from trivium.data import RecordWriter
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with RecordWriter(f"{folder}/a.tfrecord") as writer:
        ...         for i in range(3):
        ...             writer.write(bytes([i]))
        ...     [batch.tolist() for batch in from_records(f"{folder}/*.tfrecord").batch(2)]
        [[b'\\x00', b'\\x01'], [b'\\x02']]
    """
    kind = check_compression(compression)

    def element(record: Framed | DataError) -> Any:
        if isinstance(record, DataError):
            raise record
        return as_object(checked(record))

    return _dataset(files, "from_records", partial(framed, compression=kind), element)


def from_text(
    files: Paths, *, compression: str | None = None, encoding: str | None = "utf-8"
) -> Dataset:
    """Make a dataset of the lines of text files, without what ends them.

    Args:
        files: A path, a pattern such as `"data/*.txt"`, or several.
        compression: `"GZIP"`, `"ZLIB"`, or `None` for none.
        encoding: What the files are encoded in; `None` leaves lines bytes.

    Returns:
        A dataset of texts: NumPy's `StringDType`, or objects where they are bytes.

    Raises:
        DataError: There is no such file or compression; when it is read: a line is no text in this encoding, which
            names the file and the line, or the file is damaged.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = f"{folder}/poem.txt"
        ...     with open(path, "w") as file:
        ...         _ = file.write("roses are red\\nviolets are blue\\n")
        ...     [line.item() for line in from_text(path)]
        ['roses are red', 'violets are blue']
    """
    kind = check_compression(compression)

    def element(found: tuple[str, int, bytes] | DataError) -> Any:
        if isinstance(found, DataError):
            raise found
        path, number, line = found
        line = line.removesuffix(b"\n").removesuffix(b"\r")
        if encoding is None:
            return as_object(line)
        try:
            return np.array(line.decode(encoding), TEXT)
        except UnicodeDecodeError as error:
            raise DataError(
                f"Line {number + 1} of the file {path!r} is no text in {encoding}: {line[:40]!r} ({error.reason} at "
                f"byte {error.start}). `encoding` says what it is in; None leaves lines bytes."
            ) from None

    return _dataset(files, "from_text", partial(_lines, compression=kind), element)


def from_bytes(
    files: Paths, size: int, *, header: int = 0, footer: int = 0, compression: str | None = None
) -> Dataset:
    """Make a dataset of the records of files in which all records have one length, such as CIFAR-10's.

    Args:
        files: A path, a pattern such as `"data/*.bin"`, or several.
        size: How many bytes a record has.
        header: How many bytes come before the first record of a file.
        footer: How many bytes come behind the last one.
        compression: `"GZIP"`, `"ZLIB"`, or `None` for none.

    Returns:
        A dataset of bytes, each an array of objects without axes; `numpy.frombuffer` makes numbers of them.

    Raises:
        DataError: There is no such file or compression; when it is read: the last record of a file is cut off.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = f"{folder}/pairs.bin"
        ...     with open(path, "wb") as file:
        ...         _ = file.write(b"pairs:aabbcc")
        ...     [pair.item() for pair in from_bytes(path, 2, header=6)]
        [b'aa', b'bb', b'cc']
    """
    kind, size = check_compression(compression), check_count("size", size) or 1

    def element(found: bytes | DataError) -> Any:
        if isinstance(found, DataError):
            raise found
        return as_object(found)

    read = partial(_pieces, size=size, header=int(header), footer=int(footer), compression=kind)
    return _dataset(files, "from_bytes", read, element)


def as_object(data: bytes) -> np.ndarray:
    """Return bytes as an array: of objects, since NumPy's own kind of bytes loses zeros at the end.

    Example:
        >>> as_object(b"a\\0").item()
        b'a\\x00'
    """
    return np.array(data, object)


def _dataset(
    files: Paths, name: str, read: Callable[[str], Iterator[Any]], element: Callable[[Any], Any]
) -> Dataset:
    """Return what is found in files as a dataset; what is skipped is found, and not looked at."""
    paths = found_files(files, name)

    def elements(key: OrderKey, skip: int) -> Iterator[Any]:
        found = itertools.chain.from_iterable(map(read, paths))
        for item in itertools.islice(found, skip, None):
            try:
                yield element(item)
            except DataError as error:
                yield Failed(error, name)

    return Dataset(Elements(elements, UNKNOWN))


def _lines(path: str, compression: str) -> Iterator[tuple[str, int, bytes] | DataError]:
    number = -1
    with opened(path, "rb", compression) as file:
        try:
            for number, line in enumerate(file):
                yield path, number, line
        except (OSError, EOFError, zlib.error) as error:
            yield DataError(f"The file {path!r} cannot be read behind line {number + 1}: {error}.")


def _pieces(
    path: str, size: int, header: int, footer: int, compression: str
) -> Iterator[bytes | DataError]:
    number = 0
    with opened(path, "rb", compression) as file:
        try:
            file.read(header)
            # Read so far ahead that what remains at the end is the footer.
            waiting = file.read(footer)
            while len(waiting := waiting + file.read(size)) >= size + footer:
                yield waiting[:size]
                waiting, number = waiting[size:], number + 1
        except (OSError, EOFError, zlib.error) as error:
            yield DataError(f"The file {path!r} cannot be read behind record {number}: {error}.")
            return
    if (left := len(waiting) - footer) > 0:
        yield DataError(
            f"The file {path!r} is no whole number of records of {size} bytes: of record {number} there are {left}."
        )
