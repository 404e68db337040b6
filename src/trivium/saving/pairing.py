"""Which weight of a file is which of a layer: by the order of the data's flow, by places, or by the layers' names."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from trivium.layers import Layer
from trivium.layers.kernels import FACTORS
from trivium.saving.hdf5 import WeightFileError
from trivium.saving.places import has_own_state, place_of, variable_places, walk
from trivium.saving.stored import Stored
from trivium.state import Variable, suggest

__all__ = ["Pairs", "Stores", "by_name", "by_place", "by_position", "own_stores"]

Pairs = list[tuple[Stored, Variable]]
# What layers read themselves: arrays by the names that they gave them.
Stores = Sequence[tuple[Layer, dict[str, np.ndarray]]]


def own_stores(layer: Any, stored: dict[str, Stored]) -> list[tuple[Layer, dict[str, np.ndarray]]]:
    """Take out what layers read themselves, whose classes have a `load_own_variables`.

    Args:
        layer: The layer or model.
        stored: The file's weights by their places, which lose those.

    Returns:
        Each of these layers, with its arrays by name.
    """
    stores = []
    for path, inner in walk(layer):
        if has_own_state(inner, "load_own_variables"):
            mine = [k for k in stored if k.startswith(f"{path}vars/")]
            store = {k.removeprefix(f"{path}vars/"): stored.pop(k).read() for k in mine}
            stores.append((inner, store))
    return stores


def by_position(
    layer: Any, stored: dict[str, Stored], source: str, order: list[Variable] | None = None
) -> tuple[Pairs, list[str]] | None:
    """Pair weights of a file and of a layer in the order of the data's flow; `None` where the file does not tell it.

    Args:
        layer: The layer or model.
        stored: The file's weights by their places.
        source: What to call the file in messages.
        order: The layer's weights in the order that the file's are in, where that is not its own.

    Returns:
        The pairs, and the paths of the weights that are left over, which are none.

    Raises:
        WeightFileError: There are other weights, or a weight of another shape.
    """
    by_position = {one.position: one for one in stored.values()}
    if len(by_position) != len(stored) or set(by_position) != set(range(len(stored))):
        return None
    weights = layer.weights if order is None else order
    if len(stored) != len(weights):
        raise WeightFileError(
            f"{source} holds {len(stored)} weights; {layer.name!r} has {len(weights)}."
        )
    pairs = [(by_position[i], weight) for i, weight in enumerate(weights)]
    for dataset, weight in pairs:
        if dataset.shape != weight.shape:
            raise WeightFileError(_other_shape(dataset, weight, source))
    return pairs, []


def by_place(
    layer: Any, stored: dict[str, Stored], source: str, skip_mismatch: bool
) -> tuple[Pairs, list[str]]:
    """Pair weights of a file and of a layer by their names in the file.

    Args:
        layer: The layer or model.
        stored: The file's weights by their places.
        source: What to call the file in messages.
        skip_mismatch: Whether those that do not fit are left over.

    Returns:
        The pairs, and the paths of the weights that are left over.

    Raises:
        WeightFileError: There are other weights, or a weight of another shape.
    """
    pairs, missing = [], []
    _add_factors(layer, stored)
    places = dict(_places_to_set(layer))
    for place, weight in places.items():
        dataset = stored.get(place)
        if dataset is not None and dataset.shape == weight.shape:
            pairs.append((dataset, weight))
        elif skip_mismatch:
            missing.append(weight.path)
        elif dataset is not None:
            raise WeightFileError(_other_shape(dataset, weight, source))
        else:
            raise WeightFileError(
                f"{source} has no weight for {weight.path!r}: there is no dataset {place!r}. {suggest(place, stored)}"
            )
    known = {place_of(path, name) for path, x in walk(layer) for name in x._stored_places()}
    extra = [name for name in stored if name not in known]
    if extra and not skip_mismatch:
        raise WeightFileError(
            f"{source} holds {len(extra)} weights that {layer.name!r} does not have, {extra[0]!r} among them. Was it "
            "saved from another model?"
        )
    return pairs, missing


def _add_factors(layer: Any, stored: dict[str, Stored]) -> None:
    """Add what a file of Keras lacks of layers with factors of low rank.

    It has their product in the kernel. So the second factor is zero, and the first one stays: both would not learn.
    """
    for path, inner in walk(layer):
        kernel = f"{path}vars/0"
        if not getattr(inner, "lora_enabled", False) or kernel not in stored:
            continue
        stored[f"{path}{FACTORS}/kernel"] = stored.pop(kernel)
        a, b = inner._factors()
        for name, factor, value in (("a", a, a.numpy()), ("b", b, np.zeros_like(b.numpy()))):
            place = f"{path}{FACTORS}/{name}"
            read = functools.partial(np.array, value)
            stored[place] = Stored(
                place, factor.shape, "f", factor.dtype, None, factor.path, inner.name, read
            )


def _places_to_set(layer: Any) -> Iterator[tuple[str, Variable]]:
    own = {
        id(v)
        for _, x in walk(layer)
        if has_own_state(x, "load_own_variables")
        for v in x._own_weights()
    }
    for place, variable in variable_places(layer).items():
        if id(variable) not in own:
            yield place, variable


def by_name(layer: Any, stored: dict[str, Stored], source: str, skip_mismatch: bool) -> Pairs:
    """Pair the weights of layers of one name.

    Args:
        layer: The layer or model.
        stored: The file's weights by their places, each with the name of its layer.
        source: What to call the file in messages.
        skip_mismatch: Whether layers whose weights have other shapes are left out.

    Raises:
        WeightFileError: A layer's weights have other shapes.
    """
    groups: dict[str, dict[str, Stored]] = {}
    for place, one in stored.items():
        if one.layer is not None:
            groups.setdefault(one.layer, {})[place] = one
    pairs: Pairs = []
    for _, inner in walk(layer):
        named = groups.get(inner.name)
        mine = {place_of("", name): weight for name, weight in inner._stored_places().items()}
        if not named or not mine:
            continue
        theirs = {"/".join(place.split("/")[-2:]): one for place, one in named.items()}
        if theirs.keys() != mine.keys():
            # In the order of their names, of which "10" would come before "2".
            order = sorted(named.values(), key=lambda one: (len(one.name), one.name))
            theirs = dict(zip(mine, order, strict=False)) if len(order) == len(mine) else named
        if {k: one.shape for k, one in theirs.items()} == {k: w.shape for k, w in mine.items()}:
            pairs += [(theirs[name], weight) for name, weight in mine.items()]
        elif not skip_mismatch:
            raise WeightFileError(
                f"{source}: the weights of {inner.name!r} have the shapes {[one.shape for one in named.values()]}; the "
                f"layer's have {[weight.shape for weight in mine.values()]}."
            )
    return pairs


def _other_shape(one: Stored, weight: Variable, source: str) -> str:
    return f"{source}: {(one.path or one.name)!r} has shape {one.shape}; {weight.path!r} has {weight.shape}."
