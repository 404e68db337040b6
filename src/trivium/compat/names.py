"""What Keras and TensorFlow call their things, so that "not here yet" and "no such name" can be told apart.

`names.txt` has a line for each of their public modules, and for some classes (`keras.Model()`), with the names in it.
A thing's second names say what the first one is: `Conv2D=keras.layers.Conv2D`.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from importlib import resources

__all__ = ["LIBRARIES", "is_module", "known", "members", "names_in", "other_names", "shown"]

# The versions that names.txt was read from.
LIBRARIES = {"keras": "3.15.1", "tensorflow": "2.21.0"}


@functools.cache
def _lines() -> dict[str, dict[str, str]]:
    """Return for each module the names in it, each with the path of what it is."""
    text = resources.files("trivium.compat").joinpath("names.txt").read_text("utf-8")
    lines: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        module, _, entries = line.partition(": ")
        parts = (entry.partition("=") for entry in entries.split())
        lines[module] = {name: first or f"{module}.{name}" for name, _, first in parts}
    return lines


@functools.cache
def _paths() -> dict[str, list[str]]:
    """Return for each thing all its paths, by the first of them."""
    paths: dict[str, list[str]] = defaultdict(list)
    for module, entries in _lines().items():
        for name, first in entries.items():
            paths[first].append(f"{module}.{name}")
    return paths


def known(path: str) -> bool:
    """Say whether Keras or TensorFlow has this.

    Args:
        path: A dotted path from `keras` or `tensorflow` on.

    Example:
        >>> known("keras.layers.LSTM"), known("keras.layers.LTSM"), known("keras")
        (True, False, True)
    """
    module, _, name = path.rpartition(".")
    return name in _lines().get(module, {}) or is_module(path)


def is_module(path: str) -> bool:
    """Say whether this is a public module of Keras or TensorFlow.

    Example:
        >>> is_module("keras.layers"), is_module("keras.Model")
        (True, False)
    """
    return path in _lines()


def names_in(module: str) -> list[str]:
    """Return the names that a module has there; none for a module that does not exist.

    Example:
        >>> names_in("keras.datasets.mnist")
        ['load_data']
    """
    return list(_lines().get(module, {}))


def members(cls: str) -> list[str]:
    """Return the methods and properties that a class has there.

    Example:
        >>> "save" in members("keras.Model")
        True
    """
    return names_in(f"{cls}()")


def other_names(path: str) -> list[str]:
    """Return the other paths of the same thing.

    Example:
        >>> other_names("keras.models.Sequential")
        ['keras.Sequential']
    """
    module, _, name = path.rpartition(".")
    first = _lines().get(module, {}).get(name)
    return [other for other in _paths().get(first or "", []) if other != path]


def shown(path: str) -> str:
    """Return a path as people write it.

    Example:
        >>> shown("tensorflow.Variable"), shown("keras.layers.LSTM")
        ('tf.Variable', 'keras.layers.LSTM')
    """
    if path.split(".")[:2] == ["keras", "tuning"]:  # where KerasTuner's names are looked up
        return "keras_tuner" + path.removeprefix("keras.tuning")
    return "tf" + path.removeprefix("tensorflow") if path.startswith("tensorflow.") else path
