"""Reading: the object that a config describes.

Nothing is imported or run that a config mentions: the tables say what a name means, and what the user registered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from trivium.state.custom_objects import custom_object_scope, get_registered_object
from trivium.state.frame import current_frame, entered
from trivium.state.registry.suggestions import nearest
from trivium.state.registry.tables import (
    Config,
    Table,
    is_of_library,
    is_of_others,
    named_function,
    tables,
)
from trivium.state.registry.writing import SHARED, sharing
from trivium.state.safety import UnknownNameError, UnsafeFileError, code_allowed, function_of_code

__all__ = ["deserialize", "inside_another", "known_class", "known_function", "knows", "read"]

# How values that are no objects of a class are read, by the name that stands in the place of the class's.
readers: dict[str, Callable[[Any], Any]] = {
    "__bytes__": lambda config: config["value"].encode("utf-8"),
    "__ellipsis__": lambda config: Ellipsis,
    "__numpy__": lambda config: np.array(config["value"], _known_dtype(config["dtype"])),
    "__slice__": lambda config: slice(*(deserialize(config[k]) for k in ("start", "stop", "step"))),
    "__tensor__": lambda config: jax.numpy.asarray(config["value"], _known_dtype(config["dtype"])),
}


def _known_dtype(name: str) -> Any:
    """Return the dtype of numbers that a config names: others may be of any size, or hold objects."""
    dtype = jax.numpy.dtype(name)
    if dtype.kind not in "biufcV" or dtype.itemsize > 16:
        raise UnsafeFileError(f"The config holds an array of {name!r}, which are no numbers.")
    return dtype


def deserialize(
    config: Any,
    custom_objects: Mapping[str, Any] | None = None,
    safe_mode: bool | None = None,
) -> Any:
    """Return what `serialize`, ours or Keras's, wrote `config` for.

    Nothing is imported: classes and functions are the library's own, and those that are registered or in
    `custom_objects`.

    Args:
        config: The config.
        custom_objects: Classes and functions by name, besides the registered ones.
        safe_mode: `False` lets functions that the config holds as code be made, which may do anything; `None` is as in
            the call around this one, and safe outside of any.

    Returns:
        The object; other values as they are, in lists and dicts too.

    Raises:
        UnsafeFileError: The config names something unknown, or holds code. It is a `ValueError`.

    Example:
        >>> deserialize([1, {"class_name": "__slice__", "config": {"start": None, "stop": 2, "step": None}}])
        [1, slice(None, 2, None)]
    """
    with custom_object_scope(custom_objects), code_allowed(safe_mode), sharing():
        if isinstance(config, str):
            custom = get_registered_object(config)
            return config if custom is None else custom
        return read(config)


def read(config: Any, registry: Table[Any] | None = None) -> Any:
    """Return what a config describes, inside a call of `deserialize`.

    Args:
        config: The config.
        registry: The table that its outermost name is looked up in; all of them where it is `None`.
    """
    if isinstance(config, list | tuple):
        parts = [read(x) for x in config]
        return parts if isinstance(config, list) else tuple(parts)
    if not isinstance(config, dict):
        return config
    if "class_name" not in config or (registry is None and "config" not in config):
        return {key: read(value) for key, value in config.items()}
    name, inner = config["class_name"], config.get("config")
    if name in readers:
        return readers[name](inner)
    if name == "__lambda__":
        return function_of_code(inner or {})
    if name == "function":
        return _function(config, registry)
    return _object(config, inner or {}, registry)


def _object(config: Config, inner: Config, registry: Table[Any] | None) -> Any:
    cls = _class(config, registry)
    if not isinstance(cls, type):
        return cls
    number = config.get(SHARED)
    with sharing() as shared:
        if not isinstance(number, int):
            return _new_object(cls, config, inner)
        place = cls, number  # A file may say one number of objects that are not of one class.
        if place not in shared:
            shared[place] = _new_object(cls, config, inner)
        return shared[place]


def _new_object(cls: Any, config: Config, inner: Config) -> Any:
    try:
        with inside_another():
            obj = cls.from_config(dict(inner)) if hasattr(cls, "from_config") else cls(**inner)
        build, compiled = config.get("build_config"), config.get("compile_config")
        # What is inside another is built by it, in the order of its own: weights are listed in that order. A class of
        # somebody's that says how it is built may know what its inputs do not tell.
        own = not is_of_library(getattr(cls, "build_from_config", cls).__module__)
        outermost = not current_frame().reading
        if build and (outermost or own) and hasattr(obj, "build_from_config") and not obj.built:
            obj.build_from_config(build)
        if compiled and hasattr(obj, "compile_from_config"):
            obj.compile_from_config(compiled)
    except Exception as error:
        named = inner.get("name") if isinstance(inner, dict) else None
        error.add_note(
            f"In the config of the {cls.__name__} {named!r}."
            if named
            else f"In the config of a {cls.__name__}."
        )
        raise
    return obj


def inside_another() -> entered:
    """Read what is inside an object while the `with` block lasts: what the object will build is not built yet."""
    return entered(reading=current_frame().reading + 1)


def _class(config: Config, registry: Table[Any] | None) -> Any:
    """Return the class that a config names."""
    name, registered = config["class_name"], config.get("registered_name")
    custom = get_registered_object(registered) if registered else None
    if custom is not None:
        return custom
    others = is_of_others(config)
    if registry is not None and not (others and name in registry.by_name):
        return registry.find(name)
    module = str(config.get("module") or "").replace(".src.", ".")
    homes = [] if others else [t for t in tables.values() if name in t.own]
    # The nearest by the module, since `MeanSquaredError` is a loss and a metric too.
    homes.sort(key=lambda t: (not module.startswith(t.module), t.module_of(t.own[name]) != module))
    if homes:
        return homes[0].own[name]
    custom = get_registered_object(name)
    if custom is None:
        known = [k for t in tables.values() for k in t.own]
        near = _hint(name, known, others)
        raise UnknownNameError(
            f"The config names the class {name!r} of {config.get('module')!r}, which is not known here. {near}A class "
            "of yours is known after `@register_keras_serializable()`, or in "
            "`custom_objects`."
        )
    return custom


def _hint(name: str, known: list[str], others: bool) -> str:
    if others and name in known:
        return f"(The library's own {name!r} is another one.) "
    return nearest(name, known)


def known_class(config: Config) -> Any:
    """Return the class that a config of an object names; `None` where it is not known.

    Args:
        config: What `serialize` gave for the object.
    """
    try:
        return _class(config, None)
    except UnknownNameError:
        return None


def _function(config: Config, registry: Table[Any] | None) -> Any:
    """Return the function that a config names."""
    name = str(config.get("config"))
    found = named_function(config, registry)
    others = is_of_others(config)
    if found is None and registry is not None and not others:
        found = registry.find(name)
    if found is None:
        known = [k for t in tables.values() for k in t.functions]
        raise UnknownNameError(
            f"The config names a function, and {name!r} is not known here. {_hint(name, known, others)}Put "
            "`@register_keras_serializable()` before a function of yours, or pass it in `custom_objects`."
        )
    return found


def known_function(name: str) -> Any:
    """Return the function that configs mean by a name, or `None`.

    Args:
        name: The name.
    """
    return named_function({"config": name})


def knows(config: Any) -> bool:
    """Say whether everybody's library knows what a config names, whatever is registered in this one.

    Args:
        config: What `serialize` gave.

    Example:
        >>> knows([1, {"class_name": "Mine", "config": {}, "registered_name": "docs>Mine"}])
        False
    """
    if isinstance(config, list | tuple):
        return all(map(knows, config))
    if not isinstance(config, dict):
        return True
    name = config.get("class_name")
    if isinstance(name, str) and "config" in config and not _is_ours(name, config):
        return False
    return all(map(knows, config.values()))


def _is_ours(name: str, config: Config) -> bool:
    module = str(config.get("module") or "")
    if name == "function":
        known = any(t.function(str(config["config"])) is not None for t in tables.values())
        return known and not is_of_others(config)
    if name.startswith("__") or module.startswith("keras.src.ops"):
        return True
    # A class that `convert` made has a module of ours, and is in no registry.
    return any(name in t.own and not isinstance(t.own[name], str) for t in tables.values()) and (
        not config.get("registered_name") or module.startswith(("keras", "trivium"))
    )
