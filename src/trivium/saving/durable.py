"""Durable files: each is whole and on the disk, or it is the one from before."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

__all__ = ["durable"]


@contextlib.contextmanager
def durable(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a path to write to in the `with` block; what was written takes the file's place at its end.

    The file is written beside its place, brought to the disk and then moved there: neither a failure nor a loss of
    power leaves a half-written file, or none where there was one. Folders that are missing are made.

    Args:
        path: Where the file is to be.

    Yields:
        The path to write to, in the same folder.

    Raises:
        OSError: The disk is full, the folder cannot be written to or has vanished; the message names the file that was
            to be written, and what was there before still is.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with durable(f"{folder}/a.txt") as part:
        ...         _ = part.write_text("whole")
        ...     [f.name for f in Path(folder).iterdir()]
        ['a.txt']
    """
    path = Path(path)
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        _to_disk(part)
        os.replace(part, path)
        if (
            os.name == "posix"
        ):  # Elsewhere a folder cannot be opened; the name is on the disk with the file.
            _to_disk(path.parent)
    except OSError as error:
        error.add_note(f"{path} was not written; what was there before still is.")
        raise
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    """Wait until what was written to a file, or which files a folder has, is on the disk."""
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
