"""What a layer's `call` accepts, read once per class."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from typing import Any

__all__ = ["CallSignature", "signature_of"]


class CallSignature:
    """What `call` accepts.

    Args:
        call: The method.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
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

    def position(self, name: str) -> int:
        """Return which argument by position a name is; a large number where it is none."""
        return self.names.index(name) if name in self.names else 1 << 30


# Weak, since classes are made while programs run, and go.
_signatures: weakref.WeakKeyDictionary[Any, CallSignature] = weakref.WeakKeyDictionary()


def signature_of(cls: Any) -> CallSignature:
    """Return what the `call` of a class of layers accepts.

    Example:
        >>> from trivium import layers
        >>> signature_of(layers.Dropout).names
        ['inputs', 'training']
    """
    if cls not in _signatures:
        _signatures[cls] = CallSignature(cls.call)
    return _signatures[cls]
