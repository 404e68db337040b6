"""What writing a graph and reading it have to agree on."""

from __future__ import annotations

import inspect
from typing import Any

__all__ = ["GRAPH_KEYS", "OPS_MODULE", "TENSOR", "VARIABLE", "Config", "default_training"]

Config = dict[str, Any]

GRAPH_KEYS = ("layers", "input_layers", "output_layers")
# What stands in the place of a class's name for a tensor, and for a variable that a model's own code reads.
TENSOR = "__keras_tensor__"
VARIABLE = "__variable__"
# Where ops are said to be that Keras has no class for.
OPS_MODULE = "trivium.ops"


def default_training(operation: Any) -> bool | None:
    """Return what a layer's `call` takes for `training` where nobody says it."""
    call: Any = getattr(operation, "call", None)
    parameter = inspect.signature(call).parameters.get("training") if call is not None else None
    default = None if parameter is None else parameter.default
    return default if isinstance(default, bool) else None
