"""What things are called in a program that is written: variables, attributes, classes."""

from __future__ import annotations

import itertools
import keyword
import re
from collections.abc import Iterable
from typing import Any

from trivium.graph import SymbolicTensor
from trivium.layers.base import Layer
from trivium.layers.input_layer import InputLayer
from trivium.models.functional import Functional
from trivium.models.model import Model
from trivium.models.sequential import Sequential
from trivium.state import to_snake_case

__all__ = [
    "PUBLIC", "SHORT", "Names", "attribute_name", "class_name", "identifier", "input_name", "said_name",
]  # fmt: skip

# What the programs import by these names.
PUBLIC = ("Input", "Model", "Sequential", "Variable", "activations", "constraints", "initializers", "layers", "np",
           "ops", "random", "regularizers")  # fmt: skip
# What tensors on the way are called that have no name of their own.
SHORT = ("x", "y", "z")


class Names:
    """Names that are given once each, and are no words of Python's or of the program around them.

    Example:
        >>> names = Names()
        >>> names.new("dense"), names.new("dense"), names.new("2nd class")
        ('dense', 'dense_2', 'layer_2nd_class')
    """

    def __init__(self, taken: Any = ()) -> None:
        self._taken = set(taken)

    def take(self, names: Iterable[str]) -> None:
        """Give these names to nobody from now on."""
        self._taken.update(names)

    def copy(self) -> Names:
        """Return names of which the same are taken."""
        return Names(self._taken)

    def new(self, wanted: str) -> str:
        """Return `wanted`, or the nearest name that is free."""
        base = name = identifier(wanted)
        count = 1
        while name in self._taken:
            count += 1
            name = f"{base}_{count}"
        self._taken.add(name)
        return name

    def numbered(self, base: str) -> str:
        """Return `base_1`, `base_2`, …: the first that is free.

        Example:
            >>> names = Names()
            >>> names.numbered("dense"), names.numbered("dense")
            ('dense_1', 'dense_2')
        """
        free = (f"{identifier(base)}_{i}" for i in itertools.count(1))
        return self.new(next(name for name in free if name not in self._taken))


def identifier(name: str) -> str:
    """Return a name as Python allows it.

    Example:
        >>> identifier("block 1/conv"), identifier("class")
        ('block_1_conv', 'class_')
    """
    text = re.sub(r"\W+", "_", name).strip("_") or "value"
    if text[0].isdigit():
        text = f"layer_{text}"
    return f"{text}_" if keyword.iskeyword(text) else text


def said_name(layer: Any) -> str | None:
    """Return the name that the writer gave a layer, or `None` where it came by itself."""
    if not isinstance(layer, Layer) or layer._name is None or layer._named_by_itself:
        return None
    return layer._name


def input_name(tensor: SymbolicTensor) -> str | None:
    """Return the name that the writer gave an input, or `None` where it came by itself."""
    layer = tensor.node.operation if tensor.node is not None else None
    if isinstance(layer, InputLayer):
        return said_name(layer)
    return (
        None
        if re.fullmatch(r"(input|input_layer|tensor|keras_tensor)(_\d+)?", tensor.name)
        else tensor.name
    )


def attribute_name(layer: Any) -> str:
    """Return what an attribute for a layer is called, but for its number."""
    kind = class_name(layer, "block") if isinstance(layer, Model) else type(layer).__name__
    return identifier(said_name(layer) or re.sub(r"_\d+$", "", to_snake_case(kind)))


def class_name(model: Model, default: str = "my_model") -> str:
    """Return the name of a class for a model: its own class's, or its name in camel case."""
    if type(model) not in (Functional, Sequential):
        return type(model).__name__
    said = said_name(model) or default
    name = "".join(part[:1].upper() + part[1:] for part in re.split(r"\W+|_", said))
    return name if name.isidentifier() and not hasattr(Model, name) else "MyModel"
