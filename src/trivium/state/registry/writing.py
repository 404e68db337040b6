"""Writing: any object as a config, in the form that Keras's files have."""

from __future__ import annotations

import contextlib
import types
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from trivium.state.custom_objects import get_registered_name, get_registered_object
from trivium.state.frame import current_frame, entered
from trivium.state.registry.tables import Config, is_of_library, tables

__all__ = ["SHARED", "serialize", "sharing"]

# What functions of these are that are none of Python's own: compiled, with a derivative, with some arguments given.
_WITHOUT_CONFIGS = ("functools", "jax", "jaxlib", "numpy")
# Under which Keras's files have the number of an object that stands in several places.
SHARED = "shared_object_id"


def serialize(obj: Any) -> Any:
    """Return any value as Keras writes it to a config: plain values, lists and dicts of them.

    Args:
        obj: A plain value, an array, a function with a name, an object with `get_config`, or a nested structure of
            them.

    Returns:
        An object as a dict of `module`, `class_name`, `config` and `registered_name`, and what it was built for
        (`build_config`) and compiled with (`compile_config`) where it says so. Tuples stay tuples.

    Raises:
        TypeError: The object has no `get_config`.
        ValueError: A function without a name, whose code no config holds.

    Example:
        >>> serialize({"a": (1, np.float32(0.5)), "b": slice(2)})["b"]["class_name"]
        '__slice__'
    """
    if obj is None or isinstance(obj, str | bool | int | float):
        return obj
    if isinstance(obj, list | tuple):
        with sharing():
            written = [serialize(x) for x in obj]
        return written if isinstance(obj, list) else tuple(written)
    if isinstance(obj, dict):
        if id(obj) in (current_frame().shared or ()):
            return obj  # What `get_config` wrote already.
        return {key: serialize(value) for key, value in obj.items()}
    tagged = _tagged(obj)
    if tagged is not None:
        return tagged
    if isinstance(obj, np.generic | np.ndarray):
        return obj.item()
    if not hasattr(obj, "get_config") or isinstance(obj, type):
        return _function_config(obj)
    config = _class_names(type(obj))
    with sharing() as shared:
        config["config"] = serialize(obj.get_config())
        for part in ("build_config", "compile_config"):
            said = getattr(obj, f"get_{part}", lambda: None)()
            if said is not None:
                config[part] = serialize(said)
        if hasattr(type(obj), "variables"):
            _note_written(obj, config, shared)
    return config


@contextlib.contextmanager
def sharing() -> Iterator[dict[Any, Any]]:
    """Take what is written or read while the `with` block lasts for parts of one thing.

    An object with variables that stands in two places of it is written with a number, as in Keras's files, and read
    as one object.
    """
    shared = current_frame().shared
    shared = {} if shared is None else shared
    with entered(shared=shared):
        yield shared


def _note_written(obj: Any, config: Config, shared: dict[Any, Any]) -> None:
    """Give the configs of an object that is written again a number of their own."""
    _, number, before = shared.setdefault(id(obj), (obj, len(shared) + 1, config))
    shared[id(before)] = before
    if before is not config:
        before[SHARED] = config[SHARED] = number


def _tagged(obj: Any) -> Config | None:
    """Return the config of a value that has a mark in the place of a class's name, or `None`."""
    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "config": {"value": obj.decode("utf-8")}}
    if isinstance(obj, slice):
        parts = {"start": obj.start, "stop": obj.stop, "step": obj.step}
        return {"class_name": "__slice__", "config": serialize(parts)}
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if getattr(obj, "is_symbolic", False):
        node = obj.node
        history = None if node is None else [node.name, 0, obj.index]
        said = {"shape": obj.shape, "dtype": obj.dtype, "keras_history": history}
        return {"class_name": "__keras_tensor__", "config": said}
    if isinstance(obj, jax.Array) or (isinstance(obj, np.ndarray) and obj.ndim):
        tag = "__numpy__" if isinstance(obj, np.ndarray) else "__tensor__"
        values = {"value": np.asarray(obj).tolist(), "dtype": str(obj.dtype)}
        return {"class_name": tag, "config": values}
    return None


def _class_names(cls: type) -> Config:
    """Return the config of an object of a class, still without its arguments."""
    cls = vars(cls).get("_written_as", cls)
    home = next((t for t in tables.values() if t.own.get(t.name_of(cls)) is cls), None)
    module: str | None = cls.__module__ if home is None else home.module_of(cls)
    # What Keras has under no public name it takes for registered under its own.
    known = home is not None and not str(module).startswith("keras.src.")
    return {
        "module": None if module == "__main__" else module,
        "class_name": cls.__name__ if home is None else home.name_of(cls),
        "config": {},
        "registered_name": None if known else get_registered_name(cls),
    }


def _function_config(function: Any) -> Config:
    name = get_registered_name(function) if hasattr(function, "__name__") else ""
    plain = isinstance(function, types.FunctionType)
    if not name or not (plain or get_registered_object(name) is function):
        if callable(function) and type(function).__module__.partition(".")[0] in _WITHOUT_CONFIGS:
            raise TypeError(
                f"A config cannot hold {function!r}, only the name of a function that it knows: take one of "
                "`trivium.activations` or `trivium.ops`, or write one around it with `def`, and put "
                "`@trivium.saving.register_keras_serializable()` before it."
            )
        raise TypeError(
            f"A config cannot hold {function!r}: give {type(function).__name__} a `get_config` method that returns "
            "the arguments of `__init__` in a dict."
        )
    if name == "<lambda>":
        raise ValueError(
            f"A config cannot hold the function {function!r}, only its name: write it with `def`, and put "
            "`@trivium.saving.register_keras_serializable()` before it."
        )
    return {
        "module": _module_of(function, name),
        "class_name": "function",
        "config": name,
        "registered_name": "function",
    }


def _module_of(function: Any, name: str) -> str | None:
    """Return the module that a config names for a function.

    Keras names none but the first, and so reads its own function in the place of somebody's of the same name.
    """
    meant = {t.module: t.function(name) for t in tables.values()}
    mine = [module for module, found in meant.items() if found is function]
    if get_registered_object(name) is function or not any(meant.values()):
        return "builtins"
    if mine:
        return "keras.ops" if mine == ["keras.ops"] else "builtins"
    module = str(function.__module__)
    return None if is_of_library(module) or module == "__main__" else module
