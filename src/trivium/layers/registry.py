"""The layers' names, for configs and files."""

from __future__ import annotations

from typing import Any

from trivium.state.registry import Registry

__all__ = ["LAYERS", "deserialize", "serialize"]

LAYERS: Registry[Any] = Registry("layer", "keras.layers")


def serialize(layer: Any) -> Any:
    """Return a layer's config with its class's name, as Keras writes it."""
    return LAYERS.serialize(layer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the layer that `serialize` wrote `config` for.

    Args:
        config: What `serialize` gave.
        custom_objects: Classes of yours by name, besides the registered ones.

    Raises:
        ValueError: The config names an unknown class.
    """
    return LAYERS.deserialize(config, custom_objects)
