"""Where in a file optimizers' states lie: in groups of their own, in the order in which Keras lists the weights.

A model has the optimizer that it is compiled with, and may hold others as attributes, as a GAN has one for each side.
Keras lists the weights of a subclassed model as its layers were assigned, ours as the data flows. A file of ours is in
Keras's order, and says of each variable which one it is in ours, and of an attribute for which weights it was built.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from trivium.optimizers import Optimizer
from trivium.saving.hdf5 import attribute, set_attribute
from trivium.saving.numbers import write_dataset
from trivium.saving.places import optimizers_of, walk
from trivium.state import Variable

__all__ = ["build_as", "held", "read_places", "states_in", "trained_by", "write_states"]

_POSITION = "position"
# What an optimizer's group says: the places of the weights that it trains.
_TRAINS = "weights"


def write_states(model: Any, file: Any) -> None:
    """Write the state of a model's optimizers into an open HDF5 file.

    Args:
        model: The model.
        file: The `h5py.File`, open for writing.
    """
    for place, (variable, position) in _written_places(model).items():
        dataset = write_dataset(file, place, np.asarray(variable), checksums=False)
        if position is not None:
            set_attribute(dataset, _POSITION, position)
    weights = model.weights
    for path, optimizer in held(model).items():
        group = file.require_group(f"{path}/vars")
        group.attrs["name"] = optimizer.name
        if (said := trained_by(optimizer, weights)) is not None:
            set_attribute(group, _TRAINS, said)


def _written_places(model: Any) -> dict[str, tuple[Variable, int | None]]:
    """Return the optimizers' variables by the names of their datasets.

    Each comes with its place in our order, `None` where that is Keras's.
    """
    places: dict[str, tuple[Variable, int | None]] = {}
    for path, optimizer in held(model).items():
        ours = dict(_groups(optimizer, path))
        theirs = _in_order(optimizer, path, _as_keras(model, optimizer))
        moved = theirs is not None and not _same(ours, theirs)
        for group, found in (theirs if theirs is not None and moved else ours).items():
            numbers = {id(v): i for i, v in enumerate(ours[group])}
            for i, variable in enumerate(found):
                places[f"{group}/vars/{i}"] = variable, numbers[id(variable)] if moved else None
    return places


def held(model: Any) -> dict[str, Any]:
    """Return a model's optimizers by the names of their groups.

    One that the model is compiled with and that is an attribute besides lies in Keras's place, where the attribute is,
    and in its own: a loaded model may not have the attribute.

    Args:
        model: The model.
    """
    compiled = getattr(model, "optimizer", None)
    own = {"optimizer": compiled} if isinstance(compiled, Optimizer) else {}
    return optimizers_of(model) | own


def states_in(stored: dict[str, Any], layer: Any = None) -> set[str]:
    """Return the names of the datasets that are an optimizer's, be it one that the layer does not have.

    They begin with the number of steps; where a layer's begin with such a number, the layer is here or the dataset is
    one of ours, which says its weight's path.

    Args:
        stored: The file's datasets by name.
        layer: The layer or model; `None` where nothing but the file is here.
    """
    layers = set() if layer is None else {f"{path}vars" for path, _ in walk(layer)}
    groups = {
        group
        for group in (k.removesuffix("/0") for k in stored if k.endswith("/vars/0"))
        if group not in layers and _counts(stored[f"{group}/0"])
    }
    return {k for k in stored if k.rpartition("/")[0] in groups}


def _counts(dataset: Any) -> bool:
    whole = dataset.shape == () and dataset.dtype.kind in "iu"
    return whole and attribute(dataset, "path") is None


def read_places(
    model: Any, stored: dict[str, Any], order: list[Variable] | None = None
) -> dict[str, Variable]:
    """Return the optimizers' variables by the names of their datasets in a file.

    An optimizer that is not built yet is, where the file says for which weights.

    Args:
        model: The model, compiled.
        stored: The file's datasets by name.
        order: The weights in the order that the file's are in, where that is not the model's own.
    """
    # Those of Keras have no positions, neither of weights nor of these.
    of_keras = not any(attribute(d, _POSITION) is not None for d in stored.values())
    places: dict[str, Variable] = {}
    for path, optimizer in held(model).items():
        _build_as_saved(optimizer, model.weights if order is None else order, path, stored)
        within = f"{path}/"
        said = {k: attribute(d, _POSITION) for k, d in stored.items() if k.startswith(within)}
        numbered = any(isinstance(n, int) for n in said.values())
        found: dict[str, list[Variable]] | None = dict(_groups(optimizer, path))
        if order is not None or of_keras:
            wanted = _as_keras(model, optimizer)
            if order is not None:
                trained = set(map(id, optimizer._trainable_variables))
                wanted = [weight for weight in order if id(weight) in trained]
            found = _in_order(optimizer, path, wanted)
        for group, variables in (found or {}).items():
            for i in range(len(variables)):
                number = said.get(f"{group}/vars/{i}") if numbered else i
                if isinstance(number, int) and 0 <= number < len(variables):
                    places[f"{group}/vars/{i}"] = variables[number]
    return places


def _build_as_saved(
    optimizer: Any, weights: list[Variable], path: str, stored: dict[str, Any]
) -> None:
    first = stored.get(f"{path}/vars/0")
    said = None if first is None or optimizer.built else attribute(first.parent, _TRAINS)
    if isinstance(said, str):
        build_as(optimizer, weights, said)


def trained_by(optimizer: Any, weights: list[Variable]) -> str | None:
    """Return the places among a model's weights of those that an optimizer was built for, if all are among them.

    Args:
        optimizer: The optimizer.
        weights: The weights.
    """
    numbers = {id(weight): str(i) for i, weight in enumerate(weights)}
    trains = optimizer._trainable_variables
    if not optimizer.built or not all(id(v) in numbers for v in trains):
        return None
    return " ".join(numbers[id(v)] for v in trains)


def build_as(optimizer: Any, weights: list[Variable], said: str) -> None:
    """Build an optimizer for weights as `trained_by` said; one that was for others stays unbuilt.

    Args:
        optimizer: The optimizer, not built yet.
        weights: The model's weights.
        said: What it said.
    """
    known = {str(i): weight for i, weight in enumerate(weights)}
    numbers = said.split()
    if len(set(numbers)) == len(numbers) and set(numbers) <= known.keys():
        optimizer.build([known[n] for n in numbers])


def _groups(optimizer: Any, group: str) -> Iterator[tuple[str, list[Variable]]]:
    """Yield the group and the variables of an optimizer, and of the one that it is around."""
    while optimizer is not None:  # One around another has the other's variables among its own, too.
        yield group, list(optimizer.variables)
        optimizer, group = getattr(optimizer, "inner_optimizer", None), f"{group}/inner_optimizer"


def _as_keras(model: Any, optimizer: Any) -> list[Variable]:
    """Return the weights that an optimizer trains as Keras lists them.

    Somebody has put them together from the lists of layers: each of these is brought into Keras's order by itself.
    """
    wanted: list[Variable] = list(optimizer._trainable_variables)
    trained = set(map(id, wanted))
    for _, layer in walk(model):
        if not layer._layers:
            continue  # Its own weights have one order.
        mine = [v for v in layer.weights if id(v) in trained]
        starts = [i for i, v in enumerate(wanted) if mine and v is mine[0]]
        run = slice(starts[0], starts[0] + len(mine)) if starts else slice(0)
        if [*map(id, wanted[run])] == [*map(id, mine)]:
            listed = layer._gather("weights", lambda one: one._own_weights(), flow=False)
            wanted[run] = [v for v in listed if id(v) in trained]
    return wanted


def _in_order(
    optimizer: Any, path: str, wanted: list[Variable]
) -> dict[str, list[Variable]] | None:
    """Return an optimizer's variables as they would be for its weights in another order, if that can be said."""
    ours = dict(_groups(optimizer, path))
    if not optimizer.built or [*map(id, wanted)] == [*map(id, optimizer._trainable_variables)]:
        return ours
    # By names, but not by ours: a weight had another path, maybe, when the optimizer was built.
    now, then = (
        [[v.name for v in named] for _, named in _groups(_twin(optimizer, weights), path)]
        for weights in (optimizer._trainable_variables, wanted)
    )
    found = {}
    for (group, mine), names, others in zip(ours.items(), now, then, strict=True):
        by_name = dict(zip(names, mine, strict=True))
        if len(by_name) != len(mine) or by_name.keys() != set(others):
            return None
        found[group] = [by_name[name] for name in others]
    return found


def _twin(optimizer: Any, weights: list[Variable]) -> Any:
    twin = type(optimizer).from_config(optimizer.get_config())
    twin.build(weights)
    return twin


def _same(one: dict[str, list[Variable]], other: dict[str, list[Variable]]) -> bool:
    return [id(v) for found in one.values() for v in found] == [
        id(v) for found in other.values() for v in found
    ]
