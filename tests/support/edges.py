"""Edges: where formulas divide 0 by 0. Values and gradients there, of ops, losses and layers alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["POINTS", "assert_edge", "assert_finite", "values_and_slopes"]

INF = float("inf")
# What a batch of two rows may look like when a formula is at its end.
POINTS: dict[str, np.ndarray] = {
    "zeros": np.zeros((2, 3), "float32"),
    "a row of zeros": np.array([[0, 0, 0], [1, 2, 3]], "float32"),
    "equal values": np.full((2, 3), 2.0, "float32"),
    "ties": np.array([[1, 1, 0], [2, 2, 2]], "float32"),
    "one sample": np.array([[1, 2, 3]], "float32"),
    "one number": np.array([[2]], "float32"),
    "float16's largest": np.array([[65504, -65504, 65504], [60000, 300, 1]], "float16"),
    "float16's smallest": np.array([[6e-8, -6e-8, 0], [6e-5, 1e-4, 0]], "float16"),
}


Case = tuple[Callable[..., Any], Sequence[Any]]


def values_and_slopes(cases: dict[str, Case]) -> dict[str, Any]:
    """Return what functions give, and the gradients of their sums in each array of floats, by one compiled program.

    Compiling is what takes time. So what differs in an array's values alone is compiled once, and run several times.

    Args:
        cases: Functions of arrays, and the arrays, by a name. Whole numbers have no gradient.

    Returns:
        For each name a pair: the value, and a list of gradients.
    """
    kinds: dict[Any, list[tuple[str, list[np.ndarray]]]] = {}
    for name, (function, given) in cases.items():
        arrays = [np.asarray(array) for array in given]
        kind = (function, *((a.shape, a.dtype) for a in arrays))
        kinds.setdefault(kind, []).append((name, arrays))
    programs = [_with_slopes(function) for function, *_ in kinds]
    run = jax.jit(
        lambda given: [program(arrays) for program, arrays in zip(programs, given, strict=True)]
    )
    results = {}
    for turn in range(max(map(len, kinds.values()))):
        members = [each[min(turn, len(each) - 1)] for each in kinds.values()]
        got = jax.tree_util.tree_map(np.asarray, run([arrays for _, arrays in members]))
        results |= {name: result for (name, _), result in zip(members, got, strict=True)}
    return results


def _with_slopes(function: Callable[..., Any]) -> Callable[[Sequence[Any]], Any]:
    def run(arrays: Sequence[Any]) -> Any:
        where = [i for i, array in enumerate(arrays) if array.dtype.kind == "f"]

        def total(floats: list[Any]) -> Any:
            every = dict(enumerate(arrays)) | dict(zip(where, floats, strict=True))
            results = function(*every.values())
            leaves = jax.tree_util.tree_leaves(results)
            return sum(jnp.sum(y.astype("float32")) for y in leaves), results

        floats = [arrays[i] for i in where]
        (_, value), slopes = jax.value_and_grad(total, has_aux=True)(floats)
        return value, slopes

    return run


def assert_edge(got: Any, value: Any, *slopes: Any) -> None:
    """Assert a function's value and its gradients, in half types as exactly as they are.

    Args:
        got: The value and the gradients, from `values_and_slopes`.
        value: What the function gives.
        slopes: The gradient of its sum in each argument of floats.
    """
    mine, gradients = got
    assert len(gradients) == len(slopes)
    for array, wanted in zip((mine, *gradients), (value, *slopes), strict=True):
        tolerance = 1e-3 if array.dtype == "float16" else 1e-6
        wanted = np.broadcast_to(np.asarray(wanted, "float64"), array.shape)
        np.testing.assert_allclose(
            array.astype("float64"), wanted, rtol=5 * tolerance, atol=tolerance
        )


def assert_finite(got: Any) -> None:
    """Assert that neither a function's values are NaN nor its gradients anything but finite.

    Args:
        got: The value and the gradients, from `values_and_slopes`.
    """
    value, slopes = got
    assert not any(np.isnan(v.astype("float64")).any() for v in jax.tree_util.tree_leaves(value)), (
        got
    )
    assert all(np.isfinite(s.astype("float64")).all() for s in slopes), got
