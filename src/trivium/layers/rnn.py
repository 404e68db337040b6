"""The loop of all recurrent layers: a cell goes along a sequence."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from trivium import ops
from trivium.graph import SymbolicTensor
from trivium.graph.infer import infer
from trivium.layers.base import Layer
from trivium.layers.cell import Cell, SequenceNoise, checked_cell, initial_state, state_list
from trivium.layers.cells import StackedRNNCells
from trivium.layers.checks import flag
from trivium.layers.registry import LAYERS
from trivium.ops.control import scan_in_chunks, slice_of, zeros_of
from trivium.ops.lowering.scanning import chunk_of, early_products
from trivium.state import Variable
from trivium.state.dtypes import is_float
from trivium.state.effects import Effects
from trivium.state.frame import entered
from trivium.state.tracking import unique
from trivium.state.types import Array, Shape

__all__ = ["RNN"]


@LAYERS.register()
class RNN(Layer):
    """A cell that goes along a sequence: each step has the input at its time and the states after the one before.

    A cell is a layer with `call(inputs, states)`, which returns the output and the new states, and a `state_size`: a
    whole number, or lists and dicts of them. It may say its first states in `get_initial_state(batch_size)`.

    Args:
        cell: The cell; or a list of cells, which are stacked.
        return_sequences: Whether to return the outputs of all steps, or the last one.
        return_state: Whether to return the last states, too.
        go_backwards: Whether to begin at the end of the sequence; outputs are in the order of the steps then.
        stateful: Whether each sample goes on with the states in which the one at its place in the last batch ended.
        unroll: Whether to write all steps out in the program, which makes short sequences fast and programs large.
        zero_output_for_mask: Whether the output of a step that is masked is 0, or that of the step before.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: The cell is no layer, or a flag is not true or false.
        ValueError: The cell has no `state_size`.

    Shapes:
        `(batch, steps, ...)` to `(batch, ...)`, or `(batch, steps, ...)` with `return_sequences`; with `return_state`
        it is a tuple of the output and the states.

    Example:
        >>> import numpy as np
        >>> class Sum(Layer):
        ...     state_size = 3
        ...     def call(self, inputs, states):
        ...         total = states[0] + inputs
        ...         return total, [total]
        >>> RNN(Sum(), return_sequences=True)(np.ones((1, 4, 3)))[0, :, 0].tolist()
        [1.0, 2.0, 3.0, 4.0]
    """

    # The states of the last batch are no weights: they are not trained, saved or loaded.
    _untracked = Layer._untracked | {"states"}

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.cell = checked_cell(
            self, StackedRNNCells(cell) if isinstance(cell, list | tuple) else cell
        )
        self._set(
            return_sequences=flag(self, return_sequences=return_sequences),
            return_state=flag(self, return_state=return_state),
            go_backwards=flag(self, go_backwards=go_backwards), stateful=flag(self, stateful=stateful),
            unroll=flag(self, unroll=unroll),
            zero_output_for_mask=flag(self, zero_output_for_mask=zero_output_for_mask),
        )  # fmt: skip
        self.supports_masking = True
        self.states: Any = None

    @property
    def state_size(self) -> Any:
        """The sizes of the cell's states, in a list."""
        return state_list(self.cell.state_size)

    def build(self, sequences_shape: Shape, initial_state_shape: Any = None) -> None:
        """Build the cell for one step, and make the variables that keep the states if the layer is stateful."""
        batch = sequences_shape[0]
        if not self.cell.built:
            self.cell.build((batch, *sequences_shape[2:]))
        if any(layer._has_users_code for layer in self.cell._flatten_layers()):
            # One step on shapes: layers inside that are built by their calls are built here, and slips show.
            step = SymbolicTensor((batch, *sequences_shape[2:]), self.compute_dtype)
            infer(lambda x: self.cell(x, self.get_initial_state(x.shape[0])), (step,), {})
        if self.stateful:
            if batch is None:
                raise ValueError(
                    f"Layer {self.path!r} ({type(self).__name__}) is stateful, so its batches are of one known size; "
                    f"got input of shape {tuple(sequences_shape)}. Say the size: Input(batch_shape=(32, ...))."
                )
            self.states = jax.tree_util.tree_map(
                self._state_variable, self.get_initial_state(batch)
            )

    def _state_variable(self, value: Array) -> Variable:
        return Variable(value, trainable=False, autocast=False, name="rnn_state")

    @property
    def variables(self) -> list[Variable]:
        """All variables but those of metrics: the states that it keeps come last."""
        return unique([*super().variables, *jax.tree_util.tree_leaves(self.states)])

    def get_initial_state(self, batch_size: Any) -> Any:
        """Return the states before the first step.

        Args:
            batch_size: How many samples.
        """
        return initial_state(self.cell, batch_size, self.compute_dtype)

    def reset_state(self) -> None:
        """Begin anew: the next batch goes on with nothing, if the layer is stateful."""
        kept = jax.tree_util.tree_leaves(self.states)
        if kept:
            first = self.get_initial_state(kept[0].shape[0])
            for variable, value in zip(kept, jax.tree_util.tree_leaves(first), strict=True):
                variable.assign(value)

    reset_states = reset_state

    def compute_mask(self, _: Any, mask: Any = None) -> Any:
        """Return the input's mask for the outputs of all steps; the last one and the states have none."""
        mask = mask if self.return_sequences else None
        return [mask, *[None] * len(self.state_size)] if self.return_state else mask

    def call(
        self, sequences: Array, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        """Go along the sequences.

        Args:
            sequences: The sequences.
            initial_state: The states before the first step, in the cell's structure.
            mask: Which steps count, shape `(batch, steps)`; the others leave the states as they are.
            training: Whether the model is being trained.
        """
        sequences = ops.convert_to_tensor(sequences)  # A variable is a sequence, too.
        states = self._first_states(sequences.shape[0], initial_state)
        output, states = self._along(sequences, states, mask, training)
        if self.stateful:
            for variable, value in zip(
                *map(jax.tree_util.tree_leaves, (self.states, states)), strict=True
            ):
                variable.assign(value)
        if not self.return_state:
            return output
        return (output, *states) if isinstance(states, list) else (output, states)

    def _first_states(self, batch: Any, given: Any) -> Any:
        if given is None and not self.stateful:
            return self.get_initial_state(batch)
        wanted = jax.eval_shape(lambda: self.get_initial_state(batch))
        specs, tree = jax.tree_util.tree_flatten(wanted)
        what, values = "initial_state", jax.tree_util.tree_leaves(given)
        if given is None:
            what, values = (
                "the state kept",
                [v.value for v in jax.tree_util.tree_leaves(self.states)],
            )
        shapes = [tuple(s.shape) for s in specs]
        got = [tuple(v.shape) for v in values]
        if got != shapes:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}): {what} has the shapes {shapes} for a batch of "
                f"{batch}; got {got}."
            )
        return jax.tree_util.tree_unflatten(
            tree, [v.astype(s.dtype) for v, s in zip(values, specs, strict=True)]
        )

    def _along(self, sequences: Array, states: Any, mask: Any, training: bool) -> tuple[Any, Any]:
        """Return the output, of all steps or the last one, and the last states."""
        xs, keep = jnp.swapaxes(sequences, 0, 1), None
        if mask is not None:
            if jnp.shape(mask) != sequences.shape[:2]:
                raise ValueError(
                    f"Layer {self.path!r} ({type(self).__name__}): `mask` has a truth value for each step, shape "
                    f"{sequences.shape[:2]}; got shape {jnp.shape(mask)}."
                )
            keep = jnp.swapaxes(jnp.asarray(mask, bool), 0, 1)
            # What is masked may be anything, and has no slope.
            xs = jnp.where(_over(keep, xs), xs, 0)
        noise = SequenceNoise()
        with entered(noise=noise):
            first, _ = Effects(self.cell, (slice_of(xs), states)).result
            noise.draw()
            chunk, step = self._chunk(xs, states), self.cell
            if chunk is None and early_products() and self._is_halved():
                xs = jax.vmap(lambda x: self.cell._project(x, training))(xs)
                step = lambda x, before: self.cell._advance(x, before, training)  # noqa: E731
            walk = _Walk(self, step, keep is not None)
            start = states, self._before_first(states, first) if walk.carries else None
            (states, last), outputs = scan_in_chunks(
                walk,
                start,
                (xs, keep),
                None,
                self.go_backwards,
                self._unrolled(xs),
                chunk,
                thrift=True,
            )
        if not self.return_sequences:
            return last, states
        return jnp.swapaxes(outputs[::-1] if self.go_backwards else outputs, 0, 1), states

    def _before_first(self, states: Any, first: Any) -> Any:
        """Return the output that masked steps repeat before there is any: what our own cells gave in these states."""
        cell = self.cell
        if isinstance(cell, StackedRNNCells):
            cell, states = cell.cells[-1], states[-1]
        return states[0] if isinstance(cell, Cell) else zeros_of(first)

    def _is_halved(self) -> bool:
        """Say whether the cell's first half can be done for all steps at once."""
        cell = self.cell
        plain = isinstance(cell, Cell) and type(cell).call is Cell.call and cell._remat is None
        return plain and cell.dtype_policy == self.dtype_policy and cell.autocast == self.autocast

    def _unrolled(self, xs: Array) -> bool | int:
        return self.unroll if isinstance(xs.shape[0], int) else 1

    def _chunk(self, xs: Array, states: Any) -> int | None:
        """Return how many steps to forget at a time; `None` where sizes are unknown or steps are written out."""
        leaves = jax.tree_util.tree_leaves(states)
        if self.unroll or not all(isinstance(d, int) for x in (xs, *leaves) for d in x.shape):
            return None
        # A step keeps about five arrays for each state.
        return chunk_of(len(xs), 5 * len(xs) * sum(x.size * x.dtype.itemsize for x in leaves))


