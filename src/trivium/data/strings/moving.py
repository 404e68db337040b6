"""Functions of arrays that only move entries about, or ask whether they are equal: done to numbers of the strings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from trivium.data.strings.array import StringArray, as_strings
from trivium.data.texts import holds_text
from trivium.state.placing import to_device

__all__ = ["numbered"]


def numbered(
    function: Callable[..., Any],
    args: Any,
    kwargs: Any,
    back: Callable[[int], bool] = lambda i: True,
) -> Any:
    """Return what a function of arrays gives for strings, if all it does is to move and compare.

    Equal strings have equal numbers, and the empty one has 0, which such functions fill up with. In lists of arrays
    each is one for itself.

    Args:
        function: The function.
        args: Its arguments, with strings among them.
        kwargs: Its keyword arguments, likewise.
        back: Takes the place of a result, 0 for the first or only one, and says whether it is one of strings.

    Example:
        >>> numbered(jax.numpy.concatenate, ([as_strings(["a"]), as_strings(["b", "c"])],), {})
        StringArray([b'a', b'b', b'c'])
        >>> numbered(jax.numpy.equal, (as_strings(["a", "b"]), as_strings("a")), {}, back=lambda i: False).tolist()
        [True, False]
    """
    known: dict[bytes, int] = {b"": 0}

    def to_numbers(x: Any) -> Any:
        if isinstance(x, list | tuple) and any(isinstance(v, StringArray | np.ndarray) for v in x):
            return [to_numbers(v) for v in x]
        if not isinstance(x, StringArray) and not holds_text(x):
            return x
        strings = as_strings(x)
        flat = [known.setdefault(s, len(known)) for s in strings._bytes.ravel().tolist()]
        return to_device(np.array(flat, np.int32).reshape(strings.shape))

    result = function(*map(to_numbers, args), **{k: to_numbers(v) for k, v in kwargs.items()})
    strings = np.empty(len(known), object)
    strings[:] = list(known)
    leaves, tree = jax.tree_util.tree_flatten(result)
    several = not hasattr(result, "shape")
    made = [
        StringArray(strings[np.asarray(x)]) if back(i if several else 0) else x
        for i, x in enumerate(leaves)
    ]
    return jax.tree_util.tree_unflatten(tree, made)
