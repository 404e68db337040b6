"""Bringing what a model is called on into the form of its graph's inputs."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from trivium.graph import Graph, SymbolicTensor
from trivium.state import suggest

__all__ = ["fit_inputs"]


def fit_inputs(graph: Graph, inputs: Any, path: str) -> Any:
    """Return `inputs` in the structure, ranks and dtypes of a graph's inputs.

    Args:
        graph: The model's graph.
        inputs: Arrays: in the graph's own structure, as a flat list in its order, or by the inputs' names.
        path: The model's path, for messages.

    Raises:
        ValueError: The structure or a shape does not fit; the message names the input.
    """
    flat = _flatten_like(graph, inputs, path)
    fitted = [_fit(t, x, path) for t, x in zip(graph.input_tensors, flat, strict=True)]
    return jax.tree_util.tree_unflatten(jax.tree_util.tree_structure(graph.inputs), fitted)


def _flatten_like(graph: Graph, inputs: Any, path: str) -> list[Any]:
    tensors = graph.input_tensors
    if isinstance(inputs, dict):
        names = [t.name for t in tensors]
        own = isinstance(graph.inputs, dict)
        if own and set(graph.inputs) <= set(inputs):
            return jax.tree_util.tree_leaves({k: inputs[k] for k in graph.inputs})
        if set(names) <= set(inputs):
            return [inputs[k] for k in names]
        # Said in the words that the data comes closer to.
        keyed: list[str] = list(graph.inputs) if own else names
        keys = names if len({*names} & {*inputs}) > len({*keyed} & {*inputs}) else keyed
        missing = next(k for k in keys if k not in inputs)
        raise ValueError(
            f"Model {path!r} has the inputs {', '.join(map(repr, keys))}; the data has "
            f"{', '.join(map(repr, inputs))}, and no {missing!r}. {suggest(missing, inputs)}"
        )
    flat = jax.tree_util.tree_leaves(inputs)
    if len(flat) != len(tensors):
        said = ", ".join(repr(t.name) for t in tensors)
        shapes = ", ".join(str(tuple(getattr(x, "shape", ()))) for x in flat)
        single = len(tensors) == 1
        raise ValueError(
            f"Model {path!r} has {'one input' if single else f'{len(tensors)} inputs'}, {said}; it was given "
            + ("one array" if len(flat) == 1 else f"{len(flat)} arrays")
            + f", of shape {shapes}. "
            + (
                "Give that one array."
                if single
                else "Give one for each, in a list or in a dict by their names."
            )
        )
    return flat


def _fit(tensor: SymbolicTensor, x: Any, path: str) -> Any:
    if not hasattr(x, "shape"):
        x = jnp.asarray(x)
    wanted = tensor.shape
    if len(x.shape) == len(wanted) + 1 and x.shape[-1] == 1:
        x = jnp.squeeze(x, -1)
    elif len(x.shape) == len(wanted) - 1 and wanted[-1] == 1:
        x = jnp.expand_dims(x, -1)
    # Any batch will do: the last one of an epoch may be smaller than what `batch_shape` says.
    agrees = len(x.shape) == len(wanted) and all(
        w is None or w == d or not isinstance(d, int)
        for w, d in zip(wanted[1:], x.shape[1:], strict=True)
    )
    if not agrees:
        given = tuple(d if isinstance(d, int) else None for d in x.shape)
        raise ValueError(
            f"Model {path!r}: the input {tensor.name!r} has shape {wanted}; it was given an array of shape "
            f"{given}. Reshape the data, or give `Input` the shape of one sample of it."
        )
    return x if x.dtype == tensor.dtype else x.astype(tensor.dtype)
