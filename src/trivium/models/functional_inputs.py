"""Bringing what a model is called on into the form of its graph's inputs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

import jax.numpy as jnp

from trivium.data.texts import as_texts, holds_text
from trivium.graph import Graph, SymbolicTensor, is_symbolic
from trivium.state import suggest
from trivium.state.masks import get_mask, set_mask
from trivium.state.trees import has_keys, is_nested, item_name, named_leaves, rebuild

__all__ = ["arrange_inputs", "fit_inputs", "is_optional", "match_inputs", "one_input", "with_masks"]


def one_input(args: tuple[Any, ...], kwargs: dict[str, Any], path: str) -> Any:
    """Return what a model that is a graph was called on: one thing, or each input by a keyword.

    Args:
        args: The call's arguments.
        kwargs: Its keywords, but for `training` and `mask`.
        path: The model's path, for messages.

    Raises:
        TypeError: It was called on several things.
    """
    if len(args) == 1 and not kwargs:
        return args[0]
    if not args and kwargs:
        return kwargs["inputs"] if list(kwargs) == ["inputs"] else kwargs
    raise TypeError(
        f"Model {path!r} was called on {len(args) + len(kwargs)} things; it takes one: an array, or several in "
        "a list or a dict, as in model([a, b]). Say `training=` and `mask=` by their names."
    )


def fit_inputs(graph: Graph, inputs: Any, path: str) -> Any:
    """Return `inputs` in the structure, ranks and dtypes of a graph's inputs.

    Args:
        graph: The model's graph.
        inputs: Arrays: in the graph's own structure, in a row in the order that the inputs were declared in, or in a
            dict by the inputs' names. `None` stands for an optional input that is left out.
        path: The model's path, for messages.

    Raises:
        ValueError: The structure or a shape does not fit; the message names the input.
    """
    pairs = match_inputs(graph, inputs, path)
    return _filled(graph.inputs, iter([_fit(*pair, path) for pair in pairs]))


def arrange_inputs(graph: Graph, inputs: Any, path: str) -> Any:
    """Return `inputs` in the structure of a graph's inputs, each array as it is.

    Args:
        graph: The model's graph.
        inputs: Arrays, as `fit_inputs` takes them.
        path: The model's path, for messages.

    Raises:
        ValueError: The structure does not fit.
    """
    return _filled(graph.inputs, iter([x for _, x, _ in match_inputs(graph, inputs, path)]))


def with_masks(graph: Graph, inputs: Any, masks: Any, path: str) -> Any:
    """Return fitted inputs with masks beside them.

    Args:
        graph: The model's graph.
        inputs: What `fit_inputs` gave.
        masks: A mask for each input, in any form that inputs come in; `None` for one without.
        path: The model's path, for messages.

    Raises:
        ValueError: The masks do not match the inputs.
    """

    def masked(x: Any, mask: Any) -> Any:
        if x is None or mask is None:
            return x
        # Of its own: the caller's array goes on without a mask.
        x = x if isinstance(x, SymbolicTensor) else jnp.array(x)
        set_mask(x, mask if isinstance(mask, SymbolicTensor) else jnp.asarray(mask))
        return x

    arrays = [x for _, x in named_leaves(inputs, "inputs")]
    pairs = zip(arrays, match_inputs(graph, masks, path), strict=True)
    return _filled(graph.inputs, iter([masked(x, mask) for x, (_, mask, _) in pairs]))


def match_inputs(graph: Graph, given: Any, path: str) -> _Pairs:
    """Say which array is which input's.

    Args:
        graph: The model's graph.
        given: The arrays, as `fit_inputs` takes them.
        path: The model's path, for messages.

    Returns:
        For each input, in the order that they were declared in, its tensor, its array, and where that was found.

    Raises:
        ValueError: The structure does not fit.
    """
    declared = graph.inputs
    pairs = None
    if holds_text(given) and isinstance(given, list | tuple):
        # Lists of strings are one array, as lists of numbers are to `fit`.
        given = as_texts(given, "inputs")
    if hasattr(given, "_fields") and not _keys(declared):
        # Fields that are the inputs' names say more than their order.
        pairs = _by_names(declared, given._asdict())
    if pairs is None:
        pairs = _aligned(declared, given, "inputs")
    if pairs is None and (keyed := _by_key(given)) is not None:
        pairs = _by_names(declared, keyed)
        if pairs is None and (isinstance(given, Mapping) or _keys(declared)):
            raise ValueError(_wrong_keys(graph, keyed, path))
    if pairs is None:
        pairs = _in_row(declared, given)
    if pairs is None:
        raise ValueError(_wrong_form(graph, given, path))
    return pairs


def is_optional(tensor: SymbolicTensor) -> bool:
    """Say whether an input may be `None`.

    Example:
        >>> from trivium import layers
        >>> is_optional(layers.Input((2,), optional=True)), is_optional(layers.Input((2,)))
        (True, False)
    """
    source = tensor.node.operation if tensor.node is not None and tensor.node.is_source else None
    return bool(getattr(source, "optional", False))


# -- which array is which input's -------------------------------------------------------------------------------

# An input, the array for it, and where in the data that was found.
_Pairs = list[tuple[SymbolicTensor, Any, str]]


def _by_key(value: Any) -> Mapping[str, Any] | None:
    """Return a dict, or a named tuple as one; `None` for all else."""
    if isinstance(value, Mapping):
        return value
    return value._asdict() if hasattr(value, "_fields") else None


def _keys(value: Any) -> list[Any]:
    """Return the keys of a dict or the fields of a named tuple."""
    return list(_by_key(value) or ())


def _aligned(declared: Any, given: Any, place: str) -> _Pairs | None:
    """Walk a graph's inputs and the data together; `None` where they differ in form. Keys too many are no matter."""
    if not is_nested(declared):
        return (
            None if is_nested(given) else [(declared, given, place)] if declared is not None else []
        )
    if not is_nested(given):
        return None
    wanted, found = _by_key(declared), _by_key(given)
    entries: list[tuple[Any, Any, Any]]
    if wanted is not None and found is not None and set(wanted) <= set(found):
        entries = [(key, part, found[key]) for key, part in wanted.items()]
    elif isinstance(declared, Mapping) or isinstance(given, Mapping) or len(declared) != len(given):
        return None
    elif wanted is not None and found is not None:
        return None  # Two named tuples with other fields: not by their order.
    else:
        entries = [(i, *pair) for i, pair in enumerate(zip(declared, given, strict=True))]
    pairs: _Pairs = []
    for key, part, value in entries:
        inner = _aligned(part, value, item_name(place, key))
        if inner is None:
            return None
        pairs += inner
    return pairs


