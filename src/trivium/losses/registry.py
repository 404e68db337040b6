"""The losses' names, and what losses and metrics that wrap a plain function have in common."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar, ParamSpec, TypeVar

from trivium.graph import op
from trivium.state.registry import Registry

__all__ = ["LOSSES", "FunctionRegistry", "FunctionWrapper", "loss_function"]

P = ParamSpec("P")
R = TypeVar("R")


class FunctionRegistry(Registry[Any]):
    """A registry that writes functions to configs as Keras does: a dict that says "function".

    Args:
        kind: What the objects are called in messages.
        module: The module that Keras's configs name for them.
        functions: Functions that configs may name, by name.

    Example:
        >>> LOSSES.serialize(LOSSES.find("mse"))["config"]
        'mean_squared_error'
    """

    def __init__(self, kind: str, module: str, functions: dict[str, Any] | None = None) -> None:
        super().__init__(kind, module)
        self.functions: dict[str, Any] = dict(functions or {})

    def owns(self, obj: Any) -> bool:
        """Say whether `obj` is one of the library's own functions or classes here."""
        name = getattr(obj, "__name__", "")
        return obj in (self._own.get(name), self.functions.get(name))

    def find(self, name: str) -> Any:
        """Return the class or function called `name`; classes come first.

        Raises:
            ValueError: The name is unknown; the message has the nearest known ones.
        """
        if name in self.functions and name not in self._by_name:
            return self.functions[name]
        return super().find(name)

    def serialize(self, obj: Any) -> Any:
        """Return the config of an object or a function."""
        if inspect.isfunction(obj):
            name = obj.__name__ if self.owns(obj) else super().serialize(obj)
            return {
                "module": "builtins",
                "class_name": "function",
                "config": name,
                "registered_name": "function",
            }
        return super().serialize(obj)

    def deserialize(self, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """Return the object or function that `serialize` wrote `config` for.

        Raises:
            ValueError: The config names something unknown.
        """
        if isinstance(config, dict) and config.get("class_name") == "function":
            config = config["config"]
            if config in self.functions:
                return self.functions[config]
        return super().deserialize(config, custom_objects)


LOSSES = FunctionRegistry("loss", module="keras.losses")


def loss_function(*aliases: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that makes a function an op and a loss known by name.

    Args:
        *aliases: Further names, e.g. `"mse"`.
    """

    def declare(function: Callable[P, R]) -> Callable[P, R]:
        declared = op(function)
        for name in (function.__name__, *aliases):
            LOSSES.functions[name] = declared
        return LOSSES.register(*aliases)(declared)

    return declare


class FunctionWrapper:
    """A loss or metric that is a plain function with some of its arguments fixed.

    A class of its own says in `__init__` which arguments those are; they are its config and its
    attributes.
    """

    registry: ClassVar[FunctionRegistry] = LOSSES
    # Arguments that Keras's configs leave out, with their defaults: written only where they differ
    # from them.
    _left_out: ClassVar[dict[str, Any]] = {}

    fn: Callable[..., Any]
    _fn_kwargs: dict[str, Any]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the object."""
        config: dict[str, Any] = super().get_config()  # type: ignore[misc]
        if "fn" in inspect.signature(type(self)).parameters:
            config["fn"] = LOSSES.serialize(self.fn)
        for name, value in self._fn_kwargs.items():
            if name not in self._left_out or self._left_out[name] != value:
                config[name] = value
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Rebuild the object from `get_config`."""
        fn = config.get("fn")
        if isinstance(fn, dict):
            registry = cls.registry if fn.get("class_name") == "function" else LOSSES
            config = {**config, "fn": registry.deserialize(fn)}
        return cls(**config)

    def __getattr__(self, name: str) -> Any:
        fixed = self.__dict__.get("_fn_kwargs", {})
        if name in fixed:
            return fixed[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