class _Walk:
    """One step of the loop: what masks and the layer's outputs make of a cell's step.

    Args:
        layer: The layer.
        step: The cell, or its second half.
        masked: Whether there is a mask.
    """

    def __init__(self, layer: RNN, step: Any, masked: bool) -> None:
        self.layer = layer
        self.step = step
        # The output goes along where it is the last one that is asked for, or what a masked step repeats.
        self.repeats = masked and not layer.zero_output_for_mask
        self.carries = self.repeats or not layer.return_sequences

    def __call__(self, carried: Any, at: Any) -> Any:
        """Go one step on."""
        (before, last), (x, keep) = carried, at
        output, after = self.step(x, before)
        after = self._like(before, state_list(after))
        if keep is not None:
            output = jnp.where(_over(keep, output), output, last if self.repeats else 0)
            after = jax.tree_util.tree_map(
                lambda new, old: jnp.where(_over(keep, new), new, old), after, before
            )
        return (
            after,
            output if self.carries else None,
        ), output if self.layer.return_sequences else None

    def _like(self, before: Any, after: Any) -> Any:
        """Return new states in the structure and dtypes of those before, which the loop needs."""
        old, tree = jax.tree_util.tree_flatten(before)
        new = jax.tree_util.tree_leaves(after)
        truncated = [
            is_float(n.dtype) and not is_float(o.dtype) for o, n in zip(old, new, strict=False)
        ]
        if [x.shape for x in old] != [x.shape for x in new] or any(truncated):
            cell = self.layer.cell
            before, returned = ([f"{x.dtype}{x.shape}" for x in xs] for xs in (old, new))
            raise ValueError(
                f"Layer {cell.path!r} ({type(cell).__name__}) has the states {before} by its `state_size` or "
                f"`get_initial_state`, and returned {returned}: return as many, of the same sizes and kinds."
            )
        return jax.tree_util.tree_unflatten(
            tree, [n.astype(o.dtype) for n, o in zip(new, old, strict=True)]
        )


def _over(keep: Array, x: Array) -> Array:
    """Return truth values with as many axes as an array, to choose among its rows."""
    return keep.reshape(keep.shape + (1,) * (x.ndim - keep.ndim))
