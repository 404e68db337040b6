"""Sizes that are not known yet: whole numbers, or expressions in symbols such as `2*d1 + 1`.

They are JAX's symbolic dimensions, so shapes with them can be traced, and Python's operators make further ones of them.
JAX documents how they are made, but not how to ask one for its symbols or to put others in their place: this file does,
and `tests/state/test_jaxpr.py` says what is relied on.

Reference:
    https://docs.jax.dev/en/latest/export/shape_poly.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from jax import export

__all__ = [
    "Dimension",
    "blames_sizes",
    "is_unknown",
    "parse_sizes",
    "replace_symbols",
    "symbols_of",
]

Dimension: TypeAlias = Any
"""A size: a whole number, or an expression in symbols, such as `2*d1 + 1`, with Python's operators."""

# All graphs of a process share one scope, so that their unknown sizes can meet in one expression.
_scope = export.SymbolicScope()
# How JAX says that a size is not known, without saying which.
_BLAMES = re.compile(r"_DimExpr|polymorphi|[Ss]ymbolic dim|non-constant (?:size|shape|dim)")


def parse_sizes(texts: Iterable[str]) -> tuple[Dimension, ...]:
    """Return the sizes that texts such as `3`, `d1` or `2*d1 + 1` stand for; `str` gives the text of a size.

    Example:
        >>> parse_sizes(["3", "2*d1 + 1"])
        (3, 2*d1 + 1)
    """
    return tuple(export.symbolic_shape(", ".join(texts), scope=_scope))


def is_unknown(value: Any) -> bool:
    """Say whether a value is a size that holds symbols.

    Example:
        >>> is_unknown(parse_sizes(["2*b"])[0]), is_unknown(3), is_unknown("b")
        (True, False, False)
    """
    return bool(export.is_symbolic_dim(value))


def symbols_of(size: Dimension) -> list[str]:
    """Return the names of the symbols in a size, shorter ones first: `d2` before `d10`, as they were given.

    Example:
        >>> symbols_of(parse_sizes(["d10*d2 + d2"])[0]), symbols_of(3)
        (['d2', 'd10'], [])
    """
    if isinstance(size, int):
        return []
    return sorted(size._get_vars(), key=lambda name: (len(name), name))


def replace_symbols(size: Dimension, replacement: Callable[[str], Dimension]) -> Dimension:
    """Return a size with another symbol, or a number, in the place of each symbol in it.

    Args:
        size: The size.
        replacement: Given the name of a symbol; asked once for each, in the order of `symbols_of`.

    Example:
        >>> replace_symbols(parse_sizes(["2*d1 + 1"])[0], lambda name: 10)
        21
    """
    names = symbols_of(size)
    if not names:
        return size
    result = size._evaluate({name: replacement(name) for name in names})
    return result if export.is_symbolic_dim(result) else int(result)


def blames_sizes(error: Exception, names: Iterable[str]) -> bool:
    """Say whether an error's text is about sizes that are not known; JAX says in no other way which they are.

    Args:
        error: What JAX, or code of ours that it ran, raised.
        names: The names of the symbols that it was traced with.

    Example:
        >>> blames_sizes(TypeError("got (b, 3) and (b, 4)"), ["b"]), blames_sizes(KeyError("a"), ["b"])
        (True, False)
    """
    text = str(error)
    return bool(_BLAMES.search(text)) or bool({*names} & {*re.findall(r"\w+", text)})
