"""Adam with Nesterov's momentum."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from trivium.optimizers.moments import Moments, number_of_update
from trivium.optimizers.registration import registry
from trivium.optimizers.transforms import Slots, from_rule
from trivium.state import floatx
from trivium.state.types import Array

if TYPE_CHECKING:
    import optax

__all__ = ["Nadam"]


@registry.register("nadam")
class Nadam(Moments):
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

    def _strength(self, t: Array) -> Array:
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
            product = product * self._strength(number_of_update(step, product.dtype))
            inner = from_rule(functools.partial(self._look_ahead, product), self.slots())
            result, slots = inner.update(
                updates, slots, params, learning_rate=learning_rate, step=step
            )
            return result, (slots, {"momentum_product": product})

        return optax.GradientTransformationExtraArgs(init, update)

    def _look_ahead(
        self,
        product: Array,
        gradient: Array,
        parameter: Array,
        slots: Slots,
        learning_rate: Array,
        step: Array,
    ) -> tuple[Array, Slots]:
        m, v = self._moments(gradient, slots)
        t = number_of_update(step, parameter.dtype)
        now, ahead = self._strength(t), self._strength(t + 1)
        m_hat = ahead * m / (1 - product * ahead) + (1 - now) * gradient / (1 - product)
        v_hat = v / (1 - self.beta_2**t)
        return -learning_rate * m_hat / (jnp.sqrt(v_hat) + self.epsilon), {
            "momentum": m,
            "velocity": v,
        }
