"""Names: registries that turn a string, a config or a class into the object meant by it.

Looking a name up never imports or runs anything that the name mentions: a registry knows only what the
library put into it and what the user registered with `register_keras_serializable` or `custom_object_scope`.
"""

from __future__ import annotations

import contextlib
import difflib
import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

__all__ = [
    "Registry",
    "custom_object_scope",
    "get_registered_name",
    "get_registered_object",
    "register_keras_serializable",
    "suggest",
]

T = TypeVar("T")

_custom_objects: dict[str, Any] = {}


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


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[T], T]:
    """Make a class or function of yours known to configs and files, under `package>name`.

    Args:
        package: A name for your project, so that two projects' classes do not collide.
        name: The name to register; the object's own by default.

    Returns:
        A decorator that registers its argument and returns it unchanged.

    Example:
        >>> @register_keras_serializable("docs")
        ... def double(x):
        ...     return 2 * x
        >>> get_registered_object("docs>double") is double
        True
    """

    def register(obj: T) -> T:
        registered = f"{package}>{name or obj.__name__}"  # type: ignore[attr-defined]
        _custom_objects[registered] = obj
        return obj

    return register


@contextlib.contextmanager
def custom_object_scope(custom_objects: dict[str, Any]) -> Iterator[None]:
    """Know extra names while the `with` block lasts.

    Args:
        custom_objects: Names and what they mean.

    Example:
        >>> with custom_object_scope({"triple": abs}):
        ...     get_registered_object("triple") is abs
        True
    """
    before = dict(_custom_objects)
    _custom_objects.update(custom_objects)
    try:
        yield
    finally:
        _custom_objects.clear()
        _custom_objects.update(before)


def get_registered_name(obj: Any) -> str:
    """Return the name under which `obj` was registered, else its own name.

    Example:
        >>> get_registered_name(len)
        'len'
    """
    for name, known in _custom_objects.items():
        if known is obj:
            return name
    return str(obj.__name__)


def get_registered_object(name: str) -> Any:
    """Return what was registered under `name`, or `None`.

    A bare class name finds `package>name` too when exactly one package has it.

    Example:
        >>> get_registered_object("nobody registered this") is None
        True
    """
    if name in _custom_objects:
        return _custom_objects[name]
    tails = [v for k, v in _custom_objects.items() if k.rpartition(">")[2] == name]
    return tails[0] if len(tails) == 1 else None


class Registry(Generic[T]):
    """The names of one kind of object: losses, activations, layers, …

    Args:
        kind: What the objects are called in messages, e.g. `"loss"`.
        module: The module that Keras's configs name for them, e.g. `"keras.losses"`; files stay exchangeable.

    Example:
        >>> shapes = Registry("shape", "docs.shapes")
        >>> @shapes.register("square")
        ... class Square:
        ...     pass
        >>> shapes.find("square") is Square
        True
    """

    def __init__(self, kind: str, module: str) -> None:
        self.kind = kind
        self.module = module
        self._by_name: dict[str, Any] = {}
        self._own: dict[str, Any] = {}

    def register(self, *aliases: str) -> Callable[[T], T]:
        """Return a decorator that registers a class or function under its own name and `aliases`."""

        def add(obj: T) -> T:
            name = obj.__name__  # type: ignore[attr-defined]
            self._own[name] = obj
            for key in (name, *aliases):
                self._by_name[key] = obj
            return obj

        return add

    def names(self) -> list[str]:
        """Return every name that `find` knows."""
        return list(self._by_name)

    def find(self, name: str) -> Any:
        """Return the class or function called `name`.

        Raises:
            ValueError: The name is unknown; the message has the nearest known ones.
        """
        found = self._by_name.get(name)
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
        """Return the config of `obj`: a name for the library's own functions, else a dict."""
        if obj is None:
            return None
        if inspect.isfunction(obj) or not hasattr(obj, "get_config"):
            name = obj.__name__
            return name if self._own.get(name) is obj else get_registered_name(obj)
        cls = type(obj)
        own = self._own.get(cls.__name__) is cls
        return {
            "module": self.module if own else cls.__module__,
            "class_name": cls.__name__,
            "config": obj.get_config(),
            "registered_name": None if own else get_registered_name(cls),
        }

    def deserialize(self, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """Return the object that `serialize` wrote `config` for.

        Args:
            config: A name or a dict with `class_name` and `config`.
            custom_objects: Names to know besides the registered ones.

        Raises:
            ValueError: The config names something unknown, or lacks `class_name`.
        """
        with custom_object_scope(custom_objects or {}):
            if not isinstance(config, dict):
                return self.get(config)
            if "class_name" not in config:
                raise ValueError(
                    f"A {self.kind} config is a dict with 'class_name' and 'config'; "
                    f"got the keys {sorted(config)}."
                )
            registered = config.get("registered_name")
            custom = get_registered_object(registered) if registered else None
            cls = custom if custom is not None else self.find(config["class_name"])
            if inspect.isfunction(cls):
                return cls
            if hasattr(cls, "from_config"):
                return cls.from_config(dict(config.get("config") or {}))
            return cls(**(config.get("config") or {}))
