"""Rows of files, read in the runs in which they lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trivium.data import files
from trivium.data.files import FileRows
from trivium.data.orders import by_blocks
from trivium.data.runs import in_runs

X = np.arange(600.0).reshape(300, 2)
MIXED = by_blocks(300, 16, 4, seed=0, step=0)


def room(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    return np.full(shape, -1, dtype)


@pytest.mark.parametrize("size", [1, 10, 16, 64, 299])
@pytest.mark.parametrize(
    "order",
    [
        np.arange(300),
        MIXED,
        MIXED[37:],  # What is left of an epoch that another process began.
        MIXED[:3],
        np.random.default_rng(0).permutation(300),
        np.repeat(MIXED, 2),
        np.arange(0),
    ],
    ids=["in order", "mixed", "resumed", "short", "permuted", "repeated", "empty"],
)
def test_batches_are_those_of_the_order(order: np.ndarray, size: int) -> None:
    data = {"x": FileRows(X, np.dtype("float32")), "y": np.arange(300)}
    found: list[Any] = []
    for rows, places in in_runs(data, order, size, 64 + size - 1, 16, [room] * 2):
        whole = len(places) >= size
        assert len(rows["x"]) == len(rows["y"]) == (64 + size - 1 if whole else len(places))
        assert len(places) % size == 0 or not whole
        found.append((rows["x"][places], rows["y"][places]))
    assert sum(len(x) < size for x, _ in found) <= 1
    x, y = (np.concatenate([np.empty((0, *a.shape[1:])), *part]) for a, part in zip(
        (X, data["y"]), zip(*found, strict=True) if found else ((), ()), strict=True
    ))  # fmt: skip
    np.testing.assert_array_equal(y, order)
    np.testing.assert_array_equal(x, X[order])


def test_each_row_of_a_file_is_read_once_and_in_runs(monkeypatch: Any) -> None:
    monkeypatch.setattr(files, "_BLOCK_BYTES", 128)
    read: list[range] = []
    plain = FileRows._read

    def noted(self: FileRows, start: int, stop: int, out: Any = None) -> np.ndarray:
        read.append(range(start, stop))
        return plain(self, start, stop, out)

    monkeypatch.setattr(FileRows, "_read", noted)
    rows = FileRows(X, np.dtype("float32"))
    assert rows.block == 16
    list(in_runs(rows, MIXED, 10, 64 + 9, 16, [room]))
    assert sorted(n for run in read for n in run) == list(range(300))
    assert all(len(run) >= 12 for run in read)  # The last block has 12.
