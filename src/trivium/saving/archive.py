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
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from trivium.saving.bounds import MIB
from trivium.saving.checksums import Sums, crc32_of, handle_of
from trivium.saving.given import reading
from trivium.saving.region import Region
from trivium.state.safety import ModelFileError, UnsafeFileError

__all__ = [
    "ASSETS",
    "CONFIG",
    "GRAPH",
    "METADATA",
    "WEIGHTS",
    "Archive",
    "Folder",
    "opened",
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
# A member that is summed while it is read; a smaller one is read twice, which costs less than an error that comes late.
_LARGE = 32 * MIB


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

        A small member's is compared before anything of it is read. A large one's is computed of what the block reads,
        and of the rest after it, so what was read is known to be right when the block has ended.
        """
        start, size, sums = self._start_of(info), info.file_size, Sums()
        whole: IO[bytes] = Region(self._file, start, size, sums)  # type: ignore[assignment]

        def compare(crc: int) -> None:
            if crc != info.CRC:
                raise ModelFileError(
                    f"{self.source} is damaged: the checksum of {info.filename!r} is not its own."
                )

        if size < _LARGE or handle_of(self._file) is None:
            compare(crc32_of(self._file, start, size))
            yield whole
            return
        try:
            yield whole
        finally:  # Whatever the block made of a damaged file, this says why.
            compare(sums.crc32_of(self._file, start, size))

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
    with reading(place, "model") as file:
        archive = Folder(file, source) if isinstance(file, Path) else Archive(file, source)
        with contextlib.closing(archive):
            yield archive
