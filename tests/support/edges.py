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


def values_and_slopes(cases: dict[str, tuple[Callable[..., Any], Sequence[Any]]]) -> dict[str, Any]:
    """Return what functions give, and the gradients of their sums in each array of floats, in one compiled program.

    Args:
        cases: Functions of arrays, and the arrays, by a name. Whole numbers have no gradient.

    Returns:
        For each name a pair: the value, and a list of gradients.
    """
    programs = {name: _with_slopes(function, arrays) for name, (function, arrays) in cases.items()}
    floats = {name: [a for a in arrays if _is_float(a)] for name, (_, arrays) in cases.items()}
    results = jax.jit(lambda given: {name: programs[name](given[name]) for name in programs})(
        floats
    )
    return jax.tree_util.tree_map(np.asarray, results)


def _is_float(array: Any) -> bool:
    return np.asarray(array).dtype.kind == "f"


def _with_slopes(function: Callable[..., Any], arrays: Sequence[Any]) -> Callable[..., Any]:
    def total(floats: Any) -> Any:
        rest = iter(floats)
        results = function(*(next(rest) if _is_float(a) else a for a in arrays))
        leaves = jax.tree_util.tree_leaves(results)
        return sum(jnp.sum(y.astype("float32")) for y in leaves), results

    def run(floats: Any) -> Any:
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
