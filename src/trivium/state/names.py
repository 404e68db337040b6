"""Automatic names: `Dense` gives `dense`, then `dense_1`, as Keras numbers them."""

from __future__ import annotations

import functools
import re

from trivium.state.session import session

__all__ = ["auto_name", "clear_names", "to_snake_case"]


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


def clear_names() -> None:
    """Start counting anew, as `clear_session` does."""
    session().names.clear()
