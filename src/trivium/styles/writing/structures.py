"""Nested structures as text, and the inputs of a graph as the arguments of a call."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax

from trivium.graph import Graph, SymbolicTensor
from trivium.graph.closure import closures
from trivium.models.model import Model
from trivium.state import Variable
from trivium.styles.writing.values import Values

__all__ = [
    "call_arguments", "call_of", "is_call", "key_text", "only_inputs", "positional", "step_text",
    "structure_text", "texts_in_structure",
]  # fmt: skip


def structure_text(value: Any, leaf: Callable[[Any], str]) -> str:
    """Return a nested structure of tensors as text.

    Args:
        value: The structure.
        leaf: Gives the text of what is no list, tuple or dict with a tensor in it.

    Example:
        >>> structure_text({"a": [SymbolicTensor((1,), name="t")]}, lambda t: t.name)
        '{"a": [t]}'
    """
    leaves = jax.tree_util.tree_leaves(value)
    written = any(isinstance(v, SymbolicTensor | Variable) for v in leaves) or closures(value)
    if not isinstance(value, list | tuple | dict) or not written:
        return leaf(value)
    if isinstance(value, dict):
        parts = (f"{key_text(k)}: {structure_text(v, leaf)}" for k, v in value.items())
        return "{" + ", ".join(parts) + "}"
    inner = ", ".join(structure_text(v, leaf) for v in value)
    if isinstance(value, list):
        return f"[{inner}]"
    return f"({inner},)" if len(value) == 1 else f"({inner})"


def key_text(key: Any) -> str:
    """Return a dict's key or a list's index as text.

    Example:
        >>> key_text("left"), key_text(0)
        ('"left"', '0')
    """
    return Values().text(key)


def step_text(path: Any) -> str:
    """Return what follows a structure's name to reach one of its leaves, given the leaf's path in it."""
    keys = (getattr(p, "key", getattr(p, "idx", None)) for p in path)
    return "".join(f"[{key_text(k)}]" for k in keys)


def texts_in_structure(texts: Any) -> str:
    """Return a structure whose leaves are texts already. A tuple becomes a list: it could be taken for a shape."""
    if isinstance(texts, dict):
        return (
            "{"
            + ", ".join(f"{key_text(k)}: {texts_in_structure(v)}" for k, v in texts.items())
            + "}"
        )
    if isinstance(texts, list | tuple):
        return f"[{', '.join(map(texts_in_structure, texts))}]"
    return str(texts)


# -- what goes in ---------------------------------------------------------------------------------------------


def is_call(inputs: Any) -> bool:
    """Say whether a graph's inputs are the arguments of a call, not one structure."""
    return (
        isinstance(inputs, tuple)
        and len(inputs) == 2
        and isinstance(inputs[0], tuple)
        and isinstance(inputs[1], dict)
    )


def call_of(graph: Graph) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a call that the graph's inputs stand for."""
    return graph.inputs if is_call(graph.inputs) else ((graph.inputs,), {})


def only_inputs(graph: Graph) -> Any:
    """Return the inputs in a structure that a model takes as its one argument."""
    return list(graph.input_tensors) if is_call(graph.inputs) else graph.inputs


def call_arguments(inputs: Any, leaf: Callable[[Any], str]) -> list[tuple[str | None, str]]:
    """Return the arguments of a call on a graph's inputs as text, each with its name or `None`.

    Args:
        inputs: The inputs.
        leaf: Gives the text of an input.
    """
    args, kwargs = inputs if is_call(inputs) else ((inputs,), {})
    named = [(k, structure_text(v, leaf)) for k, v in kwargs.items()]
    return [*((None, structure_text(a, leaf)) for a in args), *named]


def positional(model: Model, count: int) -> list[str]:
    """Return names for the first arguments of a model's `call`: its own as far as it has them."""
    known = [
        p
        for p in inspect.signature(type(model).call).parameters
        if p not in ("self", "args", "kwargs")
    ]
    return known[:count] if len(known) >= count else [f"inputs_{i + 1}" for i in range(count)]
