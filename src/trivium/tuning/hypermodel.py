"""What makes a model from hyperparameters, and trains it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

from trivium.tuning.errors import FatalTypeError
from trivium.tuning.hyperparameters import HyperParameters

__all__ = ["HyperModel", "HyperModelLike", "place_of", "resolve"]


class HyperModel:
    """A model as a function of hyperparameters: override `build`, and `fit` where training is searched over, too.

    Args:
        name: A name.
        tunable: Whether `build` searches; where not, all hyperparameters have their defaults.

    Example:
        >>> import trivium as tv
        >>> class Network(HyperModel):
        ...     def build(self, hp):
        ...         model = tv.Sequential([tv.layers.Dense(hp.Int("units", 4, 16)), tv.layers.Dense(1)])
        ...         model.compile("sgd", "mse")
        ...         return model
        ...
        ...     def fit(self, hp, model, *args, **kwargs):
        ...         return model.fit(*args, batch_size=hp.Choice("batch_size", [16, 32]), **kwargs)
        >>> Network().build(HyperParameters()).layers[0].units
        4
    """

    def __init__(self, name: str | None = None, tunable: bool = True) -> None:
        self.name, self.tunable = name, tunable

    def build(self, hp: HyperParameters) -> Any:
        """Return a compiled model.

        Args:
            hp: The hyperparameters.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no `build(self, hp)` that returns a model."
        )

    def declare_hyperparameters(self, hp: HyperParameters) -> None:
        """Define hyperparameters ahead of `build`.

        Args:
            hp: The hyperparameters.
        """

    def fit(self, hp: HyperParameters, model: Any, *args: Any, **kwargs: Any) -> Any:
        """Train a model.

        Args:
            hp: The hyperparameters.
            model: What `build` returned.
            args: What `search` was given.
            kwargs: What `search` was given, and `callbacks`, which must reach `model.fit`.

        Returns:
            A `History`, a dict of results, or the objective's value.
        """
        return model.fit(*args, **kwargs)


class _Function(HyperModel):
    """A function `build(hp)` as a `HyperModel`."""

    def __init__(self, function: Callable[[HyperParameters], Any]) -> None:
        super().__init__(name=getattr(function, "__name__", None))
        self.build = function  # type: ignore[method-assign, assignment]


HyperModelLike: TypeAlias = HyperModel | type[HyperModel] | Callable[[HyperParameters], Any] | None
"""What an argument `hypermodel` may be; see `resolve`."""


def resolve(hypermodel: HyperModelLike) -> HyperModel | None:
    """Return what an argument `hypermodel` means.

    Args:
        hypermodel: A `HyperModel`, its class, a function `build(hp)`, or `None`.

    Raises:
        FatalTypeError: It is none of these.
    """
    if hypermodel is None or isinstance(hypermodel, HyperModel):
        return hypermodel
    if isinstance(hypermodel, type) and issubclass(hypermodel, HyperModel):
        return hypermodel()
    if callable(hypermodel):
        return _Function(hypermodel)
    raise FatalTypeError(
        f"`hypermodel` is a function `build(hp)` that returns a compiled model, or a HyperModel; got {hypermodel!r}."
    )


def place_of(function: Callable[..., Any]) -> str:
    """Return where a function is defined, for messages: its name, file and line.

    Example:
        >>> place_of(len)
        '`len`'
    """
    name = f"`{getattr(function, '__qualname__', repr(function))}`"
    try:
        code = inspect.unwrap(function).__code__
    except AttributeError:
        return name
    return f"{name} ({code.co_filename}:{code.co_firstlineno})"
