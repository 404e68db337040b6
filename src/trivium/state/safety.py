"""What a file may do while it is read: nothing but say what a model is made of.

Names in a file mean what the registries know, numbers are compared with bounds before anything is allocated, and code
is refused, unless the very call that reads the file was told `safe_mode=False`.
"""

from __future__ import annotations

import base64
import builtins
import marshal
import sys
import types
from typing import Any

from trivium.state.frame import current_frame, entered

__all__ = [
    "ModelFileError",
    "UnknownNameError",
    "UnsafeFileError",
    "code_allowed",
    "function_of_code",
]


class ModelFileError(ValueError):
    """A file is damaged, or holds something else than was wanted; the message names it."""


class UnsafeFileError(ModelFileError):
    """A file asks for what none may do: run code, open other files, take memory that it has no use for."""


class UnknownNameError(UnsafeFileError):
    """A file or config names a class or function that nobody has registered."""


def code_allowed(safe_mode: bool | None = None) -> entered:
    """Say, while a `with` block lasts, whether code in what is read may be run.

    Args:
        safe_mode: The `safe_mode` that a caller was given; `None` leaves it as it is.

    Example:
        >>> with code_allowed(safe_mode=False):
        ...     current_frame().runs_code
        True
    """
    return entered() if safe_mode is None else entered(runs_code=not safe_mode)


def function_of_code(config: dict[str, Any]) -> Any:
    """Return the function that a config holds as code, as Keras writes a lambda.

    Args:
        config: `code`, `defaults` and `closure`, or a dict with them under `value`.

    Raises:
        UnsafeFileError: Nobody has said `safe_mode=False`.
    """
    if not current_frame().runs_code:
        raise UnsafeFileError(
            "The config holds a function as code, and code from files is not run: it could do anything. Register the "
            "function with `register_keras_serializable` before saving, or rebuild the object in Python. Only if you "
            "trust whoever wrote the file: `load_model(..., safe_mode=False)`."
        )
    config = config.get("value", config)
    code = marshal.loads(base64.b64decode(config["code"]))
    cells = tuple(types.CellType(value) for value in config.get("closure") or ())
    names = {"__builtins__": builtins, "keras": sys.modules["trivium"]}
    defaults = tuple(config.get("defaults") or ())
    return types.FunctionType(code, names, code.co_name, defaults, cells)
