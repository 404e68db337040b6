"""Tables: which class or function each name stands for, kind by kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from trivium.state.custom_objects import get_registered_object, named_exactly
from trivium.state.registry.suggestions import suggest

__all__ = ["Config", "Table", "is_of_library", "is_of_others", "named_function", "tables"]

T = TypeVar("T")
Config = dict[str, Any]

# Every table, by the module that Keras's configs name for its objects.
tables: dict[str, Table[Any]] = {}


class Table(Generic[T]):
    """The names of one kind of object: what configs are written from and read with.

    Args:
        kind: What the objects are called in messages.
        module: The module that configs name for them.
        functions: Functions that configs may name besides the registered ones, by name.
    """

    # Keras's configs have the name of a function of its own alone for activations, and a dict elsewhere.
    functions_by_name = True

    def __init__(self, kind: str, module: str, functions: Mapping[str, Any] | None = None) -> None:
        self.kind = kind
        self.module = module
        self.functions: dict[str, Any] = dict(functions or {})
        self.by_name: dict[str, Any] = {}
        self.own: dict[str, Any] = {}
        self._modules: dict[str, str] = {}
        self._names: dict[Any, str] = {}
        tables[module] = self

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
            self.own[known] = obj
            if name is not None:
                self._names[obj] = name
            if module is not None:
                self._modules[known] = module
            for key in (known, *aliases):
                self.by_name[key] = obj
            return obj

        return add

    def names(self) -> list[str]:
        """Return every name that `find` knows."""
        return list(self.by_name)

    def owns(self, obj: Any) -> bool:
        """Say whether `obj` is one of the library's own classes or functions here."""
        name = self.name_of(obj) if hasattr(obj, "__name__") else ""
        return bool(name) and obj in (self.own.get(name), self.functions.get(name))

    def module_of(self, cls: type) -> str:
        """Return the module that Keras's configs name for a class of this registry."""
        return self._modules.get(self.name_of(cls), self.module)

    def name_of(self, obj: Any) -> str:
        """Return the name that Keras's configs have for a class or function of this registry."""
        return self._names.get(obj) or str(obj.__name__)

    def function(self, name: str) -> Any:
        """Return the function that configs mean by a name, or `None`."""
        own = self.by_name.get(name)
        return self.functions.get(name) or (None if isinstance(own, type) else own)

    def find(self, name: str) -> Any:
        """Return the class or function called `name`; what is registered comes before `functions`.

        Raises:
            ValueError: The name is unknown; the message has the nearest known ones.
        """
        found = self.by_name.get(name, self.functions.get(name))
        if found is None:
            found = get_registered_object(name)
        if found is None:
            raise ValueError(f"Unknown {self.kind} {name!r}. {suggest(name, self.names())}")
        return found


# The libraries whose names, in the modules that configs name, are those of the tables.
_LIBRARIES = ("builtins", "keras", "tensorflow", "tf_keras", "trivium")


def is_of_others(config: Config) -> bool:
    """Say whether a config names a class or function that somebody has written, and not the library's of that name.

    Args:
        config: What `serialize`, ours or Keras's, gave.

    Example:
        >>> is_of_others({"module": "builtins", "class_name": "function", "config": "relu"})
        False
        >>> is_of_others({"module": None, "class_name": "function", "config": "relu"})
        True
    """
    if "module" not in config:  # As Keras 2 wrote it.
        return False
    function = config.get("class_name") == "function"
    own = function or bool(config.get("registered_name"))
    return own and not is_of_library(str(config["module"]))


def is_of_library(module: str) -> bool:
    """Say whether the names of a module that a config names are those of the tables."""
    return module.partition(".")[0] in _LIBRARIES


def named_function(config: Config, registry: Table[Any] | None = None) -> Any:
    """Return the function that a config names, or `None`.

    Args:
        config: The config.
        registry: Where to look first.
    """
    name, module = str(config.get("config")), config.get("module")
    # `linear` is the library's, though somebody may have registered a `mine>linear`.
    found = named_exactly(name)
    if found is not None or is_of_others(config):
        return get_registered_object(name) if found is None else found
    first = registry if module not in tables else tables[str(module)]
    # Ops come last: an activation and an op may share a name.
    inside = sorted(tables.values(), key=lambda t: (t is not first, t.module == "keras.ops"))
    found = next((f for t in inside if (f := t.function(name)) is not None), None)
    return get_registered_object(name) if found is None else found
