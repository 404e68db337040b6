"""Reads the public names off an installed Keras or TensorFlow: what `src/trivium/compat/names.txt` is made of.

python tests/compat/collect_names.py keras tensorflow > src/trivium/compat/names.txt
"""

from __future__ import annotations

import importlib
import sys
from collections import defaultdict
from types import ModuleType
from typing import Any

# What a program never writes, or what is another library's inside.
LEFT_OUT = {"src", "compat", "raw_ops", "core", "python", "tools", "lite"}
ROOTS = {"keras": ("keras", "keras._tf_keras.keras"), "tensorflow": ("tensorflow",)}
OWNERS = {
    "keras": ("keras",),
    "tensorflow": ("tensorflow._api", "tensorflow._"),  # its `keras`, `losses`, … are Keras
}
CLASSES = {
    "keras": (
        "Model", "Sequential", "Layer", "Optimizer", "Metric", "Loss", "Variable", "KerasTensor",
        "callbacks.Callback",
    ),
    "tensorflow": ("Tensor", "Variable", "TensorShape", "DType", "data.Dataset"),
}  # fmt: skip
# What eager tensors have, which are instances of a class without a public name.
EAGER = ("numpy", "device", "backing_device", "cpu", "gpu")


def collect(package: str) -> dict[str, list[str]]:
    """Return the names of each module, and of each class (with `()` behind its name).

    A name that is another one's second name is written `name=the.other.path`.
    """
    objects: dict[str, Any] = {}
    names: dict[str, set[str]] = defaultdict(set)
    for root in ROOTS[package]:
        _walk(importlib.import_module(root), package, package, objects, names)
    same: dict[int, list[str]] = defaultdict(list)
    for path, value in objects.items():
        if callable(value):
            same[id(value)].append(path)
    firsts = {p: min(ps, key=lambda p: (p.count("."), p)) for ps in same.values() for p in ps}
    lines = {
        module: [_entry(module, n, firsts) for n in sorted(found)]
        for module, found in sorted(names.items())
    }
    for name in CLASSES[package]:
        cls = objects[f"{package}.{name}"]
        members = {n for n in dir(cls) if not n.startswith("_")}
        members |= set(EAGER) if name == "Tensor" else set()
        lines[f"{package}.{name}()"] = sorted(members)
    return lines


def _walk(module: ModuleType, path: str, package: str, objects: Any, names: Any) -> None:
    for name in sorted(set(dir(module)) - LEFT_OUT):
        if name.startswith("_"):
            continue
        try:
            value = getattr(module, name)
        except Exception:
            continue
        where = f"{path}.{name}"
        if isinstance(value, ModuleType) and value.__name__.startswith(OWNERS[package]):
            _walk(value, where, package, objects, names)
        objects.setdefault(where, value)
        names[path].add(name)


def _entry(module: str, name: str, firsts: dict[str, str]) -> str:
    path = f"{module}.{name}"
    first = firsts.get(path, path)
    return name if first == path else f"{name}={first}"


def text(packages: list[str]) -> str:
    lines: dict[str, list[str]] = {}
    for package in packages:
        lines |= collect(package)
    return "".join(f"{module}: {' '.join(entries)}\n" for module, entries in lines.items())


if __name__ == "__main__":
    sys.stdout.write(text(sys.argv[1:]))