def _by_names(declared: Any, given: Mapping[str, Any]) -> _Pairs | None:
    """Take data by the inputs' names; `None` where one is missing."""
    tensors = _tensors(declared)
    if not all(t.name in given and not is_nested(given[t.name]) for t in tensors):
        return None
    return [(t, given[t.name], item_name("inputs", t.name)) for t in tensors]


def _in_row(declared: Any, given: Any) -> _Pairs | None:
    """Take data in the order that it was written in; `None` where it is not one array an input, or a dict is in it.

    JAX would take the inputs of a dict in the order of its sorted keys, which nobody wrote.
    """
    tensors, leaves = _tensors(declared), list(named_leaves(given, "inputs"))
    if len(leaves) != len(tensors) or has_keys(given):
        return None
    return [(t, x, place) for t, (place, x) in zip(tensors, leaves, strict=True)]


def _tensors(declared: Any) -> list[SymbolicTensor]:
    """Return a graph's inputs in the order that they were declared in."""
    return [tensor for _, tensor in named_leaves(declared, "") if tensor is not None]


def _filled(declared: Any, values: Iterator[Any]) -> Any:
    """Return the structure of a graph's inputs with values in the place of its tensors, in declared order."""
    if isinstance(declared, Mapping):
        parts = {key: _filled(part, values) for key, part in declared.items()}
        # JAX knows an ordered dict from a plain one, and flattens it in its own order.
        return OrderedDict(parts) if isinstance(declared, OrderedDict) else parts
    if isinstance(declared, list | tuple):
        return rebuild(declared, [_filled(part, values) for part in declared])
    return None if declared is None else next(values)


# -- one array --------------------------------------------------------------------------------------------------


