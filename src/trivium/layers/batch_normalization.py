"""The normalization over the batch, with moving averages."""

from __future__ import annotations

from typing import Any

from trivium import ops
from trivium.layers.base import Layer
from trivium.layers.checks import axis_of, flag, not_negative, unit_fraction
from trivium.layers.input_spec import InputSpec
from trivium.layers.registry import LAYERS
from trivium.layers.types import ConstraintLike, InitializerLike, RegularizerLike
from trivium.state.dtypes import is_half
from trivium.state.types import Array, ArrayLike, DType, Shape

__all__ = ["BatchNormalization"]


@LAYERS.register()
class BatchNormalization(Layer):
    """Brings the mean to 0 and the variance to 1 in each channel, then scales and shifts it.

    While training, by the mean and variance of the batch, of which it keeps moving averages; otherwise, and while
    `trainable` is `False`, by those averages. Steps that a mask says do not count are left out of mean and variance; a
    batch in which none counts moves no average.

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
        renorm: Whether to train with statistics that follow the moving averages ("batch renormalization"), which helps
            small batches.
        renorm_clipping: Limits of the correction: `rmin` and `rmax` of its factor, `dmax` of its shift.
        renorm_momentum: How much of the averages that the correction uses is kept at each step.
        synchronized: Kept for configs: `True` is refused. In a compiled program over several devices the batch is one
            array, and its statistics are the whole batch's already.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `axis` is no whole number.
        ValueError: `synchronized` is true, or `renorm_clipping` has another key.

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
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        moving_mean_initializer: InitializerLike = "zeros",
        moving_variance_initializer: InitializerLike = "ones",
        beta_regularizer: RegularizerLike = None,
        gamma_regularizer: RegularizerLike = None,
        beta_constraint: ConstraintLike = None,
        gamma_constraint: ConstraintLike = None,
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
        clipping = dict(renorm_clipping or {})
        if wrong := set(clipping) - {"rmin", "rmax", "dmax"}:
            raise ValueError(
                f"BatchNormalization: `renorm_clipping` has the keys 'rmin', 'rmax' and 'dmax'; got {sorted(wrong)}."
            )
        self._set(
            axis=axis_of(self, axis), momentum=unit_fraction(self, momentum=momentum),
            epsilon=float(not_negative(self, epsilon=epsilon)),
            center=flag(self, center=center), scale=flag(self, scale=scale),
            beta_initializer=beta_initializer, gamma_initializer=gamma_initializer,
            moving_mean_initializer=moving_mean_initializer,
            moving_variance_initializer=moving_variance_initializer,
            beta_regularizer=beta_regularizer, gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint, gamma_constraint=gamma_constraint,
            synchronized=synchronized, renorm=flag(self, renorm=renorm),
            renorm_clipping=clipping if renorm else renorm_clipping,
            renorm_momentum=unit_fraction(self, renorm_momentum=renorm_momentum),
        )  # fmt: skip
        self.supports_masking = True

    def build(self, input_shape: Shape) -> None:
        """Make the factor, the shift and the moving averages, each of shape `(channels,)`."""
        rank = len(input_shape)
        if not -rank <= self.axis < rank:
            raise ValueError(
                f"Layer {self.path!r} (BatchNormalization) normalizes axis {self.axis}, which an input of shape "
                f"{tuple(input_shape)} does not have."
            )
        channels = input_shape[self.axis]
        shape = (channels,)
        fixed: dict[str, Any] = {"autocast": False, "trainable": False, "aggregation": "mean"}
        self.gamma = self._add_set_weight("gamma", shape, autocast=False) if self.scale else None
        self.beta = self._add_set_weight("beta", shape, autocast=False) if self.center else None
        self.moving_mean = self._add_set_weight("moving_mean", shape, **fixed)
        self.moving_variance = self._add_set_weight("moving_variance", shape, **fixed)
        if self.renorm:
            mean, stddev = self.moving_mean_initializer, self._first_stddev
            self.moving_stddev = self.add_weight(shape, stddev, name="moving_stddev", **fixed)
            self.renorm_mean = self.add_weight(shape, mean, name="renorm_mean", **fixed)
            self.renorm_stddev = self.add_weight(shape, stddev, name="renorm_stddev", **fixed)
        self.input_spec = InputSpec(ndim=rank, axes={self.axis: channels})

    def _first_stddev(self, shape: tuple[int, ...], dtype: DType | None = None) -> Array:
        return ops.sqrt(self.moving_variance_initializer(shape, dtype=dtype))

    def call(self, inputs: Array, training: bool | None = None, mask: Array | None = None) -> Array:
        """Compute the output.

        Args:
            inputs: The input.
            training: Whether to use the batch's statistics and to update the moving averages.
            mask: Which steps count, shape like the input's without the last axis.
        """
        # Sums over a batch overflow in half precision.
        x = ops.cast(inputs, "float32") if is_half(inputs.dtype) else inputs
        gamma, beta = self.gamma, self.beta
        mean: ArrayLike = self.moving_mean
        variance: ArrayLike = self.moving_variance
        if training and self.trainable:
            mean, variance = self._moments(x, mask)
            if self.renorm:
                gamma, beta = self._renormalized(mean, variance)
            else:
                self._move(self.momentum, moving_mean=mean, moving_variance=variance)
        outputs = ops.batch_normalization(x, mean, variance, self.axis, beta, gamma, self.epsilon)
        return ops.cast(outputs, self.compute_dtype)

    def _move(self, momentum: float, **values: Any) -> None:
        """Bring the averages named a step towards the values."""
        for name, value in values.items():
            average = getattr(self, name)
            average.assign(average * momentum + value * (1.0 - momentum))

    def _renormalized(self, mean: Array, variance: Array) -> tuple[Any, Any]:
        """Move the averages, and return the factor and shift that make this batch's statistics look like theirs."""
        stddev = ops.sqrt(variance + self.epsilon)
        average = ops.maximum(self.renorm_stddev, self.epsilon**0.5)
        limits = self.renorm_clipping
        r = ops.stop_gradient(stddev / average)
        r = ops.clip(r, limits.get("rmin", 0.0), limits.get("rmax", float("inf")))
        d = ops.stop_gradient((mean - self.renorm_mean) / average)
        d = ops.clip(d, -limits.get("dmax", float("inf")), limits.get("dmax", float("inf")))
        self._move(self.renorm_momentum, renorm_mean=mean, renorm_stddev=stddev)
        self._move(self.momentum, moving_mean=mean, moving_stddev=stddev)
        moved = ops.square(self.moving_stddev.value) - self.epsilon
        self.moving_variance.assign(ops.maximum(moved, 0.0))
        gamma, beta = (1.0 if self.gamma is None else self.gamma), self.beta
        return r * gamma, d * gamma if beta is None else d * gamma + beta

    def _moments(self, x: Array, mask: Array | None) -> tuple[Array, Array]:
        axes = [i for i in range(len(x.shape)) if i != self.axis % len(x.shape)]
        if mask is None:
            return ops.moments(x, axes)
        if len(mask.shape) != len(x.shape) - 1:
            raise ValueError(
                f"Layer {self.path!r} (BatchNormalization) wants a mask with one dimension less than its input "
                f"of shape {tuple(x.shape)}; got one of shape {tuple(mask.shape)}."
            )
        # What does not count may be anything, infinite too, so it is replaced and not multiplied by 0.
        counts = ops.broadcast_to(ops.expand_dims(ops.cast(mask, "bool"), -1), x.shape)
        total = ops.sum(ops.cast(counts, "float32"), axes)
        some, least = total > 0, ops.maximum(total, 1.0)
        mean = ops.sum(ops.where(counts, x, 0), axes) / least
        shape = [1] * len(x.shape)
        shape[self.axis] = -1
        apart = ops.where(counts, x - ops.reshape(mean, shape), 0)
        variance = ops.sum(apart * apart, axes) / least
        # Where nothing counts the averages stand in, and stay as they are.
        return (
            ops.where(some, mean, self.moving_mean),
            ops.where(some, variance, self.moving_variance),
        )
