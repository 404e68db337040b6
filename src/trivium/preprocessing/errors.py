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
    """
    # The system's message has the path again; Pillow's has the bytes' place in memory, which helps nobody.
    why = str(error).replace(f" {str(path)!r}", " the file")
    why = re.sub(r" <_io\.BytesIO object at \w+>", "", why).rstrip(".") or type(error).__name__
    return DataError(f"{path} could not be read as {wanted}: {why}. Mend the file or take it away.")
