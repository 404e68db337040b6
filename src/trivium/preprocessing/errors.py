"""What is said of files that are not what they ought to be."""

from __future__ import annotations

import re
from typing import Any

from trivium.data.checks import DataError

__all__ = ["unreadable"]


def unreadable(path: Any, error: Exception, wanted: str) -> DataError:
    """Return the error for a file that cannot be read.

    Args:
        path: The file.
        error: What went wrong.
        wanted: What the file should have been.

    Example:
        >>> print(unreadable("a.png", OSError("image file is truncated."), "an image"))
        a.png could not be read as an image: image file is truncated. Mend the file or take it away.
        >>> print(unreadable("a.png", OSError("cannot identify image file 'a.png'"), "an image"))
        a.png could not be read as an image: cannot identify image file. Mend the file or take it away.
    """
    # The path stands in front already, and the bytes' place in memory, which Pillow tells, helps nobody.
    named = rf"({re.escape(repr(str(path)))}|<_io\.BytesIO object at \w+>)"
    why = re.sub(rf"(?<=file) {named}|: {named}$", "", str(error))
    why = re.sub(named, "the file", why)
    why = why.rstrip(".") or type(error).__name__
    return DataError(f"{path} could not be read as {wanted}: {why}. Mend the file or take it away.")
