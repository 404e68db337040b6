"""Layers that a model's own `call` makes: `layers.concatenate([x, y])`, `layers.Dropout(0.5)(x)`.

Each call makes them anew. A model's graph, once for training and once for inference, is recorded from two calls, so it
would hold two layers where the code has one. The model keeps the first, and puts it where later recordings have its
twins; so the state of its random numbers is the model's own, and moves on from step to step.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jax
import numpy as np

from trivium.graph import Graph, is_symbolic
from trivium.layers.base import Layer
from trivium.state import Variable
from trivium.state.configured import arguments

__all__ = ["keep_made_layers"]


def keep_made_layers(graph: Graph, own: Iterable[Layer], kept: list[Layer]) -> None:
    """Keep the layers that a recorded `call` made, and use kept ones in the graph in place of their twins.

    Layers with weights are left out: each call draws new weights for them, which nothing can train.

    Args:
        graph: The recorded graph; nodes that call a twin are changed to call the kept layer.
        own: The layers that belong to the model by an attribute.
        kept: The layers kept so far, in the order of the data's flow; new ones are appended.
    """
    place = {id(layer): layer for layer in own}
    waiting = list(kept)
    for node in graph.all_nodes:
        made = node.operation
        if not isinstance(made, Layer) or made.weights:
            continue
        if id(made) not in place:
            twin = next((layer for layer in waiting if _made_alike(layer, made)), None)
            if twin is None:
                kept.append(made)
            else:
                waiting.remove(twin)
            place[id(made)] = twin or made
        node.operation = place[id(made)]


def _made_alike(a: Any, b: Any) -> bool:
    """Say whether two objects are what one line of code makes when it runs twice."""
    if a is b:
        return True
    if type(a) is not type(b) or isinstance(a, Variable) or is_symbolic(a):
        return False
    if isinstance(a, Layer):
        return _made_alike(_made_with(a), _made_with(b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_made_alike(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(_made_alike, a, b))
    if isinstance(a, np.ndarray | jax.Array):
        return a.shape == b.shape and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)
    if hasattr(a, "__code__"):
        return all(_made_alike(x, y) for x, y in zip(_parts(a), _parts(b), strict=True))
    if hasattr(a, "get_config"):
        return _made_alike(a.get_config(), b.get_config())
    return bool(a == b)


def _made_with(layer: Layer) -> dict[str, Any]:
    """Return the arguments that make a layer, without a name that came by itself."""
    if "_call_args" in vars(layer):  # A class of the user's keeps what it was given.
        given = layer._config_given()
    else:
        given = {name: layer._config_argument(name) for name in arguments(type(layer))}
    return {k: v for k, v in given.items() if k != "name" or not layer._named_by_itself}


def _parts(function: Any) -> tuple[Any, ...]:
    """Return what a function consists of: its code, its defaults and what it holds of the code around it."""
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    return function.__code__, function.__defaults__, function.__kwdefaults__, cells
