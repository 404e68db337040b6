"""Where in a file a layer's state lies: Keras's places, made of attribute names and of class names within lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from trivium.layers import Layer
from trivium.optimizers import Optimizer
from trivium.state import SeedGenerator, Variable, to_snake_case
from trivium.state.tracking import attributes, contents, role_of

__all__ = ["has_own_state", "optimizers_of", "place_of", "seed_places", "variable_places", "walk"]


def variable_places(layer: Any) -> dict[str, Variable]:
    """Return a layer's weights by the names of their datasets in a weight file.

    Example:
        >>> import trivium as tv
        >>> list(variable_places(tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)])))
        ['layers/dense/vars/0', 'layers/dense/vars/1']
    """
    places: dict[str, Variable] = {}
    known: set[int] = set()
    for path, inner in walk(layer):
        for name, variable in inner._stored_places().items():
            if id(variable) not in known:
                known.add(id(variable))
                places[place_of(path, name)] = variable
    return places


def place_of(path: str, name: str) -> str:
    """Return the name of a weight's dataset.

    Args:
        path: The path of its layer's group, which ends in `/`.
        name: Its name among the layer's own weights.

    Example:
        >>> place_of("layers/dense/", "1"), place_of("layers/dense/", "factors/a")
        ('layers/dense/vars/1', 'layers/dense/factors/a')
    """
    return f"{path}{name}" if "/" in name else f"{path}vars/{name}"


def seed_places(layer: Any) -> dict[str, Variable]:
    """Return the states of a layer's random generators by the names of their datasets.

    Keras no longer writes them; files of its first versions have them.

    Example:
        >>> import trivium as tv
        >>> list(seed_places(tv.layers.Dropout(0.5)))
        ['seed_generator/vars/0']
    """
    places: dict[str, Variable] = {}
    for path, inner in walk(layer):
        for name, value in attributes(inner).items():
            if isinstance(value, SeedGenerator):
                places[f"{path}{name}/vars/0"] = value.state
    return places


def has_own_state(layer: Any, method: str) -> bool:
    """Say whether a layer's class has a `save_own_variables`, or a `load_own_variables`, of its own.

    Args:
        layer: The layer.
        method: Which of the two.
    """
    return getattr(type(layer), method) is not getattr(Layer, method)


def optimizers_of(layer: Any) -> dict[str, Optimizer]:
    """Return the optimizers that a layer and those inside it hold, by the names of their groups.

    Args:
        layer: The layer or model, whose own optimizer lies in `optimizer`.

    Example:
        >>> import trivium as tv
        >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)])
        >>> model.other = tv.optimizers.SGD()
        >>> model.compile("adam", "mse")
        >>> list(optimizers_of(model))
        ['optimizer', 'other']
    """
    found = _walk(layer, "", set())
    return {path.rstrip("/"): one for path, one in found if isinstance(one, Optimizer)}


def walk(layer: Any) -> Iterator[tuple[str, Layer]]:
    """Yield a layer and those inside it, each once, with the paths of their groups.

    Args:
        layer: The layer. The paths end in `/`, but for its own, which is empty.
    """
    return ((path, one) for path, one in _walk(layer, "", set()) if isinstance(one, Layer))


def _walk(layer: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Layer | Optimizer]]:
    if id(layer) in seen:
        return
    seen.add(id(layer))
    yield path, layer
    # Most attributes are settings, which hold nothing that is saved; a file is loaded by several walks.
    holding = {
        k: v
        for k, v in attributes(layer).items()
        if role_of(type(v)) >= 0 or isinstance(v, Optimizer)
    }
    children = {layer._stored_names.get(k, k): v for k, v in holding.items()}
    # The layers of a declared graph come first; a subclassed model's where "layers" stands in the alphabet, after which
    # come private attributes.
    declared = getattr(layer, "_graph", None) is not None
    if hasattr(type(layer), "layers"):
        children = {"layers": layer.layers} | children
        # What a model is compiled with is no attribute of its own.
        children["optimizer"] = getattr(layer, "optimizer", None)
    order = sorted(children, key=lambda k: (k != "layers" or not declared, k.startswith("_"), k))
    for name in order:
        yield from _walk_value(children[name], f"{path}{name}", seen)


def _walk_value(value: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Layer | Optimizer]]:
    if isinstance(value, Layer):
        yield from _walk(value, f"{path}/", seen)
    elif isinstance(value, Optimizer):
        if id(value) not in seen:
            seen.add(id(value))
            yield f"{path}/", value
    elif (inside := contents(value)) is not None:
        taken: Counter[str] = Counter()
        for item in inside:
            if contents(item) is not None:
                name = "container"
            elif isinstance(item, Layer | Optimizer):
                name = to_snake_case(type(item).__name__)
            else:
                continue
            number = f"_{taken[name]}" if taken[name] else ""
            taken[name] += 1
            yield from _walk_value(item, f"{path}/{name}{number}", seen)
