"""Durable files: each is whole and on the disk, or it is the one from before. All writers go through here."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

__all__ = ["durable"]


@contextlib.contextmanager
def durable(path: str | os.PathLike[str], overwrite: bool = True) -> Iterator[Path]:
    """Give a path beside `path` to write a file or folder to, and put that in its place when the `with` block ends.

    It is brought to the disk before it is moved there, and the folder after it: neither a failure nor a loss of power
    leaves a half-written file, or none where there was one.

    Args:
        path: Where the file will be. Folders on the way are made.
        overwrite: Whether what is there may be replaced.

    Raises:
        FileExistsError: Something is there and `overwrite` is false.
        OSError: The disk is full, the folder cannot be written to, …; the message names the file.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with durable(Path(folder, "a.txt")) as part:
        ...         _ = part.write_text("whole")
        ...     os.listdir(folder)
        ['a.txt']
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists; pass `overwrite=True` to replace it.")
    part = path.with_name(f"{path.name[:48]}.{uuid.uuid4().hex}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _flushed(part):
            yield part
        for inside in sorted(part.rglob("*")):
            _to_disk(inside)
        _to_disk(part)
        if path.is_dir() and not part.is_dir():  # With whatever is in it.
            raise IsADirectoryError(errno.EISDIR, "a folder is there, and no file replaces one")
        _put(part, path)
        if os.name == "posix":  # Elsewhere a folder cannot be opened; the name is on the disk too.
            _to_disk(path.parent)
    except OSError as error:
        kept = "What was there before is unchanged." if path.exists() else "Nothing is there."
        said = f"{path} could not be written: {error.strerror or error}. {kept}"
        raise type(error)(error.errno, said) from error
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(part) if part.is_dir() else part.unlink(missing_ok=True)


# Seconds between flushes while something large is written; what takes less is flushed once, at the end.
_PAUSE = 0.05


@contextlib.contextmanager
def _flushed(part: Path) -> Iterator[None]:
    """Bring a file to the disk while it is being written: the disk works while checksums are computed."""
    done = threading.Event()
    errors: list[OSError] = []

    def flush() -> None:
        while not done.wait(_PAUSE) and not errors:
            if part.is_file():
                try:
                    _to_disk(part)
                except (
                    OSError
                ) as error:  # The system tells it once: nobody who asks later would hear of it.
                    errors.append(error)

    thread = threading.Thread(target=flush, name=f"flushing {part.name}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    if errors:
        raise errors[0]


def _put(part: Path, path: Path) -> None:
    """Move what was written to its place."""
    if not path.is_dir() or path.is_symlink():
        os.replace(part, path)
        return
    old = part.with_suffix(".old")  # A folder is not replaced in one go.
    os.replace(path, old)
    try:
        os.replace(part, path)
    except OSError:
        os.replace(old, path)
        raise
    shutil.rmtree(old)


def _to_disk(path: Path) -> None:
    """Wait until what was written to a file, or which files a folder has, is on the disk."""
    if path.is_dir() and os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
