"""The arrays that JAX has not: strings, rows of several lengths, sparse ones.

What each is and does stands in a folder of its own. Code that has to tell them from others asks for these bases, so
that whoever has none of them pays for none of their functions.
"""

from __future__ import annotations

__all__ = ["AnyRows", "AnySparse", "AnyStrings"]


class AnyStrings:
    """Base of `trivium.data.strings.StringArray`."""


class AnyRows:
    """Base of `trivium.data.ragged.RaggedArray`."""


class AnySparse:
    """Base of `trivium.data.sparse.SparseArray`."""
