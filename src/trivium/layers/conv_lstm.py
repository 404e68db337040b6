"""LSTM layers whose products are convolutions, over one, two and three spatial axes."""

from __future__ import annotations

from typing import Any, ClassVar

import jax.numpy as jnp

from trivium import ops
from trivium.graph import SymbolicTensor
from trivium.graph.infer import infer
from trivium.layers.cells import LongShortTerm
from trivium.layers.input_spec import InputSpec
from trivium.layers.recurrent import OfCell
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import Sizes, data_format_of, one_of, sizes_of
from trivium.layers.types import ActivationLike, ConstraintLike, InitializerLike, RegularizerLike
from trivium.state.types import Array, Shape

__all__ = ["ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"]


class ConvLSTMCell(LongShortTerm):
    """A step of `ConvLSTM`: an `LSTMCell` with convolutions in the place of products.

    The state keeps its size: its own convolution has stride 1 and padding `"same"`.

    Args:
        rank: How many spatial axes there are.
        filters: How many filters: the size of the channel axis of the output and the states.
        kernel_size: The window's size: one number, or one for each axis.
        strides: The window's step on the input, likewise.
        padding: `"valid"` or `"same"`, of the input.
        data_format: `"channels_last"` or `"channels_first"`; the default where it is `None`.
        dilation_rate: The distance between the window's cells on the input.

    The others are those of `LSTMCell`.
    """

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
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
        self._set(
            kernel_size=sizes_of(self, rank, kernel_size=kernel_size),
            strides=sizes_of(self, rank, strides=strides),
            dilation_rate=sizes_of(self, rank, dilation_rate=dilation_rate),
            padding=one_of(self, ("valid", "same"), padding=padding),
            data_format=data_format_of(self, data_format),
        )
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{type(self).__name__}: `strides` and `dilation_rate` cannot both be above 1; got "
                f"strides={self.strides}, dilation_rate={self.dilation_rate}."
            )
        self._gate_axis = -1 if self.data_format == "channels_last" else 1

    @property
    def state_size(self) -> Any:
        """The numbers of channels of the states."""
        return [self.filters] * 2

    @property
    def output_size(self) -> int:
        """The number of channels of the output."""
        return int(self.filters)

    def get_initial_state(self, batch_size: int | None = None) -> list[Array]:
        """Return states of zeros.

        Args:
            batch_size: How many samples.
        """
        return [jnp.zeros((batch_size or 1, *self._state_shape), self.compute_dtype)] * 2

    def build(self, input_shape: Shape) -> None:
        """Make the kernels and the bias, and find the size of the states."""
        if None in tuple(input_shape)[1:]:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}) keeps states of the size of its output, so every size of "
                f"a step's input is known but the batch's; got {tuple(input_shape)}."
            )
        channels = input_shape[self._gate_axis]
        self._add_step_weights(
            (*self.kernel_size, channels), (*self.kernel_size, self.filters), self.filters
        )
        x = SymbolicTensor((1, *tuple(input_shape)[1:]), self.compute_dtype)
        shape = list(infer(lambda x: self._project(x, False), (x,), {}).shape)
        shape[self._gate_axis] = self.filters
        self._state_shape = tuple(shape[1:])

    def _project(self, inputs: Array, training: bool) -> Array:
        inputs = self._dropped("dropout", inputs, training)
        kernel = ops.convert_to_tensor(self.kernel)
        sums = ops.conv(
            inputs, kernel, self.strides, self.padding, self.data_format, self.dilation_rate
        )
        if self.bias is None:
            return sums
        shape = [1] * sums.ndim
        shape[self._gate_axis] = -1
        return sums + ops.reshape(self.bias, shape)

    def _recurrent(self, state: Array, training: bool) -> Array:
        state = self._dropped("recurrent_dropout", state, training)
        return ops.conv(state, self.recurrent_kernel, 1, "same", self.data_format)


class ConvLSTM(OfCell, cell=ConvLSTMCell):
    """An LSTM layer of sequences of images, say: its products are convolutions.

    The arguments are those of `ConvLSTMCell`, and of `RNN`.

    Shapes:
        `(batch, steps, *spatial, channels)` to `(batch, *new_spatial, filters)`, with the steps after the batch for
        `return_sequences`; the channels stand before the spatial axes with `"channels_first"`.
    """

    rank: ClassVar[int]
    _left_out: ClassVar[dict[str, Any]] = {}

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
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
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **kwargs: Any,
    ) -> None:
        self._make({**locals(), "rank": self.rank}, **kwargs)
        self.input_spec = InputSpec(ndim=self.rank + 3)

    def build(self, sequences_shape: Shape, initial_state_shape: Any = None) -> None:
        """Build the cell, and make the variables that keep the states if the layer is stateful."""
        super().build(sequences_shape, initial_state_shape)
        axis = -1 if self.data_format == "channels_last" else 2
        self.input_spec = InputSpec(ndim=self.rank + 3, axes={axis: sequences_shape[axis]})


@LAYERS.register()
class ConvLSTM1D(ConvLSTM):
    """An LSTM layer of sequences of rows: as `ConvLSTM`.

    Example:
        >>> import numpy as np
        >>> ConvLSTM1D(4, 3, padding="same")(np.ones((2, 5, 8, 1))).shape
        (2, 8, 4)

    Reference:
        Shi et al., "Convolutional LSTM Network", 2015, https://arxiv.org/abs/1506.04214
    """

    rank = 1


@LAYERS.register()
class ConvLSTM2D(ConvLSTM):
    """An LSTM layer of sequences of images: as `ConvLSTM`.

    Example:
        >>> import numpy as np
        >>> ConvLSTM2D(4, 3, return_sequences=True)(np.ones((2, 5, 8, 8, 1))).shape
        (2, 5, 6, 6, 4)

    Reference:
        Shi et al., "Convolutional LSTM Network", 2015, https://arxiv.org/abs/1506.04214
    """

    rank = 2


@LAYERS.register()
class ConvLSTM3D(ConvLSTM):
    """An LSTM layer of sequences of volumes: as `ConvLSTM`.

    Example:
        >>> import numpy as np
        >>> ConvLSTM3D(2, 2)(np.ones((1, 2, 3, 4, 5, 1))).shape
        (1, 2, 3, 4, 2)

    Reference:
        Shi et al., "Convolutional LSTM Network", 2015, https://arxiv.org/abs/1506.04214
    """

    rank = 3
