"""`tf.debugging`: what is checked while a program runs, in compiled code as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium import ops
from trivium.compat.tensorflow.errors import as_tensorflow_s
from trivium.compat.written import covers
from trivium.graph.op import any_symbolic
from trivium.state.functions import look_after_call, tracing_function

__all__: list[str] = []


def _check(holds: Callable[..., Any], say: Callable[..., str], *tensors: Any) -> None:
    """Raise an error where something does not hold: now, or in compiled code when it runs."""
    if any_symbolic(tensors):
        return  # There is nothing to compare yet.
    arrays = [jnp.asarray(x) for x in map(ops.convert_to_tensor, tensors)]

    def look(*values: Any) -> None:
        values = tuple(map(np.asarray, values))
        if not holds(*values):
            raise as_tensorflow_s(ValueError(say(*values)))

    if not any(isinstance(a, jax.core.Tracer) for a in arrays):
        look(*arrays)
    elif tracing_function():
        look_after_call(look, *arrays)
    else:
        jax.debug.callback(look, *arrays)


def _cover_comparison(name: str, words: str, compare: Callable[..., Any], *paths: str) -> None:
    def check(x: Any, y: Any, message: Any = None, summarize: Any = None, name: Any = None) -> None:
        def say(a: Any, b: Any) -> str:
            return (
                f"{message or ''} Condition x {words} y did not hold: x is {a}, y is {b}.".strip()
            )

        _check(lambda a, b: np.all(compare(a, b)), say, x, y)

    covers(f"tensorflow.debugging.{name}", *paths)(check)


for _name, _words, _compare in (
    ("assert_equal", "==", np.equal), ("assert_none_equal", "!=", np.not_equal), ("assert_less", "<", np.less),
    ("assert_less_equal", "<=", np.less_equal), ("assert_greater", ">", np.greater),
    ("assert_greater_equal", ">=", np.greater_equal),
):  # fmt: skip
    _cover_comparison(_name, _words, _compare)


def _cover_sign(name: str, words: str, compare: Callable[..., Any]) -> None:
    def check(x: Any, message: Any = None, summarize: Any = None, name: Any = None) -> None:
        def say(a: Any) -> str:
            return f"{message or ''} Condition x {words} 0 did not hold: x is {a}.".strip()

        _check(lambda a: np.all(compare(a, 0)), say, x)

    covers(f"tensorflow.debugging.{name}")(check)


for _name, _words, _compare in (
    ("assert_positive", ">", np.greater), ("assert_negative", "<", np.less),
    ("assert_non_negative", ">=", np.greater_equal), ("assert_non_positive", "<=", np.less_equal),
):  # fmt: skip
    _cover_sign(_name, _words, _compare)


@covers("tensorflow.debugging.assert_near")
def _assert_near(
    x: Any,
    y: Any,
    rtol: Any = None,
    atol: Any = None,
    message: Any = None,
    summarize: Any = None,
    name: Any = None,
) -> None:
    def holds(a: Any, b: Any) -> Any:
        least = 10 * np.finfo(a.dtype).eps
        near = (least if atol is None else atol) + (least if rtol is None else rtol) * np.abs(b)
        return np.all(np.abs(a - b) < near)

    _check(holds, lambda a, b: f"{message or ''} x and y are not near: {a} and {b}.".strip(), x, y)


@covers("tensorflow.debugging.Assert", "tensorflow.Assert")
def _assert(condition: Any, data: Any, summarize: Any = None, name: Any = None) -> None:
    _check(lambda c, *_: np.all(c), lambda _, *d: f"Assertion failed: {list(d)}.", condition)


@covers("tensorflow.debugging.check_numerics")
def _check_numerics(tensor: Any, message: Any, name: Any = None) -> Any:
    def say(a: Any) -> str:
        found = [w for w, f in (("Inf", np.isinf), ("NaN", np.isnan)) if np.any(f(a))]
        return f"{message} : Tensor had {' and '.join(found)} values."

    _check(lambda a: np.all(np.isfinite(a)), say, tensor)
    return tensor


@covers("tensorflow.debugging.assert_all_finite")
def _assert_all_finite(x: Any, message: Any = "", name: Any = None) -> Any:
    return _check_numerics(x, message)


# -- what is known without values -------------------------------------------------------------------------------


def _refuse(wrong: bool, message: Any, why: str) -> None:
    if wrong:
        raise ValueError(f"{message or ''} {why}".strip())


@covers("tensorflow.debugging.assert_rank")
def _assert_rank(x: Any, rank: int, message: Any = None, name: Any = None) -> None:
    _refuse(ops.ndim(x) != rank, message, f"wanted {rank} axes, got the shape {ops.shape(x)}.")


@covers("tensorflow.debugging.assert_rank_at_least")
def _assert_rank_at_least(x: Any, rank: int, message: Any = None, name: Any = None) -> None:
    _refuse(ops.ndim(x) < rank, message, f"wanted {rank} axes or more, got {ops.shape(x)}.")


@covers("tensorflow.debugging.assert_rank_in")
def _assert_rank_in(x: Any, ranks: Any, message: Any = None, name: Any = None) -> None:
    _refuse(ops.ndim(x) not in ranks, message, f"wanted {ranks} axes, got {ops.shape(x)}.")


@covers("tensorflow.debugging.assert_scalar")
def _assert_scalar(tensor: Any, name: Any = None, message: Any = None) -> Any:
    _refuse(ops.ndim(tensor) != 0, message, f"wanted a scalar, got the shape {ops.shape(tensor)}.")
    return tensor


@covers("tensorflow.debugging.assert_integer")
def _assert_integer(x: Any, message: Any = None, name: Any = None) -> None:
    dtype = ops.convert_to_tensor(x).dtype
    if not jnp.issubdtype(dtype, jnp.integer):
        raise TypeError(f"{message or ''} wanted whole numbers, got {dtype}.".strip())


@covers("tensorflow.debugging.assert_type")
def _assert_type(tensor: Any, tf_type: Any, message: Any = None, name: Any = None) -> None:
    dtype = str(ops.convert_to_tensor(tensor).dtype)
    if dtype != str(tf_type):
        raise TypeError(f"{message or ''} wanted the dtype {tf_type}, got {dtype}.".strip())


@covers("tensorflow.debugging.is_numeric_tensor")
def _is_numeric_tensor(tensor: Any) -> bool:
    return isinstance(tensor, jax.Array) and jnp.issubdtype(tensor.dtype, jnp.number)


@covers("tensorflow.debugging.assert_shapes")
def _assert_shapes(
    shapes: Any, data: Any = None, summarize: Any = None, message: Any = None, name: Any = None
) -> None:
    pairs = shapes.items() if isinstance(shapes, dict) else shapes
    known: dict[Any, int] = {}
    for x, wanted in pairs:
        wanted = tuple(wanted)
        came = tuple(ops.shape(x))
        if "..." in wanted or Ellipsis in wanted:
            place = wanted.index("..." if "..." in wanted else Ellipsis)
            wanted = (
                *wanted[:place], *(None,) * (len(came) - len(wanted) + 1), *wanted[place + 1 :],
            )  # fmt: skip
        fits = len(came) == len(wanted) and all(
            w in (None, ".", c) or (isinstance(w, str) and known.setdefault(w, c) == c)
            for w, c in zip(wanted, came, strict=True)
        )
        _refuse(not fits, message, f"wanted the shape {wanted}, got {came}.")
