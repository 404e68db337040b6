"""Fingerprints: a hash of a function's lowered program, in which no name of the writer's is left."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import jax

from trivium.state.symbolic_dimensions import Dimension, parse_sizes, replace_symbols
from trivium.state.types import Tree

__all__ = ["digest", "lowered_text", "program_text"]


def digest(*parts: object) -> str:
    """Return the SHA-256 of texts and bytes, as 64 hexadecimal digits.

    Example:
        >>> digest("a", b"b") == digest("a", b"b"), digest("ab") == digest("a", "b")
        (True, False)
    """
    sha = hashlib.sha256()
    # Each part with its length before it: else ("ab",) and ("a", "b") would have one hash.
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        sha.update(len(data).to_bytes(8, "little") + data)
    return sha.hexdigest()


def lowered_text(function: Callable[..., Any], *args: Tree) -> str:
    """Return the StableHLO program of `function` for arguments of these shapes.

    Args:
        function: A pure function.
        args: Nested structures of `jax.ShapeDtypeStruct`; their sizes may be symbols.

    Example:
        >>> spec = jax.ShapeDtypeStruct((2,), "float32")
        >>> lowered_text(lambda x: x + 1, spec) == lowered_text(lambda y: y + 1, spec)
        True
    """

    # JAX names the module after the function: of one name, two writings differ in nothing but what they do.
    def program(*inputs: Tree) -> Any:
        return function(*inputs)

    leaves, tree = jax.tree_util.tree_flatten(args)
    args = jax.tree_util.tree_unflatten(tree, _renamed(leaves))
    return jax.jit(program).lower(*args).as_text()


def program_text(function: Callable[..., Any], *args: Tree) -> str:
    """Return the StableHLO program of `function`; where it needs numbers for sizes, that for sizes of two.

    Args:
        function: A pure function.
        args: Nested structures of `jax.ShapeDtypeStruct`; their sizes may be symbols.
    """
    try:
        return lowered_text(function, *args)
    except Exception:
        # Code that needs numbers for sizes: the program for a batch of two stands for all.
        return lowered_text(function, *jax.tree_util.tree_map(_of_two, args))


def _of_two(spec: jax.ShapeDtypeStruct) -> Any:
    sizes = [d if isinstance(d, int) else 2 for d in spec.shape]
    return jax.ShapeDtypeStruct(sizes, spec.dtype)


def _renamed(specs: list[Any]) -> list[Any]:
    """Number the symbols in the order of their appearance: which ones a graph got tells how many there were before."""
    names: dict[str, Dimension] = {}

    def number(name: str) -> Dimension:
        if name not in names:
            (names[name],) = parse_sizes([f"s{len(names)}"])
        return names[name]

    return [
        jax.ShapeDtypeStruct([replace_symbols(d, number) for d in spec.shape], spec.dtype)
        for spec in specs
    ]
