"""What the features of an `Example` hold, as arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from trivium.data.checks import DataError
from trivium.data.records.messages import message
from trivium.state import suggest

__all__ = ["KINDS", "fitted", "parsed", "values_of"]

# How a message keeps values of a dtype, and NumPy's dtype for them: bytes are objects, since NumPy's own kind of them
# loses zeros at the end.
KINDS: dict[str, tuple[str, Any]] = {
    "int64": ("int64_list", np.int64),
    "float32": ("float_list", np.float32),
    "string": ("bytes_list", object),
}
_DTYPES = {field: dtype for dtype, (field, _) in KINDS.items()}


def parsed(name: str, serialized: bytes, place: str) -> Any:
    """Return the message that bytes are.

    Args:
        name: The message's name, such as `"Example"`.
        serialized: The bytes.
        place: Where they were given, for messages.

    Raises:
        DataError: They are no such message.

    Example:
        >>> parsed("Example", b"", "parse_example").features.feature
        {}
    """
    from google.protobuf.message import DecodeError

    try:
        return message(name).FromString(serialized)
    except DecodeError as error:
        raise DataError(
            f"{place}: these {len(serialized)} bytes are no serialized {name} ({error})."
        ) from None


def values_of(features: Any, key: str, dtype: str, place: str) -> np.ndarray | None:
    """Return the values of one feature.

    Args:
        features: A message's features by name.
        key: The name.
        dtype: What they are to be: `"int64"`, `"float32"` or `"string"`.
        place: Where they are asked for, for messages.

    Returns:
        An array with one axis; `None` where there is no such feature, or nothing in it.

    Raises:
        DataError: The feature holds values of another kind.

    Example:
        >>> lists = message("Int64List")(value=[3, 4])
        >>> values_of({"a": message("Feature")(int64_list=lists)}, "a", "int64", "parse_example")
        array([3, 4])
    """
    feature = features.get(key)
    held = None if feature is None else feature.WhichOneof("kind")
    if feature is None or held is None:
        return None
    field, kind = KINDS[dtype]
    if held != field:
        raise DataError(
            f"{place}: the feature {key!r} was asked for as {dtype}, and holds values of {_DTYPES[held]}."
        )
    values = getattr(feature, field).value
    array = np.empty(len(values), kind)
    array[:] = values
    return array


def fitted(
    values: np.ndarray | None,
    key: str,
    shape: Sequence[int],
    default: Any,
    dtype: str,
    place: str,
    known: Sequence[str] = (),
) -> np.ndarray:
    """Return the values of a feature that has one shape in all examples.

    Args:
        values: As `values_of` returns them.
        key: The feature's name.
        shape: The shape.
        default: What stands for a feature that is not there; `None` for an error.
        dtype: As for `values_of`.
        place: Where they are asked for, for messages.
        known: The names of the features that there are, for messages.

    Raises:
        DataError: There is no such feature, or it holds another number of values.

    Example:
        >>> fitted(np.arange(4), "a", (2, 2), None, "int64", "parse_example").tolist()
        [[0, 1], [2, 3]]
    """
    if values is None:
        if default is None:
            raise DataError(
                f"{place}: there is no feature {key!r} in this example, and no default value. {suggest(key, known)}"
            )
        kind = KINDS[dtype][1]
        given = np.array(default, kind)
        return given.reshape(shape) if given.ndim else np.full(tuple(shape), default, kind)
    if values.size != math.prod(shape):
        raise DataError(
            f"{place}: the feature {key!r} holds {values.size} values in this example; wanted the shape "
            f"{tuple(shape)}, which has {math.prod(shape)}."
        )
    return values.reshape(tuple(shape))
