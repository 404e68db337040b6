"""The arrays that JAX has not: strings, rows of several lengths, sparse ones.

What each is and does stands in a folder of its own. Code that has to tell them from others asks for these bases, so
that whoever has none of them pays for none of their functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

__all__ = ["AnyRows", "AnySparse", "AnyStrings", "StringLike"]


class AnyStrings:
    """Base of `trivium.data.strings.StringArray`."""


class AnyRows:
    """Base of `trivium.data.ragged.RaggedArray`."""


class AnySparse:
    """Base of `trivium.data.sparse.SparseArray`."""


StringLike: TypeAlias = str | bytes | np.ndarray | np.generic | AnyStrings | AnyRows | Sequence[Any]
"""What a function of strings takes for them: text or bytes, nested lists or an array of these, or ragged ones."""
