"""Layers that bring means to 0 and variances to 1, over the batch or within each example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trivium import ops
from trivium.layers.base import Layer
from trivium.layers.checks import positive_int
from trivium.layers.input_spec import InputSpec
from trivium.layers.registry import LAYERS

__all__ = ["BatchNormalization"]


@LAYERS.register()
class BatchNormalization(Layer):
    """Brings the mean to 0 and the variance to 1 in each channel, then scales and shifts it.

    While training, by the mean and variance of the batch, of which it keeps moving averages; otherwise, and while
    `trainable` is `False`, by those averages. Steps that a mask says do not count are left out of mean and variance.

    Args:
        axis: The channels' axis.
        momentum: How much of the moving averages is kept at each step.
        epsilon: What is added to the variance.
        center: Whether there is a shift, `beta`.
        scale: Whether there is a factor, `gamma`.
        beta_initializer: How `beta`, shape `(channels,)`, is drawn.
        gamma_initializer: How `gamma`, shape `(channels,)`, is drawn.
        moving_mean_initializer: How the moving mean begins.
        moving_variance_initializer: How the moving variance begins.
        beta_regularizer: A penalty on `beta`.
        gamma_regularizer: A penalty on `gamma`.
        beta_constraint: A function applied to `beta` after each update.
        gamma_constraint: A function applied to `gamma` after each update.
        synchronized: Kept for configs: `True` is refused. In a compiled program over several devices the batch is one
            array, and its statistics are the whole batch's already.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        ValueError: `synchronized` is true.

    Shapes:
        Any, the same for the output.

    Example:
        >>> import numpy as np
        >>> layer = BatchNormalization()
        >>> layer(np.array([[1.0], [3.0]]), training=True).round(2).tolist()
        [[-1.0], [1.0]]
        >>> layer.moving_mean.numpy().round(2).tolist()
        [0.019999999552965164]

    Reference:
        Ioffe & Szegedy, "Batch Normalization", 2015, https://arxiv.org/abs/1502.03167
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: dict[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if synchronized:
            raise ValueError(
                "BatchNormalization: `synchronized=True` is not needed: a compiled step sees the whole batch as one "
                "array, over however many devices it lies, so the statistics are the whole batch's. Leave it out."
            )
        self._set(
            axis=int(axis), momentum=float(momentum), epsilon=float(epsilon), center=center, scale=scale,
            beta_initializer=beta_initializer, gamma_initializer=gamma_initializer,
            moving_mean_initializer=moving_mean_initializer,
            moving_variance_initializer=moving_variance_initializer,
            beta_regularizer=beta_regularizer, gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint, gamma_constraint=gamma_constraint,
            synchronized=synchronized, renorm=renorm, renorm_clipping=renorm_clipping,
            renorm_momentum=renorm_momentum,
        )  # fmt: skip
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Make the factor, the shift and the moving averages, each of shape `(channels,)`."""
        rank = len(input_shape)
        if not -rank <= self.axis < rank:
            raise ValueError(
                f"Layer {self.path!r} (BatchNormalization) normalizes axis {self.axis}, which an input of shape "
                f"{tuple(input_shape)} does not have."
            )
        channels = input_shape[self.axis]
        shape, fixed = (channels,), {"autocast": False, "trainable": False}
        self.gamma = self._add_set_weight("gamma", shape, autocast=False) if self.scale else None
        self.beta = self._add_set_weight("beta", shape, autocast=False) if self.center else None
        self.moving_mean = self._add_set_weight("moving_mean", shape, **fixed)
        self.moving_variance = self._add_set_weight("moving_variance", shape, **fixed)
        self.input_spec = InputSpec(ndim=rank, axes={self.axis: channels})

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        """Compute the output.

        Args:
            inputs: The input.
            training: Whether to use the batch's statistics and to update the moving averages.
            mask: Which steps count, shape like the input's without the last axis.
        """
        # Sums over a batch overflow in half precision.
        x = ops.cast(inputs, "float32") if inputs.dtype in ("float16", "bfloat16") else inputs
        if training and self.trainable:
            mean, variance = self._moments(x, mask)
            for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
                average.assign(average * self.momentum + value * (1.0 - self.momentum))
        else:
            mean, variance = self.moving_mean, self.moving_variance
        outputs = ops.batch_normalization(
            x, mean, variance, self.axis, self.beta, self.gamma, self.epsilon
        )
        return ops.cast(outputs, self.compute_dtype)

    def _moments(self, x: Any, mask: Any) -> Any:
        axes = [i for i in range(len(x.shape)) if i != self.axis % len(x.shape)]
        if mask is None:
            return ops.moments(x, axes)
        if len(mask.shape) != len(x.shape) - 1:
            raise ValueError(
                f"Layer {self.path!r} (BatchNormalization) wants a mask with one dimension less than its input of shape "
                f"{tuple(x.shape)}; got one of shape {tuple(mask.shape)}."
            )
        counts = ops.broadcast_to(ops.expand_dims(ops.cast(mask, x.dtype), -1), x.shape)
        total = ops.sum(counts, axes) + 1e-7
        mean = ops.sum(x * counts, axes) / total
        shape = [1] * len(x.shape)
        shape[self.axis] = -1
        apart = (x - ops.reshape(mean, shape)) * counts
        return mean, ops.sum(apart * apart, axes) / total
