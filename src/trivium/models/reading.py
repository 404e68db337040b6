"""Models from their configs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from trivium.models.model import Model
from trivium.state.registry import deserialize

__all__ = ["model_from_config", "model_from_json"]


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return the model that `to_json`, ours or Keras's, wrote: with new weights, and compiled if that one was.

    Args:
        json_string: The JSON.
        custom_objects: Classes and functions of yours by name, besides the registered ones.

    Raises:
        TypeError: It describes something else than a model.
        ValueError: It is no JSON, or names something unknown.

    Example:
        >>> import trivium as tv
        >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2, name="out")])
        >>> [layer.name for layer in model_from_json(model.to_json()).layers]
        ['out']
    """
    return model_from_config(json.loads(json_string), custom_objects)


def model_from_config(
    config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """Return the model that `serialize_keras_object` wrote a config of.

    Args:
        config: The config, with the class's name.
        custom_objects: Classes and functions of yours by name, besides the registered ones.

    Raises:
        TypeError: It describes something else than a model.
        ValueError: It names something unknown.
    """
    model = deserialize(config, custom_objects)
    if not isinstance(model, Model):
        raise TypeError(f"The config describes a {type(model).__name__}, which is no model.")
    return model
