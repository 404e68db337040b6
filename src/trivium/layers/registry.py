"""The layers' names, for configs and files."""

from __future__ import annotations

from typing import Any

from trivium.state.faces import faces
from trivium.state.registry import Registry

__all__ = ["LAYERS", "deserialize", "serialize"]

LAYERS: Registry[Any] = Registry("layer", "keras.layers")
_, serialize, deserialize = faces(LAYERS, __name__)
