"""Adam: a running mean of the gradients over a running measure of their size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax.numpy as jnp

from trivium.optimizers.arguments import CommonArguments, LearningRate, UndecayedArguments
from trivium.optimizers.moments import Moments, number_of_update
from trivium.optimizers.registration import registry
from trivium.optimizers.transforms import SlotGroups, Slots

if TYPE_CHECKING:
    pass

from trivium.state.types import Array

__all__ = ["Adam", "AdamW", "Adamax"]


@registry.register("adam")
class Adam(Moments):
    """Adaptive moment estimation.

    With `m = beta_1 * m + (1 - beta_1) * g` and `v = beta_2 * v + (1 - beta_2) * g**2`, at the
    update numbered `t` from 1: `w -= learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t) * m /
    (sqrt(v) + epsilon)`. This `epsilon` is the paper's "epsilon hat", beside `sqrt(v)` before its
    bias is corrected; optax and PyTorch put it after.

    Args:
        learning_rate: A float, a schedule, or a function of the step or of nothing.
        beta_1: The decay of the first moment.
        beta_2: The decay of the second moment.
        epsilon: A small number that keeps the division finite.
        amsgrad: Whether to divide by the largest `v` so far.
        **common: The arguments of every optimizer; see `Optimizer`.

    Raises:
        ValueError: A common argument is out of its range.

    Example:
        >>> from trivium.state import Variable
        >>> w = Variable([1.0])
        >>> Adam(learning_rate=0.5).apply([jnp.array([8.0])], [w])
        >>> round(float(w.numpy()[0]), 4)
        0.5

    Reference:
        Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015,
        https://arxiv.org/abs/1412.6980; Reddi et al., "On the Convergence of Adam and Beyond", ICLR
        2018, https://arxiv.org/abs/1904.09237 (AMSGrad)
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **common)
        self.amsgrad = amsgrad

    def slots(self) -> SlotGroups:
        """Return the slots of the moments, and of the largest second moment under AMSGrad."""
        return [*super().slots(), *([{"velocity_hat": 0.0}] if self.amsgrad else [])]

    def rule(
        self, gradient: Array, parameter: Array, slots: Slots, learning_rate: Array, step: Array
    ) -> tuple[Array, Slots]:
        """Return the update of one parameter and its slots; see `Optimizer.rule`."""
        m, v = self._moments(gradient, slots)
        new = {"momentum": m, "velocity": v}
        if self.amsgrad:
            v = new["velocity_hat"] = jnp.maximum(slots["velocity_hat"], v)
        t = number_of_update(step, parameter.dtype)
        rate = learning_rate * jnp.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        return -rate * m / (jnp.sqrt(v) + self.epsilon), new


@registry.register("adamw")
class AdamW(Adam):
    """Adam with decoupled weight decay: `Adam` with a `weight_decay` by default.

    Args:
        learning_rate: A float, a schedule, or a function of the step or of nothing.
        weight_decay: Each step first takes `learning_rate * weight_decay` of the variable.
        beta_1: The decay of the first moment.
        beta_2: The decay of the second moment.
        epsilon: A small number that keeps the division finite.
        amsgrad: Whether to divide by the largest `v` so far.
        **common: The arguments of every optimizer; see `Optimizer`.

    Raises:
        ValueError: `weight_decay` is `None`, or a common argument is out of its range.

    Example:
        >>> from trivium.state import Variable
        >>> w = Variable([1.0])
        >>> AdamW(learning_rate=0.5, weight_decay=0.5).apply([jnp.zeros(1)], [w])
        >>> w.numpy().tolist()
        [0.75]

    Reference:
        Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019,
        https://arxiv.org/abs/1711.05101
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **common: Unpack[UndecayedArguments],
    ) -> None:
        if weight_decay is None:
            raise ValueError("`weight_decay` must be a float; without it use Adam.")
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **common
        )


@registry.register("adamax")
class Adamax(Moments):
    """Adam with the infinity norm.

    With `m = beta_1 * m + (1 - beta_1) * g` and `u = max(beta_2 * u, |g|)`, at the update numbered
    `t` from 1: `w -= learning_rate / (1 - beta_1**t) * m / (u + epsilon)`.

    Args:
        learning_rate: A float, a schedule, or a function of the step or of nothing.
        beta_1: The decay of the first moment.
        beta_2: The decay of the norm.
        epsilon: A small number that keeps the division finite.
        **common: The arguments of every optimizer; see `Optimizer`.

    Raises:
        ValueError: A common argument is out of its range.

    Example:
        >>> from trivium.state import Variable
        >>> w = Variable([1.0])
        >>> Adamax(learning_rate=0.5).apply([jnp.array([8.0])], [w])
        >>> round(float(w.numpy()[0]), 4)
        0.5

    Reference:
        Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, section 7,
        https://arxiv.org/abs/1412.6980
    """

    def slots(self) -> SlotGroups:
        """Return the slots of the first moment and of the norm."""
        return [{"momentum": 0.0, "norm": 0.0}]

    def rule(
        self, gradient: Array, parameter: Array, slots: Slots, learning_rate: Array, step: Array
    ) -> tuple[Array, Slots]:
        """Return the update of one parameter and its slots; see `Optimizer.rule`."""
        m = slots["momentum"] + (gradient - slots["momentum"]) * (1 - self.beta_1)
        u = jnp.maximum(self.beta_2 * slots["norm"], jnp.abs(gradient))
        t = number_of_update(step, parameter.dtype)
        return -learning_rate * m / ((1 - self.beta_1**t) * (u + self.epsilon)), {
            "momentum": m,
            "norm": u,
        }
