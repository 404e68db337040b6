"""The three functions that each room of objects with names has: `get`, `serialize` and `deserialize`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from trivium.state.registry import Registry

__all__ = ["faces"]


def faces(registry: Registry[Any], room: str) -> tuple[Callable[..., Any], ...]:
    """Return the functions `get`, `serialize` and `deserialize` of one kind of object, for its room.

    Args:
        registry: The kind's registry.
        room: The module that they stand in.

    Example:
        >>> get, serialize, deserialize = faces(Registry("shape", "docs.other_shapes"), __name__)
        >>> get(None) is None, serialize.__doc__.splitlines()[0]
        (True, 'Return the config of a shape, as Keras writes it.')
    """
    article = "an" if registry.kind[0] in "aeiou" else "a"
    what, own_name = f"{article} {registry.kind}", registry.kind.replace(" ", "_")
    signature = inspect.Signature(
        [inspect.Parameter(own_name, inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    )

    def get(identifier: Any) -> Any:
        return registry.get(identifier)

    def serialize(*args: Any, **kwargs: Any) -> Any:
        (obj,) = signature.bind(*args, **kwargs).args
        return registry.serialize(obj)

    def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        return registry.deserialize(config, custom_objects)

    get.__doc__ = f"""Return the {registry.kind} that `identifier` means.

    Args:
        identifier: `None` (gives `None`), a name, a config, a class, or {what} itself.

    Raises:
        ValueError: There is none of that name; the message has the nearest known ones.
        TypeError: `identifier` is of another kind.
    """
    serialize.__doc__ = f"""Return the config of {what}, as Keras writes it.

    Args:
        {own_name}: The {registry.kind}.
    """
    serialize.__signature__ = signature  # type: ignore[attr-defined]
    deserialize.__doc__ = f"""Return the {registry.kind} that `serialize` wrote `config` for.

    Args:
        config: A config or a name.
        custom_objects: Classes and functions of yours by name, besides the registered ones.

    Raises:
        ValueError: The config names something unknown.
    """
    for face in (get, serialize, deserialize):
        face.__module__, face.__qualname__ = room, face.__name__
    return get, serialize, deserialize
