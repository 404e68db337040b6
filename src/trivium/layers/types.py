"""Types of the settings that layers look up: a name, a config, a class, or a function to use as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["ActivationLike", "ConstraintLike", "InitializerLike", "RegularizerLike"]

_Named = str | Mapping[str, Any]

# A function of an array that gives one of its shape.
ActivationLike = _Named | Callable[[Any], Any] | None
# A function `(shape, dtype)` that gives an array.
InitializerLike = _Named | Callable[..., Any] | None
# A function of a weight that gives a scalar.
RegularizerLike = _Named | Callable[[Any], Any] | None
# A function of a weight that gives the weight allowed.
ConstraintLike = _Named | Callable[[Any], Any] | None
