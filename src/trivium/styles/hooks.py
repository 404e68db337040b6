"""The steps of training that a model's class overrides, carried into another style."""

from __future__ import annotations

import inspect
from typing import Any

from trivium.models.functional import Functional
from trivium.models.model import Model
from trivium.models.sequential import Sequential
from trivium.state.copying import Recipe

__all__ = ["HOOKS", "keep_hooks", "overridden_hooks", "own_ancestry"]

# The methods of a model that change how it is trained, tested or asked, and not what it computes.
HOOKS = (
    "compile", "train_step", "test_step", "predict_step", "compute_loss", "stateless_compute_loss",
    "compute_loss_and_updates", "compute_metrics", "get_metrics_result", "reset_metrics", "metrics",
)  # fmt: skip


def overridden_hooks(model: Model) -> list[str]:
    """Return the names of the training hooks that a model's class overrides.

    Example:
        >>> import trivium as tv
        >>> class Own(tv.Model):
        ...     def train_step(self, state, data):
        ...         return super().train_step(state, data)
        >>> overridden_hooks(Own())
        ['train_step']
    """
    return [
        name for name in HOOKS if getattr(type(model), name, None) is not getattr(Model, name, None)
    ]


def keep_hooks(model: Model, style: type[Model]) -> type[Model]:
    """Return the class for `model` in another style, which trains as the model's own class does.

    Args:
        model: The model.
        style: `Functional`, `Sequential` or a new subclass of `Model`.

    Returns:
        `style` itself; or, where the model's class overrides hooks, a class that inherits from both.
    """
    if not overridden_hooks(model):
        return style
    return Recipe(_with_hooks, type(model), style).cls


def _with_hooks(cls: type[Model], style: type[Model]) -> type[Model]:
    overridden = {n for base in own_ancestry(cls) for n in vars(base) if hasattr(Model, n)}
    # All but the hooks is the style's: how it is made, built and called.
    kept = {n: inspect.getattr_static(style, n) for n in overridden - set(HOOKS) if n[:2] != "__"}
    name = cls.__name__
    steps = type(name, (cls,), {"__init__": _plain_init})
    return type(name, (style, steps), {**kept, "__module__": style.__module__})


def _plain_init(self: Any, *args: Any, **kwargs: Any) -> None:
    """What a style's constructor goes on to: the class's own makes the layers, which are there already."""
    Model.__init__(self, *args, **kwargs)


def own_ancestry(cls: type[Any]) -> list[type[Any]]:
    """Return the classes behind a model's class that are none of the library's, the nearest first."""
    return [base for base in cls.__mro__ if base not in (*Functional.__mro__, *Sequential.__mro__)]
