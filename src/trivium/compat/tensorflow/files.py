"""Files and folders under TensorFlow's names: `tf.io.gfile`, `tf.io.read_file` and their kin, on Python's own."""

from __future__ import annotations

import functools
import glob
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from trivium.compat.tensorflow.contents import as_strings, bytes_in, bytes_of, path_of
from trivium.compat.written import covers
from trivium.data.paths import MissingFileError

__all__: list[str] = []


class AlreadyThereError(FileExistsError):
    """A file is there that was not to be written over."""


@covers("tensorflow.io.read_file")
def _read_file(filename: Any, name: str | None = None) -> Any:
    path = path_of(filename)
    try:
        with open(path, "rb", buffering=0) as file:
            return as_strings(file.read())
    except FileNotFoundError:
        raise MissingFileError(
            f"tf.io.read_file found no file {path!r}, seen from {os.getcwd()!r}."
        ) from None


@covers("tensorflow.io.write_file")
def _write_file(filename: Any, contents: Any, name: str | None = None) -> None:
    path = path_of(filename)
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file:
        file.write(bytes_of(contents))


@covers("tensorflow.io.matching_files")
def _matching_files(pattern: Any, name: str | None = None) -> Any:
    found = {f for p in bytes_in(pattern).ravel() for f in glob.glob(os.fsdecode(p))}
    return as_strings(np.array(sorted(f for f in found if os.path.isfile(f)), object))


# -- tf.io.gfile ------------------------------------------------------------------------------------------------


@covers("tensorflow.io.gfile.GFile")
class _GFile:
    """A file that is opened when it is first used, and read to its end as often as asked."""

    def __init__(self, name: Any, mode: str = "r", encoding: str = "utf-8") -> None:
        self.name, self.mode = path_of(name), mode
        self._encoding = None if "b" in mode else encoding
        self._opened: Any = None

    @property
    def _file(self) -> Any:
        if self._opened is None:
            self._opened = open(self.name, self.mode, encoding=self._encoding)  # noqa: SIM115
        return self._opened

    def read(self, n: int = -1) -> Any:
        return self._file.read(n)

    def readline(self) -> Any:
        return self._file.readline()

    def readlines(self) -> list[Any]:
        found: list[Any] = self._file.readlines()
        return found

    def write(self, file_content: Any) -> None:
        self._file.write(
            file_content if isinstance(file_content, str | bytes) else bytes_of(file_content)
        )

    def seek(self, offset: int = 0, whence: int = 0, position: int | None = None) -> None:
        self._file.seek(offset if position is None else position, whence)

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return int(self._file.tell())

    def size(self) -> int:
        return os.path.getsize(self.name)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def __iter__(self) -> Iterator[Any]:
        return iter(self._file)

    def __next__(self) -> Any:
        return next(self._file)

    def __enter__(self) -> _GFile:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


class _Stat(NamedTuple):
    length: int
    mtime_nsec: int
    is_directory: bool


def _stat(path: Any) -> _Stat:
    found = os.stat(path)
    return _Stat(found.st_size, found.st_mtime_ns, os.path.isdir(path))


def _glob(pattern: Any) -> list[str]:
    patterns = pattern if isinstance(pattern, list | tuple) else [pattern]
    return sorted({found for p in patterns for found in glob.glob(path_of(p))})


def _copy(src: Any, dst: Any, overwrite: bool = False) -> None:
    _check_free(dst, overwrite)
    shutil.copyfile(src, dst)


def _rename(src: Any, dst: Any, overwrite: bool = False) -> None:
    _check_free(dst, overwrite)
    os.replace(src, dst)


def _check_free(path: str, overwrite: bool) -> None:
    if os.path.exists(path) and not overwrite:
        raise AlreadyThereError(
            f"There is a file {path!r} already; `overwrite=True` writes over it."
        )


def _walk(top: Any, topdown: bool = True, onerror: Any = None) -> Iterator[Any]:
    return os.walk(path_of(top), topdown, onerror)


def _join(path: Any, *paths: Any) -> str:
    return os.path.join(path_of(path), *map(path_of, paths))


def _of_path(function: Callable[..., Any], count: int = 1) -> Callable[..., Any]:
    """Return a function that takes paths in whatever form a program has them."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        kwargs = {k: path_of(v) if k in ("path", "src", "dst") else v for k, v in kwargs.items()}
        return function(*map(path_of, args[:count]), *args[count:], **kwargs)

    return call


for _name, _function in {
    "exists": lambda path: os.path.exists(path),
    "isdir": lambda path: os.path.isdir(path),
    "listdir": lambda path: os.listdir(path),
    "makedirs": lambda path: os.makedirs(path, exist_ok=True),
    "mkdir": lambda path: os.mkdir(path),
    "remove": lambda path: os.remove(path),
    "rmtree": lambda path: shutil.rmtree(path),
    "stat": lambda path: _stat(path),
}.items():
    covers(f"tensorflow.io.gfile.{_name}")(_of_path(_function))
covers("tensorflow.io.gfile.copy")(_of_path(_copy, 2))
covers("tensorflow.io.gfile.rename")(_of_path(_rename, 2))
covers("tensorflow.io.gfile.glob")(_glob)
covers("tensorflow.io.gfile.walk")(_walk)
covers("tensorflow.io.gfile.join")(_join)
covers("tensorflow.io.gfile.get_registered_schemes")(lambda: ["", "file"])
