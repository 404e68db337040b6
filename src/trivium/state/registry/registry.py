"""The registry of one kind of object: what a user may give for one, and its configs."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, TypeVar

from trivium.state.custom_objects import custom_object_scope
from trivium.state.registry.reading import read
from trivium.state.registry.tables import Table
from trivium.state.registry.writing import serialize

__all__ = ["Registry"]

T = TypeVar("T")


class Registry(Table[T]):
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
            return read(config, self)
