"""Settings that layers of words and categories share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trivium.layers.checks import is_whole
from trivium.state.registry import suggest

__all__ = ["OUTPUT_MODES", "chosen", "dense_only", "salt_of"]

OUTPUT_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")
# What these modes were called once.
_OLDER = {"binary": "multi_hot", "tf-idf": "tf_idf"}


def chosen(layer: object, known: Sequence[str], **setting: Any) -> str:
    """Return a setting that is one of several words.

    Args:
        layer: The layer, for the message.
        known: The words.
        setting: The setting's name and value.

    Raises:
        ValueError: It is none of them; the message has the nearest.

    Example:
        >>> chosen(None, OUTPUT_MODES, output_mode="binary")
        'multi_hot'
    """
    ((name, value),) = setting.items()
    word = _OLDER.get(value, value) if isinstance(value, str) and name == "output_mode" else value
    if word not in known:
        raise ValueError(
            f"{type(layer).__name__}: `{name}` is one of {', '.join(map(repr, known))}; got {value!r}. "
            f"{suggest(str(value), known)}"
        )
    return str(word)


def dense_only(layer: object, sparse: Any) -> bool:
    """Refuse sparse outputs, which JAX's arrays are not.

    Args:
        layer: The layer, for the message.
        sparse: The setting.

    Raises:
        ValueError: They are asked for.
    """
    if sparse:
        raise ValueError(
            f"{type(layer).__name__}: JAX's arrays are dense, so `sparse=True` is refused; leave it out."
        )
    return False


def salt_of(layer: object, salt: Any) -> list[int] | None:
    """Return a salt as the two numbers of a key.

    Args:
        layer: The layer, for the message.
        salt: One or two whole numbers, or `None`.

    Raises:
        ValueError: It is something else.

    Example:
        >>> salt_of(None, 133)
        [133, 133]
    """
    key = [salt, salt] if is_whole(salt, least=0) else salt
    if key is None:
        return None
    pair = isinstance(key, list | tuple) and len(key) == 2
    if not pair or not all(is_whole(k, least=0) for k in key):
        raise ValueError(
            f"{type(layer).__name__}: `salt` is one whole number, or two; got {salt!r}."
        )
    return [int(k) for k in key]
