"""A model's outputs in one row, and what is said about them in any structure, brought into that row."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from trivium.state import suggest
from trivium.state.trees import map_tree

__all__ = [
    "AN_ARRAY",
    "A_LOSS",
    "A_NUMBER",
    "SOME_METRICS",
    "Kind",
    "Outputs",
    "is_config",
    "joined",
]


class Kind(NamedTuple):
    """What an argument of `compile` or `fit` has for each output.

    Attributes:
        words: In words, for messages.
        holds: As a test.
    """

    words: str
    holds: Callable[[Any], bool]


def _is_one(x: Any) -> bool:
    return isinstance(x, str) or callable(x) or is_config(x)


def is_config(x: Any) -> bool:
    """Say whether a dict is the config of one object, and not a dict of objects by output."""
    return isinstance(x, Mapping) and "class_name" in x


def joined(parts: list[Any]) -> Any:
    """Return the rows of several outputs one after the other.

    Args:
        parts: Outputs of one structure.
    """
    # A copy in any case: the user may write to it, and JAX has the memory of what came from it.
    return map_tree(lambda *arrays: np.concatenate(arrays), *parts)


def _is_row(x: Any) -> bool:
    return isinstance(x, list | tuple)


def _is_number(x: Any) -> bool:
    return isinstance(x, int | float | np.number) or getattr(x, "shape", None) == ()


A_LOSS = Kind("a loss, by name or as an object", _is_one)
A_NUMBER = Kind("a number", _is_number)
AN_ARRAY = Kind("an array", lambda x: hasattr(x, "shape"))
SOME_METRICS = Kind("a list of metrics, by name or as objects", lambda x: _is_row(x) or _is_one(x))


class Outputs:
    """A model's outputs as a flat list with names, and structures of the user's brought into that order.

    Args:
        y_pred: The outputs, arrays or their specs, in the model's structure.
        layer_names: The names of the layers that they come from, in the flat order, where they are known.

    Attributes:
        flat: The outputs in a list.
        names: Their names: the place in the structure, with the layer's name for a number at its end.
        prefixes: What their metrics' names begin with.
        wanted: Which of them have a loss or metrics, and so need targets.

    Example:
        >>> spec = jax.ShapeDtypeStruct((4, 1), "float32")
        >>> Outputs({"main": spec, "sides": [spec, spec]}, ["head", "left", "right"]).names
        ['main', 'sides/left', 'sides/right']
    """

    def __init__(self, y_pred: Any, layer_names: list[str]) -> None:
        paths, _ = jax.tree_util.tree_flatten_with_path(y_pred)
        self.structure = y_pred
        self.flat = [leaf for _, leaf in paths]
        self.count = len(self.flat)
        known = len(layer_names) == self.count
        self._layers = layer_names if known else [f"output_{i}" for i in range(self.count)]
        self.names = [
            _path_name(path, layer) for (path, _), layer in zip(paths, self._layers, strict=True)
        ]
        by_key = isinstance(y_pred, Mapping) and len(y_pred) == self.count
        self.prefixes = (
            [""] if self.count == 1 else [f"{n}_" for n in (self.names if by_key else self._layers)]
        )
        self.wanted = [True] * self.count

    def align(self, value: Any, what: str, kind: Kind, spread: bool = False) -> list[Any]:
        """Return one entry of `value` for each output, `None` where it has none.

        Args:
            value: One thing; or several, in the structure of the outputs, by their names, or in a row.
            what: The argument's name, for messages.
            kind: What it should have for each output.
            spread: Whether one thing is meant for every output.

        Raises:
            ValueError: It does not match the outputs.
        """
        # A row is never one thing here, although one of metrics may be meant for one output.
        if value is None or (kind.holds(value) and not _is_row(value)):
            if value is not None and not spread and self.count > 1:
                raise self._mismatch(what, 1)
            return [value] * self.count
        if not isinstance(value, Mapping | list | tuple):
            raise ValueError(f"`{what}` is {value!r}; wanted {kind.words}.")
        entries = self._entries(value, what)
        for i, entry in enumerate(entries):
            if entry is None or kind.holds(entry):
                continue
            if _is_row(entry):
                if len(entry) != 1:
                    raise self._mismatch(what, len(entry))
                entry = entries[i] = entry[0]
            if not kind.holds(entry):
                raise ValueError(
                    f"`{what}` has {entry!r} for the output {self.names[i]!r}; wanted {kind.words}."
                )
        return entries

    def targets(self, y: Any, what: str = "y") -> list[Any]:
        """Return a target for each output; those without a loss or metrics may have none.

        Args:
            y: The targets.
            what: Their name, for messages.

        Raises:
            ValueError: They do not match the outputs, or one is missing.
        """
        if not all(self.wanted):
            row = y if isinstance(y, list | tuple) else [y] if AN_ARRAY.holds(y) else []
            # A row of arrays; what nests is the targets of all outputs, in their structure.
            if len(row) == sum(self.wanted) and all(map(AN_ARRAY.holds, row)):
                given = iter(row)
                return [next(given) if wanted else None for wanted in self.wanted]
        return self.align(y, what, AN_ARRAY)

    def _entries(self, value: Any, what: str) -> list[Any]:
        """Return the entries of a list or dict for each output."""
        entries = []
        # The outputs' own structure first: a dict may have keys that are layers' names too, and a
        # list as long as the outputs may nest.
        with contextlib.suppress(LookupError):
            entries = list(_walk(self.structure, value))
        if not entries:
            by_key = isinstance(value, Mapping)
            entries = self._by_name(value, what) if by_key else list(value)
        if len(entries) != self.count:
            raise self._mismatch(what, len(entries))
        return entries

    def _by_name(self, value: Mapping[str, Any], what: str) -> list[Any]:
        for key in value:
            if key not in self.names and key not in self._layers:
                raise ValueError(
                    f"`{what}` has an entry {key!r}, and the model has {self._described()}. "
                    + suggest(str(key), self.names)
                )
        return [
            value.get(n, value.get(layer))
            for n, layer in zip(self.names, self._layers, strict=True)
        ]

    def _mismatch(self, what: str, count: int) -> ValueError:
        given = f"{count} {'entry' if count == 1 else 'entries'}"
        remedy = (
            "one"
            if self.count == 1
            else "one entry for each, in a list or by these names in a dict"
        )
        return ValueError(
            f"`{what}` has {given}, and the model has {self._described()}: give {remedy}."
        )

    def _described(self) -> str:
        if self.count == 1:
            return f"one output, {self.names[0]!r}"
        return f"{self.count} outputs, {', '.join(map(repr, self.names))}"


def _path_name(path: tuple[Any, ...], layer: str) -> str:
    keys = [str(getattr(k, "key", getattr(k, "idx", getattr(k, "name", k)))) for k in path]
    named = bool(path) and not hasattr(path[-1], "idx")
    return "/".join([*keys[:-1], keys[-1] if named else layer])


def _walk(structure: Any, value: Any) -> Iterator[Any]:
    """Yield what `value` has at each leaf of `structure`, in the leaves' order.

    Raises:
        LookupError: The two are of different forms.
    """
    if isinstance(structure, Mapping):
        if value is not None and not (isinstance(value, Mapping) and set(value) <= set(structure)):
            raise LookupError
        for key in sorted(structure):
            yield from _walk(structure[key], None if value is None else value.get(key))
    elif isinstance(structure, list | tuple):
        if value is not None and not (
            isinstance(value, list | tuple) and len(value) == len(structure)
        ):
            raise LookupError
        for i, part in enumerate(structure):
            yield from _walk(part, None if value is None else value[i])
    elif isinstance(value, Mapping) and not is_config(value):
        raise LookupError
    elif structure is not None:
        yield value
