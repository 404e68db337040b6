"""Cells: one step of a recurrent layer, from an input and the states before it to an output and the states after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from trivium import initializers, ops
from trivium.layers.base import Layer
from trivium.layers.cell import Cell, checked_cell, initial_state, output_size, state_list
from trivium.layers.registry import LAYERS
from trivium.layers.types import ActivationLike, ConstraintLike, InitializerLike, RegularizerLike
from trivium.ops.lowering.scanning import remembered
from trivium.state.types import Array, Shape

__all__ = ["GRUCell", "LSTMCell", "LongShortTerm", "SimpleRNNCell", "StackedRNNCells"]


@LAYERS.register()
class SimpleRNNCell(Cell):
    """A step of `SimpleRNN`: `h = activation(x @ kernel + bias + h @ recurrent_kernel)`. Arguments are those of `Cell`.

    Example:
        >>> import numpy as np
        >>> output, states = SimpleRNNCell(3)(np.ones((2, 5)), [np.zeros((2, 3))])
        >>> output.shape, [s.shape for s in states]
        ((2, 3), [(2, 3)])

    Reference:
        Elman, "Finding Structure in Time", Cognitive Science 1990.
    """

    def __init__(
        self,
        units: int,
        activation: ActivationLike = "tanh",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        recurrent_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        self._keep(locals(), **kwargs)

    def _advance(
        self, projected: Array, states: list[Array], training: bool
    ) -> tuple[Array, list[Array]]:
        output = self.activation(projected + self._recurrent(states[0], training))
        return output, [output]


class UnitForgetBias(initializers.Initializer):
    """The first bias of an `LSTMCell`: ones for the gate that forgets, so that it remembers at first.

    Args:
        initializer: How the rest is drawn.

    Reference:
        Jozefowicz et al., "An Empirical Exploration of Recurrent Network Architectures", ICML 2015.
    """

    def __init__(self, initializer: Any) -> None:
        self.initializer = initializers.get(initializer)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """Return the bias of four gates, of which the second one forgets."""
        units = shape[0] // 4
        first, *rest = (np.asarray(self.initializer((n * units,), dtype)) for n in (1, 2))
        return np.concatenate([first, np.ones(units, first.dtype), *rest])


class LongShortTerm(Cell):
    """The step that an `LSTMCell` and one of convolutions have in common."""

    gates = 4
    state_count = 2
    _gate_axis = -1

    def _add_step_weights(self, inputs: Any, state: Any, units: int) -> None:
        first = self.bias_initializer
        if self.unit_forget_bias:
            self.bias_initializer = UnitForgetBias(first)
        super()._add_step_weights(inputs, state, units)
        self.bias_initializer = first

    def _advance(
        self, projected: Array, states: list[Array], training: bool
    ) -> tuple[Array, list[Array]]:
        hidden, kept = states
        sums = remembered(projected + self._recurrent(hidden, training))
        enters, stays, new, leaves = jnp.split(sums, 4, axis=self._gate_axis)
        gate = self.recurrent_activation
        kept = gate(stays) * kept + gate(enters) * self.activation(new)
        hidden = gate(leaves) * self.activation(kept)
        return hidden, [hidden, kept]


@LAYERS.register()
class LSTMCell(LongShortTerm):
    """A step of `LSTM`: gates say what enters the memory, what stays in it, and what leaves it.

    The two states are the output and the memory. Arguments are those of `Cell`, and these:

    Args:
        recurrent_activation: What makes a gate of a weighted sum.
        unit_forget_bias: Whether the bias of the gate that forgets is 1 at first.

    Example:
        >>> import numpy as np
        >>> output, states = LSTMCell(3)(np.ones((2, 5)), [np.zeros((2, 3)), np.zeros((2, 3))])
        >>> output.shape, [s.shape for s in states]
        ((2, 3), [(2, 3), (2, 3)])

    Reference:
        Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 1997; Gers et al., "Learning to
        Forget", 2000.
    """

    def __init__(
        self,
        units: int,
        activation: ActivationLike = "tanh",
        recurrent_activation: ActivationLike = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: RegularizerLike = None,
        recurrent_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        self._keep(locals(), **kwargs)


@LAYERS.register()
class GRUCell(Cell):
    """A step of `GRU`: one gate says how much of the state stays, another how much of it the new one sees.

    Arguments are those of `Cell`, and these:

    Args:
        recurrent_activation: What makes a gate of a weighted sum.
        reset_after: Whether the state is reset after its product with the kernel, which has a bias of its own then, or
            before.

    Example:
        >>> import numpy as np
        >>> output, states = GRUCell(3)(np.ones((2, 5)), [np.zeros((2, 3))])
        >>> output.shape, [s.shape for s in states]
        ((2, 3), [(2, 3)])

    Reference:
        Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014, https://arxiv.org/abs/1406.1078
        (version 3 resets after, version 1 before).
    """

    gates = 3

    def __init__(
        self,
        units: int,
        activation: ActivationLike = "tanh",
        recurrent_activation: ActivationLike = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        recurrent_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        self._keep(locals(), **kwargs)

    def _bias_shape(self, size: int) -> tuple[int, ...]:
        return (2, size) if self.reset_after else (size,)

    def _biased(self, sums: Array) -> Array:
        if self.bias is None or not self.reset_after:
            return super()._biased(sums)
        return sums + ops.convert_to_tensor(self.bias)[0]

    def _advance(
        self, projected: Array, states: list[Array], training: bool
    ) -> tuple[Array, list[Array]]:
        (state,) = states
        gate, units = self.recurrent_activation, self.units
        if self.reset_after:
            recurrent = self._recurrent(state, training)
            if self.bias is not None:
                recurrent = recurrent + ops.convert_to_tensor(self.bias)[1]
            sums = remembered((projected + recurrent)[..., : 2 * units])
            stays, resets = jnp.split(gate(sums), 2, axis=-1)
            seen = resets * remembered(recurrent[..., 2 * units :])
        else:
            dropped = self._dropped("recurrent_dropout", state, training)
            kernel = ops.convert_to_tensor(self.recurrent_kernel)
            sums = projected[..., : 2 * units] + ops.matmul(dropped, kernel[:, : 2 * units])
            stays, resets = jnp.split(gate(remembered(sums)), 2, axis=-1)
            seen = ops.matmul(resets * dropped, kernel[:, 2 * units :])
        new = self.activation(remembered(projected[..., 2 * units :]) + seen)
        state = stays * state + (1 - stays) * new
        return state, [state]


@LAYERS.register()
class StackedRNNCells(Layer):
    """Cells on top of each other, as one cell: each one's output is the next one's input.

    Args:
        cells: The cells, from the input on.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: One of them is no layer.
        ValueError: There is none, or one has no `state_size`.

    Example:
        >>> import numpy as np
        >>> from trivium.layers import RNN
        >>> cells = StackedRNNCells([LSTMCell(4), GRUCell(3)])
        >>> cells.state_size, RNN(cells)(np.ones((2, 5, 6))).shape
        ([[4, 4], 3], (2, 3))
    """

    def __init__(self, cells: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cells = [checked_cell(self, cell) for cell in cells]
        if not self.cells:
            raise ValueError(f"{type(self).__name__}: `cells` is a list of cells; got none.")

    @property
    def state_size(self) -> list[Any]:
        """The sizes of each cell's states."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> Any:
        """The size of the last cell's output."""
        return output_size(self.cells[-1])

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """Return each cell's first states.

        Args:
            batch_size: How many samples.
        """
        return [initial_state(cell, batch_size, self.compute_dtype) for cell in self.cells]

    def build(self, input_shape: Shape) -> None:
        """Build each cell for the output of the one before it."""
        for cell in self.cells:
            if not cell.built:
                cell.build(input_shape)
            input_shape = (input_shape[0], output_size(cell))

    def call(self, inputs: Array, states: Any, training: bool = False) -> tuple[Array, list[Any]]:
        """Compute the last output and the new states of all cells.

        Args:
            inputs: The input of one step.
            states: The states of each cell.
            training: Whether the model is being trained.
        """
        after = []
        for cell, before in zip(self.cells, states, strict=True):
            inputs, new = cell(inputs, state_list(before))
            after.append(state_list(new))
        return inputs, after
