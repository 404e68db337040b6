"""Recurrent layers of one cell each."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

from trivium.layers.cell import Cell
from trivium.layers.cells import GRUCell, LSTMCell, SimpleRNNCell
from trivium.layers.input_spec import InputSpec
from trivium.layers.registry import LAYERS
from trivium.layers.rnn import RNN
from trivium.layers.types import ActivationLike, ConstraintLike, InitializerLike, RegularizerLike
from trivium.state import to_snake_case
from trivium.state.types import Shape

__all__ = ["GRU", "LSTM", "OfCell", "SimpleRNN"]


class _Setting:
    """A setting that a layer's cell has."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, layer: Any, owner: Any = None) -> Any:
        return self if layer is None else getattr(layer.cell, self.name)

    def __set__(self, layer: Any, value: Any) -> None:
        setattr(layer.cell, self.name, value)


class OfCell(RNN):
    """An `RNN` that makes its own cell, whose settings are its own, too.

    A subclass names the class of its cell, and gives a constructor that hands on what it was given.
    """

    _unwritten = RNN._unwritten | {"cell", "use_cudnn"}
    _cell: ClassVar[type[Cell]]
    _settings: ClassVar[list[str]]

    def __init_subclass__(cls, cell: type[Cell] | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cell is not None:
            cls._cell = cell
            cls._settings = [
                p
                for p in inspect.signature(cell.__init__).parameters
                if p not in ("self", "kwargs")
            ]
            for name in cls._settings:
                setattr(cls, name, _Setting(name))

    def _make(self, given: dict[str, Any], **kwargs: Any) -> None:
        """Make the cell and the loop of what a constructor was given (its `locals()`), each argument by its name."""
        mine = {
            k: v
            for k, v in given.items()
            if k not in (*self._settings, "self", "kwargs", "__class__")
        }
        mine.pop("use_cudnn", None)
        common = {k: kwargs[k] for k in ("dtype", "trainable") if k in kwargs}
        name = to_snake_case(self._cell.__name__)
        try:
            cell = self._cell(
                **{k: given[k] for k in self._settings if k in given}, name=name, **common
            )
        except (TypeError, ValueError) as error:  # The user has made a layer, and knows of no cell.
            said = str(error).replace(f"{self._cell.__name__}:", f"{type(self).__name__}:", 1)
            raise type(error)(said) from None
        mine.pop("rank", None)
        RNN.__init__(self, cell, **mine, **kwargs)
        self.input_spec = InputSpec(ndim=3)

    def build(self, sequences_shape: Shape, initial_state_shape: Any = None) -> None:
        """Build the cell, and make the variables that keep the states if the layer is stateful."""
        super().build(sequences_shape, initial_state_shape)
        self.input_spec = InputSpec(ndim=3, axes={-1: sequences_shape[-1]})


@LAYERS.register()
class SimpleRNN(OfCell, cell=SimpleRNNCell):
    """A recurrent layer whose output is its state: `h = activation(x @ kernel + bias + h @ recurrent_kernel)`.

    The arguments are those of `SimpleRNNCell` and of `RNN`.

    Example:
        >>> import numpy as np
        >>> SimpleRNN(3)(np.ones((2, 5, 4))).shape
        (2, 3)

    Reference:
        Elman, "Finding Structure in Time", Cognitive Science 1990.
    """

    _left_out: ClassVar[dict[str, Any]] = {"seed": None}

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
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        self._make(locals(), **kwargs)


@LAYERS.register()
class LSTM(OfCell, cell=LSTMCell):
    """A recurrent layer with a memory, and gates that say what enters it, stays in it and leaves it.

    The arguments are those of `LSTMCell` and of `RNN`; `use_cudnn` is kept for Keras's programs, and XLA compiles the
    layer on every device.

    Example:
        >>> import numpy as np
        >>> outputs, hidden, memory = LSTM(3, return_sequences=True, return_state=True)(np.ones((2, 5, 4)))
        >>> outputs.shape, hidden.shape, memory.shape
        ((2, 5, 3), (2, 3), (2, 3))

    Reference:
        Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 1997.
    """

    _left_out: ClassVar[dict[str, Any]] = {}

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
        unroll: bool = False,
        use_cudnn: bool | str = "auto",
        **kwargs: Any,
    ) -> None:
        self._make(locals(), **kwargs)


@LAYERS.register()
class GRU(OfCell, cell=GRUCell):
    """A recurrent layer with one state, and gates that say how much of it stays and how much the new one sees of it.

    The arguments are those of `GRUCell` and of `RNN`; `use_cudnn` is kept for Keras's programs, and XLA compiles the
    layer on every device.

    Example:
        >>> import numpy as np
        >>> GRU(3, reset_after=False)(np.ones((2, 5, 4))).shape
        (2, 3)

    Reference:
        Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014, https://arxiv.org/abs/1406.1078
    """

    _left_out: ClassVar[dict[str, Any]] = {}

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
        unroll: bool = False,
        reset_after: bool = True,
        use_cudnn: bool | str = "auto",
        **kwargs: Any,
    ) -> None:
        self._make(locals(), **kwargs)
