"""Registries: what a name, a config or a class means, and how any object is written as a config and read back.

Looking a name up never imports or runs anything that the name mentions: a registry knows only what the
library put into it and what the user registered with `register_keras_serializable` or `custom_object_scope`.
"""

from __future__ import annotations

import contextlib
import difflib
import inspect
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

import jax
import numpy as np

from trivium.state.custom_objects import (
    custom_object_scope,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from trivium.state.frame import current_frame, entered
from trivium.state.safety import UnknownNameError, UnsafeFileError, code_allowed, function_of_code

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
    "register_keras_serializable",
    "serialize",
    "sharing",
    "suggest",
]

T = TypeVar("T")
Config = dict[str, Any]
_SHARED = "shared_object_id"

# Every registry, by the module that Keras's configs name for its objects.
_registries: dict[str, Registry[Any]] = {}
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


def suggest(name: str, known: Iterable[str]) -> str:
    """Say which known names come closest to a mistyped one.

    Args:
        name: The name that was not found.
        known: The names that exist.

    Returns:
        A sentence for an error message.

    Example:
        >>> suggest("rleu", ["relu", "tanh"])
        "Did you mean 'relu'?"
    """
    names = sorted(set(known))
    folded = {n.lower().replace("_", ""): n for n in names}
    key = str(name).lower().replace("_", "")
    close = [folded[key]] if key in folded else []
    close += [
        folded[k] for k in difflib.get_close_matches(key, folded, n=3) if folded[k] not in close
    ]
    if close:
        return "Did you mean " + " or ".join(repr(n) for n in close) + "?"
    return "Known names: " + ", ".join(names) + "."


class Registry(Generic[T]):
    """The names of one kind of object: losses, activations, layers, …

    Args:
        kind: What the objects are called in messages, e.g. `"loss"`.
        module: The module that Keras's configs name for them, e.g. `"keras.losses"`; files stay exchangeable.
        functions: Functions that configs may name besides the registered ones, by name.

    Example:
        >>> shapes = Registry("shape", "docs.shapes")
        >>> @shapes.register("square")
        ... class Square:
        ...     pass
        >>> shapes.find("square") is Square
        True
    """

    # Keras's configs have the name of a function of its own alone for activations, and a dict elsewhere.
    functions_by_name = True

    def __init__(self, kind: str, module: str, functions: Mapping[str, Any] | None = None) -> None:
        self.kind = kind
        self.module = module
        self.functions: dict[str, Any] = dict(functions or {})
        self._by_name: dict[str, Any] = {}
        self._own: dict[str, Any] = {}
        self._modules: dict[str, str] = {}
        self._names: dict[Any, str] = {}
        _registries[module] = self

    def register(
        self, *aliases: str, module: str | None = None, name: str | None = None
    ) -> Callable[[T], T]:
        """Return a decorator that registers a class or function under its own name and `aliases`.

        Args:
            *aliases: More names.
            module: The module that Keras's configs name for it, where it is not the registry's.
            name: The name that they have for it, where it is not its own.
        """

        def add(obj: T) -> T:
            known = name or obj.__name__  # type: ignore[attr-defined]
            self._own[known] = obj
            if name is not None:
                self._names[obj] = name
            if module is not None:
                self._modules[known] = module
            for key in (known, *aliases):
                self._by_name[key] = obj
            return obj

        return add

    def names(self) -> list[str]:
        """Return every name that `find` knows."""
        return list(self._by_name)

    def owns(self, obj: Any) -> bool:
        """Say whether `obj` is one of the library's own classes or functions here."""
        name = self.name_of(obj) if hasattr(obj, "__name__") else ""
        return bool(name) and obj in (self._own.get(name), self.functions.get(name))

    def module_of(self, cls: type) -> str:
        """Return the module that Keras's configs name for a class of this registry."""
        return self._modules.get(self.name_of(cls), self.module)

    def name_of(self, obj: Any) -> str:
        """Return the name that Keras's configs have for a class or function of this registry."""
        return self._names.get(obj) or str(obj.__name__)

    def find(self, name: str) -> Any:
        """Return the class or function called `name`; what is registered comes before `functions`.

        Raises:
            ValueError: The name is unknown; the message has the nearest known ones.
        """
        found = self._by_name.get(name, self.functions.get(name))
        if found is None:
            found = get_registered_object(name)
        if found is None:
            raise ValueError(f"Unknown {self.kind} {name!r}. {suggest(name, self.names())}")
        return found

    def get(self, identifier: Any) -> Any:
        """Return the object that `identifier` means.

        Args:
            identifier: `None` (gives `None`), a name, a config, a class (instantiated) or the object itself.

        Raises:
            ValueError: Nothing is known by that name.
            TypeError: `identifier` is of another kind.
        """
        if identifier is None:
            return None
        if isinstance(identifier, dict):
            return self.deserialize(identifier)
        if isinstance(identifier, str):
            identifier = self.find(identifier)
        if inspect.isclass(identifier):
            return identifier()
        if callable(identifier):
            return identifier
        article = "an" if self.kind[0] in "aeiou" else "a"
        raise TypeError(
            f"Cannot read {identifier!r} as {article} {self.kind}: give a name (a string), a config (a dict), "
            f"or the {self.kind} itself."
        )

    def serialize(self, obj: Any) -> Any:
        """Return the config of `obj`: a name for the library's own activations, else a dict."""
        if self.functions_by_name and self.owns(obj) and not isinstance(obj, type):
            return obj.__name__
        return serialize(obj)

    def deserialize(self, config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """Return the object that `serialize` wrote `config` for.

        Args:
            config: A name or a dict with `class_name` and `config`.
            custom_objects: Names to know besides the registered ones.

        Raises:
            ValueError: The config names something unknown, or lacks `class_name`.
        """
        with custom_object_scope(custom_objects):
            if not isinstance(config, dict):
                return self.get(config)
            if "class_name" not in config:
                raise ValueError(
                    f"A {self.kind} config is a dict with 'class_name' and 'config'; "
                    f"got the keys {sorted(config)}."
                )
            return _read(config, self)


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
        before[_SHARED] = config[_SHARED] = number


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
    home = next((r for r in _registries.values() if r._own.get(r.name_of(cls)) is cls), None)
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
        "module": "builtins",
        "class_name": "function",
        "config": name,
        "registered_name": "function",
    }


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
        return _read(config)


