"""Writes what goes to Keras and back into `docs/saving.md`, from the tables of the tests themselves.

PYTHONPATH=src:tests/support python -m round_trips
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from vocabulary import signatures

import trivium as tv

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "saving.md"
BEGIN, END = "<!-- round trips -->", "<!-- /round trips -->"
_ON_JAX = "Keras calls it through TensorFlow, and on JAX not at all"
_PROGRAM = "it holds a program, which no file does"
# Layers that no row of the tables is about, with the reason.
WITHOUT = {
    **dict.fromkeys(
        ["Hashing", "HashedCrossing", "IntegerLookup", "StringLookup", "TextVectorization"], _ON_JAX
    ),
    **dict.fromkeys(["FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper"], _PROGRAM),
    "Equalization": "Keras gives the input itself in inference, and cannot save that in a graph",
    "RandomCrop": "Keras leaves images as they are in inference; here they are cut",
    "RandomShear": "Keras refuses the config that its own layer gives",
    "SpectralNormalization": "Keras computes something else in inference (the example `adversarial` has one)",
    "Lambda": "its code is refused (`test_attacks.py`), unless `safe_mode=False`",
    "Pipeline": "not compared: its layers are",
    "StackedRNNCells": "not compared: its cells are",
    **dict.fromkeys(["InputLayer", "InputSpec", "Layer", "Wrapper"], "part of what others are"),
}


def module(name: str) -> ModuleType:
    """Return a file of tests as a module.

    Args:
        name: Its name in `tests/saving`.
    """
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, TESTS / "saving" / f"{name}.py")
        assert spec is not None and spec.loader is not None
        made = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(made)
    return sys.modules[name]


def layers() -> dict[str, list[str]]:
    """Return the layers that go both ways, by their groups."""
    # Read, not imported: the rows of its layers ask for recorded values, each in the name of the test that runs.
    tree = ast.parse((TESTS / "saving" / "test_layers.py").read_text())
    (groups,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "GROUPS"
    ]
    found = {group: names.split() for group, names in groups.items()}
    for group, rows in module("test_preparing_layers").GROUPS.items():
        names = [given.get("cell", [name])[0] for name, _, _, given in rows]
        found[group] = sorted(names)
    return found


def unknown() -> list[str]:
    """Return Keras's layers that are in no group and have no reason not to be."""
    there = {getattr(tv.layers, name) for names in layers().values() for name in names}
    there |= {getattr(tv.layers, name) for name in WITHOUT}
    paths = [p.removeprefix("layers.") for p in signatures.read() if p.startswith("layers.")]
    here = {name: getattr(tv.layers, name, None) for name in paths if "." not in name}
    return [n for n, thing in here.items() if isinstance(thing, type) and thing not in there]


def _code(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names)


def table() -> str:
    """Return the tables."""
    lines = ["| layers that go both ways | |", "|---|---|"]
    lines += [f"| {group} | {_code(names)} |" for group, names in layers().items()]
    lines += ["", "| layers without a row | why |", "|---|---|"]
    for why in dict.fromkeys(WITHOUT.values()):
        lines.append(f"| {_code(n for n, said in WITHOUT.items() if said == why)} | {why} |")
    examples = module("test_examples")
    styles = examples.STYLES
    lines += ["", f"| example | {' | '.join(styles)} |", "|---|---|---|---|"]
    for name in sorted({name for name, _ in examples.CASES}):
        cells = [_example(examples, name, style) for style in styles]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def _example(examples: ModuleType, name: str, style: str) -> str:
    if (name, style) not in examples.CASES:
        return ""
    if why := examples.KERAS_CANNOT.get((name, style)):
        return f"here alone: {why}"
    if style == "subclass" and name in examples.BUILT_BY_SHAPE:
        return "ours to Keras" if name not in examples.DIFFERS else "here alone: no weights there"
    return "✓" if name not in examples.DIFFERS else f"✓, but for {examples.DIFFERS[name]}"


def page(text: str) -> str:
    """Return the page with the tables as they are now.

    Args:
        text: The page.
    """
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
