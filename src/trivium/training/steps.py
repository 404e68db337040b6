"""The steps of training, evaluation and prediction as pure functions: yours to override."""

from __future__ import annotations

from typing import Any

import jax

from trivium.data import unpack_x_y_sample_weight
from trivium.state import StatelessScope
from trivium.state.scopes import paired
from trivium.training.in_place import either_manner
from trivium.training.loss_and_metrics import LossAndMetrics

__all__ = ["Steps"]


class Steps(LossAndMetrics):
    """What a model does with one batch."""

    @either_manner("train")
    def train_step(self, state: Any, data: Any) -> Any:
        """Do one step of training, as a pure function. Override it for a step of your own.

        One that is written as `train_step(self, data)` is run for what it does to the model, under a
        `GradientTape` say, and returns logs alone; `fit` compiles it, too, and `super().train_step(data)` is this
        step in that manner.

        Args:
            state: `(trainable_variables, non_trainable_variables, optimizer_variables, metrics_variables)`, lists of
                arrays.
            data: One batch, `(x, y, sample_weight)` or fewer.

        Returns:
            `(logs, state)`.

        Example:
            >>> import numpy as np, trivium as tv
            >>> class Doubling(tv.Sequential):
            ...     def train_step(self, state, data):
            ...         logs, state = super().train_step(state, data)
            ...         return logs | {"doubled": 2 * logs["loss"]}, state
            >>> model = Doubling([tv.layers.Dense(1, kernel_initializer="ones")])
            >>> model.compile("sgd", "mse")
            >>> model.fit(np.ones((4, 1)), np.zeros((4, 1)), verbose=0).history
            {'doubled': [2.0], 'loss': [1.0]}
        """
        tv, ntv, ov, mv = state
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        gradient = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
        # JAX runs rules of derivatives that users give (`jax.custom_vjp`) when the loss's own scope has ended. They may
        # read variables: without this scope they would get what these hold outside of the step, a program's constant.
        with StatelessScope(paired(self._groups("test"), [tv, ntv, mv])):
            (_, aux), grads = gradient(
                tv, ntv, mv, x, y, sample_weight, training=True, optimizer_variables=ov
            )
        loss, y_pred, ntv, mv = aux
        if self.optimizer is None:
            raise ValueError(
                f"Model {self.name!r} is compiled without an optimizer, so it can be evaluated but not "
                'trained: `compile(optimizer="sgd", ...)`.'
            )
        tv, ov = self.optimizer.stateless_apply(ov, grads, tv)
        logs, mv = self._logs(loss, x, y, y_pred, sample_weight, mv)
        return logs, (tv, ntv, ov, mv)

    @either_manner("test")
    def test_step(self, state: Any, data: Any) -> Any:
        """Do one step of evaluation, as a pure function.

        Args:
            state: `(trainable_variables, non_trainable_variables, metrics_variables)`, lists of arrays.
            data: One batch, `(x, y, sample_weight)` or fewer.

        Returns:
            `(logs, state)`.
        """
        tv, ntv, mv = state
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        _, aux = self.compute_loss_and_updates(tv, ntv, mv, x, y, sample_weight, training=False)
        loss, y_pred, ntv, mv = aux
        logs, mv = self._logs(loss, x, y, y_pred, sample_weight, mv)
        return logs, (tv, ntv, mv)

    @either_manner("predict")
    def predict_step(self, state: Any, data: Any) -> Any:
        """Do one step of prediction, as a pure function.

        Args:
            state: `(trainable_variables, non_trainable_variables)`, lists of arrays.
            data: One batch, `(x,)`.

        Returns:
            `(outputs, non_trainable_variables)`.
        """
        tv, ntv = state
        x, _, _ = unpack_x_y_sample_weight(data)
        outputs, ntv = self.stateless_call(tv, ntv, x, training=False)
        if not jax.tree_util.tree_leaves(outputs):
            raise ValueError(
                f"Model {self.name!r} has no outputs: its `call` returned {outputs!r}. Does it end in `return ...`?"
            )
        return outputs, ntv
