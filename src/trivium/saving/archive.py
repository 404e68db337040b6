"""The `.keras` archive: a zip of `metadata.json`, `config.json`, `model.weights.h5` and, where there are any, assets.

The weights lie in the zip as they are, so that HDF5 reads and writes them in place: no second copy of them is made on
the disk or in memory. Their checksum is the zip's own.
"""

from __future__ import annotations

import contextlib
import io
import os
import struct
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from trivium.saving.bounds import MIB
from trivium.saving.checksums import Written, crc32_of, handle_of
from trivium.state.safety import ModelFileError, UnsafeFileError

__all__ = [
    "ASSETS",
    "CONFIG",
    "GRAPH",
    "METADATA",
    "WEIGHTS",
    "Archive",
    "Folder",
    "Region",
    "opened",
    "write_zip",
]

# The format, by the version of Keras that has it.
FORMAT = "3.15.0"
CONFIG, METADATA, WEIGHTS, ASSETS = "config.json", "metadata.json", "model.weights.h5", "assets/"
# What Keras passes over: the graph of a model that is made of somebody's own classes.
GRAPH = "trivium.json"

_MEMBERS = 10_000
_TEXT = 40 * MIB
# A zip that unpacks to more than this many times its size holds nothing that anyone wants.
_RATIO = 20
# A member whose checksum takes a thread of its own.
_LARGE = 32 * MIB


class Region(io.RawIOBase):
    """A part of an open file, from `start` on, as a file of its own.

    Args:
        file: The file.
        start: Where the part begins.
        size: How long it is; `None` for one that is being written, which grows.
        written: Keeps the checksums of what is written.
    """

    def __init__(
        self, file: IO[bytes], start: int, size: int | None = None, written: Written | None = None
    ) -> None:
        self._file, self.start, self._written = file, start, written
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
        if self._written is not None:
            self._written.forget(self._size)
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

    def write(self, data: Any) -> int:
        """Write, and return how much it was.

        Args:
            data: The bytes.
        """
        view = memoryview(data).cast("B")
        summed = self._written.beside(self._at, view) if self._written else contextlib.nullcontext()
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


# -- writing ----------------------------------------------------------------------------------------------------


def write_zip(file: IO[bytes], members: dict[str, bytes | Callable[[IO[bytes]], None]]) -> None:
    """Write a zip whose members lie in it as they are.

    Args:
        file: An empty file, open for writing and reading.
        members: The contents by name: bytes, or a function that writes to a file which it may seek in.

    Example:
        >>> buffer = io.BytesIO()
        >>> write_zip(buffer, {"a.txt": b"whole"})
        >>> zipfile.ZipFile(buffer).read("a.txt")
        b'whole'
    """
    entries = []
    for name, content in members.items():
        encoded = name.encode()
        start = file.seek(0, io.SEEK_END)
        written = Written()
        region = Region(file, start + 30 + len(encoded) + 20, written=written)
        try:
            region.write(content) if isinstance(content, bytes) else content(region)  # type: ignore[arg-type]
        except Exception as error:
            raise region.error or error from error
        size = region.size
        crc = written.crc32_of(file, region.start, size)
        file.truncate(start + 30 + len(encoded) + 20 + size)
        # Version 4.5, for sizes of 64 bits; names in UTF-8; stored.
        common = struct.pack("<5HL", 45, 1 << 11, 0, *_moment(), crc)
        long = struct.pack("<HHQQ", 1, 16, size, size)
        far = 0xFFFFFFFF
        head = b"PK\3\4" + common + struct.pack("<LLHH", far, far, len(encoded), len(long))
        file.seek(start)
        file.write(head + encoded + long)
        extra = struct.pack("<HHQQQ", 1, 24, size, size, start)
        head = b"PK\1\2" + struct.pack("<H", 45) + common
        head += struct.pack("<LLHHHHHLL", far, far, len(encoded), len(extra), 0, 0, 0, 0, far)
        entries.append(head + encoded + extra)
    start = file.seek(0, io.SEEK_END)
    table, count = b"".join(entries), len(entries)
    file.write(table)
    long = struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, count, count, len(table), start)
    end = struct.pack("<LQL", 0, start + len(table), 1)
    file.write(b"PK\6\6" + long + b"PK\6\7" + end)
    few, near = min(count, 0xFFFF), min(start, 0xFFFFFFFF)
    file.write(b"PK\5\6" + struct.pack("<4HLLH", 0, 0, few, few, len(table), near, 0))


