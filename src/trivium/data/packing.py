"""Inputs, targets and sample weights: checked against each other, packed into one tuple and taken apart."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from trivium.data.array_likes import is_array_like
from trivium.data.checks import (
    DataError,
    align_sample_weight,
    check_lengths,
    class_weights_to_sample_weights,
    nonfinite_warning,
)
from trivium.data.convert import to_arrays
from trivium.data.lazy import LazyRows, dense, some_rows
from trivium.state.trees import is_nested, map_leaves, named_leaves

__all__ = [
    "pack_x_y_sample_weight",
    "standardize",
    "unpack_x_y_sample_weight",
    "validation_split",
    "warn_nonfinite",
]


def standardize(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    class_weight: Mapping[int, float] | None = None,
    *,
    issues: list[str] | None = None,
    batch: bool = False,
) -> tuple:
    """Turn what a user gives into arrays, check that they fit together, and pack them.

    Args:
        x: Inputs.
        y: Targets.
        sample_weight: Weights of samples; one array is repeated for each of several outputs.
        class_weight: Weights of classes, which become sample weights.
        issues: Takes a line for each array with values that are not finite.
        batch: Whether this is one batch of a stream. There the several inputs of a model may differ
            in length (the nodes and edges of a graph, say).

    Returns:
        `(x,)`, `(x, y)` or `(x, y, sample_weight)`.

    Raises:
        DataError: Something is wrong with one of the arrays, or they do not fit.

    Example:
        >>> standardize([[1.0], [2.0]], [0, 1])[1]
        array([0, 1], dtype=int32)
    """
    if sample_weight is not None and class_weight is not None:
        raise DataError(
            "`sample_weight` and `class_weight` were both given. Multiply them into one "
            "`sample_weight`; trivium.utils.class_weights_to_sample_weights gives the second "
            "factor."
        )
    given = x
    # Text is for layers of the host; whether the model has such, it knows itself.
    x, y = to_arrays(x, "x", issues, text=True), to_arrays(y, "y", issues)
    sample_weight = to_arrays(sample_weight, "sample_weight", issues)
    # None stands for an optional input; whether there is one, the model knows.
    leaves = list(named_leaves(x, "x"))
    inputs = [leaf for leaf in leaves if leaf[1] is not None]
    if not inputs:
        came = f"`{leaves[0][0]}` is None" if leaves else f"`x` is {given!r}"
        raise DataError(f"{came}; wanted an array for each input of the model.")
    if not batch or len(inputs) == 1:
        others = [*named_leaves(y, "y"), *named_leaves(sample_weight, "sample_weight")]
        check_lengths(inputs + [leaf for leaf in others if leaf[1] is not None], given)
    if class_weight is not None:
        if y is None or is_nested(y):
            raise DataError(
                "`class_weight` needs the targets `y` of a model with a single output, as one "
                "array; got "
                + ("no `y`." if y is None else f"`y` as a {type(y).__name__}. Use `sample_weight`.")
            )
        sample_weight = class_weights_to_sample_weights(dense(y), class_weight)
    elif sample_weight is not None:
        sample_weight = align_sample_weight(map_leaves(_weights, sample_weight), y)
    if sample_weight is not None:
        return x, y, sample_weight
    return (x,) if y is None else (x, y)


def _weights(weight: Any) -> Any:
    """Return sample weights as an array: there is a number for each sample anyway."""
    return dense(weight) if isinstance(weight, LazyRows) else weight


def warn_nonfinite(what: str, issues: list[str]) -> None:
    """Warn, once for all arrays, of values that are not finite."""
    if issues:
        warnings.warn(nonfinite_warning(what, issues), UserWarning, stacklevel=3)


def validation_split(data: tuple, fraction: float) -> tuple[tuple, tuple]:
    """Part arrays in two: the last samples, taken before any shuffling, are for validation.

    Args:
        data: `(x,)`, `(x, y)` or `(x, y, sample_weight)`, nested as the model wants them; entries
            may be `None`.
        fraction: The part that validates, more than 0 and less than 1.

    Returns:
        `(train, validation)`, each with as many entries as `data`.

    Raises:
        DataError: The fraction is out of range, leaves one of the parts empty, or the data is a
            stream.

    Example:
        >>> train, validation = validation_split((np.arange(10), None), 0.3)
        >>> validation
        (array([7, 8, 9], dtype=int32), None)
    """
    if isinstance(fraction, bool) or not isinstance(fraction, int | float | np.number):
        raise DataError(f"`validation_split` is a number between 0 and 1; got {fraction!r}.")
    if not 0 < fraction < 1:
        raise DataError(f"`validation_split` lies between 0 and 1, without both; got {fraction!r}.")
    if not is_array_like(data[0]):
        raise DataError(
            f"`validation_split` parts arrays, but `x` is a {type(data[0]).__name__}, whose length "
            "is not known before it has been read. Give `validation_data`."
        )
    x, y, weight = (*data, None, None)[:3]
    standard = standardize(x, y, weight)
    entries = (*standard, None, None)[: len(data)]
    count = next(a.shape[0] for _, a in named_leaves(standard[0], "x"))
    cut = math.floor(count * (1.0 - fraction))
    if not 0 < cut < count:
        raise DataError(
            f"`validation_split={fraction}` parts {count} samples into {cut} to train on and "
            f"{count - cut} to validate on. Wanted at least one of each: give more data, or "
            "another fraction."
        )
    return (
        map_leaves(lambda array: some_rows(array, slice(cut)), entries),
        map_leaves(lambda array: some_rows(array, slice(cut, None)), entries),
    )


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """Part a batch into inputs, targets and sample weights, `None` for what it lacks.

    Args:
        data: A tuple or list of one to three entries, or the inputs alone.

    Returns:
        `(x, y, sample_weight)`.

    Raises:
        ValueError: It is a tuple or list of another length.

    Example:
        >>> unpack_x_y_sample_weight((1, 2))
        (1, 2, None)
    """
    if not isinstance(data, list | tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise DataError(
            "Data is `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`; got a "
            f"{type(data).__name__} of {len(data)}. Several inputs go into one list: ([a, b], y)."
        )
    x, y, sample_weight = (*data, None, None)[:3]
    return x, y, sample_weight


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """Put inputs, targets and sample weights together; `unpack_x_y_sample_weight` undoes it.

    Args:
        x: Inputs.
        y: Targets.
        sample_weight: Sample weights.

    Returns:
        `(x, y, sample_weight)` or `(x, y)`; of inputs alone, `x`, in a tuple where it is a list or
        tuple.

    Example:
        >>> pack_x_y_sample_weight(1), pack_x_y_sample_weight([1]), pack_x_y_sample_weight(1, 2)
        (1, ([1],), (1, 2))
    """
    if sample_weight is not None:
        return x, y, sample_weight
    if y is not None:
        return x, y
    return (x,) if isinstance(x, list | tuple) else x
