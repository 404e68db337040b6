"""Configs: an object as the arguments that make it anew.

A config is the constructor's arguments by name. For a class of ours each argument is read off the attribute of the
same name, so that settings changed later are in it; for a class of yours it is what the object was made with. Objects
among them, however deep, are configs of their own.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from jax.tree_util import tree_leaves

from trivium.state.registry import custom_object_scope, deserialize, inside_another, serialize

__all__ = ["Configured", "arguments"]


class Configured:
    """Base of everything that a config can describe: it has `get_config` and `from_config` by itself.

    A class that writes its config in another way than its arguments stand in the constructor says so in the class
    attributes below, or overrides `_config_argument`.

    Example:
        >>> class Power(Configured):
        ...     def __init__(self, exponent, offset=0.0):
        ...         self.exponent, self.offset = exponent, offset
        >>> Power(2).get_config()
        {'exponent': 2, 'offset': 0.0}
        >>> Power.from_config({"exponent": 3}).exponent
        3
    """

    # Arguments that no config has.
    _unwritten: ClassVar[frozenset[str]] = frozenset()
    # Arguments that Keras's configs leave out, with their defaults: written only where they differ from them.
    _left_out: ClassVar[Mapping[str, Any]] = {}
    # What Keras's configs have besides, which is no argument here.
    _constants: ClassVar[Mapping[str, Any]] = {}

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make the object, and keep what the constructor of a user's class is given."""
        made = super().__new__(cls)
        if not _is_ours(cls):
            vars(made)["_call_args"] = (args, kwargs)
        return made

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the object anew, as plain values and configs.

        A subclass adds its own to these. One that does not override this method gets the arguments that it was made
        with by itself.

        Raises:
            NotImplementedError: An argument is nothing that a config can hold.
        """
        config = {}
        for name, value, given in self._config_values():
            if name in self._left_out and self._left_out[name] == value:
                continue
            try:
                if given and any(getattr(x, "is_symbolic", False) for x in tree_leaves(value)):
                    raise TypeError(
                        "It holds a tensor of a graph, which means nothing outside of it."
                    )
                config[name] = self._config_write(name, value)
            except (TypeError, ValueError) as error:
                if not given:
                    raise
                raise NotImplementedError(
                    f"{type(self).__name__} was made with {name}={value!r}, which a config cannot hold: give the class "
                    f"a `get_config` method that returns its arguments as plain values. {error}"
                ) from error
        return {**config, **self._constants}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """Return a new object made with the arguments in `config`.

        Args:
            config: What `get_config` gave, ours or Keras's.
            custom_objects: Classes and functions of yours by name, besides the registered ones.

        Raises:
            TypeError: The class does not take these arguments.
            ValueError: The config names something unknown.
        """
        with custom_object_scope(custom_objects), inside_another():
            given = {
                k: cls._config_read(k, v) for k, v in config.items() if k not in cls._constants
            }
        try:
            return cls(**given)
        except TypeError as error:
            raise TypeError(
                f"{cls.__name__} cannot be made from the config {config}: {error}. Let `__init__` take what "
                "`get_config` returns, and pass `**kwargs` on to `super().__init__`."
            ) from error

    def _config_values(self) -> Iterator[tuple[str, Any, bool]]:
        """Yield each argument in the config: its name, its value, and whether that is what a user's class was given."""
        described = _described(type(self))
        common = arguments(_family(type(self)))
        given = {} if _is_ours(described) else self._config_given()
        for name, owner in arguments(described).items():
            if _is_ours(owner) or name in common:
                yield name, self._config_argument(name), False
            elif name in given:  # Else a class in between was given it by the one before it.
                yield name, given[name], True

    def _config_argument(self, name: str) -> Any:
        """Return the value of one of our own constructors' arguments."""
        return getattr(self, name)

    def _config_write(self, name: str, value: Any) -> Any:
        """Return an argument's value as the config holds it."""
        return serialize(value)

    @classmethod
    def _config_read(cls, name: str, value: Any) -> Any:
        """Return the argument that a config's entry stands for."""
        return value if isinstance(value, str) else deserialize(value)

    def _config_given(self) -> dict[str, Any]:
        """Return what the constructor of a user's class was given, its defaults included."""
        args, kwargs = vars(self).get("_call_args", ((), {}))
        bound = inspect.signature(type(self).__init__).bind(self, *args, **kwargs)
        bound.apply_defaults()
        given = dict(list(bound.arguments.items())[1:])
        for parameter in bound.signature.parameters.values():
            if parameter.kind is parameter.VAR_KEYWORD:
                given |= given.pop(parameter.name, {})
        return given


def arguments(cls: type) -> Mapping[str, type]:
    """Return the names of what a class's constructor takes, each with the class that takes it.

    A constructor that takes `**kwargs` hands them to the class behind it; what it fixes there, the class names in
    `_unwritten`.

    Args:
        cls: The class.

    Example:
        >>> class Base(Configured):
        ...     def __init__(self, name=None):
        ...         self.name = name
        >>> class Scaled(Base):
        ...     def __init__(self, scale, **kwargs):
        ...         super().__init__(**kwargs)
        >>> list(arguments(Scaled))
        ['scale', 'name']
    """
    if cls not in _arguments:
        _arguments[cls] = _read_arguments(cls)
    return _arguments[cls]


# Weak, since classes are made while programs run, and go.
_arguments: weakref.WeakKeyDictionary[type, Mapping[str, type]] = weakref.WeakKeyDictionary()


def _read_arguments(cls: type) -> dict[str, type]:
    found: dict[str, type] = {}
    for base in cls.__mro__:
        init = vars(base).get("__init__")
        if init is None or base is object:
            continue
        parameters = list(inspect.signature(init).parameters.values())[1:]
        more = any(p.kind is p.VAR_KEYWORD for p in parameters)
        for p in parameters:
            if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
                found.setdefault(p.name, base)
        if not more:
            break
    unwritten: frozenset[str] = getattr(cls, "_unwritten", frozenset())
    return {name: base for name, base in found.items() if name not in unwritten}


def _described(cls: type) -> type:
    """Return the class whose arguments are in the config of the base: behind the last `get_config` of the user's."""
    last = [i for i, c in enumerate(cls.__mro__) if "get_config" in vars(c) and not _is_ours(c)]
    return cls.__mro__[last[-1] + 1] if last else cls


def _family(cls: type) -> type:
    """Return the base of a class's kind whose arguments all of it share: `Layer`, `Loss`, `Optimizer`, …"""
    bases = [base for base in cls.__mro__ if "__init__" in vars(base) and _is_ours(base)]
    return bases[-1] if bases else Configured


def _is_ours(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == "trivium"
