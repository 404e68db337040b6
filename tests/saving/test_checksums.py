"""Checksums of parts of files, by one thread and by several."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest

from trivium.saving import checksums

DATA = np.random.default_rng(0).bytes(100_003)


@pytest.fixture
def file(tmp_path):
    (tmp_path / "a").write_bytes(DATA)
    with open(tmp_path / "a", "rb") as file:
        yield file


@pytest.mark.parametrize("part", [7, 4096, 50_000, 100_003, 1 << 20])
@pytest.mark.parametrize(("start", "size"), [(0, 100_003), (11, 90_000), (5, 0), (99_000, 1_003)])
def test_parts_join_to_the_whole(file, part, start, size, monkeypatch):
    monkeypatch.setattr(checksums, "_PART", max(part, size // 50 + 1))
    wanted = zlib.crc32(DATA[start : start + size])
    assert checksums.crc32_of(file, start, size) == wanted
    assert checksums.crc32_of(io.BytesIO(DATA), start, size) == wanted


def test_a_file_that_ends_before_is_another(file, monkeypatch):
    monkeypatch.setattr(checksums, "_PART", 10_000)
    assert checksums.crc32_of(file, 0, len(DATA) + 9) != zlib.crc32(DATA)
