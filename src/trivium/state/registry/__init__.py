"""Registries: what a name, a config or a class means, and how any object is written as a config and read back.

Looking a name up never imports or runs anything that the name mentions: a registry knows only what the
library put into it and what the user registered with `register_keras_serializable` or `custom_object_scope`.

From the bottom: `suggestions` (the nearest name), `tables` (what each name means), `writing` and `reading` (configs),
`registry` (a table that reads and writes).
"""

from trivium.state.custom_objects import (
    custom_object_scope,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from trivium.state.registry.reading import (
    deserialize,
    inside_another,
    known_class,
    known_function,
    knows,
)
from trivium.state.registry.registry import Registry
from trivium.state.registry.suggestions import suggest
from trivium.state.registry.tables import named_function
from trivium.state.registry.writing import serialize, sharing

__all__ = [
    "Registry",
    "custom_object_scope",
    "deserialize",
    "get_registered_name",
    "get_registered_object",
    "inside_another",
    "known_class",
    "known_function",
    "knows",
    "named_function",
    "register_keras_serializable",
    "serialize",
    "sharing",
    "suggest",
]
