"""The training hooks of a model's class, taken over into its program as they are written."""

from __future__ import annotations

import ast
import inspect
import textwrap
from types import ModuleType
from typing import Any

from trivium import metrics
from trivium.layers.base import Layer
from trivium.models.model import Model
from trivium.styles.hooks import overridden_hooks
from trivium.styles.modes import StyleError
from trivium.styles.writing.values import Values

__all__ = ["hook_attributes", "hook_lines"]


def hook_lines(model: Model, values: Values) -> list[str]:
    """Return the methods, each after an empty line, and note what they need to be imported.

    Raises:
        StyleError: Their text is not to be had, as for a class that was typed into a prompt.
    """
    lines: list[str] = []
    for name in overridden_hooks(model):
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
    read = {
        node.attr
        for name in overridden_hooks(model)
        for node in ast.walk(_parsed(_function(model, name)))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }
    texts = {}
    for key, value in vars(model).items():
        if key not in read or key.startswith("_") or isinstance(value, Layer):
            continue
        texts[key] = (
            str(values.construct(value))
            if isinstance(value, metrics.Metric)
            else values.text(value)
        )
    return texts


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
        elif (
            getattr(value, "__module__", "__main__") != "__main__"
            and getattr(value, "__name__", "") == name
        ):
            values.imports.add(f"from {value.__module__} import {name}")
        else:
            values.own.add(name)


def _global_names(code: Any) -> set[str]:
    inner = (c for c in code.co_consts if inspect.iscode(c))
    return set(code.co_names).union(*(_global_names(c) for c in inner))
