"""Names that users give to classes and functions of their own, so that configs and files may speak of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from trivium.state.frame import FrameScope, current_frame

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "named_exactly",
    "register_keras_serializable",
]

T = TypeVar("T")

# For good, and for the process; those of a `custom_object_scope` are in the frame.
_registered: dict[str, Any] = {}


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[T], T]:
    """Make a class or function of yours known to configs and files, under `package>name`.

    Args:
        package: A name for your project, so that two projects' classes do not collide.
        name: The name to register; the object's own by default.

    Returns:
        A decorator that registers its argument and returns it unchanged.

    Raises:
        ValueError: The class has no `get_config`, so that no config could hold an object of it.

    Example:
        >>> @register_keras_serializable("docs")
        ... def double(x):
        ...     return 2 * x
        >>> get_registered_object("docs>double") is double
        True
    """

    def register(obj: T) -> T:
        if isinstance(obj, type) and not hasattr(obj, "get_config"):
            raise ValueError(
                f"{obj.__name__} cannot be registered: it has no `get_config`, which returns the arguments of "
                "`__init__` in a dict. Write one."
            )
        registered = f"{package}>{name or obj.__name__}"  # type: ignore[attr-defined]
        _registered[registered] = obj
        return obj

    return register


class CustomObjectScope(FrameScope):
    """Know extra names while a `with` block lasts, in this thread.

    Args:
        custom_objects: Names and what they mean; `None` for none.

    Example:
        >>> with CustomObjectScope({"triple": abs}):
        ...     get_registered_object("triple") is abs
        True
    """

    def __init__(self, custom_objects: Mapping[str, Any] | None) -> None:
        self.custom_objects = dict(custom_objects or {})

    def _changes(self) -> dict[str, Any]:
        return {"names": (*current_frame().names, self.custom_objects)}


custom_object_scope = CustomObjectScope


def get_custom_objects() -> dict[str, Any]:
    """Return the dict of what is registered, by name; changing it changes what is known.

    What a `custom_object_scope` knows is not in it.

    Example:
        >>> get_custom_objects()["docs>absolute"] = abs
        >>> get_registered_object("docs>absolute") is abs
        True
    """
    return _registered


def get_registered_name(obj: Any) -> str:
    """Return the name under which `obj` was registered, else its own name.

    Example:
        >>> get_registered_name(len)
        'len'
    """
    for known in (_registered, *reversed(current_frame().names)):
        for name, value in known.items():
            if value is obj:
                return str(name)
    return str(obj.__name__)


def get_registered_object(
    name: str,
    custom_objects: Mapping[str, Any] | None = None,
    module_objects: Mapping[str, Any] | None = None,
) -> Any:
    """Return what was registered under `name`, or `None`.

    A bare class name finds `package>name` too when exactly one package has it.

    Args:
        name: The name.
        custom_objects: Names to know besides the registered ones.
        module_objects: Likewise, asked last.

    Example:
        >>> get_registered_object("nobody registered this") is None
        True
    """
    tables = (
        *reversed(current_frame().names),
        _registered,
        custom_objects or {},
        module_objects or {},
    )
    for table in tables:
        if name in table:
            return table[name]
    return _by_tail(name)


def named_exactly(name: str) -> Any:
    """Return what was registered, or is known for a while, under just this name; `None` where nothing is.

    Args:
        name: The name.
    """
    tables = (*reversed(current_frame().names), _registered)
    return next((table[name] for table in tables if name in table), None)


def _by_tail(name: str) -> Any:
    tails = [v for k, v in _registered.items() if k.rpartition(">")[2] == name]
    return tails[0] if len(tails) == 1 else None
