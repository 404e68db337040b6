"""Weights as `.safetensors`, which many libraries read: tensors by name (`layers/dense/kernel`), and nothing else.

It needs the package of that name: `pip install trivium[safetensors]`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from trivium.saving.bounds import read_json
from trivium.saving.durable import durable
from trivium.saving.places import variable_places, walk
from trivium.saving.stored import Stored
from trivium.state import Variable

__all__ = ["opened", "write"]

_KINDS = {"F": "f", "B": "f", "I": "i", "U": "u"}


def write(layer: Any, path: Path, overwrite: bool) -> None:
    """Write a layer's weights.

    Args:
        layer: The layer or model.
        path: The file.
        overwrite: Whether it may be replaced.
    """
    import json

    library = _library()
    names = {id(v): name for name, v in _named(layer).items()}
    order = [names[id(v)] for v in layer.weights]
    tensors = {names[id(v)]: np.ascontiguousarray(np.asarray(v.value)) for v in layer.weights}
    said = {"format": "np", "order": json.dumps(order)}
    with durable(path, overwrite) as part:
        try:
            library.numpy.save_file(tensors, part, said)
        except library.SafetensorError as error:  # A full disk among others.
            raise OSError(str(error)) from error


@contextlib.contextmanager
def opened(path: Path, layer: Any) -> Iterator[dict[str, Stored]]:
    """Give the weights in a file by their places in weight files of a layer.

    Args:
        path: The file.
        layer: The layer or model whose weights they may be.
    """
    places = {
        name: place for place, name in zip(variable_places(layer), _named(layer), strict=True)
    }
    layers = {f"{p}{v.name}": x.name for p, x in walk(layer) for v in x._own_weights()}
    with _library().safe_open(path, "np") as file:
        order = read_json((file.metadata() or {}).get("order", "[]").encode(), str(path))
        positions = {name: i for i, name in enumerate(order)} if isinstance(order, list) else {}
        found = {}
        for name in file.keys():  # noqa: SIM118 - it is no dict
            part = file.get_slice(name)
            dtype = str(part.get_dtype())
            found[places.get(name, name)] = Stored(
                name,
                tuple(part.get_shape()),
                "b" if dtype == "BOOL" else _KINDS.get(dtype[:1], "V"),
                dtype,
                positions.get(name),
                name,
                layers.get(name),
                lambda name=name: file.get_tensor(name),  # type: ignore[misc]
            )
        yield found


def _named(layer: Any) -> dict[str, Variable]:
    """Return a layer's weights by the names of their tensors, in the order of their places."""
    named: dict[str, Variable] = {}
    for place, variable in variable_places(layer).items():
        name = f"{place.rpartition('vars/')[0]}{variable.name}"
        named[place if name in named else name] = variable
    return named


def _library() -> Any:
    try:
        import safetensors
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "`.safetensors` files need the package of that name: pip install safetensors."
        ) from error
    return safetensors
