"""The losses' names, and what losses and metrics that wrap a plain function have in common."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, ParamSpec, TypeVar

from trivium.graph import op
from trivium.state.configured import Configured
from trivium.state.registry import Registry

__all__ = ["LOSSES", "FunctionRegistry", "FunctionWrapper", "loss_function"]

P = ParamSpec("P")
R = TypeVar("R")


class FunctionRegistry(Registry[Any]):
    """A registry that writes functions to configs as Keras does: a dict that says "function".

    Example:
        >>> LOSSES.serialize(LOSSES.find("mse"))["config"]
        'mean_squared_error'
    """

    functions_by_name = False


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


class FunctionWrapper(Configured):
    """A loss or metric that is a plain function with some of its arguments fixed.

    A class of its own says in `__init__` which arguments those are; they are its config and its
    attributes. One without any says nothing but the function: `class Hinge(FunctionLoss, fn=hinge)`.
    """

    # The function of a class that is nothing else, and its name where its objects have another.
    function: ClassVar[Callable[..., Any]]
    fn: Callable[..., Any]
    _fn_kwargs: dict[str, Any]

    def __init_subclass__(
        cls, fn: Callable[..., Any] | None = None, name: str | None = None, **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        if fn is not None:
            cls.function = staticmethod(fn)
            cls.__init__ = _with_name(cls.__init__, name or fn.__name__)  # type: ignore[method-assign]

    def _config_values(self) -> Iterator[tuple[str, Any, bool]]:
        names = set()
        for name, value, given in super()._config_values():
            names.add(name)
            yield name, value, given
        if "fn" in names:
            yield from ((name, value, False) for name, value in self._fn_kwargs.items())

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        fixed = vars(self).get("_fn_kwargs", {})
        if name in fixed:
            fixed[name] = vars(self).pop(name)

    def __getattr__(self, name: str) -> Any:
        fixed = self.__dict__.get("_fn_kwargs", {})
        if name in fixed:
            return fixed[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def _with_name(init: Any, name: str) -> Any:
    """Return a constructor like `init` whose `name` has this default, for people and for `inspect` to see."""
    parameters = inspect.signature(init).parameters.values()
    defaults = [name if p.name == "name" else p.default for p in parameters if p.name != "self"]
    code, scope, closure = init.__code__, init.__globals__, init.__closure__
    made = types.FunctionType(code, scope, "__init__", tuple(defaults), closure)
    made.__annotations__, made.__doc__ = init.__annotations__, init.__doc__
    return made
