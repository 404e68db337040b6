"""What cells share: a step in two halves, the numbers that they drop, and their states."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from trivium import ops, random
from trivium.layers.base import Layer
from trivium.layers.checks import flag, positive_int, unit_fraction
from trivium.state import SeedGenerator
from trivium.state.frame import current_frame
from trivium.state.types import Array, Shape

__all__ = ["Cell", "SequenceNoise", "checked_cell", "initial_state", "output_size", "state_list"]

_CHECKS = {
    "units": positive_int, "filters": positive_int,
    "use_bias": flag, "unit_forget_bias": flag, "reset_after": flag,
    "dropout": unit_fraction, "recurrent_dropout": unit_fraction,
}  # fmt: skip


class SequenceNoise:
    """The factors by which cells drop numbers, the same ones in all steps of a sequence.

    A recurrent layer first looks at one step on shapes alone, which notes what its cells ask for; then it draws, and
    goes along the sequence.
    """

    def __init__(self) -> None:
        self._asked: dict[Any, tuple[Cell, str, Any]] = {}
        self._drawn: dict[Any, Array] = {}

    def factors(self, cell: Cell, which: str, like: Any) -> Any:
        """Return the factors of a cell's setting `which` for an array; ones while it is only noted."""
        key = id(cell), which, tuple(like.shape)
        if key in self._drawn:
            return self._drawn[key]
        self._asked[key] = cell, which, jax.ShapeDtypeStruct(like.shape, like.dtype)
        return jnp.ones_like(like)

    def draw(self) -> None:
        """Draw all that was asked for."""
        for key, (cell, which, like) in self._asked.items():
            self._drawn[key] = cell.drawn(which, like)


class Cell(Layer):
    """A step in two halves, so that a layer can do the first one for all steps of a sequence at once.

    Subclasses give `_project`, what the input contributes, and `_advance`, which goes on with it from the states.

    Args:
        units: The size of the output and of each state.
        activation: What makes the output of a weighted sum; none where it is `None`.
        use_bias: Whether to add a bias.
        kernel_initializer: How the input's kernel, shape `(inputs, gates * units)`, is drawn.
        recurrent_initializer: How the state's kernel, shape `(units, gates * units)`, is drawn.
        bias_initializer: How the bias, shape `(gates * units,)`, is drawn.
        kernel_regularizer: A penalty on the input's kernel.
        recurrent_regularizer: A penalty on the state's kernel.
        bias_regularizer: A penalty on the bias.
        kernel_constraint: A function applied to the input's kernel after each update.
        recurrent_constraint: A function applied to the state's kernel after each update.
        bias_constraint: A function applied to the bias after each update.
        dropout: Which part of the inputs is set to 0 while training; in a layer the same ones in all steps.
        recurrent_dropout: Which part of the state is set to 0 where the new one is computed from it, likewise.
        seed: A whole number for the draws; by the global seed where it is `None`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: A flag is not true or false.
        ValueError: `units` is no positive whole number, or a rate is not from 0 to 1.

    Shapes:
        An input `(batch, inputs)` and a list of states `(batch, units)` to an output `(batch, units)` and states.

    Reference:
        Gal and Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks", 2016 (one
        mask for a whole sequence).
    """

    bias_initializer: Any
    # How many weighted sums a step computes, and of how many states.
    gates: ClassVar[int] = 1
    state_count: ClassVar[int] = 1

    def _keep(self, given: dict[str, Any], **kwargs: Any) -> None:
        """Keep what a constructor was given (its `locals()`), each setting checked by its name."""
        Layer.__init__(self, **kwargs)
        for name in given.keys() - {"self", "kwargs", "__class__"}:
            check = _CHECKS.get(name)
            self._set(**{name: check(self, **{name: given[name]}) if check else given[name]})
        draws = self.dropout > 0 or self.recurrent_dropout > 0
        self.seed_generator = SeedGenerator(self.seed) if draws else None

    @property
    def state_size(self) -> Any:
        """The size of the state, or of each of the states."""
        return self.units if self.state_count == 1 else [self.units] * self.state_count

    @property
    def output_size(self) -> int:
        """The size of the output."""
        return int(self.units)

    def get_initial_state(self, batch_size: int | None = None) -> list[Array]:
        """Return states of zeros.

        Args:
            batch_size: How many samples.
        """
        return [jnp.zeros((batch_size or 1, self.units), self.compute_dtype)] * self.state_count

    def build(self, input_shape: Shape) -> None:
        """Make the kernels and the bias."""
        self._add_step_weights((input_shape[-1],), (self.units,), self.units)

    def _add_step_weights(self, inputs: Any, state: Any, units: int) -> None:
        size = self.gates * units
        self.kernel = self._add_set_weight("kernel", (*inputs, size))
        recurrent = {
            k: getattr(self, f"recurrent_{k}") for k in ("initializer", "regularizer", "constraint")
        }
        self.recurrent_kernel = self.add_weight(
            (*state, size), name="recurrent_kernel", **recurrent
        )
        self.bias = self._add_set_weight("bias", self._bias_shape(size)) if self.use_bias else None

    def _bias_shape(self, size: int) -> tuple[int, ...]:
        return (size,)

    def call(self, inputs: Array, states: Any, training: bool = False) -> tuple[Array, list[Array]]:
        """Compute the output and the new states.

        Args:
            inputs: The input of one step.
            states: The states before it.
            training: Whether numbers are dropped.
        """
        return self._advance(self._project(inputs, training), state_list(states), training)

    def _project(self, inputs: Array, training: bool) -> Array:
        """Return what the input contributes to the gates: for all of them in one product."""
        return self._biased(ops.matmul(self._dropped("dropout", inputs, training), self.kernel))

    def _biased(self, sums: Array) -> Array:
        return sums if self.bias is None else sums + ops.convert_to_tensor(self.bias)

    def _advance(
        self, projected: Array, states: list[Array], training: bool
    ) -> tuple[Array, list[Array]]:
        raise NotImplementedError

    def _recurrent(self, state: Array, training: bool) -> Array:
        """Return what the state contributes to the gates."""
        state = self._dropped("recurrent_dropout", state, training)
        return ops.matmul(state, self.recurrent_kernel)

    def _dropped(self, which: str, x: Array, training: bool) -> Array:
        if not training or getattr(self, which) == 0:
            return x
        noise = current_frame().noise
        return x * (self.drawn(which, x) if noise is None else noise.factors(self, which, x))

    def drawn(self, which: str, like: Any) -> Array:
        """Draw the factors of a setting, `"dropout"` or `"recurrent_dropout"`, for an array.

        Args:
            which: The setting.
            like: The array, or its shape and dtype.
        """
        if self.seed_generator is None:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}) was made without dropout, so it has no generator "
                f"of random numbers; it cannot work with {which}={getattr(self, which)} now. Make it anew "
                "with this number."
            )
        ones = jnp.ones(like.shape, like.dtype)
        return random.dropout(ones, getattr(self, which), seed=self.seed_generator)


