"""The loss and the metrics of a batch, as methods of a model and as pure functions: yours to override."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from trivium.layers.base import Layer
from trivium.metrics import Metric
from trivium.state import StatelessScope
from trivium.state.scopes import Policy, paired
from trivium.state.tracking import in_one_look, members, one_look, unique
from trivium.state.types import Array, Tree
from trivium.state.variable import Variable
from trivium.training.compile_state import Compiled
from trivium.training.compiled import CompiledMetrics
from trivium.training.outputs import Outputs
from trivium.training.scopes import OfTheModel

__all__ = ["LossAndMetrics"]


class LossAndMetrics(Layer):
    """What a model is trained and measured by: optimizer, loss and metrics, and their values on a batch."""

    _trainer: Compiled | None = None

    def _need(self, method: str) -> Compiled:
        if self._trainer is None:
            raise ValueError(
                f"Model {self.name!r} is not compiled, so `{method}` does not know how to train or "
                'measure it: call `compile(optimizer="sgd", loss="...", metrics=[...])` first.'
            )
        return self._trainer

    @property
    def _steps_eagerly(self) -> bool:
        return self._trainer is not None and self._trainer.stepping

    @property
    def optimizer(self) -> Any:
        """The optimizer that `compile` was given, or that was assigned; `None` where there is none."""
        return self._trainer.optimizer if self._trainer else vars(self).get("_optimizer")

    # Programs with a loop or a step of their own assign both, often before `compile` or without it.
    @optimizer.setter
    def optimizer(self, value: Any) -> None:
        if self._trainer is None:
            self._optimizer = value
        else:
            self._trainer.optimizer = value

    @property
    def loss(self) -> Any:
        """The loss that `compile` was given, or else one that was assigned; `None` where there is none."""
        given = self._trainer.loss if self._trainer else None
        return vars(self).get("_loss") if given is None else given.loss

    @loss.setter
    def loss(self, value: Any) -> None:
        self._loss = value

    @property
    def metrics(self) -> list[Metric]:
        """The loss's tracker, the compiled metrics as one, outputs' loss trackers, and metrics among the attributes.

        Those that a model inside was compiled with are its own affair.
        """
        # The order is that of Keras: it is the order of `metrics_variables`, of a step's state and of the logs.
        made = self._trainer
        compiled: list[Metric] = []
        if made is not None:
            # As they were given, since their metrics are made on the first data, and the list is asked for before.
            given = [made.metrics] if any(made.metrics.specs.values()) else []
            compiled = [made.loss_tracker, *given, *(made.loss.trackers if made.loss else [])]
        return unique([*compiled, *self._own_metrics()])

    @in_one_look
    def _own_metrics(self) -> list[Metric]:
        layers = self._flatten_layers()
        return unique(metric for layer in layers for metric in members(layer).metrics)

    @property
    def metrics_variables(self) -> list[Variable]:
        """The variables of `metrics`."""
        return [v for metric in self.metrics for v in metric.variables]

    @property
    def metrics_names(self) -> list[str]:
        """The names of what `evaluate` returns, in its order, as far as they are known before the first data."""
        made = self._trainer
        if made is None:
            return [m.name for m in self.metrics]
        compiled, renamed = made.metrics.names
        trackers = made.loss.trackers if made.loss else []
        others = [m.name for m in [*trackers, *self._own_metrics()]]
        return list(dict.fromkeys(["loss", *compiled, *others, *renamed]))

    def reset_metrics(self) -> None:
        """Start all metrics anew."""
        for metric in self.metrics:
            metric.reset_state()

    def _groups(self, kind: str) -> list[list[Variable]]:
        """Return the variables that make up the state of a kind of step, in groups; a loss has the state of a test."""
        with one_look():
            groups = [self.trainable_variables, self.non_trainable_variables]
            metrics = [] if kind == "predict" else [self.metrics_variables]
        if kind == "train":
            optimizer = self.optimizer
            # A step that somebody calls by himself, ahead of `fit`, may be the first that needs the optimizer's.
            if optimizer is not None and not optimizer.built and groups[0]:
                optimizer.build_for(groups[0])
            groups.append(optimizer.variables if optimizer is not None else [])
        return [*groups, *metrics]

    # -- the loss and the metrics of a batch --------------------------------------------------------------------

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Array:
        """Return the loss of a batch: the compiled one and what layers added.

        Args:
            x: The inputs.
            y: The targets.
            y_pred: The outputs.
            sample_weight: The samples' weights.
            training: Whether this is a training step.

        Returns:
            A scalar; zero in an evaluation where there is no loss.

        Raises:
            ValueError: The compiled loss has no targets, or there is no loss to train by.

        Example:
            >>> import numpy as np, trivium as tv
            >>> model = tv.Sequential([tv.layers.Dense(1, kernel_initializer="ones")])
            >>> model.compile(loss="mse")
            >>> x = np.ones((4, 1))
            >>> float(model.compute_loss(x, y=3 * x, y_pred=model(x)))
            4.0
        """
        compiled = self._compiled_loss(y, y_pred, sample_weight)
        losses = [] if compiled is None else [compiled]
        losses += [jnp.sum(value) for value in self.losses]
        if not losses and training:
            raise ValueError(
                f'Model {self.name!r} has no loss to train by: give `compile(loss="...")` one, or let a layer call '
                "`add_loss`."
            )
        # Not from Python's zero on: that would be one more operation in each program.
        return sum(losses[1:], losses[0]) if losses else jnp.zeros(())

    def compiled_loss(
        self,
        y: Any,
        y_pred: Any,
        sample_weight: Any = None,
        training: bool | None = None,
        regularization_losses: Any = None,
    ) -> Array:
        """Return `compute_loss(y=y, y_pred=y_pred)`, under the name of Keras 2.

        Args:
            y: The targets.
            y_pred: The outputs.
            sample_weight: The samples' weights.
            training: Kept for its signature.
            regularization_losses: Likewise; the penalties of the model's weights are in the loss.
        """
        return self.compute_loss(y=y, y_pred=y_pred, sample_weight=sample_weight)

    @property
    def compiled_metrics(self) -> CompiledMetrics:
        """The metrics that `compile` was given as one, whose `update_state(y, y_pred)` updates all."""
        return self._need("compiled_metrics").metrics

    def _compiled_loss(self, y: Any, y_pred: Any, sample_weight: Any) -> Array | None:
        """Return the loss of a batch that `compile` was given, `None` where it was given none."""
        made = self._need("compute_loss")
        if made.loss is None:
            return None
        if y is None:
            raise ValueError(
                f"Model {self.name!r} has a loss that compares outputs with targets, and no targets `y` were "
                "given: pass `y`, or batches `(x, y)`."
            )
        # `fit` has matched them to the data before it traces a step; who calls this by himself has not.
        if not made.built:
            made.build(Outputs(y_pred, self.output_names), y)
        return made.loss(y, y_pred, sample_weight)

    def stateless_compute_loss(
        self,
        trainable_variables: Sequence[Array],
        non_trainable_variables: Sequence[Array],
        metrics_variables: Sequence[Array],
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tuple[Array, tuple[list[Array], ...]]:
        """Return the loss of a batch as a pure function of the variables' values; see `compute_loss`.

        What layers added by `add_loss` while `y_pred` was computed is not in it: `stateless_call` returns that on
        request.

        Args:
            trainable_variables: Values in the order of `trainable_variables`.
            non_trainable_variables: Values in the order of `non_trainable_variables`.
            metrics_variables: Values in the order of `metrics_variables`.
            x: The inputs.
            y: The targets.
            y_pred: The outputs.
            sample_weight: The samples' weights.
            training: Whether this is a training step.

        Returns:
            `(loss, (trainable_variables, non_trainable_variables, metrics_variables))`.
        """
        groups = self._groups("test")
        values = [trainable_variables, non_trainable_variables, metrics_variables]
        with StatelessScope(paired(groups, values), collect_losses=True) as scope:
            loss = self._loss_of(x, y, y_pred, sample_weight, training)
        return loss, tuple([scope.get_current_value(v) for v in group] for group in groups)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Update the metrics with a batch and return their values.

        Args:
            x: The inputs.
            y: The targets.
            y_pred: The outputs.
            sample_weight: The samples' weights.

        Returns:
            Values by name.
        """
        made = self._need("compute_metrics")
        if y is not None:
            if not made.built:
                made.build(Outputs(y_pred, self.output_names), y)
            made.metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """Return the metrics' values so far, by name."""
        made = self._need("get_metrics_result")
        results: dict[str, Any] = {}
        for metric in self.metrics:
            if metric is not made.metrics:
                value = metric.result()
                results.update(value if isinstance(value, dict) else {metric.name: value})
        return results | made.metrics.result()

    def compute_loss_and_updates(
        self,
        trainable_variables: Sequence[Array],
        non_trainable_variables: Sequence[Array],
        metrics_variables: Sequence[Array],
        x: Any,
        y: Any,
        sample_weight: Any,
        training: bool = False,
        optimizer_variables: Sequence[Array] | None = None,
    ) -> tuple[Array, tuple[Array, Tree, list[Array], list[Array]]]:
        """Run the model and its loss as a pure function, ready for `jax.value_and_grad`.

        Args:
            trainable_variables: Values in the order of `trainable_variables`.
            non_trainable_variables: Values in the order of `non_trainable_variables`.
            metrics_variables: Values in the order of `metrics_variables`.
            x: The inputs.
            y: The targets.
            sample_weight: The samples' weights.
            training: Whether this is a training step.
            optimizer_variables: The optimizer's values, which may scale the loss.

        Returns:
            `(loss, (unscaled loss, outputs, non_trainable_variables, metrics_variables))`.
        """
        groups = self._groups("test")
        values = [trainable_variables, non_trainable_variables, metrics_variables]
        # A compiled step would forget what it gives to others than these. One that runs as plain Python may give them
        # values: what its code makes anew in each call is new in each step, too.
        mine = [v for group in groups for v in group]
        policy = Policy() if self._steps_eagerly else OfTheModel(mine, self.name)
        with StatelessScope(paired(groups, values), collect_losses=True, policy=policy) as scope:
            y_pred = self(x, training=training)
            loss = self._loss_of(x, y, y_pred, sample_weight, training)
        # Of trainable variables the new values are the optimizer's to find.
        ntv, mv = ([scope.get_current_value(v) for v in group] for group in groups[1:])
        unscaled = loss  # The logs show this one.
        if training and self.optimizer is not None and optimizer_variables is not None:
            # How much a loss is scaled by to keep half-precision gradients from zero is a variable of the optimizer's.
            with StatelessScope(zip(self.optimizer.variables, optimizer_variables, strict=True)):
                loss = self.optimizer.scale_loss(loss)
        return loss, (unscaled, y_pred, ntv, mv)

    def _loss_of(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool) -> Array:
        """Call `compute_loss` with `training` where it takes that; an overriding one may not."""
        parameters = inspect.signature(self.compute_loss).parameters
        takes = "training" in parameters or any(
            p.kind is p.VAR_KEYWORD for p in parameters.values()
        )
        said = {"training": training} if takes else {}
        return self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, **said)

    def _logs(
        self, loss: Any, x: Any, y: Any, y_pred: Any, sample_weight: Any, mv: Any
    ) -> tuple[dict[str, Any], list[Array]]:
        """Return a step's logs, the metrics' values with this batch taken in, and the metrics' variables after it."""
        made = self._need("train_step")
        variables = self.metrics_variables
        with StatelessScope(zip(variables, mv, strict=True)) as scope:
            # An epoch's loss is a mean over samples: the last batch, which may be smaller, counts less.
            batch = jax.tree_util.tree_leaves(x)[0].shape[0]
            made.loss_tracker.update_state(loss, sample_weight=batch)
            logs = self.compute_metrics(x, y, y_pred, sample_weight)
        return logs, [scope.get_current_value(v) for v in variables]
