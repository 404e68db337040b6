"""Checksums of parts of files, by one thread and by several."""

from __future__ import annotations

import gzip
import io
import sys
import tarfile
import zlib

import numpy as np
import pytest

import trivium as tv
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


def test_the_sum_is_the_same_where_there_is_no_isa_l(monkeypatch):
    pytest.importorskip("isal", reason="It is not made for every processor.")
    checksums._quickest.cache_clear()
    monkeypatch.setitem(sys.modules, "isal.isal_zlib", None)
    assert checksums._quickest() is zlib.crc32
    checksums._quickest.cache_clear()
    monkeypatch.undo()
    assert checksums._quickest() is not zlib.crc32
    assert checksums.crc32(DATA, 7) == zlib.crc32(DATA, 7)


def test_a_file_that_ends_before_is_another(file, monkeypatch):
    monkeypatch.setattr(checksums, "_PART", 10_000)
    assert checksums.crc32_of(file, 0, len(DATA) + 9) != zlib.crc32(DATA)


def test_what_is_written_is_summed_up_whatever_is_written_over_it(tmp_path, monkeypatch):
    """Pieces that overlap, that are cut off, and gaps between them."""
    monkeypatch.setattr(checksums, "_PIECE", 100)
    rng = np.random.default_rng(0)
    for _ in range(30):
        written, whole = checksums.Sums(), bytearray(2000)
        for _ in range(12):
            at, size = (int(n) for n in rng.integers(0, 1000, 2))
            piece = rng.bytes(size)
            if rng.random() < 0.2:
                written.forget(at)
                whole[at:] = bytes(2000 - at)
            with written.beside(at, memoryview(piece)):
                whole[at : at + size] = piece
        assert written.crc32_of(io.BytesIO(bytes(whole)), 0, 2000) == zlib.crc32(whole)


def test_open_files_of_any_kind_hold_models(tmp_path):
    model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(3)])
    path = tmp_path / "m.keras"
    with path.open("w+b") as file:
        tv.models.save_model(model, file)
    with gzip.open(tmp_path / "m.gz", "wb") as packed, tarfile.open(tmp_path / "m.tar", "w") as tar:
        packed.write(path.read_bytes())
        tar.add(path, arcname="m.keras")
    with gzip.open(tmp_path / "m.gz") as packed, tarfile.open(tmp_path / "m.tar") as tar:
        for file in (path, packed, tar.extractfile("m.keras")):
            assert tv.models.load_model(file).weights_sha256() == model.weights_sha256()