def checked_cell(layer: object, cell: Any) -> Any:
    """Return a cell, if it is one.

    Args:
        layer: The layer that it is given to, for the message.
        cell: The cell.

    Raises:
        TypeError: It is no layer.
        ValueError: It has no `state_size`.
    """
    if not isinstance(cell, Layer):
        raise TypeError(
            f"{type(layer).__name__}: a cell is a layer with `call(inputs, states)`; got {cell!r}."
            + (" Make one of the class first." if isinstance(cell, type) else "")
        )
    if not hasattr(cell, "state_size"):
        raise ValueError(
            f"{type(layer).__name__}: the cell {cell.name!r} ({type(cell).__name__}) has no `state_size`. Set it in "
            "its `__init__`: a whole number, or a list of them for several states."
        )
    return cell


def state_list(states: Any) -> Any:
    """Return states as cells take them: in a list, also where there is one alone, or in a dict.

    Example:
        >>> state_list(3), state_list((1, 2)), state_list({"a": 1})
        ([3], [1, 2], {'a': 1})
    """
    if isinstance(states, list | tuple):
        return list(states)
    return states if isinstance(states, dict) else [states]


def output_size(cell: Any) -> Any:
    """Return the size of a cell's output: that of its first state where it does not say."""
    size = getattr(cell, "output_size", None)
    return jax.tree_util.tree_leaves(cell.state_size)[0] if size is None else size


def initial_state(cell: Any, batch_size: Any, dtype: str) -> Any:
    """Return what a cell's states are before the first step: what it says itself, or zeros of its `state_size`.

    Args:
        cell: The cell.
        batch_size: How many samples.
        dtype: The dtype of the zeros.
    """
    if hasattr(cell, "get_initial_state"):
        return state_list(cell.get_initial_state(batch_size=batch_size))
    return jax.tree_util.tree_map(
        lambda size: jnp.zeros((batch_size, size), dtype), state_list(cell.state_size)
    )
