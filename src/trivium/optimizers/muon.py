"""Muon: steps of matrices made orthogonal."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Unpack

import jax.numpy as jnp

from trivium.optimizers.arguments import LearningRate, UndecayedArguments
from trivium.optimizers.optimizer import Optimizer
from trivium.optimizers.registration import registry
from trivium.state import Variable
from trivium.state.types import Array

__all__ = ["Muon"]


@registry.register("muon")
class Muon(Optimizer):
    """Momentum whose steps are made orthogonal, for matrices; AdamW for everything else.

    With `m = momentum * m + g` (and Nesterov's `g + momentum * m` in its place): `w -= learning_rate * rms_rate *
    sqrt(max(rows, columns)) * orthogonal(m)`. `orthogonal` is five steps of a polynomial in `m` that draws all singular
    values near 1. AdamW takes vectors, images' kernels, embeddings and what `exclude_layers` names, the output layer at
    best.

    Args:
        learning_rate: A float, a schedule, or a function of the step or of nothing.
        adam_beta_1: AdamW's decay of the first moment.
        adam_beta_2: AdamW's decay of the second moment.
        adam_weight_decay: AdamW's weight decay.
        epsilon: AdamW's small number that keeps the division finite.
        weight_decay: The weight decay of the matrices.
        exclude_layers: Patterns: a variable whose path contains one of them goes to AdamW.
        exclude_embeddings: Whether variables with "embedding" in their paths go to AdamW.
        muon_a: The coefficient of `x` in the polynomial.
        muon_b: The coefficient of its third power.
        muon_c: The coefficient of its fifth power.
        adam_lr_ratio: What the learning rate is multiplied with for AdamW.
        momentum: The share of the old momentum in the new one.
        ns_steps: How often the polynomial is applied.
        nesterov: Whether the gradient is taken after the momentum's step.
        rms_rate: What makes steps as long as Adam's; `None` for the orthogonal matrix as it is.
        **common: The arguments of every optimizer; see `Optimizer`.

    Raises:
        ValueError: A common argument is out of its range.

    Example:
        >>> w = Variable([[3.0, 0.0], [0.0, 3.0]], name="kernel")
        >>> Muon(learning_rate=0.5, weight_decay=None, rms_rate=None).apply([w.value], [w])
        >>> bool(abs(w.numpy()[0, 0] - 2.5) < 0.2)
        True

    Reference:
        Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
        https://kellerjordan.github.io/posts/muon; Liu et al., "Muon is Scalable for LLM Training", 2025,
        https://arxiv.org/abs/2502.16982 (`rms_rate`)
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        *,
        exclude_layers: list[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **common: Unpack[UndecayedArguments],
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **common)
        self.adam_beta_1 = adam_beta_1
        self.adam_beta_2 = adam_beta_2
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = epsilon
        self.exclude_layers = exclude_layers or []
        self.exclude_embeddings = exclude_embeddings
        self.muon_a = muon_a
        self.muon_b = muon_b
        self.muon_c = muon_c
        self.adam_lr_ratio = adam_lr_ratio
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.rms_rate = rms_rate
        self._momentums: list[Variable] = []
        self._velocities: list[Variable | None] = []

    def build(self, variables: Iterable[Variable]) -> None:
        """Make the optimizer's own variables.

        Args:
            variables: The variables to train. A second call changes nothing.
        """
        if self.built:
            return
        super().build(variables)
        for variable in self._trainable_variables:
            self._momentums.append(self.add_variable_from_reference(variable, "momentum"))
            adam = self._is_adams(variable)
            velocity = self.add_variable_from_reference(variable, "velocity") if adam else None
            self._velocities.append(velocity)

    def _is_adams(self, variable: Variable) -> bool:
        path = variable.path
        return (
            variable.ndim != 2
            or (self.exclude_embeddings and "embedding" in path.lower())
            or any(re.search(pattern, path) for pattern in self.exclude_layers)
        )

    def _decay(self, variable: Variable) -> float | None:
        if not self._decays(variable):
            return None
        return self.adam_weight_decay if self._is_adams(variable) else self.weight_decay

    def update_step(self, gradient: Array, variable: Variable, learning_rate: Array) -> None:
        """Update one variable by assigning to it; see `Optimizer`."""
        index = self._get_variable_index(variable)
        momentum, velocity = self._momentums[index], self._velocities[index]
        if velocity is None:
            self._orthogonal_step(gradient, variable, learning_rate, momentum)
        else:
            rate = learning_rate * self.adam_lr_ratio
            self._adam_step(gradient, variable, rate, momentum, velocity)

    def _orthogonal_step(self, g: Array, w: Variable, rate: Array, momentum: Variable) -> None:
        m = self.momentum * momentum.value + g
        momentum.assign(m)
        update = self._orthogonal(g + self.momentum * m if self.nesterov else m)
        if self.rms_rate is not None:
            update = update * math.sqrt(max(w.shape)) * self.rms_rate
        w.assign_sub(rate * update)

    def _orthogonal(self, x: Array) -> Array:
        if x.shape[0] > x.shape[1]:
            return self._orthogonal(x.T).T
        x = x / (jnp.linalg.norm(x) + 1e-7)
        for _ in range(self.ns_steps):
            square = x @ x.T
            x = self.muon_a * x + (self.muon_b * square + self.muon_c * square @ square) @ x
        return x

    def _adam_step(
        self, g: Array, w: Variable, rate: Array, momentum: Variable, v: Variable
    ) -> None:
        beta_1, beta_2 = self.adam_beta_1, self.adam_beta_2
        momentum.assign_add((g - momentum.value) * (1 - beta_1))
        v.assign_add((jnp.square(g) - v.value) * (1 - beta_2))
        t = jnp.asarray(self.iterations + 1, jnp.promote_types(w.dtype, "float32"))
        rate = rate * jnp.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        w.assign_sub(rate * momentum.value / (jnp.sqrt(v.value) + self.epsilon))
