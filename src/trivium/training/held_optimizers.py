"""Optimizers that a model holds as attributes, as a GAN does, in the state of a run.

A step that is compiled is run on shapes first, which says what it touches and builds them. One that runs as plain
Python is not, and they are built in its midst: a state says for which weights, and a run that goes on builds them so.
One that such a step takes from elsewhere than the model is nobody's to find, and no part of the state.
"""

from __future__ import annotations

from typing import Any

from trivium.saving.optimizer_places import build_as, held, trained_by
from trivium.state import Variable
from trivium.training.in_place import takes_data_alone
from trivium.training.transaction import unbuilt_on_error

__all__ = ["build_held", "held_variables", "trained_by_held"]


def held_variables(model: Any) -> list[Variable]:
    """Return the variables of the optimizers that a model's step may use besides the one that it is compiled with.

    Args:
        model: The model.

    Example:
        >>> import trivium as tv
        >>> held_variables(tv.Sequential([tv.layers.Dense(1)]))
        []
    """
    return [v for one in _held(model).values() if one.built for v in one.variables]


def trained_by_held(model: Any) -> dict[str, str]:
    """Return for which of a model's weights its optimizers were built, by where it holds them.

    Args:
        model: The model.
    """
    found = {
        place: trained_by(optimizer, model.weights) for place, optimizer in _held(model).items()
    }
    return {place: said for place, said in found.items() if said is not None}


def build_held(model: Any, said: dict[str, str]) -> None:
    """Build a model's optimizers as those of another process were; undone if what surrounds this fails.

    Args:
        model: The model.
        said: What `trained_by_held` said there.
    """
    for place, optimizer in _held(model).items():
        if place in said and not optimizer.built:
            unbuilt_on_error([optimizer, *optimizer.inner])
            build_as(optimizer, model.weights, said[place])


def _held(model: Any) -> dict[str, Any]:
    # Only a step that is written for what it does to the model may use others.
    return held(model) if takes_data_alone(model.train_step) else {}
