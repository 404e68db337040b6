"""What callers name files by: paths, and files that are open."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, TypeGuard

from trivium.saving.region import Region
from trivium.state.registry.suggestions import nearest

__all__ = ["is_hdf5", "is_open", "is_zip", "name_of", "path_of", "reading", "written"]

_HDF5, _ZIP = b"\x89HDF\r\n\x1a\n", b"PK\3\4"


def is_open(given: Any, writing: bool = False) -> TypeGuard[IO[bytes]]:
    """Say whether a caller gave an open file, and not a path.

    Args:
        given: What the caller gave.
        writing: Whether it is to be written, and not read.

    Raises:
        TypeError: It is neither of the two.
        ValueError: The file is open for something else.

    Example:
        >>> is_open("model.keras"), is_open(io.BytesIO())
        (False, True)
    """
    if isinstance(given, str | os.PathLike):
        return False
    what, mode = ("write", "wb") if writing else ("read", "rb")
    if not hasattr(given, what):
        hint = ""
        if isinstance(given, bytes | bytearray | memoryview):
            hint = " The content of a file is one in `io.BytesIO(content)`; a path is `os.fsdecode(path)`."
        elif type(given).__module__.startswith("h5py"):
            hint = " Close that file, and pass its path."
        raise TypeError(
            "A file is given by its path (a text or a `pathlib.Path`), or as one that is open in the mode "
            f"{mode!r}; got {type(given).__name__}: {given!r:.60}.{hint}"
        )
    able = getattr(given, "writable" if writing else "readable", None)
    if isinstance(given, io.TextIOBase) or (able is not None and not able()):
        had = getattr(given, "mode", None)
        raise ValueError(
            f"{name_of(given)} is open {f'in the mode {had!r}' if had else 'for something else'}: open it in the mode "
            f"{mode!r}, or pass its path."
        )
    if not writing and hasattr(given, "seekable") and not given.seekable():
        raise ValueError(
            f"{name_of(given)} is a stream, and a file is read at many places: pass `io.BytesIO(stream.read())`."
        )
    return True


def path_of(given: Any) -> Path:
    """Return a path that a caller gave.

    Args:
        given: The path.

    Raises:
        ValueError: It is empty, which would be the current folder.
    """
    if not os.fspath(given):
        raise ValueError("The path of the file is empty.")
    return Path(given)


def name_of(given: Any) -> str:
    """Return what to call a file in messages.

    Args:
        given: Its path, or the open file.
    """
    path = isinstance(given, str | os.PathLike)
    return str(given) if path else str(getattr(given, "name", "the file"))


@contextlib.contextmanager
def reading(given: Any, what: str) -> Iterator[IO[bytes] | Path]:
    """Give the open file that a caller gave, or that is at a path; the path itself where a folder is there.

    Of an open file it is what follows from where that stands, if a model or weights begin there; else all of it: a file
    that has just been written stands at its end, and who has looked at its first bytes stands behind them.

    Args:
        given: A path, or a file that is open for reading.
        what: What the file holds, for messages.

    Raises:
        FileNotFoundError: Nothing is at the path.
    """
    if is_open(given):
        at = given.tell()
        if at and any(_begins(given, signature, at) for signature in (_HDF5, _ZIP)):
            yield Region(given, at, given.seek(0, io.SEEK_END) - at)  # type: ignore[misc]
        else:
            yield given
        return
    path = path_of(given)
    if path.is_dir():
        yield path
        return
    if not path.exists():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        # Who leaves the ending out means the file that has one.
        near = [name for name in beside if name.startswith(f"{path.name}.")]
        hint = f"Did you mean {near[0]!r}?" if near else nearest(path.name, beside)
        raise FileNotFoundError(f"There is no {what} {path}. {hint}".rstrip())
    # Without a buffer: numbers are read past it.
    with open(path, "rb", buffering=0) as file:
        yield file


@contextlib.contextmanager
def written(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Give an empty file that can be read, too, for HDF5 does both; what it has goes to the one that was given.

    It goes to where that file stands, as all that is written does, and what the file had behind that place is gone.

    Args:
        file: A file that is open for writing.
    """
    if _takes_anywhere(file):
        if at := file.tell():
            yield Region(file, at)  # type: ignore[misc]
        else:
            file.truncate(0)
            yield file
        file.seek(0, io.SEEK_END)
        return
    with tempfile.TemporaryFile() as whole:
        yield whole
        whole.seek(0)
        shutil.copyfileobj(whole, file)
    if getattr(file, "seekable", lambda: False)():
        file.truncate()


def _takes_anywhere(file: IO[bytes]) -> bool:
    """Say whether a file can be read and takes what is written at any place; one that is appended to does not."""
    if "a" in str(getattr(file, "mode", "")):
        return False
    return all(getattr(file, able, lambda: True)() for able in ("readable", "seekable"))


def is_hdf5(file: IO[bytes]) -> bool:
    """Say whether an open file begins as HDF5 files do.

    Args:
        file: The file.
    """
    return _begins(file, _HDF5)


def is_zip(file: IO[bytes]) -> bool:
    """Say whether an open file begins as zip files do.

    Args:
        file: The file.
    """
    return _begins(file, _ZIP)


def _begins(file: IO[bytes], signature: bytes, at: int = 0) -> bool:
    file.seek(at)
    return file.read(len(signature)) == signature
