"""Adafactor: an adaptive optimizer whose memory is rows and columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Unpack

import jax.numpy as jnp

from trivium.optimizers.arguments import CommonArguments, LearningRate
from trivium.optimizers.optimizer import Optimizer
from trivium.optimizers.registration import registry
from trivium.optimizers.transforms import SlotGroups, Slots
from trivium.state.types import Array

__all__ = ["Adafactor"]


def _rms(x: Array) -> Array:
    return jnp.sqrt(jnp.mean(jnp.square(x)))


@registry.register("adafactor")
class Adafactor(Optimizer):
    """Adaptive rates from the means of the squared gradients over rows and over columns.

    For a matrix, at the update numbered `t` from 1 and with `beta = 1 - t**beta_2_decay`: `r` and `c` are running
    means, by `beta`, of `g**2 + epsilon_1` over its rows and columns, and `v = r * c / mean(r)`; for a vector `v` is
    the running mean itself. With `u = g / sqrt(v)`: `w -= max(epsilon_2, rms(w)) * min(learning_rate, 1 / sqrt(t)) *
    u / max(1, rms(u) / clip_threshold)`.

    Args:
        learning_rate: A float, a schedule, or a function of the step or of nothing.
        beta_2_decay: The exponent of `t` in the decay of the running means.
        epsilon_1: A small number that keeps the division finite.
        epsilon_2: The least size of a parameter that the rate is relative to.
        clip_threshold: The root mean square of `u` from which it is scaled down.
        relative_step: Kept for Keras's configs: the rate is at most `1 / sqrt(t)` in any case.
        **common: The arguments of every optimizer; see `Optimizer`.

    Raises:
        ValueError: A common argument is out of its range.

    Example:
        >>> from trivium.state import Variable
        >>> w = Variable([[2.0, 2.0], [2.0, 2.0]])
        >>> Adafactor(learning_rate=0.5).apply([jnp.full((2, 2), 8.0)], [w])
        >>> w.numpy().tolist()
        [[1.0, 1.0], [1.0, 1.0]]

    Reference:
        Shazeer and Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", ICML 2018,
        https://arxiv.org/abs/1804.04235
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step

    def slots(self) -> SlotGroups:
        """Return the slots of the means over rows and columns, and of the whole's."""
        zero = jnp.zeros((), "int32")

        def mean_over(axis: int) -> Callable[[Array], Array]:
            # A vector has neither; a number holds the place, as in Keras's files.
            return lambda p: jnp.mean(jnp.zeros_like(p), axis=axis) if p.ndim > 1 else zero

        return [{"rows": mean_over(-1), "columns": mean_over(-2), "velocity": 0.0}]

    def rule(
        self, gradient: Array, parameter: Array, slots: Slots, learning_rate: Array, step: Array
    ) -> tuple[Array, Slots]:
        """Return the update of one parameter and its slots; see `Optimizer.rule`."""
        t = jnp.asarray(step + 1, jnp.promote_types(parameter.dtype, "float32"))
        beta = 1 - t**self.beta_2_decay
        square = jnp.square(gradient) + self.epsilon_1
        r, c, v = slots["rows"], slots["columns"], slots["velocity"]
        if parameter.ndim > 1:
            r = beta * r + (1 - beta) * jnp.mean(square, axis=-1)
            c = beta * c + (1 - beta) * jnp.mean(square, axis=-2)
            v = (r / jnp.mean(r, axis=-1, keepdims=True))[..., None] * c[..., None, :]
        else:
            v = beta * v + (1 - beta) * square
        u = gradient / jnp.sqrt(v)
        u = u / jnp.maximum(1.0, _rms(u) / self.clip_threshold)
        rate = jnp.minimum(learning_rate, 1 / jnp.sqrt(t))
        rate = rate * jnp.maximum(self.epsilon_2, _rms(parameter))
        return -rate * u, {"rows": r, "columns": c, "velocity": v}
