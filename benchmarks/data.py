"""Numbers to train on: noise around patterns, which a network can learn. A seed fixes them for every library."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import numpy as np

__all__ = ["CLASSES", "VOCABULARY", "images", "in_file", "patterns", "tokens"]

CLASSES = 10
VOCABULARY = 200_000


def patterns(count: int, *shape: int) -> tuple[np.ndarray, np.ndarray]:
    """Return noise around ten patterns, and which pattern each is of."""
    generator = np.random.default_rng(0)
    y = generator.integers(0, CLASSES, count, dtype=np.int32)
    centers = generator.standard_normal((CLASSES, *shape), np.float32)
    return centers[y] * np.float32(0.5) + generator.standard_normal((count, *shape), np.float32), y


def images(count: int, size: int = 28, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return square images."""
    return patterns(count, size, size, channels)


def tokens(count: int, length: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of numbers below `VOCABULARY`; those of one class are of one part of it."""
    generator = np.random.default_rng(0)
    y = generator.integers(0, CLASSES, count, dtype=np.int32)
    part = VOCABULARY // CLASSES
    within = generator.integers(0, part, (count, length), dtype=np.int32)
    return within + part * y[:, None], y


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()  # Lives as long as the process.


def in_file(count: int, columns: int = 784) -> tuple[np.ndarray, np.ndarray]:
    """Return rows that stay in a file, of which memory holds what is being read."""
    path = Path(_folder().name) / "x.npy"
    x = np.lib.format.open_memmap(path, "w+", "float32", (count, columns))
    draw = np.random.default_rng(0)
    for start in range(0, count, 4096):
        x[start : start + 4096] = draw.random((min(4096, count - start), columns), np.float32)
    x.flush()
    return np.load(path, mmap_mode="r"), np.arange(count, dtype=np.int32) % CLASSES
