"""Learning rates that follow the step: pass one as an optimizer's `learning_rate`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from trivium.state import Configured, Registry, faces, floatx
from trivium.state.guarding import Guarded
from trivium.state.types import Array, ArrayLike

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]

registry: Registry[Any] = Registry("learning rate schedule", module="keras.optimizers.schedules")


class LearningRateSchedule(Guarded, Configured):
    """A learning rate as a function of the step.

    To write your own, define `__call__(step)`, out of `jax.numpy` or Trivium's ops, and
    `get_config`.

    Example:
        >>> class Halving(LearningRateSchedule):
        ...     def __call__(self, step):
        ...         return 0.1 * 0.5 ** (step // 10)
        >>> [float(Halving()(step)) for step in (0, 9, 10)]
        [0.1, 0.1, 0.05]
    """

    def __call__(self, step: float | Array) -> float | Array:
        """Return the learning rate at `step`, the number of training steps made so far."""
        raise NotImplementedError(f"{type(self).__name__} must define `__call__(self, step)`.")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the schedule."""
        if type(self) is LearningRateSchedule:
            raise NotImplementedError(
                "A schedule must define `get_config(self)` where its arguments are nothing that a config can hold; "
                "LearningRateSchedule itself is no schedule."
            )
        return super().get_config()


def _positive(argument: str, value: float) -> float:
    if value <= 0:
        raise ValueError(f"`{argument}` must be greater than 0; got {argument}={value}.")
    return value


def _float(value: ArrayLike) -> Array:
    return jnp.asarray(value, floatx())


def _whole(step: float | Array, length: float) -> Array:
    """Return the number of whole periods; compiled, the floor of a quotient may be one too low."""
    return _float(jnp.floor_divide(step, length))


def _periods(step: float | Array, length: float, staircase: bool) -> Array:
    return _whole(step, length) if staircase else _float(step) / length


def _cosine(fraction: Array) -> Array:
    return 0.5 * (1.0 + jnp.cos(math.pi * fraction))


@registry.register()
class ExponentialDecay(LearningRateSchedule):
    """Exponential decay: `initial_learning_rate * decay_rate ** (step / decay_steps)`.

    Args:
        initial_learning_rate: The rate at step 0.
        decay_steps: The number of steps after which the rate has been multiplied by `decay_rate`.
        decay_rate: The factor.
        staircase: Whether the rate changes only every `decay_steps` steps.
        name: A name, for the config.

    Raises:
        ValueError: `decay_steps` is not positive.

    Example:
        >>> schedule = ExponentialDecay(0.5, decay_steps=10, decay_rate=0.5)
        >>> float(schedule(0)), float(schedule(10)), float(schedule(20))
        (0.5, 0.25, 0.125)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: float | Array) -> Array:
        """Return the learning rate at `step`."""
        periods = _periods(step, self.decay_steps, self.staircase)
        return self.initial_learning_rate * jnp.power(self.decay_rate, periods)


@registry.register()
class InverseTimeDecay(LearningRateSchedule):
    """Inverse-time decay: `initial_learning_rate / (1 + decay_rate * step / decay_steps)`.

    Args:
        initial_learning_rate: The rate at step 0.
        decay_steps: How many steps count as one unit of time.
        decay_rate: How fast the rate falls.
        staircase: Whether the rate changes only every `decay_steps` steps.
        name: A name, for the config.

    Raises:
        ValueError: `decay_steps` is not positive.

    Example:
        >>> schedule = InverseTimeDecay(0.5, decay_steps=10, decay_rate=1.0)
        >>> float(schedule(0)), float(schedule(10)), float(schedule(30))
        (0.5, 0.25, 0.125)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: float | Array) -> Array:
        """Return the learning rate at `step`."""
        periods = _periods(step, self.decay_steps, self.staircase)
        return self.initial_learning_rate / (1.0 + self.decay_rate * periods)


