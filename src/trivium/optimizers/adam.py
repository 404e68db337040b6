"""Adam and its kin: a running mean of the gradients over a running measure of their size."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Unpack

import jax
import jax.numpy as jnp

from trivium.optimizers.optimizer import (
    CommonArguments,
    LearningRate,
    Optimizer,
    UndecayedArguments,
    registry,
)
from trivium.optimizers.transforms import SlotGroups, from_rule
from trivium.state import floatx

if TYPE_CHECKING:
    import optax

__all__ = ["Adam", "AdamW", "Adamax", "Lamb", "Nadam", "ScheduleFreeAdamW"]


def _number(step: Any, dtype: Any) -> Any:
    """Return the number of this update, from 1.

    It is a float32 at least: in a half type 0.999 is 1, and no bias correction would be left.
    """
    return jnp.asarray(step + 1, jnp.promote_types(dtype, "float32"))


def _moments(gradient: Any, slots: dict[str, Any], beta_1: float, beta_2: float) -> tuple[Any, Any]:
    """Return the running means of the gradient and of its square."""
    m, v = slots["momentum"], slots["velocity"]
    return m + (gradient - m) * (1 - beta_1), v + (jnp.square(gradient) - v) * (1 - beta_2)


@registry.register("adam")
class Adam(Optimizer):
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
        super().__init__(learning_rate, **common)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad

    def slots(self) -> SlotGroups:
        """Return the slots of the moments, and of the largest second moment under AMSGrad."""
        groups = [{"momentum": 0.0, "velocity": 0.0}]
        return [*groups, {"velocity_hat": 0.0}] if self.amsgrad else groups

    def rule(
        self, gradient: Any, parameter: Any, slots: dict[str, Any], learning_rate: Any, step: Any
    ) -> tuple[Any, dict[str, Any]]:
        """Return the update of one parameter and its slots; see `Optimizer.rule`."""
        m, v = _moments(gradient, slots, self.beta_1, self.beta_2)
        new = {"momentum": m, "velocity": v}
        if self.amsgrad:
            v = new["velocity_hat"] = jnp.maximum(slots["velocity_hat"], v)
        t = _number(step, parameter.dtype)
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
class Adamax(Optimizer):
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

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def slots(self) -> SlotGroups:
        """Return the slots of the first moment and of the norm."""
        return [{"momentum": 0.0, "norm": 0.0}]

    def rule(
        self, gradient: Any, parameter: Any, slots: dict[str, Any], learning_rate: Any, step: Any
    ) -> tuple[Any, dict[str, Any]]:
        """Return the update of one parameter and its slots; see `Optimizer.rule`."""
        m = slots["momentum"] + (gradient - slots["momentum"]) * (1 - self.beta_1)
        u = jnp.maximum(self.beta_2 * slots["norm"], jnp.abs(gradient))
        t = _number(step, parameter.dtype)
        return -learning_rate * m / ((1 - self.beta_1**t) * (u + self.epsilon)), {
            "momentum": m,
            "norm": u,
        }


@registry.register("nadam")
class Nadam(Optimizer):
    """Adam with Nesterov's momentum, whose strength `u` grows with the step.

    With Adam's `m` and `v`, `u(t) = beta_1 * (1 - 0.96**t / 2)` and `U(t) = u(1) * … * u(t)`, at
    the update numbered `t` from 1: `m_hat = u(t+1) * m / (1 - U(t+1)) + (1 - u(t)) * g / (1 -
    U(t))` and `w -= learning_rate * m_hat / (sqrt(v / (1 - beta_2**t)) + epsilon)`. The paper has `u(t)` for `beta_1`
    in `m` too, and another `beta_2` before `v`; this is the form of PyTorch and Keras.

    Args:
        learning_rate: A float, a schedule, or a function of the step or of nothing.
        beta_1: The decay of the first moment.
        beta_2: The decay of the second moment.
        epsilon: A small number that keeps the division finite.
        **common: The arguments of every optimizer; see `Optimizer`.

    Raises:
        ValueError: A common argument is out of its range.

    Example:
        >>> from trivium.state import Variable
        >>> w = Variable([1.0])
        >>> Nadam(learning_rate=0.5).apply([jnp.array([8.0])], [w])
        >>> round(float(w.numpy()[0]), 4)
        0.4686

    Reference:
        Dozat, "Incorporating Nesterov Momentum into Adam", ICLR 2016 workshop,
        https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def slots(self) -> SlotGroups:
        """Return the slots of the moments."""
        return [{"momentum": 0.0, "velocity": 0.0}]

    def _strength(self, t: Any) -> Any:
        return self.beta_1 * (1.0 - 0.5 * 0.96**t)

    def transformation(self) -> optax.GradientTransformationExtraArgs:
        """Return the formula as an optax transformation, with the product `U` in its state."""
        import optax

        moments = from_rule(self.rule, self.slots())

        def init(params: Any) -> tuple[Any, dict[str, Any]]:
            leaves = jax.tree.leaves(params)
            one = jnp.ones((), leaves[0].dtype if leaves else floatx())
            return moments.init(params), {"momentum_product": one}

        def update(
            updates: Any, state: Any, params: Any, *, learning_rate: Any, step: Any, **_: Any
        ) -> tuple[Any, Any]:
            slots, product = state[0], state[1]["momentum_product"]
            product = product * self._strength(_number(step, product.dtype))
            inner = from_rule(functools.partial(self._look_ahead, product), self.slots())
            result, slots = inner.update(
                updates, slots, params, learning_rate=learning_rate, step=step
            )
            return result, (slots, {"momentum_product": product})

        return optax.GradientTransformationExtraArgs(init, update)

    def _look_ahead(
        self,
        product: Any,
        gradient: Any,
        parameter: Any,
        slots: dict[str, Any],
        learning_rate: Any,
        step: Any,
    ) -> tuple[Any, dict[str, Any]]:
        m, v = _moments(gradient, slots, self.beta_1, self.beta_2)
        t = _number(step, parameter.dtype)
        now, ahead = self._strength(t), self._strength(t + 1)
        m_hat = ahead * m / (1 - product * ahead) + (1 - now) * gradient / (1 - product)
        v_hat = v / (1 - self.beta_2**t)
        return -learning_rate * m_hat / (jnp.sqrt(v_hat) + self.epsilon), {
            "momentum": m,
            "velocity": v,
        }


