"""Activation functions, by name or as functions; most of them are ops."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp

from trivium import ops
from trivium.graph.op import op
from trivium.ops import edges, nonlinear, simplex
from trivium.ops.arrays import as_array, as_floats
from trivium.ops.edges import saturating
from trivium.ops.nonlinear import (
    celu,
    elu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    squareplus,
    swish,
    tanh,
    tanh_shrink,
    threshold,
)
from trivium.ops.simplex import log_softmax, softmax, sparsemax
from trivium.state.faces import faces
from trivium.state.registry import Registry

__all__ = [
    "celu", "deserialize", "elu", "exponential", "gelu", "get", "glu", "hard_shrink", "hard_sigmoid", "hard_silu",
    "hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu",
    "serialize", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus",
    "sparse_sigmoid", "sparsemax", "squareplus", "swish", "tanh", "tanh_shrink", "threshold",
]  # fmt: skip


class _Activations(Registry[Any]):
    """Activations by name; none at all is the linear one."""

    def get(self, identifier: Any) -> Any:
        """Return the activation that `identifier` means."""
        return linear if identifier is None else super().get(identifier)

    def serialize(self, obj: Any) -> Any:
        """Return the config of an activation: of ours that computes the same for one of JAX's own."""
        return super().serialize(_twins().get(id(obj), obj))


_registry = _Activations("activation", module="keras.activations")

# Those two have other arguments or defaults as ops.
for _name in sorted({*nonlinear.__all__, *simplex.__all__} - {"gelu", "relu"}):
    _registry.register(_name)(getattr(ops, _name))


@_registry.register()
@op
def linear(x: Any) -> Any:
    """Return `x` itself.

    Example:
        >>> linear(2.0)
        2.0
    """
    return x


@_registry.register()
@op
def exponential(x: Any) -> Any:
    """Return `exp(x)`.

    Example:
        >>> exponential([0.0]).tolist()
        [1.0]
    """
    return jnp.exp(as_floats(x))


@_registry.register()
@op
def gelu(x: Any, approximate: bool = False) -> Any:
    """Return `x` times the chance that a standard normal variable is below it.

    Args:
        approximate: Whether to take the `tanh` approximation of that chance. (`ops.gelu` does by default.)

    Example:
        >>> gelu([0.0, 100.0]).tolist()
        [0.0, 100.0]

    Reference:
        Hendrycks & Gimpel, "Gaussian Error Linear Units", 2016, https://arxiv.org/abs/1606.08415
    """
    return jax.nn.gelu(as_floats(x), approximate)


@_registry.register()
@op
def mish(x: Any) -> Any:
    """Return `x * tanh(softplus(x))`.

    Example:
        >>> mish([0.0, 100.0]).tolist()
        [0.0, 100.0]

    Reference:
        Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", 2019,
        https://arxiv.org/abs/1908.08681
    """
    return saturating(jax.nn.mish, as_floats(x), 800.0)


@_registry.register()
@op
def relu(
    x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Any:
    """Return `max(x, 0)`, or a variant with a slope below, a ceiling above and another place of the bend.

    Args:
        negative_slope: The slope below `threshold`: there the result is `negative_slope * (x - threshold)`.
        max_value: The largest result; `None` sets no limit.
        threshold: From where on the result is `x` itself.

    Example:
        >>> relu([-10.0, 2.0, 8.0], negative_slope=0.5, max_value=6.0).tolist()
        [-5.0, 2.0, 6.0]

    Reference:
        Nair & Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines", ICML 2010.
    """
    x = as_array(x)
    if negative_slope and max_value is None and not threshold:
        return jax.nn.leaky_relu(x, negative_slope)
    # At exactly 6 the gradient of `relu6` is 0, that of clipping is not.
    bend = jax.nn.relu6 if max_value == 6 else edges.relu
    positive = jnp.where(x > threshold, x, 0) if threshold else bend(x)
    if max_value is not None:
        positive = jnp.clip(positive, 0, max_value)
    if not negative_slope:
        return positive
    return positive - negative_slope * edges.relu(threshold - x)


@functools.cache
def _twins() -> dict[int, Any]:
    """Return our functions by the ids of those of JAX that compute the same, but for infinities here and there."""
    same = (
        "celu", "elu", "glu", "hard_sigmoid", "hard_silu", "hard_tanh", "log_sigmoid", "log_softmax", "mish", "relu",
        "relu6", "selu", "sigmoid", "silu", "softmax", "softplus", "sparse_plus", "sparse_sigmoid", "tanh",
    )  # fmt: skip
    twins = {getattr(jax.nn, name): _registry.find(name) for name in same}
    twins |= {jax.nn.soft_sign: softsign, jax.nn.identity: linear, jnp.exp: exponential}
    twins[jax.nn.gelu] = nonlinear.gelu  # As an op it is the approximation, as it is in JAX.
    twins |= {
        getattr(jnp, name): getattr(ops, name) for name in ("abs", "arctan", "cos", "sin", "square")
    }
    return {id(theirs): ours for theirs, ours in twins.items()}


get, serialize, deserialize = faces(_registry, __name__)
