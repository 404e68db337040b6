"""What a layer's `call` and `build` accept, read once per class."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from typing import Any

__all__ = ["CallSignature", "shapes_wanted", "signature_of"]


class CallSignature:
    """What `call` and `build` accept.

    Args:
        call: The method.
        build: The method.
    """

    def __init__(self, call: Callable[..., Any], build: Callable[..., Any]) -> None:
        parameters = list(inspect.signature(call).parameters.values())[1:]
        self.names = [
            p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
        accepted = {p.name: p for p in parameters}
        self.first = self.names[0] if self.names else None
        needs = self.first is not None and parameters[0].default is inspect.Parameter.empty
        self.needed = self.first if needs else None
        self.required = frozenset(
            p.name for p in parameters if p.name in self.names and p.default is p.empty
        )
        self.training = accepted.get("training")
        self.masks = [n for n in accepted if n == "mask" or n.endswith("_mask")]
        self.shapes = shapes_wanted(build)[1:]

    def position(self, name: str) -> int:
        """Return which argument by position a name is; a large number where it is none."""
        return self.names.index(name) if name in self.names else 1 << 30


def shapes_wanted(build: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the parameters of a `build` that shapes can be given for, by position or by name.

    Args:
        build: The method; its `self` is one of them where it is not bound.
    """
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p for p in inspect.signature(build).parameters.values() if p.kind in kinds]


# Weak, since classes are made while programs run, and go.
_signatures: weakref.WeakKeyDictionary[Any, CallSignature] = weakref.WeakKeyDictionary()


def signature_of(cls: Any) -> CallSignature:
    """Return what the `call` and the `build` of a class of layers accept.

    Example:
        >>> from trivium import layers
        >>> signature_of(layers.Dropout).names
        ['inputs', 'training']
    """
    if cls not in _signatures:
        _signatures[cls] = CallSignature(cls.call, cls.build)
    return _signatures[cls]
