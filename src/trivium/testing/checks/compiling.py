"""Programs: compiled, differentiated and in loops the layer does what it does in plain calls."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax.tree_util import tree_leaves, tree_map

from trivium.state import StatelessScope
from trivium.state.effects import Effects
from trivium.state.masks import get_mask, set_mask
from trivium.testing.checks.registry import Problems, check, named, one_or_all
from trivium.testing.control import WAYS, in_turn
from trivium.testing.subject import Subject, difference, is_float_array, program

__all__: list[str] = []


@check("compiling", "Compiled, the layer fails", "call")
def _compiling(s: Subject) -> Problems:
    """What is compiled gives what plain calls give."""
    for training in (False, True):
        plain = s.run(s.layer, s.inputs, training)
        compiled = program(functools.partial(s.run, s.layer, training=training), s.inputs)
        found = difference(plain, compiled)
        if found:
            yield (
                f"Compiled, the layer gives something else than in a plain call (training={training}): {found}.",
                "A program is made by one run of the code. Look for Python code that does another thing each time: "
                "counters, clocks, files, global variables.",
            )
            return


@check(
    "shapes",
    "The layer cannot be called on symbolic tensors (`Input`) of an unknown batch size",
    "compiling",
)
def _shapes(s: Subject) -> Problems:
    """The shapes and dtypes that are said are those that come."""
    outputs = s.run(s.layer, s.inputs, False)[0]
    symbolic = s.layer(s.symbols(), **s.kwargs)
    for real, symbol in zip(tree_leaves(outputs), tree_leaves(symbolic), strict=True):
        want = (None if real.shape[:1] == (s.batch,) else real.shape[:1], *real.shape[1:])
        if real.ndim and (symbol.shape[1:], symbol.dtype) != (want[1:], str(real.dtype)):
            yield (
                f"Called on an `Input`, the output is {symbol.shape} of {symbol.dtype}; called on arrays it is "
                f"{want} of {real.dtype}.",
                "Let what `call` does depend on shapes alone.",
            )
    if s.kwargs:
        return
    said = s.layer.compute_output_shape(s.sizes(s.batch))
    flat = jax.tree_util.tree_leaves(said, is_leaf=_is_shape)
    real = [x.shape for x in tree_leaves(outputs)]
    if [tuple(x) for x in flat] != real:
        yield (
            f"`compute_output_shape` says {said}; the outputs have {one_or_all(real)}.",
            "Leave the method away, since shapes are found by tracing `call`, or correct it.",
        )


def _is_shape(x: Any) -> bool:
    return isinstance(x, tuple) and all(n is None or isinstance(n, int) for n in x)


@check("batch", "The layer cannot be called on batches of another size", "call", "determinism")
def _batch(s: Subject) -> Problems:
    """In inference an example's result does not depend on the others."""
    whole = s.run(s.layer, s.inputs, False)[0]
    half = s.batch // 2
    parts = [
        s.run(s.layer, s.rows(s.inputs, *ends), False)[0] for ends in ((0, half), (half, s.batch))
    ]
    for x, *split in zip(*map(tree_leaves, (whole, *parts)), strict=True):
        if x.shape[:1] != (s.batch,):
            continue
        found = difference(x, jnp.concatenate(split))
        if found:
            yield (
                "In inference, an example's result depends on the other examples of its batch: alone and together "
                f"{found}.",
                "Axis 0 is the batch: reduce over axes from 1 on, and reshape to `(-1, ...)`, the other sizes said.",
            )
            return


@check("gradients", "The layer cannot be differentiated", "compiling")
def _gradients(s: Subject) -> Problems:
    """Each trained weight is used, and gradients are numbers."""
    variables = s.layer.trainable_variables
    touched = Effects(functools.partial(s.layer, training=True), (s.inputs,), s.kwargs).touched
    unused = [v for v in variables if not any(v is t for t in touched)]
    if unused:
        yield (
            f"`call` never uses {named(unused)}, which are trained.",
            "Use them, make them with `trainable=False`, or do not make them.",
        )

    def total(values: Any, inputs: Any) -> Any:
        with StatelessScope(
            list(zip(variables, values, strict=True)), collect_losses=True
        ) as scope:
            outputs = s.layer(inputs, training=True, **s.kwargs)
        floats = [x for x in tree_leaves(outputs) if is_float_array(x)]
        weighed = [jnp.sum(x * jnp.cos(jnp.arange(x.size)).reshape(x.shape)) for x in floats]
        return sum((jnp.sum(x) for x in [*weighed, *scope.losses]), jnp.zeros(())).astype("float32")

    whole = any(not is_float_array(x) for x in tree_leaves(s.inputs))
    wanted = (0,) if whole else (0, 1)
    grads = program(jax.grad(total, wanted), [v.value for v in variables], s.inputs)
    bad = [v for v, g in zip(variables, grads[0], strict=True) if not bool(jnp.isfinite(g).all())]
    if bad:
        yield (
            f"The gradients of {named(bad)} have NaN or infinity in them.",
            "`ops.where` stops a value, not its gradient: make what is divided by, or what a root or logarithm is "
            "taken of, harmless before.",
        )
    elif any(not bool(jnp.isfinite(g).all()) for g in tree_leaves(grads[1:])):
        yield (
            "The gradients with respect to the input have NaN or infinity in them.",
            "Roots, norms and divisions have infinite slopes at 0: give them a value that is not 0.",
        )


@check(
    "loops and branches",
    "The layer fails inside `ops.scan`, `ops.cond` or `ops.remat`",
    "compiling",
)
def _loops(s: Subject) -> Problems:
    """There it gives, draws, adds and keeps what it does in plain calls."""

    def call(inputs: Any) -> Any:
        return s.layer(inputs, training=True, **s.kwargs)

    def run(arrays: Any, flag: Any) -> Any:
        return [in_turn(s.layer, call, way, arrays, flag) for way in WAYS]

    plain, *others = program(run, s.inputs, jnp.array(True))
    for way, other in zip(WAYS[1:], others, strict=True):
        found = difference(plain, other)
        if found:
            yield (
                f"Inside `ops.{way}` the layer gives something else than in plain calls: {found}.",
                "Keep what changes in weights and seed generators, which these carry along.",
            )


@check("masks", "The layer fails on an input with a mask", "call")
def _masks(s: Subject) -> Problems:
    """A mask of the steps can come with each input, and what comes out fits the outputs."""
    marked = tree_map(lambda x: x + 0, s.inputs)
    for x in tree_leaves(marked):
        if x.ndim > 2:
            set_mask(x, jnp.arange(x.shape[0] * x.shape[1]).reshape(x.shape[:2]) % 3 > 0)
    outputs = s.layer(marked, **s.kwargs)
    for x in tree_leaves(outputs):
        mask = get_mask(x)
        if mask is not None and tuple(mask.shape) != x.shape[: mask.ndim]:
            yield (
                f"The outputs have shape {x.shape}, and their mask {tuple(mask.shape)}.",
                "Give the layer a `compute_mask(inputs, previous_mask)` that returns the mask of its outputs, or "
                "`None`; or leave `supports_masking` false.",
            )
