"""What CIFAR-10 and CIFAR-100 share: batches of images, pickled, in a tar archive."""

from __future__ import annotations

import io
import tarfile
import zlib
from pathlib import Path

import numpy as np

from trivium.datasets._unpickle import unpickle

__all__ = ["read_batches"]


def read_batches(
    path: Path, members: list[str], labels: str
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Read batches straight from the archive; nothing is unpacked to the disk.

    Args:
        path: The archive.
        members: The batches' names in it.
        labels: The name of the labels in a batch.

    Returns:
        For each member its images, uint8 of shape `(n, 32, 32, 3)`, and labels, int64 of shape
        `(n, 1)`.

    Raises:
        ValueError: The archive is damaged, lacks a batch, or a batch holds something else.
    """
    try:
        batches = _read_members(path, members)
    except (tarfile.TarError, zlib.error, EOFError) as error:
        raise ValueError(f"{path} is damaged: {error}. Delete it to fetch it anew.") from error
    missing = [name for name in members if name not in batches]
    if missing:
        raise ValueError(f"{path} has no file {missing[0]!r}.")
    return [_images_and_labels(batches[name], labels, f"{name!r} of {path}") for name in members]


def _read_members(path: Path, wanted: list[str]) -> dict[str, bytes]:
    # One pass from front to back: seeking in a gzipped tar means inflating it again.
    found: dict[str, bytes] = {}
    with tarfile.open(path, "r|gz") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isreg() else None
            if file and member.name in wanted:
                found[member.name] = file.read()
    return found


def _images_and_labels(batch: bytes, labels: str, what: str) -> tuple[np.ndarray, np.ndarray]:
    content = unpickle(io.BytesIO(batch), what)
    try:
        images = content[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(images), np.array(content[labels.encode()]).reshape(-1, 1)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{what} is not a batch of images and {labels!r}: {error!r}.") from error
