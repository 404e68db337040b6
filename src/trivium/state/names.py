"""Automatic names: `Dense` gives `dense`, then `dense_1`, as Keras numbers them."""

from __future__ import annotations

import functools
import re

from trivium.state.frame import current_frame
from trivium.state.safety import UnsafeFileError
from trivium.state.session import session

__all__ = ["LONGEST_NAME", "auto_name", "checked_name", "clear_names", "is_path", "to_snake_case"]

# The most characters that a name in a file has.
LONGEST_NAME = 1_000


@functools.lru_cache(maxsize=512)
def to_snake_case(name: str) -> str:
    """Return a class name in snake case.

    Example:
        >>> to_snake_case("BatchNormalization"), to_snake_case("Conv2D")
        ('batch_normalization', 'conv2d')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(prefix: str) -> str:
    """Return `prefix`, `prefix_1`, `prefix_2`, …: a name not given before.

    Example:
        >>> auto_name("doc_example"), auto_name("doc_example")
        ('doc_example', 'doc_example_1')
    """
    used = session().names
    count = used[prefix]
    used[prefix] += 1
    return prefix if count == 0 else f"{prefix}_{count}"


def is_path(name: str) -> bool:
    """Say whether a name would be a path, or part of one, where somebody calls a file by it.

    Example:
        >>> [name for name in ("a b.c", "..", "a/b", "a\\\\b") if is_path(name)]
        ['..', 'a/b', 'a\\\\b']
    """
    return name in (".", "..") or any(part in name for part in "/\\\0")


def checked_name(name: str, owner: object) -> str:
    """Return a name that a layer or model may have: one that any file of it may have, too.

    Args:
        name: The name.
        owner: What is to have it, for messages.

    Raises:
        TypeError: It is no string.
        ValueError: It is empty, a path, or longer than files may have.
        UnsafeFileError: The same of a name that a file gives.
    """
    if not isinstance(name, str):
        raise TypeError(f"{type(owner).__name__}: `name` is a string; got {name!r}.")
    if name and len(name) <= LONGEST_NAME and not is_path(name):
        return name
    kind = UnsafeFileError if current_frame().reading else ValueError
    raise kind(
        f"{type(owner).__name__}: `name` is a text of 1 to {LONGEST_NAME:,} characters without '/' (which joins the "
        f"names of a path), '\\\\' and NUL, and not '.' or '..'; got {name[:80]!r}, of {len(name):,}."
    )


def clear_names() -> None:
    """Start counting anew, as `clear_session` does."""
    session().names.clear()
