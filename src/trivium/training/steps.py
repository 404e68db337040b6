"""The steps of training, evaluation and prediction as pure functions, and what they are made of: yours to override."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from trivium.data import unpack_x_y_sample_weight
from trivium.layers.base import Layer
from trivium.metrics import Mean, Metric
from trivium.state import Copied, EffectError, SeedGenerator, StatelessScope
from trivium.state.frame import current_frame
from trivium.state.scopes import Policy
from trivium.state.tracking import in_one_look, members, unique
from trivium.state.variable import Variable
from trivium.training.compiled import CompiledLoss, CompiledMetrics
from trivium.training.executables import Programs
from trivium.training.in_place import either_manner
from trivium.training.outputs import Outputs

__all__ = ["Compiled", "OfTheModel", "Steps"]


class Compiled(Copied):
    """What `compile` was told, and what came of it on data.

    Args:
        optimizer: The optimizer.
        loss: The loss, or `None`.
        metrics: The metrics.
        run_eagerly: Whether steps run as plain Python.
        steps_per_execution: How many steps lie between the batch hooks of callbacks.
    """

    _remade: ClassVar[dict[str, Any]] = {"programs": Programs, "touched": dict}

    def __init__(
        self,
        optimizer: Any,
        loss: CompiledLoss | None,
        metrics: CompiledMetrics,
        run_eagerly: bool,
        steps_per_execution: int,
    ) -> None:
        self.optimizer = optimizer
        self.loss = loss
        self.metrics = metrics
        self.run_eagerly = run_eagerly
        self.steps_per_execution = steps_per_execution
        self.loss_tracker = Mean(name="loss")
        self.programs = Programs()
        # Steps in place draw from it where their code gives no seed, so that each step draws anew.
        self.generator = SeedGenerator(name="step_generator")
        # For each kind of step in place: what it depends on, and the variables that it touches besides the model's.
        self.touched: dict[str, tuple[Any, list[Variable]]] = {}
        # Whether a step is running as plain Python at this moment.
        self.stepping = False

    @property
    def built(self) -> bool:
        """Whether the loss and the metrics have been matched to a model's outputs."""
        return self.metrics.built and (self.loss is None or self.loss.built)

    def build(self, outputs: Outputs, y: Any) -> None:
        """Match the loss and the metrics to a model's outputs.

        Args:
            outputs: The outputs.
            y: The targets, or their specs.

        Raises:
            ValueError: They do not match.
        """
        losses = self.loss.chosen(outputs) if self.loss else [None] * outputs.count
        measured = self.metrics.chosen(outputs)
        outputs.wanted = [a is not None or b for a, b in zip(losses, measured, strict=True)]
        targets = outputs.targets(y)
        if self.loss is not None:
            self.loss.build(outputs, targets)
        self.metrics.match(outputs, targets)


class OfTheModel(Policy):
    """Takes new values of a model's own variables only: of others, a compiled step would forget them."""

    def __init__(self, variables: list[Variable], name: str) -> None:
        self._known = {id(v) for v in variables}
        self._name = name

    def refuse(self, variable: Variable) -> None:
        """Raise for a variable that is none of the model's."""
        if id(variable) not in self._known:
            path = current_frame().path
            raise EffectError(
                f"{f'In layer {path!r}: ' if path else ''}a step gives the variable {variable.path!r} a new value, and "
                f"it is none of those that model {self._name!r} has, so nobody would keep it: each step would start "
                "from the same one (a Dropout that a layer makes anew in its `call` would draw the same each time). "
                "Make the variable, layer or `SeedGenerator` in `__init__` or `build`, as an attribute."
            )