def _read(config: Any, registry: Registry[Any] | None = None) -> Any:
    if isinstance(config, list | tuple):
        read = [_read(x) for x in config]
        return read if isinstance(config, list) else tuple(read)
    if not isinstance(config, dict):
        return config
    if "class_name" not in config or (registry is None and "config" not in config):
        return {key: _read(value) for key, value in config.items()}
    name, inner = config["class_name"], config.get("config")
    if name in readers:
        return readers[name](inner)
    if name == "__lambda__":
        return function_of_code(inner or {})
    if name == "function":
        return _function(config, registry)
    return _object(config, inner or {}, registry)


def _object(config: Config, inner: Config, registry: Registry[Any] | None) -> Any:
    cls = _class(config, registry)
    if not isinstance(cls, type):
        return cls
    number = config.get(_SHARED)
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
        # What is inside another is built by it, in the order of its own: weights are listed in that order.
        outermost = not current_frame().reading
        if build and outermost and hasattr(obj, "build_from_config") and not obj.built:
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


def _class(config: Config, registry: Registry[Any] | None) -> Any:
    """Return the class that a config names."""
    name, registered = config["class_name"], config.get("registered_name")
    custom = get_registered_object(registered) if registered else None
    if custom is not None:
        return custom
    if registry is not None:
        return registry.find(name)
    module = str(config.get("module") or "").replace(".src.", ".")
    homes = [r for r in _registries.values() if name in r._own]
    # The nearest by the module, since `MeanSquaredError` is a loss and a metric too.
    homes.sort(key=lambda r: (not module.startswith(r.module), r.module_of(r._own[name]) != module))
    if homes:
        return homes[0]._own[name]
    custom = get_registered_object(name)
    if custom is None:
        known = [k for r in _registries.values() for k in r._own]
        near = _nearest(name, known)
        raise UnknownNameError(
            f"The config names the class {name!r} of {config.get('module')!r}, which is not known here. {near}A class "
            "of yours is known after `@register_keras_serializable()`, or in "
            "`custom_objects`."
        )
    return custom


def known_class(config: Config) -> Any:
    """Return the class that a config of an object names; `None` where it is not known.

    Args:
        config: What `serialize` gave for the object.
    """
    try:
        return _class(config, None)
    except UnknownNameError:
        return None


def _function(config: Config, registry: Registry[Any] | None) -> Any:
    """Return the function that a config names."""
    name = str(config.get("config"))
    found = known_function(name, registry)
    if found is None and registry is not None:
        found = registry.find(name)
    if found is None:
        known = [k for r in _registries.values() for k in r.functions]
        raise UnknownNameError(
            f"The config names a function, and {name!r} is not known here. {_nearest(name, known)}Put "
            "`@register_keras_serializable()` before a function of yours, or pass it in `custom_objects`."
        )
    return found


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
        return any(t.functions.get(str(config["config"])) is not None for t in _registries.values())
    if name.startswith("__") or module.startswith("keras.src.ops"):
        return True
    # A class that `convert` made has a module of ours, and is in no registry.
    return any(
        name in r._own and not isinstance(r._own[name], str) for r in _registries.values()
    ) and (not config.get("registered_name") or module.startswith(("keras", "trivium")))


def _nearest(name: str, known: list[str]) -> str:
    """Return a hint at the nearest names; without one, hundreds of names help nobody."""
    hint = suggest(name, known)
    return f"{hint} " if hint.startswith("Did you mean") else ""


def known_function(name: str, registry: Registry[Any] | None = None) -> Any:
    """Return the function that configs mean by a name, or `None`.

    Args:
        name: The name.
        registry: Where to look first.
    """
    found = get_registered_object(name)
    # Ops come last: an activation and an op may share a name.
    tables = sorted(
        _registries.values(), key=lambda r: (r is not registry, r.module == "keras.ops")
    )
    for table in tables:
        if found is None:
            found = table.functions.get(name)
        own = table._by_name.get(name)
        if found is None and own is not None and not isinstance(own, type):
            found = own
    return found
