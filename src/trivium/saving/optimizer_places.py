"""Where in a file an optimizer's state lies: in the order in which Keras lists the weights, which may be another one.

Keras lists the weights of a subclassed model as its layers were assigned, ours as the data flows. A file of ours is in
Keras's order, and says of each variable which one it is in ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trivium.saving.hdf5 import attribute
from trivium.state import Variable

__all__ = ["POSITION", "read_places", "written_places"]

POSITION = "position"


def written_places(model: Any) -> dict[str, tuple[Variable, int | None]]:
    """Return the optimizer's variables by the names of their datasets.

    Args:
        model: The model.

    Returns:
        Each with its place in our order; `None` where that is Keras's.
    """
    ours = dict(_groups(getattr(model, "optimizer", None)))
    theirs = _in_order(model, _assigned(model))
    if theirs is None or _same(ours, theirs):
        return {
            f"{g}/vars/{i}": (v, None) for g, found in ours.items() for i, v in enumerate(found)
        }
    numbers = {g: {id(v): i for i, v in enumerate(found)} for g, found in ours.items()}
    return {
        f"{g}/vars/{i}": (v, numbers[g][id(v)])
        for g, found in theirs.items()
        for i, v in enumerate(found)
    }


def read_places(
    model: Any, stored: dict[str, Any], order: list[Variable] | None = None
) -> dict[str, Variable]:
    """Return the optimizer's variables by the names of their datasets in a file.

    Args:
        model: The model, compiled.
        stored: The file's datasets by name.
        order: The weights in the order that the file's are in, where that is not the model's own.
    """
    optimizer = getattr(model, "optimizer", None)
    said = {k: attribute(d, POSITION) for k, d in stored.items() if k.startswith("optimizer/")}
    numbered = any(isinstance(n, int) for n in said.values())
    # Those of Keras have no positions, neither of weights nor of these.
    of_keras = not any(
        attribute(d, POSITION) is not None
        for k, d in stored.items()
        if not k.startswith(("optimizer/", "seeds/"))
    )
    found: dict[str, list[Variable]] | None = dict(_groups(optimizer))
    if order is not None or of_keras:
        found = _in_order(model, _assigned(model) if order is None else order)
    if found is None:
        return {}
    places = {}
    for group, variables in found.items():
        for i in range(len(variables)):
            number = said.get(f"{group}/vars/{i}") if numbered else i
            if isinstance(number, int) and 0 <= number < len(variables):
                places[f"{group}/vars/{i}"] = variables[number]
    return places


def _groups(optimizer: Any) -> Iterator[tuple[str, list[Variable]]]:
    """Yield the group and the variables of an optimizer, and of the one that it is around."""
    group = "optimizer"
    while optimizer is not None:  # One around another has the other's variables among its own, too.
        yield group, list(optimizer.variables)
        optimizer, group = getattr(optimizer, "inner_optimizer", None), f"{group}/inner_optimizer"


def _assigned(model: Any) -> list[Variable]:
    """Return a model's weights as Keras lists them."""
    found: list[Variable] = model._gather("weights", lambda layer: layer._own_weights(), flow=False)
    return found


def _in_order(model: Any, weights: list[Variable]) -> dict[str, list[Variable]] | None:
    """Return an optimizer's variables as they would be for weights in another order, if that can be said."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None or not optimizer.built:
        return dict(_groups(optimizer))
    wanted = [weight for weight in weights if weight.trainable]
    if [*map(id, wanted)] == [id(w) for w in model.trainable_weights]:
        return dict(_groups(optimizer))
    twin = type(optimizer).from_config(optimizer.get_config())
    twin.build(wanted)
    found = {}
    for (group, mine), (_, others) in zip(_groups(optimizer), _groups(twin), strict=True):
        by_name = {variable.name: variable for variable in mine}
        if len(by_name) != len(mine) or by_name.keys() != {v.name for v in others}:
            return None
        found[group] = [by_name[variable.name] for variable in others]
    return found


def _same(one: dict[str, list[Variable]], other: dict[str, list[Variable]]) -> bool:
    return [id(v) for found in one.values() for v in found] == [
        id(v) for found in other.values() for v in found
    ]
