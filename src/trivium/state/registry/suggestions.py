"""Suggestions: the name that somebody meant, for messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["nearest", "suggest"]


def suggest(name: str, known: Iterable[str]) -> str:
    """Say which known names come closest to a mistyped one.

    Args:
        name: The name that was not found.
        known: The names that exist.

    Returns:
        A sentence for an error message.

    Example:
        >>> suggest("rleu", ["relu", "tanh"])
        "Did you mean 'relu'?"
    """
    names = sorted(set(known))
    folded = {n.lower().replace("_", ""): n for n in names}
    key = str(name).lower().replace("_", "")
    close = [folded[key]] if key in folded else []
    close += [
        folded[k] for k in difflib.get_close_matches(key, folded, n=3) if folded[k] not in close
    ]
    if close:
        return "Did you mean " + " or ".join(repr(n) for n in close) + "?"
    return "Known names: " + ", ".join(names) + "."


def nearest(name: str, known: list[str]) -> str:
    """Return a hint at the nearest names; without one, hundreds of names help nobody."""
    hint = suggest(name, known)
    return f"{hint} " if hint.startswith("Did you mean") else ""