def _fit(tensor: SymbolicTensor, x: Any, place: str, path: str) -> Any:
    """Bring an array into the rank and dtype of its input."""
    if x is None:
        if is_optional(tensor):
            return None
        raise ValueError(
            f"Model {path!r}: the input {tensor.name!r} was given None ({place}), and it is not optional. Give it an "
            f"array of shape {tensor.shape}, or declare it by `Input(..., optional=True)`."
        )
    x = _of_its_kind(tensor, x, place, path)
    given, wanted = x, tensor.shape
    if len(x.shape) == len(wanted) + 1 and x.shape[-1] == 1:
        x = x.squeeze(-1)
    elif len(x.shape) == len(wanted) - 1 and wanted[-1] == 1:
        x = x[..., None]
    # Any batch will do: the last one of an epoch may be smaller than what `batch_shape` says.
    agrees = len(x.shape) == len(wanted) and all(
        w is None or w == d or not isinstance(d, int)
        for w, d in zip(wanted[1:], x.shape[1:], strict=True)
    )
    if not agrees:
        raise ValueError(
            f"Model {path!r}: the input {tensor.name!r} has shape {wanted}; it was given an array of shape "
            f"{_shape(x)}. Reshape the data, or give `Input` the shape of one sample of it."
        )
    fitted = x if tensor.is_text or x.dtype == tensor.dtype else x.astype(tensor.dtype)
    if fitted is not given and (mask := get_mask(given)) is not None:
        set_mask(fitted, mask)
    return fitted


def _of_its_kind(tensor: SymbolicTensor, x: Any, place: str, path: str) -> Any:
    """Return an array, of text or of numbers as the input is declared."""
    text = holds_text(x) or (is_symbolic(x) and x.is_text)
    if text != tensor.is_text:
        kinds = ("text", "numbers") if tensor.is_text else ("numbers", "text")
        raise ValueError(
            f"Model {path!r}: the input {tensor.name!r} takes {kinds[0]}; it was given {kinds[1]} ({place})."
            + (
                ""
                if tensor.is_text
                else ' An input for text is declared by `Input(..., dtype="string")`.'
            )
        )
    if text and not is_symbolic(x):
        return as_texts(x, place)
    return x if hasattr(x, "shape") and hasattr(x, "dtype") else jnp.asarray(x)


# -- what does not fit ------------------------------------------------------------------------------------------


def _wrong_keys(graph: Graph, inputs: Mapping[str, Any], path: str) -> str:
    names = [t.name for t in _tensors(graph.inputs)]
    own = _keys(graph.inputs) or names
    # Said in the words that the data comes closer to.
    keys = names if len({*names} & {*inputs}) > len({*own} & {*inputs}) else own
    missing = next((k for k in keys if k not in inputs), None)
    if missing is None:
        return _wrong_form(graph, inputs, path)
    return (
        f"Model {path!r} has the inputs {', '.join(map(repr, keys))}; the data has "
        f"{', '.join(map(repr, inputs))}, and no {missing!r}. {suggest(str(missing), inputs)}"
    )


def _wrong_form(graph: Graph, inputs: Any, path: str) -> str:
    names = [t.name for t in _tensors(graph.inputs)]
    given = [x for _, x in named_leaves(inputs, "")]
    shapes = ", ".join(_shape(x) for x in given)
    inputs_of_it = ", ".join(map(repr, names))
    count = "one input" if len(names) == 1 else f"{len(names)} inputs"
    arrays = "one array" if len(given) == 1 else f"{len(given)} arrays"
    said = f"Model {path!r} has {count}, {inputs_of_it}; it was given {arrays}, of shape {shapes}"
    if len(names) == 1:
        return f"{said}. Give that one array."
    if len(given) == len(names):
        said += f", as {_outline(inputs)}"
    form = _outline(graph.inputs)
    return f"{said}. Give one for each, as {form}, in a list in that order, or in a dict by their names."


def _shape(x: Any) -> str:
    """Write an array's shape as people do, whatever stands in for a size that is not known."""
    if x is None:
        return "None"
    return str(tuple(d if isinstance(d, int) else None for d in getattr(x, "shape", ())))


def _outline(structure: Any) -> str:
    """Write a structure with the inputs' names, or the arrays' shapes, at its leaves."""
    if isinstance(structure, Mapping):
        return "{" + ", ".join(f"{k!r}: {_outline(v)}" for k, v in structure.items()) + "}"
    if isinstance(structure, list | tuple):
        inner = ", ".join(map(_outline, structure))
        return f"[{inner}]" if isinstance(structure, list) else f"({inner})"
    return structure.name if isinstance(structure, SymbolicTensor) else _shape(structure)
