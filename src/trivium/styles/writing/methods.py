"""The training hooks of a model's class, taken over into its program as they are written."""

from __future__ import annotations

import ast
import dis
import inspect
import textwrap
from types import FunctionType, ModuleType
from typing import Any

from trivium import metrics
from trivium.layers.base import Layer
from trivium.models.model import Model
from trivium.state import Variable
from trivium.styles.hooks import HOOKS, overridden_hooks, own_ancestry
from trivium.styles.modes import StyleError
from trivium.styles.writing.values import Values

__all__ = ["hook_attributes", "hook_lines"]


def hook_lines(model: Model, values: Values) -> list[str]:
    """Return the methods, each after an empty line, and note what they need to be imported.

    Raises:
        StyleError: Their text is not to be had, as for a class that was typed into a prompt.
    """
    lines: list[str] = []
    for name in _taken_over(model)[0]:
        function = _function(model, name)
        try:
            text = textwrap.dedent(inspect.getsource(function))
        except (OSError, TypeError) as error:
            raise StyleError(
                f"Model {model.name!r} has its own `{name}`, whose text is not to be had ({error}). Put the class into "
                "a file."
            ) from error
        _note_imports(function, values)
        lines += ["", *text.rstrip().splitlines()]
    return lines


def hook_attributes(model: Model, values: Values) -> dict[str, str]:
    """Return what the hooks read of the model's own, beside layers and weights: names and the texts that make them."""
    texts = {}
    for key in _taken_over(model)[1]:
        value = inspect.getattr_static(model, key, None)
        if hasattr(Model, key) or isinstance(value, Layer | Variable) or _is_method(value):
            continue
        if key in vars(model) or hasattr(type(model), key):
            plain = not isinstance(value, metrics.Metric)
            texts[key] = values.text(value) if plain else str(values.construct(value))
    return texts


def _taken_over(model: Model) -> tuple[list[str], list[str]]:
    """Return the hooks with the methods of the class's own that they call, and what all of these read of `self`."""
    own = {name for base in own_ancestry(type(model)) for name in vars(base)}
    own -= {name for name in own if hasattr(Model, name)} - set(HOOKS)
    methods, read, assigned = overridden_hooks(model), [], set()
    for name in methods:  # It grows while they are read.
        for node in ast.walk(_parsed(_function(model, name))):
            if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
                continue
            key = node.attr
            if node.value.id != "self" or key in methods:
                continue
            if not isinstance(node.ctx, ast.Load):
                assigned.add(key)
            elif key in own and _is_method(inspect.getattr_static(type(model), key)):
                methods.append(key)
            else:
                read.append(key)
    return methods, [key for key in dict.fromkeys(read) if key not in assigned]


def _is_method(thing: Any) -> bool:
    return isinstance(thing, FunctionType | property | staticmethod | classmethod)


def _function(model: Model, name: str) -> Any:
    found = inspect.getattr_static(type(model), name)
    return found.fget if isinstance(found, property) else getattr(found, "__func__", found)


def _parsed(function: Any) -> ast.AST:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except OSError:
        return ast.Module([], [])


def _note_imports(function: Any, values: Values) -> None:
    for name in _global_names(function.__code__):
        value = function.__globals__.get(name)
        if value is None:
            continue
        if isinstance(value, ModuleType):
            home, _, last = value.__name__.rpartition(".")
            plain = value.__name__ if not home else f"{home}.{last}"
            values.imports.add(f"import {plain}" if plain == name else f"import {plain} as {name}")
        elif getattr(value, "__name__", "") == name and hasattr(value, "__module__"):
            home = value.__module__
            if home == "__main__":
                values.own.add(name)
            else:
                values.imports.add(f"from {home} import {name}")
        elif function.__module__ != "__main__":  # A constant of the module that the class is in.
            values.imports.add(f"from {function.__module__} import {name}")
        else:
            values.own.add(name)


def _global_names(code: Any) -> set[str]:
    # Not `co_names`, which has the attributes too: `jnp.mean` uses no `mean` of the program's.
    mine = {
        i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")
    }
    return mine.union(*(_global_names(c) for c in code.co_consts if inspect.iscode(c)))
