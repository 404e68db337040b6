"""Files that a user names: by a path, by a pattern, by several."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from trivium.data.checks import DataError

__all__ = ["MissingFileError", "found_files"]


class MissingFileError(DataError, FileNotFoundError):
    """There is no file of this name."""


def found_files(files: Any, what: str) -> list[str]:
    """Return the paths of files, in the order that they are named; those of a pattern are sorted.

    Args:
        files: A path, a pattern such as `"data/*.csv"`, an array of them, or several.
        what: Where they were given, for messages.

    Raises:
        MissingFileError: There is no such file.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        ...     found_files(file.name[:-4] + "*.csv", "from_csv") == [file.name]
        True
    """
    if isinstance(files, np.ndarray):
        files = files.ravel().tolist()
    single = isinstance(files, str | bytes | os.PathLike)
    given: Iterable[Any] = [files] if single else files
    paths: list[str] = []
    for one in map(os.fsdecode, given):
        matched = [one] if os.path.exists(one) else sorted(glob.glob(one, recursive=True))
        if not matched:
            raise MissingFileError(f"`{what}` found no file {one!r}, seen from {os.getcwd()!r}.")
        paths += matched
    if not paths:
        raise DataError(f"`{what}` got no files.")
    return paths
