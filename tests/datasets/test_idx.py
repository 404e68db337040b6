from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from trivium.datasets._idx import read_idx


def idx(array: np.ndarray, code: int = 8, shape: tuple[int, ...] | None = None) -> bytes:
    shape = array.shape if shape is None else shape
    return (
        b"\0\0"
        + bytes([code, len(shape)])
        + struct.pack(f">{len(shape)}I", *shape)
        + array.tobytes()
    )


BYTES = np.arange(24, dtype="u1").reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("code", "dtype"),
    [(0x08, "u1"), (0x09, "i1"), (0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8")],
)
def test_every_type_of_the_format(code, dtype):
    array = np.arange(6).reshape(3, 2).astype(dtype)
    read = read_idx(gzip.compress(idx(array, code)), "x")
    np.testing.assert_array_equal(read, array.astype(array.dtype.newbyteorder("=")), strict=True)
    assert read.flags.writeable


def test_arrays_larger_than_a_block():
    array = np.random.default_rng(0).integers(0, 256, (300, 1000), "u1")
    np.testing.assert_array_equal(read_idx(gzip.compress(idx(array)), "x"), array, strict=True)


def test_an_empty_array():
    assert read_idx(gzip.compress(idx(np.zeros((0, 5), "u1"))), "x").shape == (0, 5)


def packed(content):
    # Without the time of day, which would be part of the tests' names in the processes that share them.
    return gzip.compress(content, mtime=0)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (packed(b"\0\1" + idx(BYTES)[2:]), "magic number is 00 01 08 03"),
        (packed(idx(BYTES, code=7)), "magic number is 00 00 07 03"),
        (packed(b"\0\0\x08\0" + b"1"), "magic number is 00 00 08 00"),
        (packed(b""), "magic number is missing"),
        (b"", "ends too early"),
        (packed(idx(BYTES)[:10]), "ends within its header"),
        (packed(idx(BYTES, shape=(2, 3, 5))), "declares 30 bytes of data and holds 24"),
        (packed(idx(BYTES, shape=(2, 3, 3))), "more than the 18 bytes"),
        (packed(idx(BYTES, shape=(2**32 - 1,) * 3)), "more than its size can hold"),
        (packed(idx(BYTES))[:-10], "ends too early"),
        (packed(idx(BYTES))[:-8] + b"\0" * 8, "incorrect data check"),
        (idx(BYTES), "incorrect header check"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_a_bad_file_is_refused_with_its_reason(content, reason):
    with pytest.raises(
        ValueError, match=r"^some/file cannot be read as a gzipped IDX file"
    ) as error:
        read_idx(content, "some/file")
    assert reason in str(error.value)
