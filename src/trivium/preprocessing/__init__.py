"""Data made ready for a model: helpers for images, sequences and texts.

Example:
    >>> import trivium as tv
    >>> tv.preprocessing.sequence.pad_sequences([[1], [2, 3]]).tolist()
    [[0, 1], [2, 3]]
"""

import importlib
from typing import TYPE_CHECKING, Any

from trivium.preprocessing import image, sequence
from trivium.state import suggest

if TYPE_CHECKING:
    from trivium.preprocessing import text


def __getattr__(name: str) -> Any:
    if name != "text":  # Older programs ask for it: it is imported then.
        raise AttributeError(
            f"module 'trivium.preprocessing' has no attribute {name!r}. {suggest(name, __all__)}"
        )
    return importlib.import_module("trivium.preprocessing.text")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = ["image", "sequence", "text"]