class Steps(Layer):
    """What a model does with one batch."""

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
        made = self._trainer
        compiled: list[Metric] = []
        if made is not None:
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

    # -- the loss and the metrics of a batch --------------------------------------------------------------------

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
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
        return sum(losses[1:], losses[0]) if losses else jnp.zeros(())

    def compiled_loss(
        self,
        y: Any,
        y_pred: Any,
        sample_weight: Any = None,
        training: bool | None = None,
        regularization_losses: Any = None,
    ) -> Any:
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

    def _compiled_loss(self, y: Any, y_pred: Any, sample_weight: Any) -> Any:
        """Return the loss of a batch that `compile` was given, `None` where it was given none."""
        made = self._need("compute_loss")
        if made.loss is None:
            return None
        if y is None:
            raise ValueError(
                f"Model {self.name!r} has a loss that compares outputs with targets, and no targets `y` were "
                "given: pass `y`, or batches `(x, y)`."
            )
        if not made.built:
            made.build(Outputs(y_pred, self.output_names), y)
        return made.loss(y, y_pred, sample_weight)

    def stateless_compute_loss(
        self,
        trainable_variables: Any,
        non_trainable_variables: Any,
        metrics_variables: Any,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
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
        groups = [self.trainable_variables, self.non_trainable_variables, self.metrics_variables]
        values = [trainable_variables, non_trainable_variables, metrics_variables]
        with StatelessScope(_pairs(groups, values), collect_losses=True) as scope:
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
        trainable_variables: Any,
        non_trainable_variables: Any,
        metrics_variables: Any,
        x: Any,
        y: Any,
        sample_weight: Any,
        training: bool = False,
        optimizer_variables: Any = None,
    ) -> Any:
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
        groups = [self.trainable_variables, self.non_trainable_variables, self.metrics_variables]
        values = [trainable_variables, non_trainable_variables, metrics_variables]
        # A step that runs as plain Python begins with what its code makes anew, so nothing is the same again.
        mine = [v for group in groups for v in group]
        policy = Policy() if self._steps_eagerly else OfTheModel(mine, self.name)
        with StatelessScope(_pairs(groups, values), collect_losses=True, policy=policy) as scope:
            y_pred = self(x, training=training)
            loss = self._loss_of(x, y, y_pred, sample_weight, training)
        ntv, mv = ([scope.get_current_value(v) for v in group] for group in groups[1:])
        unscaled = loss
        if training and self.optimizer is not None and optimizer_variables is not None:
            with StatelessScope(zip(self.optimizer.variables, optimizer_variables, strict=True)):
                loss = self.optimizer.scale_loss(loss)
        return loss, (unscaled, y_pred, ntv, mv)

    def _loss_of(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool) -> Any:
        """Call `compute_loss` with `training` where it takes that; an overriding one may not."""
        parameters = inspect.signature(self.compute_loss).parameters
        takes = "training" in parameters or any(
            p.kind is p.VAR_KEYWORD for p in parameters.values()
        )
        said = {"training": training} if takes else {}
        return self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, **said)

    def _logs(
        self, loss: Any, x: Any, y: Any, y_pred: Any, sample_weight: Any, mv: Any
    ) -> tuple[Any, Any]:
        made = self._need("train_step")
        variables = self.metrics_variables
        with StatelessScope(_pairs([variables], [mv])) as scope:
            batch = jax.tree_util.tree_leaves(x)[0].shape[0]
            made.loss_tracker.update_state(loss, sample_weight=batch)
            logs = self.compute_metrics(x, y, y_pred, sample_weight)
        return logs, [scope.get_current_value(v) for v in variables]

    # -- the steps ----------------------------------------------------------------------------------------------

    def _groups(self, kind: str) -> list[list[Variable]]:
        """Return the variables that make up the state of a kind of step."""
        groups = [self.trainable_variables, self.non_trainable_variables]
        if kind == "train":
            optimizer = self.optimizer
            if optimizer is not None and not optimizer.built and groups[0]:
                optimizer.build_for(groups[0])
            groups.append(optimizer.variables if optimizer is not None else [])
        return groups if kind == "predict" else [*groups, self.metrics_variables]

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
        groups = [self.trainable_variables, self.non_trainable_variables, self.metrics_variables]
        # Rules of derivatives that users give run when the loss's own scope has ended, and may read variables.
        with StatelessScope(_pairs(groups, [tv, ntv, mv])):
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


def _pairs(groups: list[list[Variable]], values: list[Any]) -> list[tuple[Variable, Any]]:
    """Return each variable with its value, group by group.

    Raises:
        ValueError: A group has more or fewer values than variables.
    """
    return [
        pair
        for group, mine in zip(groups, values, strict=True)
        for pair in zip(group, mine, strict=True)
    ]
