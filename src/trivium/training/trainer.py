"""The trainer: `compile`, `fit`, `evaluate`, `predict`, and the steps that a subclass may override."""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from trivium.layers.context import unbuild_on_error
from trivium.metrics import Mean, Metric
from trivium.state import StatelessScope, global_seed, shape_scope
from trivium.state.variable import Variable
from trivium.training.callbacks import CallbackList
from trivium.training.compiled import CompiledLoss, CompiledMetrics
from trivium.training.data import (
    ArraySource,
    make_source,
    unpack_x_y_sample_weight,
    validation_split,
)
from trivium.training.loop import Pass, State

__all__ = ["Trainer"]


class _Compiled:
    """What `compile` made, and what came of it on data."""

    def __init__(
        self, optimizer: Any, loss: Any, metrics: CompiledMetrics, options: dict[str, Any]
    ) -> None:
        self.optimizer = optimizer
        self.loss: CompiledLoss | None = loss
        self.metrics = metrics
        self.options = options
        self.loss_tracker = Mean(name="loss")
        self.programs: dict[Any, Any] = {}
        self.checked = False


class Trainer:
    """What a model needs to be trained. `Model` is one; a subclass may override the steps."""

    stop_training = False
    history: Any = None
    _trainer: _Compiled | None = None
    _captured: dict[bool, Any]

    # -- compile ------------------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Say how the model is trained.

        Args:
            optimizer: An optimizer, its name, or an `optax.GradientTransformation`.
            loss: A loss or its name; for several outputs a list, or a dict by their names.
            loss_weights: The losses' weights in the sum, in the same form.
            metrics: A list of metrics or their names; for several outputs one list each.
            weighted_metrics: Metrics that weigh the samples.
            run_eagerly: Whether to run each step as plain Python, for debugging.
            steps_per_execution: How many steps run between the batch hooks of callbacks. Without such hooks the
                chunk of steps grows to the clock by itself; the numbers are the same bits in any case.
            jit_compile: Kept for Keras's signature: `False` means `run_eagerly`.
            auto_scale_loss: Kept for Keras's signature: half-float policies scale the loss through
                `loss_scale_factor` of the optimizer.

        Raises:
            ValueError: A name is unknown, or an argument has the wrong form; the model is as before.

        Example:
            >>> import trivium as tv
            >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)])
            >>> model.compile(optimizer="adam", loss="mse", metrics=["mae"])
        """
        from trivium import optimizers

        if not isinstance(steps_per_execution, int) or steps_per_execution < 1:
            raise ValueError(
                f"`steps_per_execution` is a whole number above zero; got {steps_per_execution!r}."
            )
        made = _Compiled(
            optimizers.get(optimizer),
            None if loss is None else CompiledLoss(loss, loss_weights),
            CompiledMetrics(metrics, weighted_metrics),
            {
                "run_eagerly": bool(run_eagerly) or jit_compile is False,
                "steps_per_execution": steps_per_execution,
            },
        )
        self._trainer = made
        self._captured = {}
        self.stop_training = False

    @property
    def compiled(self) -> bool:
        """Whether `compile` has been called."""
        return self._trainer is not None

    @property
    def optimizer(self) -> Any:
        """The optimizer that `compile` was given, or `None`."""
        return self._trainer.optimizer if self._trainer else None

    @property
    def loss(self) -> Any:
        """The loss that `compile` was given, or `None`."""
        return self._trainer.loss.loss if self._trainer and self._trainer.loss else None

    @property
    def run_eagerly(self) -> bool:
        """Whether steps run as plain Python."""
        return bool(self._trainer and self._trainer.options["run_eagerly"])

    @run_eagerly.setter
    def run_eagerly(self, value: bool) -> None:
        self._need("run_eagerly").options["run_eagerly"] = bool(value)

    def _need(self, method: str) -> _Compiled:
        if self._trainer is None:
            raise ValueError(
                f"Model {self.name!r} is not compiled, so `{method}` does not know how to train or measure it: call "  # type: ignore[attr-defined]
                '`compile(optimizer="sgd", loss="...", metrics=[...])` first.'
            )
        return self._trainer

    @property
    def metrics(self) -> list[Metric]:
        """The loss's tracker, the compiled metrics, and those among the attributes."""
        own: list[Metric] = super().metrics  # type: ignore[misc]
        if self._trainer is None:
            return own
        made = self._trainer
        trackers = made.loss.trackers if made.loss else []
        lead = [made.loss_tracker] if made.loss is not None or not own else []
        found = [*lead, *trackers, *own, *made.metrics.metrics]
        return list({id(m): m for m in found}.values())

    @property
    def metrics_names(self) -> list[str]:
        """The metrics' names."""
        return [m.name for m in self.metrics]

    def reset_metrics(self) -> None:
        """Start all metrics anew."""
        for metric in self.metrics:
            metric.reset_state()

    # -- what a subclass may override ---------------------------------------------------------------------------

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
            A scalar.

        Raises:
            ValueError: Neither `compile` nor a layer gave a loss.
        """
        made = self._need("compute_loss")
        losses = (
            [made.loss(y, y_pred, sample_weight)] if made.loss is not None and y is not None else []
        )
        losses += [jax.numpy.sum(v) for v in self.losses]  # type: ignore[attr-defined]
        if not losses:
            raise ValueError(
                f"Model {self.name!r} has no loss to compute: "  # type: ignore[attr-defined]
                + (
                    "no targets `y` were given."
                    if made.loss is not None
                    else 'give `compile(loss="...")` one, or let a layer call `add_loss`.'
                )
            )
        return sum(losses[1:], losses[0])

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
        if made.metrics.built and y is not None:
            made.metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """Return the metrics' values so far, by name."""
        made = self._need("get_metrics_result")
        mine = {id(m) for m in made.metrics.metrics}
        results: dict[str, Any] = {}
        for metric in self.metrics:
            if id(metric) not in mine:
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

        Returns:
            `(loss, (unscaled loss, outputs, non_trainable_variables, metrics_variables))`.
        """
        mapping = [
            *zip(self.trainable_variables, trainable_variables, strict=True),  # type: ignore[attr-defined]
            *zip(self.non_trainable_variables, non_trainable_variables, strict=True),  # type: ignore[attr-defined]
            *zip(self.metrics_variables, metrics_variables, strict=True),
        ]
        with StatelessScope(mapping, collect_losses=True) as scope:
            y_pred = self(x, training=training)  # type: ignore[operator]
            loss = self.compute_loss(x, y, y_pred, sample_weight, **_training_kwarg(self, training))
        ntv = [scope.get_current_value(v) for v in self.non_trainable_variables]  # type: ignore[attr-defined]
        mv = [scope.get_current_value(v) for v in self.metrics_variables]
        unscaled = loss
        if training and self.optimizer is not None and optimizer_variables is not None:
            scaling = zip(self.optimizer.variables, optimizer_variables, strict=True)
            with StatelessScope(scaling):
                loss = self.optimizer.scale_loss(loss)
        return loss, (unscaled, y_pred, ntv, mv)

    @property
    def metrics_variables(self) -> list[Variable]:
        """The variables of `metrics`."""
        return [v for metric in self.metrics for v in metric.variables]

    def _logs(
        self, loss: Any, x: Any, y: Any, y_pred: Any, sample_weight: Any, mv: Any
    ) -> tuple[Any, Any]:
        made = self._need("train_step")
        variables = self.metrics_variables
        with StatelessScope(zip(variables, mv, strict=True)) as scope:
            made.loss_tracker.update_state(
                loss, sample_weight=jax.tree_util.tree_leaves(x)[0].shape[0]
            )
            logs = self.compute_metrics(x, y, y_pred, sample_weight)
        return logs, [scope.get_current_value(v) for v in variables]

    def train_step(self, state: Any, data: Any) -> Any:
        """Do one step of training, as a pure function. Override it for a loop of your own.

        Args:
            state: `(trainable_variables, non_trainable_variables, optimizer_variables, metrics_variables)`, lists of
                arrays.
            data: One batch, `(x, y, sample_weight)` or fewer.

        Returns:
            `(logs, state)`.
        """
        tv, ntv, ov, mv = state
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        gradient = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
        (_, aux), grads = gradient(
            tv, ntv, mv, x, y, sample_weight, training=True, optimizer_variables=ov
        )
        loss, y_pred, ntv, mv = aux
        tv, ov = self.optimizer.stateless_apply(ov, grads, tv)
        logs, mv = self._logs(loss, x, y, y_pred, sample_weight, mv)
        return logs, (tv, ntv, ov, mv)

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
        loss, aux = self.compute_loss_and_updates(tv, ntv, mv, x, y, sample_weight, training=False)
        _, y_pred, ntv, mv = aux
        logs, mv = self._logs(loss, x, y, y_pred, sample_weight, mv)
        return logs, (tv, ntv, mv)

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
        return self.stateless_call(tv, ntv, x, training=False)  # type: ignore[attr-defined]

    def _predict(self, state: Any, data: Any) -> Any:
        outputs, ntv = self.predict_step(state, data)
        return outputs, (state[0], ntv)

    def _can_be_called(self) -> bool:
        """Say whether the model can be called: one with a step of its own may hold others and have no `call`."""
        return True

    # -- getting ready ------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _unchanged_on_error(self) -> Iterator[None]:
        """Leave the model as it was if getting ready fails."""
        made = self._trainer
        kept = (
            {part: dict(vars(part)) for part in (made, made.loss, made.metrics) if part}
            if made
            else {}
        )
        try:
            with unbuild_on_error():
                yield
        except Exception:
            for part, attributes in kept.items():
                vars(part).clear()
                vars(part).update(attributes)
            raise

    def _prepare(self, source: Any, training: bool) -> None:
        """Build the model, the loss, the metrics and the optimizer for this data, where they are not built."""
        data = source.example()
        x, y, _ = unpack_x_y_sample_weight(data)
        made = self._trainer
        if not self.built:  # type: ignore[has-type]
            self._build_on(x)
        waiting = made is not None and not (
            made.metrics.built and (made.loss is None or made.loss.built)
        )
        if made is not None and waiting and y is not None and self._can_be_called():
            y_pred = self._outputs_for(x)
            names = self.output_names  # type: ignore[attr-defined]
            if made.loss is not None:
                made.loss.build(y_pred, names)
            made.metrics.build(y, y_pred, names)
        if (
            made is not None
            and training
            and self.optimizer is not None
            and not self.optimizer.built
        ):
            self.optimizer.build(self.trainable_variables)  # type: ignore[attr-defined]
        if (
            made is not None
            and made.loss is not None
            and made.loss.built
            and isinstance(source, ArraySource)
        ):
            made.loss.check(unpack_x_y_sample_weight(source.data)[1])

    def _build_on(self, x: Any) -> None:
        if not self._can_be_called():
            self.built = True
        elif self.run_eagerly:
            self(jax.tree_util.tree_map(lambda a: jax.numpy.asarray(a[:1]), x))  # type: ignore[operator]
        else:
            self._maybe_build((x,), {})  # type: ignore[attr-defined]

    def _outputs_for(self, x: Any) -> Any:
        def outputs(x: Any) -> Any:
            with shape_scope():
                return self(x)  # type: ignore[operator]

        specs = jax.tree_util.tree_map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), x)
        return jax.eval_shape(outputs, specs)

    def _pass(self, kind: str, source: Any) -> Pass:
        step = {"train": self.train_step, "test": self.test_step, "predict": self._predict}[kind]
        programs = (
            self._trainer.programs if self._trainer else self.__dict__.setdefault("_programs", {})
        )
        return Pass(kind, step, source, programs, eager=self.run_eagerly)

    def _state(self, kind: str) -> State:
        groups = [self.trainable_variables, self.non_trainable_variables]  # type: ignore[attr-defined]
        if kind == "train":
            groups.append(self.optimizer.variables if self.optimizer is not None else [])
        if kind != "predict":
            groups.append(self.metrics_variables)
        return State(*groups)

    # -- fit ----------------------------------------------------------------------------------------------------

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: Any = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> Any:
        """Train the model.

        Args:
            x: The inputs: an array, a list or dict of arrays, a DataFrame, a generator, a `PyDataset`.
            y: The targets; not with generators and datasets, which give their own.
            batch_size: Samples a step, 32 where it is `None`.
            epochs: The number of the last epoch.
            verbose: 0 silent, 1 a progress bar, 2 a line an epoch; `"auto"` chooses by the terminal.
            callbacks: Callbacks.
            validation_split: The fraction of the samples, from the end, to validate on.
            validation_data: `(x, y)` or `(x, y, sample_weight)` to validate on, or a generator or dataset.
            shuffle: Whether to shuffle the samples before each epoch; `"batch"` shuffles whole batches.
            class_weight: Weights by class number.
            sample_weight: Weights by sample.
            initial_epoch: The number of epochs already done.
            steps_per_epoch: Steps an epoch, where it is not all batches.
            validation_steps: Steps of a validation, where it is not all batches.
            validation_batch_size: Samples a step of a validation; `batch_size` where it is `None`.
            validation_freq: Validate after every so many epochs, or after the epochs in a list.

        Returns:
            A `History`: `history.history` has a list of numbers, one an epoch, for each name.

        Raises:
            ValueError: The model is not compiled, or the data is not what it can take; the model is as before.
        """
        made = self._need("fit")
        _check_epochs(epochs, initial_epoch, validation_freq)
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = _split(x, y, sample_weight, validation_split)
        source = make_source(
            x, y, sample_weight, batch_size=batch_size, steps=steps_per_epoch, shuffle=shuffle,
            class_weight=class_weight, what="fit",
        )  # fmt: skip
        validation = None
        if validation_data is not None:
            validation = _validation_source(
                validation_data, validation_batch_size or batch_size, validation_steps
            )
        with self._unchanged_on_error():
            self._prepare(source, training=True)
            if validation is not None:
                self._prepare(validation, training=False)
            train = self._pass("train", source)
            state = self._state("train")
            self._try_first_step(train, state)
        test = self._pass("test", validation) if validation is not None else None
        watchers = CallbackList(
            callbacks, add_history=True, add_progbar=verbose != 0, model=self, verbose=verbose,
            epochs=epochs, steps=source.num_batches,
        )  # fmt: skip
        self.stop_training = False
        watchers.on_train_begin()
        logs: dict[str, float] = {}
        for epoch in range(initial_epoch, epochs):
            watchers.on_epoch_begin(epoch)
            logs = self._train_epoch(train, state, watchers)
            if not logs:
                break  # The data had nothing left: there is no epoch to report.
            if test is not None and _due(epoch, validation_freq):
                result = self._evaluate(test, watchers)
                logs |= {f"val_{name}": value for name, value in result.items()}
            watchers.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
            if train.source.exhausted and epoch + 1 < epochs:
                warnings.warn(
                    f"The training data ran out after epoch {epoch + 1} of {epochs}, which ends the training. A generator "
                    "that is to serve all epochs goes on without end, and `steps_per_epoch` cuts it.",
                    stacklevel=2,
                )
                break
        if made.optimizer is not None and made.optimizer.built:
            made.optimizer.finalize_variable_values(self.trainable_variables)  # type: ignore[attr-defined]
        watchers.on_train_end(logs)
        self.history = watchers.history
        return self.history

    def _try_first_step(self, train: Pass, state: State) -> None:
        """Trace and compile the step on the first batch's shapes, so that what does not fit fails before training."""
        if train.eager or not isinstance(train.source, ArraySource):
            return
        source = train.source
        size = min(source.batch_size, source.num_samples)
        train.program(state, source.data, size, source.num_samples)

    def _train_epoch(self, train: Pass, state: State, watchers: CallbackList) -> dict[str, float]:
        self.reset_metrics()
        state.pull()
        optimizer = self.optimizer
        seen = int(optimizer.iterations) if optimizer is not None and optimizer.built else 0
        return self._drive(train, state, watchers, (global_seed(), seen))

    def _drive(
        self, work: Pass, state: State, watchers: CallbackList, moment: tuple[int, int] = (0, 0)
    ) -> dict[str, float]:
        """Run one pass with callbacks at the edges of its chunks."""
        kind, hooks = work.kind, watchers.wants_batches(work.kind)
        chunk = self._need("fit").options["steps_per_execution"] if hooks else None
        mode = {"train": "train", "test": "test", "predict": "predict"}[kind]
        numbers: dict[str, float] = {}

        def before(step: int, count: int) -> None:
            if hooks:
                getattr(watchers, f"on_{mode}_batch_begin")(step)

        def after(done: int, result: Any) -> bool:
            nonlocal numbers
            numbers = _numbers(result)
            if hooks:
                state.push()
                getattr(watchers, f"on_{mode}_batch_end")(done - 1, numbers)
                state.pull()
            watchers.on_chunk_end(mode, done, numbers)
            return self.stop_training and kind == "train"

        try:
            for _ in work.run(state, moment, chunk, before, after):
                pass
        finally:
            state.push()
        return numbers

    # -- evaluate and predict -----------------------------------------------------------------------------------

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Return the loss and the metrics on data.

        Args:
            x: The inputs, as for `fit`.
            y: The targets.
            batch_size: Samples a step, 32 where it is `None`.
            verbose: 0 silent, 1 a progress bar, 2 a line; `"auto"` chooses by the terminal.
            sample_weight: Weights by sample.
            steps: Steps, where it is not all batches.
            callbacks: Callbacks.
            return_dict: Whether to return a dict by names instead of a list.

        Returns:
            The loss alone, a list of loss and metrics, or a dict.

        Raises:
            ValueError: The model is not compiled, or the data is not what it can take.
        """
        self._need("evaluate")
        source = make_source(
            x, y, sample_weight, batch_size=batch_size, steps=steps, what="evaluate"
        )
        with self._unchanged_on_error():
            self._prepare(source, training=False)
        watchers = CallbackList(
            callbacks,
            add_progbar=verbose != 0,
            model=self,
            verbose=verbose,
            epochs=1,
            steps=source.num_batches,
        )
        logs = self._evaluate(self._pass("test", source), watchers)
        return logs if return_dict else self._in_order(logs)

    def _evaluate(self, test: Pass, watchers: CallbackList) -> dict[str, float]:
        self.reset_metrics()
        state = self._state("test")
        watchers.on_test_begin()
        logs = self._drive(test, state, watchers)
        watchers.on_test_end(logs)
        return logs

    def _in_order(self, logs: dict[str, float]) -> Any:
        """Return logs as Keras lists them: the loss first, then as the metrics are listed."""
        values = [logs["loss"]] if "loss" in logs else []
        values += [v for k, v in logs.items() if k != "loss"]
        return values[0] if len(values) == 1 else values

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Return the outputs for data.

        Args:
            x: The inputs, as for `fit`.
            batch_size: Samples a step, 32 where it is `None`.
            verbose: 0 silent, 1 a progress bar, 2 a line; `"auto"` chooses by the terminal.
            steps: Steps, where it is not all batches.
            callbacks: Callbacks.

        Returns:
            NumPy arrays in the structure of the model's output, with all samples on the first axis.

        Raises:
            ValueError: The data is not what the model can take.
        """
        source = make_source(x, batch_size=batch_size, steps=steps, what="predict")
        with self._unchanged_on_error():
            if not self.built:
                self._build_on(unpack_x_y_sample_weight(source.example())[0])
        watchers = CallbackList(
            callbacks,
            add_progbar=verbose != 0,
            model=self,
            verbose=verbose,
            epochs=1,
            steps=source.num_batches,
        )
        state, parts = self._state("predict"), []
        watchers.on_predict_begin()
        hooks = watchers.wants_batches("predict")
        chunk = (
            (self._trainer.options["steps_per_execution"] if self._trainer else 1)
            if hooks
            else None
        )

        def before(step: int, count: int) -> None:
            if hooks:
                watchers.on_predict_batch_begin(step)

        def after(done: int, result: Any) -> bool:
            if hooks:
                watchers.on_predict_batch_end(done - 1, {"outputs": result})
            watchers.on_chunk_end("predict", done, {})
            return False

        parts = list(self._pass("predict", source).run(state, (0, 0), chunk, before, after))
        watchers.on_predict_end()
        return jax.tree_util.tree_map(
            lambda *a: np.concatenate(a) if len(a) > 1 else np.asarray(a[0]), *parts
        )

    # -- single batches -----------------------------------------------------------------------------------------

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Do one step of training on one batch.

        Args:
            x: The inputs.
            y: The targets.
            sample_weight: Weights by sample.
            class_weight: Weights by class number.
            return_dict: Whether to return a dict by names instead of a list.

        Returns:
            The loss alone, a list of loss and metrics, or a dict.
        """
        return self._on_batch("train", x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Evaluate one batch.

        Args:
            x: The inputs.
            y: The targets.
            sample_weight: Weights by sample.
            return_dict: Whether to return a dict by names instead of a list.

        Returns:
            The loss alone, a list of loss and metrics, or a dict.
        """
        return self._on_batch("test", x, y, sample_weight, None, return_dict)

    def _on_batch(
        self, kind: str, x: Any, y: Any, sample_weight: Any, class_weight: Any, return_dict: bool
    ) -> Any:
        what = f"{kind}_on_batch"
        self._need(what)
        source = make_source(x, y, sample_weight, steps=1, class_weight=class_weight, what=what)
        with self._unchanged_on_error():
            self._prepare(source, training=kind == "train")
        state = self._state(kind)
        result = list(self._pass(kind, source).run(state))[-1]
        state.push()
        logs = _numbers(result)
        return logs if return_dict else self._in_order(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """Return the outputs for one batch.

        Args:
            x: The inputs.
        """
        return self.predict(x, steps=1, verbose=0)


def _numbers(result: Any) -> dict[str, float]:
    """Return logs as Python floats, in the order of their names."""
    numbers = {}
    for name, value in sorted(result.items()):
        array = np.asarray(value)
        numbers[name] = float(array) if array.ndim == 0 else array
    return numbers


def _training_kwarg(model: Any, training: bool) -> dict[str, bool]:
    """Pass `training` to a `compute_loss` that takes it; an overriding one may not."""
    parameters = inspect.signature(model.compute_loss).parameters
    takes = "training" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    return {"training": training} if takes else {}


def _check_epochs(epochs: int, initial_epoch: int, frequency: Any) -> None:
    whole = isinstance(frequency, int) and frequency > 0
    if not whole and not isinstance(frequency, list | tuple | set):
        raise ValueError(
            f"`validation_freq` is a number above zero or a list of epochs; got {frequency!r}."
        )
    for name, value in (("epochs", epochs), ("initial_epoch", initial_epoch)):
        if not isinstance(value, int | np.integer) or value < 0:
            raise ValueError(f"`{name}` is a whole number of at least 0; got {value!r}.")


def _split(x: Any, y: Any, sample_weight: Any, fraction: float) -> Any:
    data = (x, y, sample_weight) if sample_weight is not None else (x,) if y is None else (x, y)
    train, held = validation_split(data, fraction)
    return (*train, *(None,) * (3 - len(train))), held


def _validation_source(data: Any, batch_size: int | None, steps: int | None) -> Any:
    if isinstance(data, tuple | list) and 1 <= len(data) <= 3 and not hasattr(data, "on_epoch_end"):
        x, y, weight = unpack_x_y_sample_weight(tuple(data))
        return make_source(x, y, weight, batch_size=batch_size, steps=steps, what="validation_data")
    return make_source(data, steps=steps, what="validation_data")


def _due(epoch: int, frequency: Any) -> bool:
    """Say whether to validate after this epoch."""
    return (epoch + 1) % frequency == 0 if isinstance(frequency, int) else epoch + 1 in frequency
