"""The faces of `trivium.ops`: the modules in which Keras has its ops once more, written from Keras's names."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from pathlib import Path

from trivium import ops
from vocabulary import signatures

FOLDER = Path(ops.__file__).parent
WHAT = {
    "linalg": "Linear algebra, under the names that Keras has for it once more.",
    "nn": "The parts of networks, under the names that Keras has for them once more.",
    "numpy": "NumPy's functions, under the names that Keras has for them once more.",
}


def written(module: str) -> str:
    """Return the source of a face: plain imports, which editors and type checkers read."""
    prefix = f"ops.{module}."
    names = [p.removeprefix(prefix) for p in signatures.read() if p.startswith(prefix)]
    lines = [f'"""{WHAT[module]}"""', "# ruff: noqa: I001", "# fmt: off", ""]
    for room in sorted(set(vars(ops)) - set(WHAT)):
        home = vars(ops)[room]
        own = set(names).intersection(getattr(home, "__all__", ()))
        if found := _sorted(n for n in own if getattr(home, n) is getattr(ops, n)):
            start = f"from {home.__name__} import"
            several = [f"{start} (", _wrapped(found), ")"]
            lines += several if len(found) > 1 else [f"{start} {found[0]}"]
    lines += ["", "__all__ = [", _wrapped([f'"{name}"' for name in _sorted(names)]), "]", ""]
    return "\n".join(lines)


def _sorted(names: Iterable[str]) -> list[str]:
    """Return names in the order that ruff asks for: their numbers as numbers."""
    return sorted(
        names,
        key=lambda n: [(p.isdigit(), int(p) if p.isdigit() else p) for p in re.split(r"(\d+)", n)],
    )


def _wrapped(names: list[str]) -> str:
    indent = " " * 4
    return textwrap.fill(
        ", ".join(names) + ",", 100, initial_indent=indent, subsequent_indent=indent
    )
