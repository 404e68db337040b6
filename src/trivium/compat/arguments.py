"""Which arguments a class or function of ours takes, those of older versions included."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from typing import Any

import trivium
from trivium.compat.older import ARGUMENTS
from trivium.layers.base import SEQUENTIAL_KEYS

__all__ = ["accepted"]

# What classes take beyond what their signatures say.
_BEYOND: dict[type, tuple[str, ...]] = {
    trivium.layers.Layer: SEQUENTIAL_KEYS,
    trivium.optimizers.Optimizer: ("decay",),
}


def accepted(function: Any) -> set[str] | None:
    """Return the names of a function's arguments; `None` where they are not known.

    Args:
        function: A function or class of ours.

    Example:
        >>> {"activation", "input_dim", "weights"} <= accepted(trivium.layers.Dense)
        True
    """
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return None
    named = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = {n for n, each in parameters.items() if each.kind in named} - {"self"}
    for (cls, method), older in ARGUMENTS.items():
        made = isinstance(function, type) and method == "__init__" and issubclass(function, cls)
        if made or function is getattr(cls, method):
            names |= set(older)
    above = [cls for cls in _BEYOND if isinstance(function, type) and issubclass(function, cls)]
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        if trivium.layers.Layer not in above or issubclass(function, trivium.Model):
            return None
        # Layers pass on what they do not know themselves to the class above them.
        line = function.__mro__
        for cls in line[: line.index(trivium.layers.Layer) + 1]:
            names |= set(inspect.signature(cls.__init__).parameters) - {"args", "kwargs"}
    if isinstance(function, type):
        names |= _taken_from_kwargs(function)
    return names.union(*(_BEYOND[cls] for cls in above)) - {"self"}


@functools.cache
def _taken_from_kwargs(cls: type) -> frozenset[str]:
    """Return the names that constructors of ours look for among their `kwargs`: arguments of older versions."""
    found = set()
    for base in cls.__mro__:
        if "__init__" not in vars(base) or not base.__module__.startswith("trivium."):
            continue
        for part in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(vars(base)["__init__"])))):
            match part:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name("kwargs"), attr="pop" | "get"),
                    args=[ast.Constant(str(name)), *_],
                ):
                    found.add(name)
                case ast.Subscript(value=ast.Name("kwargs"), slice=ast.Constant(str(name))):
                    found.add(name)
    return frozenset(found)
