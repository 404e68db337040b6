"""Which of an op's arguments are tensors: read off the annotations, and used to say what went wrong."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import pytest
from oracle import recorded

from trivium import layers, ops
from trivium.graph import SymbolicTensor, op, tensor_arguments
from trivium.state.types import ArrayLike, Tree

# Where ours departs: bounds may be computed, points may be given, tolerances are numbers; `key` is what brackets take.
APART = {"clip", "trapezoid", "bincount", "isclose", "get_item", "einsum", "dot_product_attention"}
# Ops of functions: what they take is a tree, or another op's arguments.
OF_FUNCTIONS = {
    "associative_scan", "cond", "fori_loop", "jvp", "map", "scan", "stop_gradient", "switch", "vectorized_map",
    "while_loop",
}  # fmt: skip


def keras_operations(keras: Any) -> dict[str, list[str]]:
    """The arguments of the call of Keras's operations, by the class's name without capitals."""
    found = {}
    for room in ("numpy", "nn", "math", "linalg", "core"):
        module = getattr(keras.src.ops, room)
        for name, kind in vars(module).items():
            if (
                inspect.isclass(kind)
                and hasattr(kind, "call")
                and kind.__module__ == module.__name__
            ):
                found[name.lower()] = [*inspect.signature(kind.call).parameters][1:]
    return found


def test_the_tensors_of_ops_are_what_keras_splits_off_into_the_call() -> None:
    theirs = recorded(keras_operations)
    mine = {name: name.replace("_", "") for name in ops.__all__}
    shared = {name: key for name, key in mine.items() if key in theirs}
    shared = {name: key for name, key in shared.items() if name not in APART | OF_FUNCTIONS}
    assert len(shared) > 200
    for name, key in shared.items():
        assert list(tensor_arguments(getattr(ops, name))) == list(theirs[key]), name


def test_annotations_are_read_in_sequences_beside_none_and_as_trees() -> None:
    @op
    def mixed(
        x: ArrayLike,
        xs: Sequence[ArrayLike],
        maybe: ArrayLike | None = None,
        tree: Tree = None,
        array: jax.Array | None = None,
        axis: int | None = None,
        sizes: Sequence[int] = (),
        anything: Any = None,
        untyped=None,
    ) -> Any:
        return x

    assert tensor_arguments(mixed) == ("x", "xs", "maybe", "tree", "array")


def test_an_op_whose_types_nobody_can_find_has_no_table_and_works() -> None:
    @op
    def odd(x: Unknown) -> Any:  # type: ignore[name-defined]  # noqa: F821
        return x * 2

    assert tensor_arguments(odd) == () and odd(2) == 4


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: ops.add("hello", 1), "`x1` is a tensor: .*; got 'hello', a str"),
        (lambda: ops.sum({"a": 1}), "`x` is a tensor: .*; got {'a': 1}, a dict"),
        (lambda: ops.multiply(1.0, layers.Dense(2, name="d")), "`x2` is a tensor: .*<Dense name=d"),
        (lambda: ops.concatenate([np.ones(2), "b"]), "`xs` is a tensor"),
        (lambda: ops.matmul(np.ones((2, 2)), np.sum), "`x2` is a tensor: .*a function|_ArrayFunction"),
        (lambda: ops.sum(SymbolicTensor((2, 3)), axis=SymbolicTensor((), "int32")), "`axis` is a setting"),
        (lambda: jax.jit(lambda n: ops.repeat(np.ones(3), n))(2), "`repeats` is a setting"),
    ],
)  # fmt: skip
def test_errors_say_which_argument_is_of_the_wrong_kind(call: Any, said: str) -> None:
    with pytest.raises((TypeError, ValueError), match=said):
        call()


def test_errors_of_another_kind_are_said_as_they_are() -> None:
    with pytest.raises(Exception, match=r"axis 5 is out of bounds"):
        ops.sum(np.ones((2, 2)), axis=5)
    with pytest.raises(Exception, match=r"[Ii]ncompatible"):
        ops.add(np.ones(2), np.ones(3))