@registry.register("lamb")
class Lamb(Optimizer):
    """Adam whose steps are as long as a layer's weights, for large batches.

    With Adam's moments, at the update numbered `t` from 1: `u = m / (1 - beta_1**t) / (sqrt(v / (1 - beta_2**t)) +
    epsilon) + weight_decay * w` and `w -= learning_rate * norm(w) / norm(u) * u`, without the ratio where one of the
    norms is 0.

    Args:
        learning_rate: A float, a schedule, or a function of the step or of nothing.
        beta_1: The decay of the first moment.
        beta_2: The decay of the second moment.
        epsilon: A small number that keeps the division finite.
        **common: The arguments of every optimizer; see `Optimizer`.

    Raises:
        ValueError: A common argument is out of its range.

    Example:
        >>> from trivium.state import Variable
        >>> w = Variable([4.0])
        >>> Lamb(learning_rate=0.5).apply([jnp.array([8.0])], [w])
        >>> round(float(w.numpy()[0]), 4)
        2.0

    Reference:
        You et al., "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes", ICLR 2020,
        https://arxiv.org/abs/1904.00962
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def slots(self) -> SlotGroups:
        """Return the slots of the moments."""
        return [{"momentum": 0.0, "velocity": 0.0}]

    _decay_in_rule = True  # The ratio is that of the whole step.

    def rule(
        self,
        gradient: Any,
        parameter: Any,
        slots: dict[str, Any],
        learning_rate: Any,
        step: Any,
        decay: float = 0.0,
    ) -> tuple[Any, dict[str, Any]]:
        """Return the update of one parameter and its slots; see `Optimizer.rule`."""
        m, v = _moments(gradient, slots, self.beta_1, self.beta_2)
        t = _number(step, parameter.dtype)
        u = m / (1 - self.beta_1**t) / (jnp.sqrt(v / (1 - self.beta_2**t)) + self.epsilon)
        u = u + decay * parameter
        size, length = (jnp.sqrt(jnp.sum(jnp.square(x))) for x in (parameter, u))
        usable = (size > 0) & (length > 0)
        ratio = jnp.where(usable, size / jnp.where(usable, length, 1.0), 1.0)
        return -ratio * learning_rate * u, {"momentum": m, "velocity": v}


@registry.register("schedulefreeadamw")
class ScheduleFreeAdamW(Optimizer):
    """Adam that averages its own way instead of following a schedule.

    `z`, which starts as `w`, takes Adam's steps without momentum, with the gradient at `w`: at the update numbered `t`
    from 1, with `rate = learning_rate * min(1, t / warmup_steps)`, `v = beta_2 * v + (1 - beta_2) * g**2` and `z -=
    rate * (g / (sqrt(v / (1 - beta_2**t)) + epsilon) + weight_decay * w)`. `x` is the mean of all `z` so far, weighed
    by `rate**2`, and `w = (1 - beta_1) * z + beta_1 * x`. A learning rate that changes otherwise does not weigh.

    Args:
        learning_rate: A float, a schedule, or a function of the step or of nothing.
        beta_1: The share of the mean in the weights.
        beta_2: The decay of the second moment.
        epsilon: A small number that keeps the division finite.
        warmup_steps: Over how many updates the rate grows to `learning_rate`.
        **common: The arguments of every optimizer; see `Optimizer`.

    Raises:
        ValueError: A common argument is out of its range.

    Example:
        >>> from trivium.state import Variable
        >>> w = Variable([1.0])
        >>> ScheduleFreeAdamW(learning_rate=0.5).apply([jnp.array([8.0])], [w])
        >>> round(float(w.numpy()[0]), 4)
        0.5

    Reference:
        Defazio et al., "The Road Less Scheduled", NeurIPS 2024, https://arxiv.org/abs/2405.15682
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.warmup_steps = warmup_steps

    def slots(self) -> SlotGroups:
        """Return the slots of `z`, which Keras calls momentum, and of the second moment."""
        return [{"momentum": jnp.array, "velocity": 0.0}]

    _decay_in_rule = True  # It is `z` that decays, at `w`.

    def rule(
        self,
        gradient: Any,
        parameter: Any,
        slots: dict[str, Any],
        learning_rate: Any,
        step: Any,
        decay: float = 0.0,
    ) -> tuple[Any, dict[str, Any]]:
        """Return the update of one parameter and its slots; see `Optimizer.rule`."""
        t = _number(step, parameter.dtype)
        share, warmup = 1 / t, self.warmup_steps
        if warmup > 0:
            part = jnp.minimum(t / warmup, 1.0)
            learning_rate = learning_rate * part
            # The squares of 1/n, 2/n, … add up like this, and from n on each is 1.
            early = jnp.minimum(t, warmup)
            total = early * (early + 1) * (2 * early + 1) / (6 * warmup**2) + (t - early)
            share = part**2 / total
        before = slots["momentum"]
        v = slots["velocity"] + (jnp.square(gradient) - slots["velocity"]) * (1 - self.beta_2)
        slope = gradient / (jnp.sqrt(v / (1 - self.beta_2**t)) + self.epsilon)
        z = before - learning_rate * (slope + decay * parameter)
        x = (parameter - (1 - self.beta_1) * before) / self.beta_1
        x = (1 - share) * x + share * z
        after = (1 - self.beta_1) * z + self.beta_1 * x
        return after - parameter, {"momentum": z, "velocity": v}
