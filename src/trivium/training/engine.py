"""The engine: steps compiled into loops, one executable per step and batch shape whatever the number of steps.

A *program* runs steps `start` to `stop` of a pass over data that lies on the device; `stop` is an argument, not a
constant, so chunks of one step and of a thousand are the same executable and give the same bits. Executables are kept
by the hash of their lowered text: two models that lower to the same program share one, whatever their names.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import jaxpr_as_fun

from trivium.graph import CaptureError, digest
from trivium.graph.errors import error_location
from trivium.state.trees import keep_order, map_tree

__all__ = ["NEEDS_VALUES", "Program", "compile_count", "values_needed"]

_BUFFER = 1 << 25  # Bytes of results that one chunk collects at most.
NEEDS_VALUES = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)
# XLA compiles without Python, which meanwhile traces the next program or runs the one that is ready. One at a time:
# programs are asked for in the order in which they are needed, and XLA uses several cores for each.
_compiler = ThreadPoolExecutor(max_workers=1, thread_name_prefix="trivium-compiler")
_executables: dict[str, Future[Any]] = {}
_compiled = 0


def compile_count() -> int:
    """Return how many programs this process has compiled.

    Example:
        >>> compile_count() >= 0
        True
    """
    return _compiled


class Program:
    """A step in a compiled loop over batches taken from arrays on the device.

    Args:
        step: A pure function `(state, batch) -> (result, state)`. `result` is a structure of arrays: logs, of which the
            last step's are returned, or with `collect` outputs, whose rows are returned for all steps, one after the
            other.
        state: The state, arrays or specs.
        data: The data, arrays or specs with the samples on the first axis.
        batch_size: Samples a step.
        rows: The length of the order of samples.
        collect: Whether the results' rows are collected; at most `capacity` steps' at a time.
        names: Names for the state's arrays in the order of its leaves, for messages.

    Raises:
        CaptureError: The step needs the values of arrays while it is traced.
        TypeError: A step changes the shape or dtype of the state.
        ValueError: With `collect`, a result is a single number.
    """

    def __init__(
        self,
        step: Callable[..., Any],
        state: Any,
        data: Any,
        batch_size: int,
        rows: int,
        collect: bool = False,
        names: Callable[[], list[str]] | None = None,
    ) -> None:
        specs = jax.tree_util.tree_map(_spec, (state, data))
        leaves, self._tree = jax.tree_util.tree_flatten(specs[0])
        data_leaves, data_tree = jax.tree_util.tree_flatten(specs[1])
        batch = [jax.ShapeDtypeStruct((batch_size, *d.shape[1:]), d.dtype) for d in data_leaves]

        def flat_step(state_leaves: Any, batch_leaves: Any) -> Any:
            result, new = step(
                jax.tree_util.tree_unflatten(self._tree, state_leaves),
                jax.tree_util.tree_unflatten(data_tree, batch_leaves),
            )
            # JAX hands the result on with sorted keys; the user gets it as the step wrote it.
            self._written = map_tree(lambda _: None, result)
            return result, jax.tree_util.tree_leaves(new)

        # The step is traced once; the loop replays what was traced.
        try:
            traced, (result, new) = jax.make_jaxpr(flat_step, return_shape=True)(leaves, batch)
        except NEEDS_VALUES as error:
            raise values_needed(error) from None
        _same_state(leaves, new, names)
        if collect:
            _has_rows(result)
        self.result = result
        results, self._result_tree = jax.tree_util.tree_flatten(result)
        self._specs = (leaves, data_leaves, jax.ShapeDtypeStruct((rows,), "int32"))
        self.capacity = max(
            1, min(rows // batch_size, _BUFFER // max(1, sum(map(_nbytes, results))))
        )
        loop = _loop(jaxpr_as_fun(traced), results, batch_size, self.capacity if collect else 0)
        self._executable = _compile(loop, *self._specs)

    @property
    def failed(self) -> bool:
        """Whether XLA could not compile it, for want of memory say; another may succeed."""
        return _failed(self._executable)

    def __call__(self, state: Any, data: Any, order: Any, base: int, start: int, stop: int) -> Any:
        """Run steps `start` to `stop`.

        Args:
            state: The state.
            data: The data on the device.
            order: The order of samples, shape `(rows,)`.
            base: Where in the order step 0 begins.
            start: The first step.
            stop: The step after the last.

        Returns:
            `(result, state)`.
        """
        leaves = jax.tree_util.tree_leaves(state)
        flat = jax.tree_util.tree_leaves(data)
        result, new = self._executable.result()(
            leaves, flat, order, np.int32(base), np.int32(start), np.int32(stop)
        )
        return (
            keep_order(self._written, jax.tree_util.tree_unflatten(self._result_tree, result)),
            jax.tree_util.tree_unflatten(self._tree, new),
        )


def _loop(
    step: Callable[..., Any], results: Any, batch_size: int, capacity: int
) -> Callable[..., Any]:
    count = len(results)

    def loop(state: Any, data: Any, order: Any, base: Any, start: Any, stop: Any) -> Any:
        def body(i: Any, carry: Any) -> Any:
            state, kept = carry
            index = lax.dynamic_slice(order, (base + i * batch_size,), (batch_size,))
            batch = [d.at[index].get(mode="promise_in_bounds") for d in data]
            out = step(*state, *batch)
            result, new = out[:count], out[count:]
            # Weak types would make the loop's state change its type.
            new = [lax.convert_element_type(n, s.dtype) for n, s in zip(new, state, strict=True)]
            if capacity:
                kept = [
                    lax.dynamic_update_slice_in_dim(
                        k, r.astype(k.dtype), (i - start) * r.shape[0], 0
                    )
                    for k, r in zip(kept, result, strict=True)
                ]
            else:
                kept = [
                    lax.convert_element_type(r, k.dtype) for k, r in zip(kept, result, strict=True)
                ]
            return new, kept

        kept = [
            jnp.zeros((capacity * r.shape[0], *r.shape[1:]) if capacity else r.shape, r.dtype)
            for r in results
        ]
        state, kept = lax.fori_loop(start, stop, body, (list(state), kept))
        return kept, state

    return loop


def _compile(function: Callable[..., Any], state: Any, data: Any, order: Any) -> Future[Any]:
    """Start to compile a loop, unless one that lowers to the same text is there."""
    global _compiled
    number = jax.ShapeDtypeStruct((), "int32")
    lowered = jax.jit(function).lower(state, data, order, number, number, number)
    key = digest(lowered.as_text())
    if key not in _executables or _failed(_executables[key]):
        _executables[key] = _compiler.submit(lowered.compile)
        _compiled += 1
    return _executables[key]


def _failed(work: Future[Any]) -> bool:
    return work.done() and work.exception() is not None


def _spec(x: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(x.shape, jax.dtypes.canonicalize_dtype(x.dtype))


def _nbytes(x: Any) -> int:
    return int(np.prod(x.shape, dtype=np.int64)) * x.dtype.itemsize


def values_needed(error: Exception, eager: bool = False) -> CaptureError:
    """Return the error of a step whose Python asks for values that are not there as one that names the user's line.

    Args:
        error: JAX's error.
        eager: Whether the step ran as plain Python, where only gradients hide values.
    """
    if eager:
        why = (
            "while JAX takes gradients it hands arrays on as tracers, even to plain Python: `if`, `float()` and "
            "NumPy's functions cannot see into them. `print(x)` shows the value, `float(ops.stop_gradient(x))` is it."
        )
    else:
        why = (
            "a step is compiled, so its arrays have no values when Python runs over it: `if`, `while`, `float()` and "
            "NumPy's functions cannot see them. Use `jax.numpy.where` or `ops.cond` in place of `if`, and `jax.numpy` "
            "in place of NumPy; or `compile(..., run_eagerly=True)`, which runs each step as plain Python."
        )
    refusal = CaptureError(why, error_location(error))
    for note in getattr(error, "__notes__", []):
        refusal.add_note(note)
    return refusal


def _has_rows(result: Any) -> None:
    for path, leaf in jax.tree_util.tree_flatten_with_path(result)[0]:
        if not leaf.shape:
            place = f"output{jax.tree_util.keystr(path)}"
            raise ValueError(
                f"The {place} is a single number for a whole batch, so the batches' outputs cannot be put one after "
                "the other: keep the first axis, e.g. with keepdims=True, or call the model itself."
            )


def _same_state(before: Any, after: Any, names: Callable[[], list[str]] | None) -> None:
    if len(before) != len(after):
        raise TypeError(
            f"The step was given a state of {len(before)} arrays and returned one of {len(after)}: return the state in "
            "the structure in which it came."
        )
    for i, (a, b) in enumerate(zip(before, after, strict=True)):
        if a.shape != b.shape or a.dtype != b.dtype:
            name = names()[i] if names else f"number {i}"
            raise TypeError(
                f"A step changes the state {name!r} from shape {a.shape}, {a.dtype} to shape {b.shape}, {b.dtype}; it "
                "must stay what it is from step to step. Cast the new value to the old one's dtype."
            )
