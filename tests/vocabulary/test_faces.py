"""The public modules: what editors and type checkers read in them is what is there."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path
from types import ModuleType

import pytest
from vocabulary import faces, report, signatures

import trivium
from trivium import ops

_HOMES = {path.rpartition(".")[0] for path in signatures.read() if "." in path}
MODULES = sorted(f"trivium.{home}" for home in _HOMES if inspect.ismodule(report.lookup(home)))


@pytest.mark.parametrize("module", sorted(faces.WHAT))
def test_the_faces_of_the_ops_are_up_to_date(module: str) -> None:
    """If this fails: PYTHONPATH=src:tests/support python -m vocabulary."""
    assert (faces.FOLDER / f"{module}.py").read_text() == faces.written(module)
    for name in vars(ops)[module].__all__:
        assert getattr(vars(ops)[module], name) is getattr(ops, name)


def bound(module: ModuleType) -> set[str]:
    """Return the names that a module's text binds, those under `TYPE_CHECKING` and behind a star included."""
    assert module.__file__ is not None
    found: set[str] = set()
    for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
        match node:
            case ast.ImportFrom(module=str(home), names=[ast.alias(name="*")]):
                found |= set(importlib.import_module(home).__all__)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found |= {alias.asname or alias.name for alias in names}
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
    return found


@pytest.mark.parametrize("name", ["trivium", *MODULES])
def test_names_stand_in_the_text(name: str) -> None:
    """No name of a public module is made while it runs only, where no editor sees it."""
    module = importlib.import_module(name)
    assert set(module.__all__) <= bound(module)
    assert set(module.__all__) <= set(dir(module))


def test_every_public_name_is_listed() -> None:
    """What Keras has under a name and we have, too, is in `__all__`, where `import *` and editors look."""
    for path in signatures.read():
        if report.lookup(path) is not None:
            home = report.lookup(path.rpartition(".")[0]) if "." in path else trivium
            assert path.rpartition(".")[2] in home.__all__, path
