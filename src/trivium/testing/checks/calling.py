"""Calls: the layer runs, builds its weights, gives the same again, and changes nothing but variables."""

from __future__ import annotations

import re
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.tree_util import tree_leaves

from trivium.layers import Layer
from trivium.state import StatelessScope
from trivium.testing.checks.registry import Problems, check, named
from trivium.testing.subject import Subject, difference, is_float_array

__all__: list[str] = []


@check("call", "Calling the layer fails")
def _call(s: Subject) -> Problems:
    """It runs, in both modes, and gives numbers."""
    layer = s.fresh()
    outputs = layer(s.inputs, **s.kwargs)
    # Weights that begin as zeros or ones hide what is wrong.
    for w in layer.trainable_weights:
        w.assign(w.value + 0.05 * np.cos(np.arange(w.size)).reshape(w.shape))
    s.layer = layer
    if not tree_leaves(outputs):
        yield "`call` returns nothing.", "End it with `return` and the outputs."
    for training in (False, True):
        outputs, losses, _ = s.run(layer, s.inputs, training)
        for x in [*tree_leaves(outputs), losses]:
            if is_float_array(x) and not bool(jnp.isfinite(x).all()):
                yield (
                    f"The outputs have NaN or infinity in them (training={training}).",
                    "Look for divisions by 0, logarithms and roots of what may be 0, and overflow.",
                )
                return


@check("building", "Building the layer by `build(input_shape)` fails", "call")
def _building(s: Subject) -> Problems:
    """`build` makes all weights, from the shape alone, and none of them has the batch's size."""
    before = len(s.layer.variables)
    s.layer(s.inputs, **s.kwargs)
    made = s.layer.variables[before:]
    if made:
        yield (
            f"Each call makes new variables: the second one made {named(made)}.",
            "Make weights in `build`, and layers in `__init__` or `build`.",
        )
        return
    if s.given.built or s.kwargs:
        return
    forms = _forms(s.layer)
    for batch in (None, s.batch + 1):
        other = s.fresh()
        other.build(s.sizes(batch))
        built = _forms(other)
        missing = [name for name, _ in forms if name not in [n for n, _ in built]]
        if missing:
            yield (
                f"`build` does not make {', '.join(map(repr, missing))}; only calling the layer does.",
                "Make weights in `build`, and build the layers inside there: what is built without data (from a "
                "config, or to load weights) lacks them.",
            )
            return
        if built != forms:
            yield (
                f"The weights' shapes depend on the size of the batch: {forms} for {s.batch} examples, {built} for "
                f"{'an unknown number' if batch is None else batch}.",
                "Use `input_shape[1:]` only.",
            )
            return


def _forms(layer: Any) -> list[tuple[str, Any]]:
    """Return the weights' names and shapes. A name that came by itself has a number, another one in each layer."""
    return [(re.sub(r"^variable_\d+$", "variable", w.name), w.shape) for w in layer.weights]


@check("determinism", "Calling the layer twice fails", "call")
def _determinism(s: Subject) -> Problems:
    """The same input and the same state give the same output."""
    for training in (False, True):
        one, other = (s.run(s.layer, s.inputs, training) for _ in range(2))
        if difference(one, other, 0):
            where = "in training" if training else "in inference"
            yield (
                f"Two calls {where} on the same input, with the same weights, give different results.",
                "Draw random numbers from a `trivium.random.SeedGenerator` that `__init__` assigns to an attribute, "
                "and in training only; and let nothing else that changes go into the result.",
            )
            return
    with StatelessScope([(v, v.value) for v in s.layer.variables]):
        one, other = (s.layer(s.inputs, training=False, **s.kwargs) for _ in range(2))
    if difference(one, other, 0):
        yield (
            "Two calls in inference give different results: the layer changes its state, or draws, there too.",
            "Change weights and draw random numbers only if `training` is true.",
        )


@check("side effects", "Calling the layer again fails", "call")
def _side_effects(s: Subject) -> Problems:
    """`call` computes, and changes nothing but variables."""
    before = _attributes(s.layer)
    s.run(s.layer, s.inputs, True)
    after = _attributes(s.layer)
    changed = sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k))
    if changed:
        yield (
            f"`call` changes the attribute{'s' * (len(changed) > 1)} {', '.join(f'`{k}`' for k in changed)}.",
            "A compiled step runs the program, not the Python code, so it happens once and never again. Keep what "
            "changes\nin a weight (`add_weight(..., trainable=False)`) and give it new values by `assign`.",
        )


def _attributes(layer: Layer) -> dict[str, Any]:
    """Return the attributes of a layer and those inside, as far as they can be compared."""
    own = vars(Layer())
    return {
        (name if inner is layer else f"{inner.name}.{name}"): _noted(value)
        for inner in layer._flatten_layers()
        for name, value in vars(inner).items()
        if name not in own and name not in ("_call_args", "_tracked")
    }


def _noted(value: Any) -> Any:
    """Return what of a value can be compared with itself later."""
    if isinstance(value, list | tuple | set):
        return type(value), [_noted(v) for v in value]
    if isinstance(value, dict):
        return {k: _noted(v) for k, v in value.items()}
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return value
    return value.tobytes() if isinstance(value, np.ndarray) else id(value)
