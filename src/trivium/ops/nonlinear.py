"""The nonlinear functions between layers; `trivium.activations` offers them by name."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops import edges
from trivium.ops.arrays import as_array, as_floats, as_wide_floats, positive_axis
from trivium.ops.edges import saturating
from trivium.state.logits import set_logits
from trivium.state.types import Array, ArrayLike

__all__ = [
    "celu", "elu", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish",
    "hard_tanh", "leaky_relu", "log_sigmoid", "relu", "relu6", "selu", "sigmoid", "silu",
    "soft_shrink", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "squareplus", "swish",
    "tanh", "tanh_shrink", "threshold",
]  # fmt: skip


@op
def relu(x: ArrayLike) -> Array:
    """Return `max(x, 0)`.

    Example:
        >>> relu([-1.0, 2.0]).tolist()
        [0.0, 2.0]

    Reference:
        Nair & Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines", ICML 2010.
    """
    return edges.relu(as_array(x))


@op
def relu6(x: ArrayLike) -> Array:
    """Return `min(max(x, 0), 6)`.

    Example:
        >>> relu6([-1.0, 2.0, 7.0]).tolist()
        [0.0, 2.0, 6.0]

    Reference:
        Howard et al., "MobileNets", 2017, https://arxiv.org/abs/1704.04861
    """
    return jax.nn.relu6(as_array(x))


@op
def leaky_relu(x: ArrayLike, negative_slope: float = 0.2) -> Array:
    """Return `x` where it is positive, else `negative_slope * x`.

    Args:
        negative_slope: The slope below zero.

    Example:
        >>> leaky_relu([-10.0, 2.0]).tolist()
        [-2.0, 2.0]

    Reference:
        Maas et al., "Rectifier Nonlinearities Improve Neural Network Acoustic Models", ICML 2013.
    """
    return jax.nn.leaky_relu(as_array(x), negative_slope)


@op
def elu(x: ArrayLike, alpha: float = 1.0) -> Array:
    """Return `x` where it is positive, else `alpha * (exp(x) - 1)`.

    Args:
        alpha: The limit below zero, with the sign changed.

    Example:
        >>> elu([-100.0, 2.0]).tolist()
        [-1.0, 2.0]

    Reference:
        Clevert et al., "Fast and Accurate Deep Network Learning by Exponential Linear Units", 2015,
        https://arxiv.org/abs/1511.07289
    """
    return jax.nn.elu(as_floats(x), alpha)


@op
def selu(x: ArrayLike) -> Array:
    """Return a scaled `elu` whose two constants keep means at 0 and variances at 1 through deep stacks.

    Example:
        >>> selu([-100.0, 1.0]).round(4).tolist()
        [-1.7580..., 1.0506...]

    Reference:
        Klambauer et al., "Self-Normalizing Neural Networks", 2017, https://arxiv.org/abs/1706.02515
    """
    return jax.nn.selu(as_floats(x))


@op
def celu(x: ArrayLike, alpha: float = 1.0) -> Array:
    """Return `max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)`.

    Args:
        alpha: The limit below zero, with the sign changed; the slope at zero is 1 for any.

    Example:
        >>> celu([-100.0, 2.0]).tolist()
        [-1.0, 2.0]

    Reference:
        Barron, "Continuously Differentiable Exponential Linear Units", 2017,
        https://arxiv.org/abs/1704.07483
    """
    return jax.nn.celu(as_floats(x), alpha)


@op
def gelu(x: ArrayLike, approximate: bool = True) -> Array:
    """Return `x` times the chance that a standard normal variable is below it.

    Args:
        approximate: Whether to take the `tanh` approximation of that chance.

    Example:
        >>> gelu([0.0, 100.0]).tolist()
        [0.0, 100.0]

    Reference:
        Hendrycks & Gimpel, "Gaussian Error Linear Units", 2016, https://arxiv.org/abs/1606.08415
    """
    return saturating(lambda x: jax.nn.gelu(x, approximate), as_floats(x), 40.0)


@op
def glu(x: ArrayLike, axis: int = -1) -> Array:
    """Split in halves and return the first, gated by the sigmoid of the second.

    Args:
        x: An array with an even size along `axis`.
        axis: The axis to split.

    Raises:
        ValueError: The axis has an odd size.

    Example:
        >>> glu([3.0, 0.0]).tolist()
        [1.5]

    Reference:
        Dauphin et al., "Language Modeling with Gated Convolutional Networks", 2016,
        https://arxiv.org/abs/1612.08083
    """
    x = as_floats(x)
    if x.shape[positive_axis(axis, x.ndim)] % 2:
        raise ValueError(
            f"the axis to split has an even size; got shape {x.shape} and axis {axis}."
        )
    return jax.nn.glu(x, axis)


@op
def silu(x: ArrayLike) -> Array:
    """Return `x * sigmoid(x)`, also known as swish.

    Example:
        >>> silu([0.0, 100.0]).tolist()
        [0.0, 100.0]

    Reference:
        Ramachandran et al., "Searching for Activation Functions", 2017, https://arxiv.org/abs/1710.05941
    """
    return saturating(jax.nn.silu, as_floats(x), 800.0)


@op
def sigmoid(x: ArrayLike) -> Array:
    """Return `1 / (1 + exp(-x))`.

    Example:
        >>> sigmoid([0.0]).tolist()
        [0.5]
    """
    x = as_floats(x)
    return set_logits(jax.nn.sigmoid(x), x)  # A crossentropy goes by the logits, not by these.


@op
def log_sigmoid(x: ArrayLike) -> Array:
    """Return the logarithm of `sigmoid(x)`, exact also far below zero.

    Example:
        >>> log_sigmoid([-100.0]).tolist()
        [-100.0]
    """
    return jax.nn.log_sigmoid(as_floats(x))


@op
def hard_sigmoid(x: ArrayLike) -> Array:
    """Return `x / 6 + 0.5`, clipped to 0 and 1.

    Example:
        >>> hard_sigmoid([-3.0, 0.0, 3.0]).tolist()
        [0.0, 0.5, 1.0]

    Reference:
        Courbariaux et al., "BinaryConnect", 2015, https://arxiv.org/abs/1511.00363
    """
    return jax.nn.hard_sigmoid(as_floats(x))


@op
def hard_silu(x: ArrayLike) -> Array:
    """Return `x * hard_sigmoid(x)`, also known as hard swish.

    Example:
        >>> hard_silu([0.0, 1.5, 3.0]).tolist()
        [0.0, 1.125, 3.0]

    Reference:
        Howard et al., "Searching for MobileNetV3", 2019, https://arxiv.org/abs/1905.02244
    """
    return saturating(jax.nn.hard_silu, as_floats(x), 3.0)


@op
def tanh(x: ArrayLike) -> Array:
    """Return the hyperbolic tangent.

    Example:
        >>> tanh([0.0]).tolist()
        [0.0]
    """
    return jnp.tanh(as_floats(x))


@op
def hard_tanh(x: ArrayLike) -> Array:
    """Return `x`, clipped to -1 and 1.

    Example:
        >>> hard_tanh([-2.0, 0.5]).tolist()
        [-1.0, 0.5]
    """
    return jax.nn.hard_tanh(as_array(x))


@op
def tanh_shrink(x: ArrayLike) -> Array:
    """Return `x - tanh(x)`.

    Example:
        >>> tanh_shrink([0.0, 100.0]).tolist()
        [0.0, 99.0]
    """
    x = as_floats(x)
    return x - jnp.tanh(x)


@op
def hard_shrink(x: ArrayLike, threshold: float = 0.5) -> Array:
    """Return `x` where it lies farther than `threshold` from zero, else 0.

    Args:
        threshold: The distance.

    Example:
        >>> hard_shrink([-1.0, 0.3]).tolist()
        [-1.0, 0.0]
    """
    x = as_floats(x)
    return jnp.where(jnp.abs(x) > threshold, x, 0.0)


@op
def soft_shrink(x: ArrayLike, threshold: float = 0.5) -> Array:
    """Return `x` moved towards zero by `threshold`, and 0 where that would pass zero.

    Args:
        threshold: The distance.

    Example:
        >>> soft_shrink([-1.0, 0.3]).tolist()
        [-0.5, 0.0]
    """
    x = as_floats(x)
    return jnp.where(x > threshold, x - threshold, jnp.where(x < -threshold, x + threshold, 0.0))


@op
def threshold(x: ArrayLike, threshold: float, default_value: float) -> Array:
    """Return `x` where it is above `threshold`, else `default_value`.

    Args:
        threshold: What `x` must be above.
        default_value: What to return elsewhere.

    Example:
        >>> threshold([1.0, 3.0], 2.0, 0.0).tolist()
        [0.0, 3.0]
    """
    x = as_array(x)
    return jnp.where(x > threshold, x, default_value)


@op
def softplus(x: ArrayLike) -> Array:
    """Return `log(1 + exp(x))`.

    Example:
        >>> softplus([-200.0, 100.0]).tolist()
        [0.0, 100.0]

    Reference:
        Dugas et al., "Incorporating Second-Order Functional Knowledge for Better Option Pricing", NIPS 2000.
    """
    return jax.nn.softplus(as_floats(x))


@op
def squareplus(x: ArrayLike, b: float = 4) -> Array:
    """Return `(x + sqrt(x ** 2 + b)) / 2`.

    Args:
        b: How wide the bend at zero is.

    Example:
        >>> squareplus([0.0]).tolist()
        [1.0]

    Reference:
        Barron, "Squareplus: A Softplus-Like Algebraic Rectifier", 2021, https://arxiv.org/abs/2112.11687
    """
    wide = as_wide_floats(x)
    return saturating(lambda x: jax.nn.squareplus(x, b), wide, 1e15).astype(as_floats(x).dtype)


@op
def softsign(x: ArrayLike) -> Array:
    """Return `x / (1 + abs(x))`.

    Example:
        >>> softsign([-1.0, 3.0]).tolist()
        [-0.5, 0.75]
    """
    x = as_floats(x)
    largest = jnp.finfo(x.dtype).max
    return jax.nn.soft_sign(jnp.clip(x, -largest, largest))


@op
def sparse_plus(x: ArrayLike) -> Array:
    """Return 0 up to -1, `x` from 1 on, and `(x + 1) ** 2 / 4` between.

    Example:
        >>> sparse_plus([-2.0, 0.0, 2.0]).tolist()
        [0.0, 0.25, 2.0]
    """
    return saturating(jax.nn.sparse_plus, as_floats(x), 1.0)


@op
def sparse_sigmoid(x: ArrayLike) -> Array:
    """Return 0 up to -1, 1 from 1 on, and `(x + 1) / 2` between.

    Example:
        >>> sparse_sigmoid([-2.0, 0.0, 2.0]).tolist()
        [0.0, 0.5, 1.0]
    """
    return jax.nn.sparse_sigmoid(as_floats(x))


swish = silu
hard_swish = hard_silu