def _moment() -> tuple[int, int]:
    now = time.localtime()
    day = (max(now.tm_year - 1980, 0) << 9) | (now.tm_mon << 5) | now.tm_mday
    return (now.tm_hour << 11) | (now.tm_min << 5) | (now.tm_sec // 2), day


# -- reading ----------------------------------------------------------------------------------------------------


class _Bounded(io.BufferedReader):
    """A file of which no more is read at once, at first, than a zip's table may need: its size is no one's choice."""

    whole_table_read = False

    def read(self, size: int | None = -1) -> bytes:
        if not self.whole_table_read and (size is None or size < 0 or size > 4 * MIB):
            data = super().read(4 * MIB + 1)
            if len(data) > 4 * MIB:
                raise UnsafeFileError("its table of contents is larger than any archive's")
            return data
        return super().read(size)


class Archive:
    """A `.keras` file, its members checked before any of them is read.

    Args:
        file: The file, open for reading, without a buffer.
        source: What to call it in messages.

    Raises:
        UnsafeFileError: A member has a path for a name, lies over another one, or unpacks to far more than it is.
        ModelFileError: It is no archive, or a damaged one.
    """

    def __init__(self, file: IO[bytes], source: str) -> None:
        # All reading goes through one buffer, which would not notice that somebody else moves the file on.
        self.source, self._file = source, _Bounded(file)  # type: ignore[arg-type]
        try:
            self._zip = zipfile.ZipFile(self._file)
        except UnsafeFileError as error:
            raise UnsafeFileError(f"{source}: {error}.") from None
        except Exception as error:
            raise ModelFileError(
                f"{source} is no `.keras` archive, or a damaged one: {error}."
            ) from error
        self._file.whole_table_read = True
        self._total = self._file.seek(0, io.SEEK_END)
        self._check()

    def _check(self) -> None:
        infos = sorted(self._zip.infolist(), key=lambda i: i.header_offset)
        if len(infos) > _MEMBERS:
            raise UnsafeFileError(f"{self.source} has {len(infos):,} members; no model has.")
        names: set[str] = set()
        ends = [*(info.header_offset for info in infos[1:]), self._total]
        for info, end in zip(infos, ends, strict=False):
            name = info.filename
            if info.orig_filename != name or not _is_plain(name) or name in names:
                raise self._refusal(info, "its name is no plain name, or another's too")
            if (info.external_attr >> 28) not in (0, 0o4, 0o10):
                raise self._refusal(info, "it is a link, or a device")
            if info.flag_bits & 1 or info.compress_type not in (
                zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED,
            ):  # fmt: skip
                raise self._refusal(info, "it is encrypted, or packed in a way that is not read")
            if info.header_offset + 30 + len(name) + info.compress_size > end:
                raise self._refusal(info, "it lies over another member, or beyond the end")
            stored = info.compress_type == zipfile.ZIP_STORED
            limit = info.compress_size if stored else _RATIO * info.compress_size + MIB
            if info.file_size > limit:
                raise self._refusal(info, f"it says that it unpacks to {info.file_size:,} bytes")
            names.add(name)

    def _refusal(self, info: zipfile.ZipInfo, why: str) -> UnsafeFileError:
        return UnsafeFileError(
            f"{self.source}: the member {info.filename[:80]!r} is not read: {why}."
        )

    def names(self) -> list[str]:
        """Return the members' names."""
        return self._zip.namelist()

    def sizes(self) -> dict[str, int]:
        """Return the members' sizes by name."""
        return {info.filename: info.file_size for info in self._zip.infolist()}

    def read(self, name: str) -> bytes:
        """Return a small member's content.

        Args:
            name: The name.

        Raises:
            UnsafeFileError: It is larger than any config.
            ModelFileError: There is no such member, or it is damaged.
        """
        if name not in self.names():
            raise ModelFileError(
                f"{self.source} has no {name!r}, so it is no model that Keras or Trivium saved."
            )
        info = self._zip.getinfo(name)
        if info.file_size > _TEXT:
            raise self._refusal(info, f"it has {info.file_size:,} bytes")
        with self._naming(name), self._zip.open(info) as file:
            # One byte more than is said, so that a member that goes on is noticed by its checksum.
            return file.read(info.file_size + 1)

    @contextlib.contextmanager
    def _naming(self, name: str) -> Iterator[None]:
        try:
            yield
        except (ModelFileError, MemoryError):
            raise
        except Exception as error:
            raise ModelFileError(
                f"{self.source} is damaged: {name!r} cannot be read: {error}."
            ) from error

    @contextlib.contextmanager
    def weights(self) -> Iterator[IO[bytes]]:
        """Give the file of the weights; that its checksum is right is known when the `with` block has ended."""
        if WEIGHTS not in self.names():
            raise ModelFileError(f"{self.source} has no {WEIGHTS!r}.")
        info = self._zip.getinfo(WEIGHTS)
        with self._naming(WEIGHTS):
            stored = info.compress_type == zipfile.ZIP_STORED
            packed = self._checked(info) if stored else self._unpacked(info)
        with packed as file:
            yield file

    @contextlib.contextmanager
    def _checked(self, info: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
        """Give a member that lies in the file as it is, and raise an error if its checksum is another one.

        A small member's is compared before anything of it is read. A large one's is computed while the block reads, so
        what was read is known to be right when the block has ended.
        """
        start, size = self._start_of(info), info.file_size
        whole: IO[bytes] = Region(self._file, start, size)  # type: ignore[assignment]

        def compare(crc: int) -> None:
            if crc != info.CRC:
                raise ModelFileError(
                    f"{self.source} is damaged: the checksum of {info.filename!r} is not its own."
                )

        if size < _LARGE or handle_of(self._file) is None:
            compare(crc32_of(self._file, start, size))
            yield whole
            return
        with ThreadPoolExecutor(1) as pool:
            crc = pool.submit(crc32_of, self._file, start, size)
            try:
                yield whole
            finally:  # Whatever the block made of a damaged file, this says why.
                compare(crc.result())

    def _start_of(self, info: zipfile.ZipInfo) -> int:
        """Return where a member's content begins, behind a header that says its name once more."""
        self._file.seek(info.header_offset)
        head = self._file.read(30)
        if len(head) != 30 or head[:4] != b"PK\3\4":
            raise ModelFileError(
                f"{self.source} is damaged: {info.filename!r} is not where it should be."
            )
        name, extra = struct.unpack("<HH", head[26:])
        start = info.header_offset + 30 + int(name) + int(extra)
        if start + info.file_size > self._total:
            raise self._refusal(info, "it goes beyond the end")
        return start

    def _unpacked(self, info: zipfile.ZipInfo) -> Any:
        """Return a temporary file of a packed member, which somebody has packed anew."""
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(tempfile.TemporaryFile())
            member = stack.enter_context(self._zip.open(info))
            left = info.file_size
            while data := member.read(MIB):
                left -= len(data)
                if left < 0:
                    raise self._refusal(info, "it is larger than it says")
                file.write(data)
            file.seek(0)
            stack.pop_all()
        return file

    def close(self) -> None:
        """Let go of the file, which stays open for whoever opened it."""
        self._zip.close()
        self._file.detach()


def _is_plain(name: str) -> bool:
    """Say whether a member's name leads nowhere but into the archive."""
    parts = name.removesuffix("/").split("/")
    odd = any(c in name for c in '\\:\0*?"<>|') or not name.isprintable()
    return not odd and len(name) < 1024 and all(part not in ("", ".", "..") for part in parts)


class Folder:
    """A model saved as a folder (`zipped=False`), with the same members as an archive.

    Args:
        path: The folder.
        source: What to call it in messages.
    """

    def __init__(self, path: Path, source: str) -> None:
        self.path, self.source = path, source

    def names(self) -> list[str]:
        """Return the names of the files in it. A link is none of them."""
        found = []
        for folder, _, files in os.walk(self.path):
            found += [Path(folder, f) for f in files if not Path(folder, f).is_symlink()]
            if len(found) > _MEMBERS:
                raise UnsafeFileError(f"{self.source} has more files than any model.")
        return [p.relative_to(self.path).as_posix() for p in sorted(found)]

    def sizes(self) -> dict[str, int]:
        """Return the files' sizes by name."""
        return {name: (self.path / name).stat().st_size for name in self.names()}

    def read(self, name: str) -> bytes:
        """Return a small file's content.

        Args:
            name: The name.
        """
        if name not in self.names():
            raise ModelFileError(
                f"{self.source} has no {name!r}, so it is no model that Keras or Trivium saved."
            )
        with open(self.path / name, "rb") as file:
            data = file.read(_TEXT + 1)
        if len(data) > _TEXT:
            raise UnsafeFileError(f"{self.source}: {name!r} is larger than any config.")
        return data

    @contextlib.contextmanager
    def weights(self) -> Iterator[IO[bytes]]:
        """Give the file of the weights."""
        if WEIGHTS not in self.names():
            raise ModelFileError(f"{self.source} has no {WEIGHTS!r}.")
        with open(self.path / WEIGHTS, "rb", buffering=0) as file:
            yield file

    def close(self) -> None:
        """Do nothing: no file is open."""


@contextlib.contextmanager
def opened(place: Any, source: str) -> Iterator[Archive | Folder]:
    """Give the archive or folder of a model that is at a path, or in an open file.

    Args:
        place: A path, or a file that is open for reading.
        source: What to call it in messages.

    Raises:
        FileNotFoundError: There is nothing.
    """
    with contextlib.ExitStack() as stack:
        if hasattr(place, "read"):
            archive: Archive | Folder = Archive(place, source)
        elif Path(place).is_dir():
            archive = Folder(Path(place), source)
        elif not Path(place).exists():
            raise FileNotFoundError(f"There is no model {source}.")
        else:
            file = stack.enter_context(open(place, "rb", buffering=0))
            archive = Archive(file, source)
        stack.callback(archive.close)
        yield archive
