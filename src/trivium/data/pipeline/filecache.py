"""A cache of elements in a file, which later passes and processes read in place of making the elements again.

The file holds the arrays of each element as `.npy` writes them, one element behind the other; text that NumPy keeps as
objects stands in JSON. At its end stand the structure of an element and where each begins, so that reading may begin
at any. Nothing in it can run code.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from trivium.data.checks import DataError
from trivium.data.pipeline.elements import map_arrays
from trivium.state.types import Tree

__all__ = ["SAVED", "FileCache"]

# What a saved dataset is called in its folder.
SAVED = "elements.cache"

_MAGIC = b"trivium cache 1\n"
_TAIL = struct.Struct("<QQ")


class FileCache:
    """Elements in a file.

    Args:
        path: The file. It appears when a whole pass has been written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     cache = FileCache(Path(folder) / "numbers")
        ...     written = list(cache.write(iter([np.int32(1), np.int32(2)])))
        ...     cache.whole, [e.item() for e in cache.read(1)]
        (True, [2])
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    @property
    def whole(self) -> bool:
        """Whether all elements are there."""
        return self.path.exists()

    def write(self, elements: Iterator[Any]) -> Iterator[Any]:
        """Yield elements, and write them on the way; they count once all have come.

        Args:
            elements: The elements.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Its own name, so that two passes side by side do not write into one file.
        unfinished = self.path.with_name(f"{self.path.name}.{os.getpid()}.{id(elements)}.partial")
        form: Any = None
        starts: list[int] = []
        try:
            with open(unfinished, "wb") as file:
                file.write(_MAGIC)
                for element in elements:
                    starts.append(file.tell())
                    form = form or _form(element)
                    map_arrays(partial(_write, file), element)
                    yield element
                end = file.tell()
                file.write(json.dumps({"form": form, "starts": starts}).encode())
                file.write(_TAIL.pack(end, len(starts)))
            os.replace(unfinished, self.path)
        finally:
            unfinished.unlink(missing_ok=True)

    def read(self, skip: int = 0) -> Iterator[Any]:
        """Yield the elements.

        Args:
            skip: How many of the first ones to leave out.

        Raises:
            DataError: The file is no cache, or is damaged.
        """
        with open(self.path, "rb") as file:
            form, starts = self._contents(file)
            for start in starts[skip:]:
                file.seek(start)
                yield _read_all(file, form)

    def __len__(self) -> int:
        """Return how many elements there are."""
        with open(self.path, "rb") as file:
            return len(self._contents(file)[1])

    def _contents(self, file: BinaryIO) -> tuple[Any, list[int]]:
        """Return the structure of an element, and where each begins."""
        try:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise ValueError("it does not begin as a cache does")
            file.seek(-_TAIL.size, os.SEEK_END)
            stop = file.tell()
            end, _ = _TAIL.unpack(file.read(_TAIL.size))
            file.seek(end)
            known = json.loads(file.read(stop - end))
            return known["form"], known["starts"]
        except (ValueError, OSError, KeyError, struct.error) as error:
            raise DataError(
                f"The file {str(self.path)!r}, which `cache` was to read, is no cache of a Dataset ({error}). "
                "Remove it to have it written anew."
            ) from None


def _form(element: Tree) -> Any:
    """Return the structure of an element as JSON; arrays are `null`."""
    if isinstance(element, dict):
        return {key: _form(value) for key, value in element.items()}
    return [_form(e) for e in element] if isinstance(element, tuple) else None


def _read_all(file: BinaryIO, form: Any) -> Any:
    if isinstance(form, dict):
        return {key: _read_all(file, inner) for key, inner in form.items()}
    if isinstance(form, list):
        return tuple(_read_all(file, inner) for inner in form)
    return _read(file)


def _write(file: BinaryIO, leaf: Any) -> None:
    array = np.asarray(leaf)
    if array.dtype.hasobject or array.dtype.kind == "T":
        text = json.dumps([array.shape, [_plain(v) for v in array.ravel().tolist()]]).encode()
        file.write(b"o" + struct.pack("<Q", len(text)) + text)
    else:
        file.write(b"a")
        np.lib.format.write_array(file, array, allow_pickle=False)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if value is None or isinstance(value, str | int | float):
        return value
    raise DataError(
        f"`cache` into a file keeps numbers and text; an element holds a {type(value).__name__}."
    )


def _read(file: BinaryIO) -> np.ndarray:
    if file.read(1) == b"a":
        array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
        return array
    (size,) = struct.unpack("<Q", file.read(8))
    shape, values = json.loads(file.read(size))
    made = np.empty(len(values), object)
    made[:] = [bytes.fromhex(v["bytes"]) if isinstance(v, dict) else v for v in values]
    return made.reshape(shape)
