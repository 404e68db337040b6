"""How an archive is written: a zip whose members lie in it as they are, written in place and summed as they come."""

from __future__ import annotations

import io
import struct
import time
from collections.abc import Callable, Mapping
from typing import IO

from trivium.saving.checksums import Sums
from trivium.saving.region import Region

__all__ = ["write_zip"]


def write_zip(
    file: IO[bytes], members: Mapping[str, bytes | memoryview | Callable[[IO[bytes]], None]]
) -> None:
    """Write a zip whose members lie in it as they are.

    Args:
        file: An empty file, open for writing and reading.
        members: The contents by name: bytes, or a function that writes to a file which it may seek in.

    Example:
        >>> import zipfile
        >>> buffer = io.BytesIO()
        >>> write_zip(buffer, {"a.txt": b"whole"})
        >>> zipfile.ZipFile(buffer).read("a.txt")
        b'whole'
    """
    entries = []
    for name, content in members.items():
        encoded = name.encode()
        start = file.seek(0, io.SEEK_END)
        sums = Sums()
        region = Region(file, start + 30 + len(encoded) + 20, sums=sums)
        try:
            region.write(content) if isinstance(content, bytes | memoryview) else content(region)  # type: ignore[arg-type]
        except Exception as error:
            raise region.error or error from error
        size = region.size
        crc = sums.crc32_of(file, region.start, size)
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
