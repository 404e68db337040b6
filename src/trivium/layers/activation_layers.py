"""Activations as layers of their own."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from trivium import activations, ops
from trivium.layers.base import Layer
from trivium.layers.checks import axes_of, broadcasts, is_whole, known, not_negative, number
from trivium.layers.input_spec import InputSpec
from trivium.layers.registry import LAYERS
from trivium.layers.types import ActivationLike, ConstraintLike, InitializerLike, RegularizerLike
from trivium.state.configured import arguments
from trivium.state.types import Array, Shape

__all__ = ["ELU", "Activation", "LeakyReLU", "PReLU", "ReLU", "Softmax"]


@LAYERS.register()
class Activation(Layer):
    """An activation as a layer of its own.

    Args:
        activation: A name or a function of an array.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Shapes:
        Any, the same for the output.

    Example:
        >>> import numpy as np
        >>> Activation("relu")(np.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    _stateless = True

    def __init__(self, activation: ActivationLike, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set(activation=activation)
        self.supports_masking = True

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        return self.activation(inputs)


class _Fixed(Layer):
    """One activation function, with its arguments as the layer's settings."""

    _stateless = True

    _function: ClassVar[Callable[..., Any]]

    def _set(self, **settings: Any) -> None:
        super()._set(**settings)
        self.supports_masking = True

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        own = set(arguments(type(self))) - set(arguments(Layer))
        return self._function(inputs, **{key: getattr(self, key) for key in own})


@LAYERS.register()
class ReLU(_Fixed):
    """`max(x, 0)`, or a variant with a slope below, a ceiling above and another place of the bend.

    Args:
        max_value: The largest output; `None` sets no limit.
        negative_slope: The slope below `threshold`.
        threshold: From where on the output is the input itself.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: A setting is negative.

    Shapes:
        Any, the same for the output.

    Example:
        >>> import numpy as np
        >>> ReLU(max_value=6.0, negative_slope=0.5)(np.array([-10.0, 2.0, 8.0])).tolist()
        [-5.0, 2.0, 6.0]

    Reference:
        Nair & Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines", ICML 2010.
    """

    _function = staticmethod(activations.relu)

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._set(
            max_value=None if max_value is None else not_negative(self, max_value=max_value),
            negative_slope=not_negative(self, negative_slope=negative_slope),
            threshold=not_negative(self, threshold=threshold),
        )


@LAYERS.register()
class LeakyReLU(_Fixed):
    """The input where it is positive, a small part of it elsewhere.

    Args:
        negative_slope: The slope below 0.
        kwargs: `name`, `dtype`, `trainable`, as for every layer; and `alpha`, the slope's old name.

    Raises:
        ValueError: The slope is negative.

    Shapes:
        Any, the same for the output.

    Example:
        >>> import numpy as np
        >>> LeakyReLU(0.5)(np.array([-2.0, 2.0])).tolist()
        [-1.0, 2.0]

    Reference:
        Maas et al., "Rectifier Nonlinearities Improve Neural Network Acoustic Models", ICML 2013.
    """

    _function = staticmethod(activations.leaky_relu)

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        if "alpha" in kwargs:
            warnings.warn("LeakyReLU: `alpha` is now called `negative_slope`.", stacklevel=2)
            negative_slope = kwargs.pop("alpha")
        super().__init__(**kwargs)
        self._set(negative_slope=not_negative(self, negative_slope=negative_slope))


@LAYERS.register()
class ELU(_Fixed):
    """The input where it is positive, `alpha * (exp(x) - 1)` elsewhere.

    Args:
        alpha: What the output tends to far below 0, with the other sign.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `alpha` is no number.

    Shapes:
        Any, the same for the output.

    Example:
        >>> import numpy as np
        >>> ELU(2.0)(np.array([-100.0, 2.0])).tolist()
        [-2.0, 2.0]

    Reference:
        Clevert et al., "Fast and Accurate Deep Network Learning by Exponential Linear Units", 2015,
        https://arxiv.org/abs/1511.07289
    """

    _function = staticmethod(activations.elu)

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set(alpha=number(self, alpha=alpha))


@LAYERS.register()
class PReLU(Layer):
    """The input where it is positive, a learned part of it elsewhere.

    Args:
        alpha_initializer: How the slopes `alpha`, of one sample's shape, are drawn.
        alpha_regularizer: A penalty on the slopes.
        alpha_constraint: A function applied to the slopes after each update.
        shared_axes: The axes, counted from 1, along which one slope serves all; `[1, 2]` after a `Conv2D`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `shared_axes` is neither an axis nor a list of axes.

    Shapes:
        `(batch, ...)`, the same for the output.

    Example:
        >>> import numpy as np
        >>> PReLU(alpha_initializer="ones")(np.array([[-2.0, 2.0]])).tolist()
        [[-2.0, 2.0]]

    Reference:
        He et al., "Delving Deep into Rectifiers", 2015, https://arxiv.org/abs/1502.01852
    """

    def __init__(
        self,
        alpha_initializer: InitializerLike = "Zeros",
        alpha_regularizer: RegularizerLike = None,
        alpha_constraint: ConstraintLike = None,
        shared_axes: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if shared_axes is not None:
            shared = shared_axes if isinstance(shared_axes, Sequence) else [shared_axes]
            if not all(map(is_whole, shared)):
                raise TypeError(
                    f"PReLU: `shared_axes` is an axis or a list of axes; got {shared_axes!r}."
                )
            shared_axes = [int(a) for a in shared]
        self._set(
            alpha_initializer=alpha_initializer, alpha_regularizer=alpha_regularizer,
            alpha_constraint=alpha_constraint, shared_axes=shared_axes,
        )  # fmt: skip
        self.supports_masking = True

    def build(self, input_shape: Shape) -> None:
        """Make the slopes."""
        rank, shared = len(input_shape), self.shared_axes or []
        if any(not 1 <= axis < rank for axis in shared):
            raise ValueError(
                f"Layer {self.path!r} (PReLU): `shared_axes` are axes from 1 to {rank - 1} of an input of shape "
                f"{tuple(input_shape)} (0 is the batch); got {shared}."
            )
        own = {i: n for i, n in enumerate(input_shape) if i and i not in shared}
        self.alpha = self._add_set_weight("alpha", [own.get(i, 1) for i in range(1, rank)])
        self.input_spec = InputSpec(ndim=rank, axes=own)

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        return ops.relu(inputs) - self.alpha * ops.relu(-inputs)


@LAYERS.register()
class Softmax(Layer):
    """Numbers as shares of 1: `exp(x)` over the sum of all `exp(x)`.

    Args:
        axis: The axis, or axes, along which the shares add up to 1.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `axis` is neither an axis nor a list of axes.
        ValueError: An axis is named twice.

    Shapes:
        Any, the same for the output.

    Example:
        >>> import numpy as np
        >>> Softmax()(np.array([1.0, 1.0, 9.0]), mask=np.array([True, True, False])).tolist()
        [0.5, 0.5, 0.0]

    Reference:
        Bridle, "Probabilistic Interpretation of Feedforward Classification Network Outputs", 1990.
    """

    _stateless = True

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set(axis=axes_of(self, axis))
        self.supports_masking = True

    def call(self, inputs: Array, mask: Array | None = None) -> Array:
        """Compute the output.

        Args:
            inputs: The input.
            mask: Booleans of its shape, or one that broadcasts to it: where it is false the output is 0, whatever the
                input.
        """
        if mask is None:
            return ops.softmax(inputs, self.axis)
        if not broadcasts(mask.shape, inputs.shape):
            raise ValueError(
                f"Layer {self.path!r} (Softmax) wants a mask that broadcasts to its input; got a mask of shape "
                f"{known(mask.shape)}, input of shape {known(inputs.shape)}. For the steps of a sequence add an axis "
                "to the mask, or give the layer before `activation='softmax'`, which needs none."
            )
        mask = ops.broadcast_to(ops.cast(mask, "bool"), inputs.shape)
        # Where all is masked there must be something to share among, for the gradient's sake too.
        some = ops.any(mask, self.axis, keepdims=True)
        shares = ops.softmax(ops.where(mask, inputs, ops.where(some, -math.inf, 0)), self.axis)
        return ops.where(mask, shares, 0)
