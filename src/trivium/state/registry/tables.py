"""Tables: which class or function each name stands for, kind by kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from trivium.state.custom_objects import get_registered_object
from trivium.state.registry.suggestions import suggest

__all__ = ["Config", "Table", "tables"]

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
