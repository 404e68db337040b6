"""Configs as Keras 2 wrote them: the class by its name alone, without its module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trivium.state.registry import custom_object_scope, deserialize, get_registered_name

__all__ = ["deserialize_keras_object", "serialize_keras_object"]


def serialize_keras_object(instance: Any) -> Any:
    """Return an object as its class's name and its config, a function as its name.

    Args:
        instance: An object with `get_config`, a function, or `None`.

    Raises:
        ValueError: It is something else.

    Example:
        >>> from trivium import regularizers
        >>> serialize_keras_object(regularizers.L1(0.5))
        {'class_name': 'L1', 'config': {'l1': 0.5}}
    """
    if instance is None:
        return None
    if hasattr(instance, "get_config"):
        name = get_registered_name(type(instance))
        return {"class_name": name, "config": instance.get_config()}
    if hasattr(instance, "__name__"):
        return get_registered_name(instance)
    raise ValueError(f"{instance!r} has neither a `get_config` nor a name to be written by.")


def deserialize_keras_object(
    identifier: Any,
    module_objects: Mapping[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    printable_module_name: str = "object",
) -> Any:
    """Return the object that `serialize_keras_object` wrote.

    Args:
        identifier: A dict with `class_name` and `config`, a name, or `None`.
        module_objects: Classes and functions by name, in which it is looked up, too.
        custom_objects: Others, which go before.
        printable_module_name: What errors call such an object.

    Raises:
        ValueError: Nothing known has the name, or the dict has no `class_name` and `config`.

    Example:
        >>> deserialize_keras_object({"class_name": "L1", "config": {"l1": 0.5}}).get_config()
        {'l1': 0.5}
    """
    if identifier is None:
        return None
    known = {**(module_objects or {}), **(custom_objects or {})}
    if isinstance(identifier, str):
        if identifier in known:
            return known[identifier]() if isinstance(known[identifier], type) else known[identifier]
        identifier = {"class_name": "function", "config": identifier}
    elif not isinstance(identifier, dict) or not {"class_name", "config"} <= identifier.keys():
        raise ValueError(
            f"A {printable_module_name} is written as a dict with `class_name` and `config`, or as a name; got "
            f"{identifier!r}."
        )
    with custom_object_scope(known):
        return deserialize({**identifier, "registered_name": identifier["class_name"]})
