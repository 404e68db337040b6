"""`tf.py_function` and `tf.numpy_function`: at once where values are there, called back by compiled code elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium import ops
from trivium.compat.errors import NotCovered
from trivium.compat.tensorflow.errors import raised_in_python
from trivium.compat.tensorflow.rehearsal import rehearsed
from trivium.compat.written import covers
from trivium.graph.op import any_symbolic, op
from trivium.state.functions import needs_plain_run
from trivium.state.scopes import init_scope
from trivium.state.traces import outside_of_traces

__all__: list[str] = []


@covers("tensorflow.py_function")
def _py_function(func: Any = None, inp: Any = None, Tout: Any = None, name: Any = None) -> Any:
    needs_plain_run("`tf.py_function` calls Python there")

    def run(*inputs: Any) -> Any:
        with raised_in_python():
            return func(*inputs)

    def refuse(inputs: Any, upstream: Any) -> Any:
        raise NotCovered(
            "tf.py_function: gradients do not go through it in compiled code. Put `tf.stop_gradient` around it, or "
            "give `compile` the argument `run_eagerly=True`."
        )

    inputs = list(inp)
    if isinstance(Tout, list | tuple) and not Tout and any_symbolic(inputs):
        raise NotCovered(
            "tf.py_function without results is not kept in the graph of a model. Call it in the `call` of a layer."
        )
    return op(_called)(inputs, run, Tout, refuse, func)


@covers("tensorflow.numpy_function")
def _numpy_function(
    func: Any = None, inp: Any = None, Tout: Any = None, stateful: bool = True, name: Any = None
) -> Any:
    needs_plain_run("`tf.numpy_function` calls Python there")

    def run(*inputs: Any) -> Any:
        with raised_in_python():
            return func(*map(np.asarray, inputs))

    # TensorFlow has no gradient of it, and takes none.
    return op(_called)([jax.lax.stop_gradient(x) for x in _each(inp)], run, Tout, None, func)


def _each(inputs: Any) -> list[Any]:
    return [ops.convert_to_tensor(x) for x in inputs]


def _called(
    inputs: Any, run: Callable[..., Any], dtypes: Any, refuse: Any, function: Callable[..., Any]
) -> Any:
    """Return what a Python function gives for some tensors."""
    inputs = _each(inputs)
    if not any(isinstance(x, jax.core.Tracer) for x in inputs):
        return _typed(run(*inputs), dtypes)
    nothing = isinstance(dtypes, list | tuple) and not dtypes
    forms = [] if nothing else _forms(inputs, run, dtypes, function)
    if not jax.tree.leaves(forms):
        jax.debug.callback(lambda *given: run(*map(jnp.asarray, given)), *inputs)
        return forms

    def back_in_python(*given: Any) -> Any:
        found = jax.tree.map(np.asarray, _typed(run(*map(jnp.asarray, given)), dtypes))
        for x, form in zip(jax.tree.leaves(found), jax.tree.leaves(forms), strict=True):
            if x.shape != form.shape:
                raise ValueError(
                    f"The function gave an array of the shape {form.shape} for zeros, and now {x.shape}; in compiled "
                    "code all are of one shape. `run_eagerly=True` in `compile` takes any."
                )
        return found

    def call(*given: Any) -> Any:
        return jax.pure_callback(back_in_python, forms, *given, vmap_method="sequential")

    if refuse is None:
        return call(*inputs)
    without_gradient = jax.custom_vjp(call)
    without_gradient.defvjp(lambda *given: (call(*given), given), refuse)
    return without_gradient(*inputs)


def _forms(
    inputs: list[Any], run: Callable[..., Any], dtypes: Any, function: Callable[..., Any]
) -> Any:
    """Return the forms of what a function gives, which compiled code has to know: it is asked with zeros."""
    open_sizes = list(dict.fromkeys(d for x in inputs for d in x.shape if not isinstance(d, int)))

    def asked(first: int) -> Any:
        sizes = {d: first + i for i, d in enumerate(open_sizes)}
        zeros = [jnp.zeros([sizes.get(d, d) for d in x.shape], x.dtype) for x in inputs]
        return _typed(run(*zeros), dtypes)

    def form(one: Any, other: Any) -> Any:
        shape = []
        for a, b in zip(one.shape, other.shape, strict=True):
            place = a - 2
            known = a == b or (b - a == 18 and 0 <= place < len(open_sizes))
            if not known:
                raise NotCovered(
                    f"The shape of what Python's function gives, {one.shape} and {other.shape} for batches of 2 and "
                    "20, is not that of its arguments. Give `compile` the argument `run_eagerly=True`."
                )
            shape.append(a if a == b else open_sizes[place])
        return jax.ShapeDtypeStruct(tuple(shape), one.dtype)

    with outside_of_traces(), init_scope(), rehearsed(function):
        made = asked(2)
        formed = jax.tree.map(form, made, asked(20) if open_sizes else made)
    return formed


def _typed(results: Any, dtypes: Any) -> Any:
    """Return what Python gave as tensors of the dtypes that were named."""
    if isinstance(dtypes, list | tuple):
        if not dtypes:
            return []
        results = results if isinstance(results, list | tuple) else [results]
        return [_typed(r, d) for r, d in zip(results, dtypes, strict=True)]
    if dtypes is None or results is None:
        return results
    return ops.convert_to_tensor(results, str(getattr(dtypes, "dtype", dtypes)))
