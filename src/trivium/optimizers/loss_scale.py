"""Loss scaling that finds its scale by itself, for float16."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import jax.numpy as jnp

from trivium.initializers import Constant
from trivium.optimizers.arguments import UndecayedArguments
from trivium.optimizers.optimizer import Optimizer
from trivium.optimizers.registration import registry
from trivium.state import Variable, suggest

__all__ = ["LossScaleOptimizer"]


@registry.register("lossscaleoptimizer")
class LossScaleOptimizer(Optimizer):
    """An optimizer around another one that keeps float16's small gradients from becoming zero.

    `scale_loss` multiplies the loss with a scale and `apply` divides the gradients by it. A step whose gradients are
    not all finite is left out and halves the scale; `dynamic_growth_steps` finite ones in a row double it. `compile`
    puts one around the optimizer of a model whose policy is `"mixed_float16"`.

    Args:
        inner_optimizer: The optimizer that takes the steps.
        initial_scale: The scale at first.
        dynamic_growth_steps: After how many finite steps the scale is doubled.
        name: A name.
        **kwargs: The arguments of every optimizer, which must have their default values here.

    Raises:
        ValueError: An argument belongs to the inner optimizer, or there is none like it.
        TypeError: `inner_optimizer` is no optimizer.

    Example:
        >>> from trivium.optimizers import SGD
        >>> optimizer, w = LossScaleOptimizer(SGD(learning_rate=0.5), initial_scale=8.0), Variable([1.0])
        >>> optimizer.build([w])
        >>> optimizer.apply([optimizer.scale_loss(jnp.ones(1))])
        >>> optimizer.apply([jnp.array([jnp.inf])])
        >>> w.numpy().tolist(), float(optimizer.scale_loss(1.0))
        ([0.5], 4.0)

    Reference:
        Micikevicius et al., "Mixed Precision Training", ICLR 2018, https://arxiv.org/abs/1710.03740
    """

    _unwritten = frozenset(UndecayedArguments.__annotations__) - {"name"} | {
        "learning_rate",
        "weight_decay",
    }

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(inner_optimizer, Optimizer):
            raise TypeError(f"`inner_optimizer` is an optimizer; got {inner_optimizer!r}.")
        if not kwargs.pop("dynamic", True):
            raise ValueError(
                "LossScaleOptimizer's scale is always dynamic; for a fixed one set an optimizer's `loss_scale_factor`."
            )
        defaults = Optimizer(0.0)
        for key, value in kwargs.items():
            if not hasattr(defaults, key):
                raise ValueError(
                    f"LossScaleOptimizer has no argument {key!r}. "
                    + suggest(
                        key, ["inner_optimizer", "initial_scale", "dynamic_growth_steps", "name"]
                    )
                )
            if value != getattr(defaults, key):
                raise ValueError(f"`{key}` is an argument of the inner optimizer: set it there.")
        super().__init__(0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps
        # The gradients are divided once only.
        inner_optimizer.loss_scale_factor = None

    def build(self, variables: Iterable[Variable]) -> None:
        """Make the optimizer's own variables and the inner one's.

        Args:
            variables: The variables to train. A second call changes nothing.
        """
        if self.built:
            return
        self._trainable_variables = list(variables)
        self.step_counter = self.add_variable((), dtype="int32", name="step_counter")
        self.dynamic_scale = self.add_variable(
            (), Constant(self.initial_scale), "float32", name="dynamic_scale"
        )
        self.inner_optimizer.build(self._trainable_variables)
        self.built = True

    @property
    def inner(self) -> list[Optimizer]:
        """The optimizer inside."""
        return [self.inner_optimizer]

    @property
    def variables(self) -> list[Variable]:
        """The optimizer's own variables and the inner one's, in the order of Keras's files."""
        return [*super().variables, *self.inner_optimizer.variables]

    def stateless_apply(
        self,
        optimizer_variables: Sequence[Any],
        grads: Sequence[Any],
        trainable_variables: Sequence[Any],
    ) -> tuple[list[Any], list[Any]]:
        """Make one step, as a pure function of arrays; see `Optimizer`."""
        self._check_built()
        self._check_length("optimizer_variables", optimizer_variables, self.variables)
        own = len(super().variables)
        *kept, count, scale = optimizer_variables[:own]
        inner = optimizer_variables[own:]
        given = self._align(grads, self._trainable_variables)
        finite = jnp.all(jnp.array([jnp.all(jnp.isfinite(g)) for g in given if g is not None]))
        # A gradient that is the new value itself has nothing to do with the loss's scale.
        unscaled = [
            g if g is None or v.overwrite_with_gradient else g / scale
            for v, g in zip(self._trainable_variables, given, strict=True)
        ]
        parameters, state = self.inner_optimizer.stateless_apply(
            inner, unscaled, trainable_variables
        )
        # The step is taken and then chosen or not, which is faster than a branch and fuses.
        parameters, state = (
            [jnp.where(finite, a, jnp.asarray(b, a.dtype)) for a, b in zip(new, old, strict=True)]
            for new, old in ((parameters, trainable_variables), (state, inner))
        )
        due = finite & (count == self.dynamic_growth_steps - 1)
        count = jnp.where(finite & ~due, count + 1, jnp.zeros_like(count))
        scale = scale * jnp.where(due, 2.0, jnp.where(finite, 1.0, 0.5)).astype(scale.dtype)
        return parameters, [*kept, count, scale, *state]

    @property
    def learning_rate(self) -> Any:
        """The inner optimizer's learning rate, which can be set here too."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.inner_optimizer.learning_rate = learning_rate

    @property
    def iterations(self) -> Any:
        """The number of updates made, without the steps that were left out."""
        return self.inner_optimizer.iterations

    def scale_loss(self, loss: Any) -> Any:
        """Return the loss to take gradients of: times the scale."""
        return loss * (self.dynamic_scale.value if self.built else self.initial_scale)

    def exclude_from_weight_decay(self, *args: Any, **kwargs: Any) -> None:
        """Leave variables out of the inner optimizer's weight decay; see `Optimizer`."""
        self.inner_optimizer.exclude_from_weight_decay(*args, **kwargs)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Set the variables to the moving averages that the inner optimizer keeps; see `Optimizer`."""
        self.inner_optimizer.finalize_variable_values(var_list)
