"""Steps as JAX traces them: programs for one number of samples, from which executables are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from trivium.graph import CaptureError
from trivium.graph.errors import error_location
from trivium.state.frame import entered
from trivium.state.fused_outputs import can_fuse_outputs, survives_fusing
from trivium.state.settings import is_block_folding_enabled
from trivium.state.trees import map_tree

__all__ = ["NEEDS_VALUES", "Traced", "is_uneven", "spec_of", "values_needed"]

NEEDS_VALUES = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)


class Traced:
    """A step as a program, traced for one number of samples; what runs it replays what was traced.

    Args:
        step: A pure function `(state, batch) -> (result, state)`.
        state: The state, arrays or specs.
        data: The data, arrays or specs with the samples on the first axis.
        rows: How many samples a step has.
        names: Names for the state's arrays in the order of its leaves, for messages.

    Attributes:
        state: The specs of the state's arrays.
        data: The specs of the data's arrays.
        program: From the state's and a batch's arrays to the result's and the new state's.
        result: The specs of the result.
        written: The result's structure as the step wrote it, with the keys of dicts in their order.
        fused: Whether large arrays are updated in one loop each.

    Raises:
        CaptureError: The step needs the values of arrays while it is traced.
        TypeError: The step changes the shape or dtype of the state.

    Example:
        >>> import jax.numpy as jnp
        >>> traced = Traced(lambda state, batch: (batch @ state, state), jnp.ones((3, 2)), jnp.ones((10, 3)), 4)
        >>> traced.result.shape, traced.state[0].shape
        ((4, 2), (3, 2))
    """

    def __init__(
        self,
        step: Callable[..., Any],
        state: Any,
        data: Any,
        rows: int,
        names: Callable[[], list[str]] | None = None,
    ) -> None:
        specs = jax.tree_util.tree_map(spec_of, (state, data))
        self.state, tree = jax.tree_util.tree_flatten(specs[0])
        self.data, data_tree = jax.tree_util.tree_flatten(specs[1])
        batch = self.data
        if not is_uneven(self.data):
            batch = [jax.ShapeDtypeStruct((rows, *d.shape[1:]), d.dtype) for d in self.data]
        self.written: Any = None

        def flat_step(state_leaves: Any, batch_leaves: Any) -> Any:
            result, new = step(
                jax.tree_util.tree_unflatten(tree, state_leaves),
                jax.tree_util.tree_unflatten(data_tree, batch_leaves),
            )
            # JAX hands the result on with sorted keys; the user gets it as the step wrote it.
            self.written = map_tree(lambda _: None, result)
            return result, jax.tree_util.tree_leaves(new)

        try:
            fused: list[bool] | None = [] if can_fuse_outputs() else None
            with entered(folds=None if is_block_folding_enabled() is False else [], fused=fused):
                made = jax.make_jaxpr(flat_step, return_shape=True)(self.state, batch)
        except NEEDS_VALUES as error:
            raise values_needed(error) from None
        self.program, (self.result, new) = made
        self.fused = bool(fused) and all(fused or ()) and survives_fusing(self.program)
        _same_state(self.state, new, names)


def is_uneven(data: Sequence[Any]) -> bool:
    """Say whether arrays differ in length: they are one batch then (nodes and edges), and no order fits them all."""
    return len({d.shape[0] for d in data}) > 1


def spec_of(x: Any) -> jax.ShapeDtypeStruct:
    """Return what a program is traced for in place of an array: its shape, and the dtype that it has on the device."""
    return jax.ShapeDtypeStruct(x.shape, jax.dtypes.canonicalize_dtype(x.dtype))


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
