"""The public names of a library and what they take: a name a line, with its arguments if it is called."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

RECORDED = Path(__file__).with_name("keras.txt")
# What a program never writes.
_LEFT_OUT = {"src", "_tf_keras"}


def objects(module: ModuleType, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the names of a module and of those inside it, with what they mean."""
    for name in sorted(vars(module)):
        value = getattr(module, name)
        if name.startswith("_") or name in _LEFT_OUT:
            continue
        if not inspect.ismodule(value):
            yield f"{path}.{name}", value
        elif value.__name__ == f"{module.__name__}.{name}":
            yield from objects(value, f"{path}.{name}")


def signature(value: Any) -> inspect.Signature | None:
    """Return what a function or a class takes; of a class that passes everything on, what its `__init__` takes."""
    if not callable(value):
        return None
    try:
        found = inspect.signature(value)
        kinds = {p.kind for p in found.parameters.values()}
        if inspect.isclass(value) and kinds == {
            inspect.Parameter.VAR_POSITIONAL,
            inspect.Parameter.VAR_KEYWORD,
        }:
            found = inspect.signature(value.__init__)
            return found.replace(parameters=list(found.parameters.values())[1:])
        return found
    except ValueError:  # Python's own, which do not say.
        return None


def text(value: Any) -> str:
    """Write a signature: names, stars and defaults, which are plain values throughout."""
    found = signature(value)
    if found is None:
        return ""
    bare = [p.replace(annotation=p.empty) for p in found.parameters.values()]
    return str(inspect.Signature(bare))


def read() -> dict[str, str]:
    """Return Keras's names, without `keras.`, and their arguments as recorded; empty where nothing is called."""
    lines = RECORDED.read_text().splitlines()
    parts = (re.fullmatch(r"([\w.]+)(.*)", line) for line in lines)
    return {part[1]: part[2] for part in parts if part}


def write(library: ModuleType) -> str:
    """Return the lines for a library."""
    lines = ((path.partition(".")[2], value) for path, value in objects(library, "keras"))
    return "".join(f"{path}{text(value)}\n" for path, value in lines)
