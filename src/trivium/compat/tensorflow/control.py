"""Loops and branches: at once where values are there, as ops where a function is compiled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium import ops
from trivium.compat.tensorflow.specs import RaggedTensorSpec
from trivium.compat.written import covers
from trivium.data import ragged
from trivium.graph.op import any_symbolic
from trivium.state.functions import needs_plain_run
from trivium.state.traces import trace_state

__all__: list[str] = []

_OUTSIDE = trace_state()  # The library is imported outside of any trace.
_map = jax.tree_util.tree_map


def _at_once(*structures: Any) -> bool:
    """Say whether values are there: Python can go round by round then, and tapes note each round."""
    return trace_state() == _OUTSIDE and not any_symbolic(structures)


def _arrays(structure: Any) -> Any:
    def array(x: Any) -> Any:
        return x if isinstance(x, TensorArray) else ops.convert_to_tensor(x)

    return _map(array, structure)


@covers("tensorflow.while_loop")
def _while_loop(
    cond: Any,
    body: Any,
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    maximum_iterations: Any = None,
    name: str | None = None,
) -> Any:
    if not _at_once(loop_vars):
        if any(isinstance(x, TensorArray) for x in jax.tree_util.tree_leaves(loop_vars)):
            needs_plain_run("a TensorArray goes through `tf.while_loop` there")
        return ops.while_loop(cond, _several(body, loop_vars), loop_vars, maximum_iterations)
    values, rounds = _arrays(loop_vars), 0
    several = isinstance(values, list | tuple)
    while (maximum_iterations is None or rounds < maximum_iterations) and bool(
        cond(*values) if several else cond(values)
    ):
        new = body(*values) if several else body(values)
        values, rounds = _arrays(_as_tuple(new) if several else new), rounds + 1
    return list(values) if type(loop_vars) is list else values


def _several(body: Callable[..., Any], loop_vars: Any) -> Callable[..., Any]:
    """Return a body that gives a tuple for several variables; one alone may come as it is."""

    def run(*values: Any) -> Any:
        new = body(*values)
        return new if not isinstance(loop_vars, list | tuple) else _as_tuple(new)

    return run


def _as_tuple(new: Any) -> tuple[Any, ...]:
    return tuple(new) if isinstance(new, list | tuple) else (new,)


@covers("tensorflow.case")
def _case(
    pred_fn_pairs: Any,
    default: Any = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Any:
    pairs = list(pred_fn_pairs)
    (predicate, function), *rest = pairs
    if not rest:
        return ops.cond(predicate, function, default) if default is not None else function()
    return ops.cond(predicate, function, lambda: _case(rest, default))


@covers("tensorflow.switch_case")
def _switch_case(
    branch_index: Any, branch_fns: Any, default: Any = None, name: str = "switch_case"
) -> Any:
    numbered = branch_fns if isinstance(branch_fns, dict) else dict(_numbered(branch_fns))
    functions = [numbered[i] for i in sorted(numbered)]
    other = functions[-1] if default is None else default
    # What has no branch of its own is one past the last.
    place: Any = len(functions)
    for i, number in enumerate(sorted(numbered)):
        place = ops.where(ops.equal(branch_index, number), i, place)
    return ops.switch(place, [*functions, other])


def _numbered(functions: Any) -> Any:
    return [f if isinstance(f, tuple) else (i, f) for i, f in enumerate(functions)]


@covers("tensorflow.map_fn", "keras.backend.map_fn")
def _map_fn(
    fn: Any,
    elems: Any,
    dtype: Any = None,
    parallel_iterations: Any = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
    fn_output_signature: Any = None,
) -> Any:
    rows = isinstance(fn_output_signature or dtype, RaggedTensorSpec)
    if not _at_once(elems) and not rows:
        return ops.map(fn, elems)
    elems = _arrays(elems)
    made = [fn(_map(lambda x: x[i], elems)) for i in range(_length(elems))]  # noqa: B023
    return ragged.stack(made) if rows else _stacked(made)


def _length(elems: Any) -> int:
    return len(jax.tree_util.tree_leaves(elems)[0])


def _stacked(results: Sequence[Any]) -> Any:
    return _map(lambda *parts: ops.stack([ops.convert_to_tensor(p) for p in parts]), *results)


@covers("tensorflow.scan")
def _scan(
    fn: Any,
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    elems = _arrays(elems)
    if not _at_once(elems, initializer):
        return _looped(fn, elems, initializer, reverse)[1]
    results = _folded(fn, elems, initializer, reverse)
    return _stacked(results[::-1] if reverse else results)


def _looped(fn: Any, elems: Any, initializer: Any, reverse: bool) -> tuple[Any, Any]:
    """Return what `_folded` gives as one loop that compiles: the last result, and all in the order of the elements."""
    if initializer is not None:
        before, rest = _arrays(initializer), elems
    else:
        before = _map(lambda x: x[-1 if reverse else 0], elems)
        rest = _map(lambda x: x[:-1] if reverse else x[1:], elems)

    def step(carry: Any, element: Any) -> Any:
        new = fn(carry, element)
        return new, new

    last, made = ops.scan(step, before, rest, reverse=reverse)
    if initializer is not None:
        return last, made

    def with_first(first: Any, others: Any) -> Any:
        return ops.concatenate([others, first[None]] if reverse else [first[None], others])

    return last, jax.tree.map(with_first, before, made)


def _folded(fn: Any, elems: Any, initializer: Any, reverse: bool) -> list[Any]:
    """Return what a function makes, round by round, of what it made before and the next element."""
    order = list(range(_length(elems)))[:: -1 if reverse else 1]
    results = []
    carry = None if initializer is None else _arrays(initializer)
    for i in order:
        element = _map(lambda x: x[i], elems)  # noqa: B023
        carry = element if carry is None else fn(carry, element)
        results.append(carry)
    return results


def _cover_fold(name: str, reverse: bool) -> None:
    def fold(
        fn: Any,
        elems: Any,
        initializer: Any = None,
        parallel_iterations: int = 10,
        back_prop: bool = True,
        swap_memory: bool = False,
        name: str | None = None,
    ) -> Any:
        elems = _arrays(elems)
        if not _at_once(elems, initializer):
            return _looped(fn, elems, initializer, reverse)[0]
        return _folded(fn, elems, initializer, reverse)[-1]

    covers(f"tensorflow.{name}", f"keras.backend.{name}")(fold)


_cover_fold("foldl", reverse=False)
_cover_fold("foldr", reverse=True)


# -- arrays written part by part --------------------------------------------------------------------------------


@covers("tensorflow.TensorArray")
class TensorArray:
    """Tensors by number, written one at a time."""

    def __init__(
        self,
        dtype: Any,
        size: Any = None,
        dynamic_size: bool | None = None,
        clear_after_read: bool | None = None,
        tensor_array_name: str | None = None,
        handle: Any = None,
        flow: Any = None,
        infer_shape: bool = True,
        element_shape: Any = None,
        colocate_with_first_write_call: bool = True,
        name: str | None = None,
    ) -> None:
        self.dtype, self.element_shape = dtype, element_shape
        self._grows = bool(dynamic_size)
        self._parts: list[Any] = [None] * int(size or 0)

    def _number(self, index: Any) -> int:
        if isinstance(index, jax.core.Tracer):
            needs_plain_run("a TensorArray is asked for a number that is computed there")
        number = int(index)
        if not 0 <= number < len(self._parts):
            raise ValueError(
                f"TensorArray: there is no number {number}, its size is {len(self._parts)}. With `dynamic_size=True` "
                "it grows as it is written."
            )
        return number

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        if self._grows and not isinstance(index, jax.core.Tracer):
            self._parts += [None] * (int(index) + 1 - len(self._parts))
        number = self._number(index)
        self._parts[number] = ops.convert_to_tensor(value, str(self.dtype))
        return self

    def read(self, index: Any, name: str | None = None) -> Any:
        return self._filled()[self._number(index)]

    def _filled(self) -> list[Any]:
        """Return the parts, with zeros where nothing was written."""
        written = next((p for p in self._parts if p is not None), None)
        if written is None and self.element_shape is None and self._parts:
            raise ValueError("TensorArray: nothing has been written to it yet.")
        shape = written.shape if written is not None else tuple(self.element_shape or ())
        zeros = jnp.zeros(shape, str(self.dtype))
        return [zeros if p is None else p for p in self._parts]

    def stack(self, name: str | None = None) -> Any:
        return ops.stack(self._filled()) if self._parts else jnp.zeros((0,), str(self.dtype))

    def concat(self, name: str | None = None) -> Any:
        return ops.concatenate(self._filled())

    def gather(self, indices: Any, name: str | None = None) -> Any:
        return ops.stack([self.read(i) for i in np.asarray(indices)])

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        self._parts = list(ops.convert_to_tensor(value, str(self.dtype)))
        return self

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        for i, part in zip(np.asarray(indices), ops.convert_to_tensor(value), strict=True):
            self.write(i, part)
        return self

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        ends = np.cumsum(np.asarray(lengths))[:-1].tolist()
        self._parts = list(ops.split(ops.convert_to_tensor(value, str(self.dtype)), ends))
        return self

    def size(self, name: str | None = None) -> Any:
        return jnp.asarray(len(self._parts), "int32")

    def identity(self) -> TensorArray:
        return self

    def grad(self, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        raise NotImplementedError("TensorArray: use `tf.GradientTape` for gradients.")