@registry.register()
class PiecewiseConstantDecay(LearningRateSchedule):
    """A constant rate between given steps.

    Args:
        boundaries: Increasing steps; up to and including `boundaries[i]` the rate is `values[i]`.
        values: The rates, one more than the boundaries.
        name: A name, for the config.

    Raises:
        ValueError: The numbers of boundaries and values do not fit.

    Example:
        >>> schedule = PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.25])
        >>> [float(schedule(step)) for step in (0, 10, 11, 20, 21)]
        [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"
    ) -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"`values` must have one entry more than `boundaries`; got {len(values)} values "
                f"and {len(boundaries)} boundaries."
            )
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step: float | Array) -> Array:
        """Return the learning rate at `step`."""
        passed = jnp.asarray([step > boundary for boundary in self.boundaries], bool)
        return _float(self.values)[jnp.sum(passed)]


@registry.register()
class PolynomialDecay(LearningRateSchedule):
    """Polynomial decay down to `end_learning_rate`.

    With `fraction = min(step, decay_steps) / decay_steps` the rate is
    `(initial_learning_rate - end_learning_rate) * (1 - fraction) ** power + end_learning_rate`.

    Args:
        initial_learning_rate: The rate at step 0.
        decay_steps: The number of steps down to the end.
        end_learning_rate: The rate at the end.
        power: The power; 1 is linear.
        cycle: Whether the decay starts anew, over the next whole multiple of `decay_steps`, instead
            of staying at the end.
        name: A name, for the config.

    Raises:
        ValueError: `decay_steps` is not positive.

    Example:
        >>> schedule = PolynomialDecay(1.0, decay_steps=10, end_learning_rate=0.0)
        >>> float(schedule(0)), float(schedule(5)), float(schedule(15))
        (1.0, 0.5, 0.0)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: float | Array) -> Array:
        """Return the learning rate at `step`."""
        if self.cycle:
            end = self.decay_steps * jnp.maximum(-_whole(-step, self.decay_steps), 1.0)
        else:
            end = _float(self.decay_steps)
        step = jnp.minimum(_float(step), end)
        drop = self.initial_learning_rate - self.end_learning_rate
        # Compiled, `end / end` may be a little above 1, and a negative number has no power.
        left = jnp.maximum(1.0 - step / end, 0.0)
        return drop * jnp.power(left, self.power) + self.end_learning_rate


@registry.register()
class CosineDecay(LearningRateSchedule):
    """Decay along half a cosine, after an optional linear warm-up.

    From the peak the rate is `peak * ((1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 +
    alpha)`. The peak is `initial_learning_rate`, or `warmup_target` when there is a warm-up.

    Args:
        initial_learning_rate: The rate at step 0.
        decay_steps: The number of steps of the decay.
        alpha: The lowest rate, as a fraction of the peak.
        name: A name, for the config.
        warmup_target: The rate that the warm-up leads to; no warm-up where it is `None`.
        warmup_steps: The number of steps of the warm-up.

    Raises:
        ValueError: `decay_steps` is not positive.

    Example:
        >>> schedule = CosineDecay(0.0, decay_steps=10, warmup_target=1.0, warmup_steps=4)
        >>> [round(float(schedule(step)), 3) for step in (0, 2, 4, 9, 14)]
        [0.0, 0.5, 1.0, 0.5, 0.0]

    Reference:
        Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017,
        https://arxiv.org/abs/1608.03983
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def _decay(self, peak: float, step: Array) -> Array:
        fraction = jnp.minimum(step, self.decay_steps) / self.decay_steps
        return peak * ((1.0 - self.alpha) * _cosine(fraction) + self.alpha)

    def __call__(self, step: float | Array) -> Array:
        """Return the learning rate at `step`."""
        step = _float(step)
        start, peak = self.initial_learning_rate, self.warmup_target
        if peak is None:
            return self._decay(start, step)
        warm_up = (peak - start) * (step / self.warmup_steps) + start if self.warmup_steps else peak
        return jnp.where(
            step < self.warmup_steps, warm_up, self._decay(peak, step - self.warmup_steps)
        )


@registry.register()
class CosineDecayRestarts(LearningRateSchedule):
    """Decay along half a cosine, again and again.

    Args:
        initial_learning_rate: The rate at step 0.
        first_decay_steps: The number of steps of the first period.
        t_mul: How many times longer each period is than the one before.
        m_mul: How many times higher each period starts than the one before.
        alpha: The lowest rate, as a fraction of the initial one.
        name: A name, for the config.

    Raises:
        ValueError: `first_decay_steps` is not positive.

    Example:
        >>> schedule = CosineDecayRestarts(1.0, first_decay_steps=10, t_mul=1.0, m_mul=0.5)
        >>> [round(float(schedule(step)), 3) for step in (0, 5, 10, 15)]
        [1.0, 0.5, 0.5, 0.25]

    Reference:
        Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017,
        https://arxiv.org/abs/1608.03983
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = _positive("first_decay_steps", first_decay_steps)
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: float | Array) -> Array:
        """Return the learning rate at `step`."""
        first = self.first_decay_steps
        if self.t_mul == 1.0:
            restarts = _whole(step, first)
            fraction = (_float(step) - restarts * first) / first
        else:
            elapsed = _float(step) / first
            # The periods are a geometric series: `n` of them last (1 - t_mul**n) / (1 - t_mul)
            # first periods.
            whole = jnp.log(1.0 - elapsed * (1.0 - self.t_mul)) / math.log(self.t_mul)
            # At the first step of a period the quotient may round to just below a whole number, and
            # the rate would be the lowest in place of the highest.
            restarts = jnp.floor(whole + 4e-6)
            length = jnp.power(self.t_mul, restarts)
            fraction = (elapsed - (1.0 - length) / (1.0 - self.t_mul)) / length
        height = jnp.power(self.m_mul, restarts)
        decayed = (1.0 - self.alpha) * height * _cosine(fraction) + self.alpha
        return self.initial_learning_rate * decayed


_, serialize, deserialize = faces(registry, __name__)
