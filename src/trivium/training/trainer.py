"""The trainer: `compile`, `fit`, `evaluate`, `predict` and their like for single batches."""

from __future__ import annotations

import contextlib
import functools
import os
import warnings
from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium import optimizers
from trivium.data import (
    ArraySource,
    make_source,
    unpack_x_y_sample_weight,
    validation_split,
)
from trivium.data.checks import check_count, placed
from trivium.data.convert import refuse_text
from trivium.data.texts import is_text
from trivium.state import StatelessScope, Variable, named_arguments, shape_scope, suggest
from trivium.state.frame import entered
from trivium.state.guarding import changes_of, settings_of
from trivium.state.looks import lasting_look, watch
from trivium.state.scopes import Policy
from trivium.state.session import session
from trivium.state.trees import has_keys, keep_order, key_order, map_tree
from trivium.training.arguments import check_epochs
from trivium.training.callbacks import BackupAndRestore, CallbackList
from trivium.training.compiled import CompiledLoss, CompiledMetrics
from trivium.training.executables import Programs
from trivium.training.in_place import pure_step, takes_data_alone, touched
from trivium.training.logs import numbers
from trivium.training.loop import Pass, Ready, State
from trivium.training.outputs import Outputs
from trivium.training.run import Run, joined
from trivium.training.state_tree import matched, tree_of
from trivium.training.steps import Compiled, OfTheModel, Steps
from trivium.training.transaction import Transaction

__all__ = ["Trainer"]


class Trainer(Steps):
    """What a model needs to be trained. `Model` is one; a subclass may override the steps."""

    stop_training = False
    history: Any = None
    _captured: dict[bool, Any]

    # -- compile ------------------------------------------------------------------------------------------------

    @named_arguments
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
            jit_compile: Kept for Keras's signature. Steps are compiled whatever it says; `run_eagerly=True` runs them
                as plain Python.
            auto_scale_loss: Whether a model whose policy is `"mixed_float16"` gets a `LossScaleOptimizer` around its
                optimizer, so that small gradients do not become zero.

        Raises:
            TypeError: Something is no optimizer, loss or metric; the model is as before.
            ValueError: A name is unknown, or an argument has the wrong form; the model is as before.

        Example:
            >>> import trivium as tv
            >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)])
            >>> model.compile(optimizer="adam", loss="mse", metrics=["mae"])
        """
        if not isinstance(steps_per_execution, int | np.integer) or steps_per_execution < 1:
            raise ValueError(
                f"`steps_per_execution` is a whole number above zero; got {steps_per_execution!r}."
            )
        chosen = optimizers.get(optimizer)
        half = auto_scale_loss and self.dtype_policy.name == "mixed_float16"
        if half and chosen is not None and not isinstance(chosen, optimizers.LossScaleOptimizer):
            chosen = optimizers.LossScaleOptimizer(chosen, name="loss_scale_optimizer")
        self._trainer = Compiled(
            chosen,
            None if loss is None else CompiledLoss(loss, loss_weights),
            CompiledMetrics(metrics, weighted_metrics),
            bool(run_eagerly),
            int(steps_per_execution),
        )
        self._captured = {}
        self.stop_training = False

    @property
    def compiled(self) -> bool:
        """Whether `compile` has been called."""
        return self._trainer is not None

    @property
    def run_eagerly(self) -> bool:
        """Whether steps run as plain Python."""
        return self._trainer is not None and self._trainer.run_eagerly

    @run_eagerly.setter
    def run_eagerly(self, value: bool) -> None:
        self._need("run_eagerly").run_eagerly = bool(value)

    # -- getting ready ------------------------------------------------------------------------------------------

    def _can_be_called(self) -> bool:
        """Say whether the model can be called: one with a step of its own may hold others and have no `call`."""
        return True

    # What only the host can do is done to the data ahead of the device. A model says what that is.

    def _uses_host(self) -> bool:
        """Say whether there is, or may be, something that only the host can do."""
        return False

    def _host_map(self, training: bool, what: str) -> Callable[[Any], Any] | None:
        """Return what the host does to the inputs of a batch, or of all rows; `None` where there is nothing."""
        return None

    def _finished(self, outputs: Any) -> Any:
        """Return what the host makes of the outputs of a prediction."""
        return outputs

    def _predicts_eagerly(self) -> bool:
        """Say whether outputs depend on text that only the host has, so that batches are predicted one by one."""
        return False

    def _map_source(self, kind: str, source: Any) -> None:
        """Have what the host does to the inputs done as they are read; refuse text where nothing takes it."""
        # Layers may be made in `build`, so only a built model says whether the host has something to do.
        if not self.built:
            try:
                self._build_on(source.example()[0], kind == "train")
            except Exception:
                self._refuse_text(source)  # Says more than what a layer of numbers says of text.
                raise
        self._refuse_text(source)
        if not self._uses_host():
            return
        mapping = self._host_map(kind == "train", source.what)
        if mapping is not None and not self._runs_eagerly(kind):
            with placed(source.what):
                source.map_inputs(mapping)

    def _refuse_text(self, source: Any) -> None:
        """Raise an error for text where nothing in the model takes it."""
        if not self._uses_host():
            with placed(source.what):
                refuse_text(
                    source.data[0] if isinstance(source, ArraySource) else source.example()[0]
                )

    def _runs_eagerly(self, kind: str) -> bool:
        return self.run_eagerly or (kind == "predict" and self._predicts_eagerly())

    def _pass(self, kind: str, source: Any, watchers: CallbackList | None = None) -> Pass:
        """Return a pass of a kind over a source, for the model as it is, built on the data where it was not."""
        made = self._trainer
        self._map_source(kind, source)
        hooks: dict[str, Any] = {}
        if watchers is not None and watchers.wants_batches(kind):
            hooks["chunk"] = made.steps_per_execution if made else 1
            hooks["ahead"] = functools.partial(watchers.batches_ahead, kind)
        # A step's code gets the dicts of a batch in the order that they were written in.
        written = source.data if isinstance(source, ArraySource) else source.example()
        work = Pass(
            kind, source, lambda: self._ready(kind, source, written), self._optimizing, **hooks
        )
        source.require(self._check_batch if kind != "predict" else self._check_inputs_of)
        return work

    def _check_batch(self, batch: Any) -> None:
        """Raise an error for numbers that index nothing; compiled code would take any number for an index."""
        self._check_inputs_of(batch)
        loss = self._trainer.loss if self._trainer is not None else None
        if loss is not None and loss.built:
            loss.check(unpack_x_y_sample_weight(batch)[1])

    def _check_inputs_of(self, batch: Any) -> None:
        self._check_data(unpack_x_y_sample_weight(batch)[0])

    def _check_data(self, x: Any) -> None:
        """Raise an error for inputs that the model cannot take; by default there are none."""

    def _optimizing(self) -> tuple[Any, ...]:
        """Return what is another one when `compile`, or a setting of the optimizer, has been given another value."""
        return self._trainer, *_settings_of(self.optimizer)

    def _ready(self, kind: str, source: Any, written: Any) -> Ready:
        """Build what is not built, and return what a pass of a kind works with, found in one walk over the model."""
        self._prepare(source, kind == "train")
        steps: dict[str, Callable[..., Any]] = {
            "train": self.train_step, "test": self.test_step, "predict": self.predict_step,
        }  # fmt: skip
        step = steps[kind]
        if self._trainer is not None and takes_data_alone(step):
            self._find_touched(self._trainer, kind, step, source)
        order = key_order(written) if has_keys(written) else None
        # A method may have been put into the class in place of another.
        asked = kind, order, getattr(step, "__func__", step)
        with self._look() as found:
            if asked not in found:
                form = None if order is None else map_tree(lambda _: None, written)
                found[asked] = self, self._find_ready(kind, step, form)
            ready: Ready = found[asked][1]
        return ready

    def _find_ready(self, kind: str, step: Callable[..., Any], form: Any) -> Ready:
        """Return what a pass works with, whose batches have dicts with the keys of `form`, if that is not `None`."""
        made, in_place = self._trainer, takes_data_alone(step)
        groups = [self.trainable_variables, self.non_trainable_variables]
        watch((*groups[0], *groups[1], made))
        # What the steps depend on besides arrays: the layers, and what their code reads off them.
        layers = self._flatten_layers()
        depends: list[Hashable] = [(x, x.trainable, settings_of(x)) for x in layers]
        if kind == "train":
            if self.optimizer is not None:
                self._ready_optimizer(self.optimizer, groups[0], in_place)
            groups.append(self.optimizer.variables if self.optimizer is not None else [])
            settings = _settings_of(self.optimizer)
            watch((*settings, *(getattr(x, "_schedule", None) for x in settings)))
            depends.extend(settings)
        if kind != "predict":
            groups.append(self.metrics_variables)
            losses = made.loss.functions if made and made.loss and made.loss.built else []
            inner = made.metrics.metrics if made else []
            parts = (*self.metrics, *inner, *losses)
            watch((*parts, made.loss if made else None))
            depends.extend((part, changes_of(part)) for part in parts)
        eager = self._runs_eagerly(kind)
        if in_place:
            if made is not None:
                known = {id(v) for group in groups for v in group}
                others = made.touched[kind][1]
                groups[2 if kind == "train" else 1].extend(v for v in others if id(v) not in known)
            mine = [v for group in groups for v in group]
            policy = Policy() if eager and made else OfTheModel(mine, self.name)
            step = pure_step(step, groups, policy, made.generator if made else None)
        elif kind == "predict":
            step = self._predict_kept
        if eager and made:
            step = self._eagerly(step)
        if form is not None:
            step = _in_order(step, form)
            depends.append(key_order(form))
        return Ready(step, State(*groups), self._programs_kept(), tuple(depends), eager)

    def _programs_kept(self) -> Programs:
        made = self._trainer
        return made.programs if made else vars(self).setdefault("_programs", Programs())

    def _look(self) -> AbstractContextManager[dict[Any, Any]]:
        """Find out what belongs to the model once, for as long as nothing about it changes; see `lasting_look`."""
        return lasting_look(self._programs_kept())

    def _find_touched(
        self, made: Compiled, kind: str, step: Callable[..., Any], source: Any
    ) -> None:
        """Find what a step in place touches besides the model's own variables, where that is not known."""
        form = [(layer, layer.trainable) for layer in self._flatten_layers()]
        if kind in made.touched and made.touched[kind][0] == form:
            return
        if self._runs_eagerly(kind):
            made.touched[kind] = form, []  # They hold their own state.
            return
        if kind == "train" and self.optimizer is not None:
            self._ready_optimizer(self.optimizer, self.trainable_variables, in_place=True)
        found = touched(step, source.example(), made.generator)
        # It may have built layers.
        form = [(layer, layer.trainable) for layer in self._flatten_layers()]
        made.touched[kind] = form, found

    def _prepare(self, source: Any, training: bool) -> None:
        """Build the model, and match the loss and the metrics to its outputs for this data, where that is not done."""
        made = self._trainer
        matched = made is None or made.built or not self._can_be_called()
        if self.built and matched:
            return
        x, y, _ = unpack_x_y_sample_weight(source.example())
        if not self.built:
            self._build_on(x, training)
        if made is not None and not matched and y is not None:
            self._match(made, x, y, training)

    def _build_on(self, x: Any, training: bool) -> None:
        if not self._can_be_called():
            self.built = True
        elif self.run_eagerly:
            # The code may need values. What it does to variables is not meant yet.
            with StatelessScope(collect_losses=True):
                self(map_tree(lambda a: a[:1] if is_text(a) else jnp.asarray(a[:1]), x))
        else:
            # In the mode that is needed first, so that the code need not be read twice.
            self._maybe_build((x,), {"training": training})

    def _match(self, made: Compiled, x: Any, y: Any, training: bool) -> None:
        """Match losses and metrics to the outputs that the model gives for `x`."""

        specs = map_tree(_spec, x)

        def outputs_for(x: Any) -> Any:
            with shape_scope(), entered(folds=[]):  # Equal blocks give equal shapes.
                return self(keep_order(specs, x), training=training)

        if made.run_eagerly:  # The code may need values.
            with StatelessScope(collect_losses=True):
                y_pred = self(x)
        else:
            y_pred = jax.eval_shape(outputs_for, specs)
        outputs = Outputs(y_pred, self.output_names)
        if not outputs.count:
            raise ValueError(
                f"Model {self.name!r} has no outputs: its `call` returned {y_pred!r}. Does it end in `return ...`?"
            )
        made.build(outputs, y)

    def _ready_optimizer(
        self, optimizer: Any, mine: list[Variable], in_place: bool = False
    ) -> None:
        """Build the optimizer, or see that it was built for what the model trains now."""
        if in_place:
            if mine and not optimizer.built and self._can_be_called():
                optimizer.build(mine)
        elif not optimizer.built:
            optimizer.build(mine)
        elif type(self).train_step is Trainer.train_step:
            theirs = optimizer._trainable_variables
            if [id(v) for v in mine] != [id(v) for v in theirs]:
                raise ValueError(
                    f"The optimizer {optimizer.name!r} was built for {len(theirs)} variables, and these are not the "
                    f"{len(mine)} that model {self.name!r} trains now: a layer was added or frozen since, or another "
                    "model used it. Call `compile` again, with a new optimizer."
                )

    def _warn_if_untrained(self, work: Pass, stacklevel: int) -> None:
        if work.trains_nothing and type(self).train_step is Trainer.train_step:
            warnings.warn(
                f"Model {self.name!r} has no trainable weights, so `fit` changes nothing in it. Are all layers frozen, "
                "or made in `call`, where each call makes new ones? Make them in `__init__`.",
                stacklevel=stacklevel,
            )

    def _predict_kept(self, state: Any, data: Any) -> Any:
        outputs, ntv = self.predict_step(state, data)
        return outputs, (state[0], ntv)

    def _eagerly(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """Return a step in which models written by subclassing run their `call`, not the graph it was read as."""

        @functools.wraps(step)
        def run(*args: Any) -> Any:
            made = self._need("run_eagerly")
            made.stepping = True
            try:
                return step(*args)
            finally:
                made.stepping = False

        return run

    # -- fit ----------------------------------------------------------------------------------------------------

    @named_arguments
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
        resume: Any = None,
    ) -> Any:
        """Train the model.

        Args:
            x: The inputs: an array, a DataFrame, a sparse matrix, lists or dicts of such, a generator, a `PyDataset`, a
                `trivium.data.Dataset`. `None` stands for an optional input.
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
            resume: A folder that keeps the state of this run, after each epoch and each minute: the same program,
                started again after it was killed, goes on from there to the same bits. Or a `BackupAndRestore` with
                other settings (Trivium's addition).

        Returns:
            A `History`: `history.history` has a list of numbers, one an epoch, for each name.

        Raises:
            ValueError: The model is not compiled, or the data is not what it can take; the model is as before.

        Example:
            >>> import trivium as tv
            >>> x = np.arange(8.0).reshape(8, 1)
            >>> model = tv.Sequential([tv.layers.Dense(1)])
            >>> model.compile(tv.optimizers.SGD(0.01), "mse")
            >>> losses = model.fit(x, 3 * x, epochs=20, verbose=0).history["loss"]
            >>> len(losses), losses[-1] < losses[0]
            (20, True)
        """
        self._need("fit")
        check_epochs(epochs, initial_epoch, validation_freq)
        epochs = epochs if (most := session().max_epochs) is None else min(epochs, most)
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = _split(x, y, sample_weight, validation_split)
        source = make_source(
            x, y, sample_weight, batch_size=batch_size, steps=steps_per_epoch, shuffle=shuffle,
            class_weight=class_weight, what="fit",
        )  # fmt: skip
        validation = None
        if validation_data is not None:
            with placed("fit"):
                size = check_count("validation_batch_size", validation_batch_size) or batch_size
            validation = _validation_source(validation_data, size, validation_steps)
        if resume is not None:
            callbacks = [callbacks, _keeper(resume)]
        with contextlib.ExitStack() as ending, Transaction(self) as change:
            for read in (source, validation):
                if read is not None:
                    ending.callback(read.close)
            watchers = CallbackList(
                callbacks, add_history=True, add_progbar=verbose != 0, model=self,
                validates=validation is not None, verbose=verbose, epochs=epochs,
                steps=source.num_batches,
            )  # fmt: skip
            train, test = self._pass("train", source, watchers), None
            self._warn_if_untrained(train, stacklevel=4)
            train.prepare()
            if validation is not None:
                with placed(validation.what):
                    test = self._pass("test", validation, watchers)
                    test.prepare()
            Run(self, watchers, change).train(
                train, test, range(initial_epoch, epochs), lambda n: _due(n, validation_freq)
            )
        self.history = watchers.history
        return self.history

    # -- evaluate and predict -----------------------------------------------------------------------------------

    @named_arguments
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

        Example:
            >>> import trivium as tv
            >>> model = tv.Sequential([tv.layers.Rescaling(2.0)])
            >>> model.compile(loss="mse", metrics=["mae"])
            >>> model.evaluate(np.ones((4, 1)), np.zeros((4, 1)), verbose=0, return_dict=True)
            {'loss': 4.0, 'mae': 2.0}
        """
        self._need("evaluate")
        source = make_source(
            x, y, sample_weight, batch_size=batch_size, steps=steps, what="evaluate"
        )
        with contextlib.closing(source), Transaction(self) as change:
            watchers = CallbackList(
                callbacks, add_progbar=verbose != 0, model=self, verbose=verbose, epochs=1,
                steps=source.num_batches,
            )  # fmt: skip
            test = self._pass("test", source, watchers)
            test.prepare()
            logs = Run(self, watchers, change).evaluate(test)
        if return_dict:
            return logs
        with self._look():
            return _listed(logs, self.metrics_names)

    @named_arguments
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

        Example:
            >>> import trivium as tv
            >>> tv.Sequential([tv.layers.Rescaling(2.0)]).predict(np.ones((3, 1)), verbose=0).tolist()
            [[2.0], [2.0], [2.0]]
        """
        source = make_source(x, batch_size=batch_size, steps=steps, what="predict")
        with contextlib.closing(source), Transaction(self, compiled=False) as change:
            watchers = CallbackList(
                callbacks, add_progbar=verbose != 0, model=self, verbose=verbose, epochs=1,
                steps=source.num_batches,
            )  # fmt: skip
            work = self._pass("predict", source, watchers)
            work.prepare()
            change.commit()
            return self._finished(Run(self, watchers, change).predict(work))

    # -- single batches -----------------------------------------------------------------------------------------

    @named_arguments
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
            The loss alone, a list of loss and metrics, or a dict; of this batch, not of those before.

        Example:
            >>> import trivium as tv
            >>> model = tv.Sequential([tv.layers.Dense(1, kernel_initializer="ones")])
            >>> model.compile(tv.optimizers.SGD(0.5), "mse")
            >>> model.train_on_batch(np.ones((4, 1)), np.zeros((4, 1)))
            1.0
        """
        return self._on_batch("train", x, y, sample_weight, class_weight, return_dict)

    @named_arguments
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
            The loss alone, a list of loss and metrics, or a dict; of this batch, not of those before.
        """
        return self._on_batch("test", x, y, sample_weight, None, return_dict)

    def _on_batch(
        self, kind: str, x: Any, y: Any, sample_weight: Any, class_weight: Any, return_dict: bool
    ) -> Any:
        what = f"{kind}_on_batch"
        self._need(what)
        source = make_source(x, y, sample_weight, steps=1, class_weight=class_weight, what=what)
        with Transaction(self) as change:
            self._prepare(source, kind == "train")
            step = self.train_step if kind == "train" else self.test_step
            # A step in place is run to find what it touches, and may build something.
            with contextlib.nullcontext() if takes_data_alone(step) else self._look():
                work = self._pass(kind, source)
                change.keep(self.metrics_variables)
                self.reset_metrics()
                names = self.metrics_names
            if kind == "train":
                self._warn_if_untrained(work, stacklevel=5)
            [(_, result, _)] = work.run()
        logs = numbers(result)
        return logs if return_dict else _listed(logs, names)

    # -- the state as a tree ------------------------------------------------------------------------------------

    def _state_groups(self) -> dict[str, list[Variable]]:
        return {
            "trainable_variables": self.trainable_variables,
            "non_trainable_variables": self.non_trainable_variables,
            "optimizer_variables": self.optimizer.variables if self.optimizer is not None else [],
            "metrics_variables": self.metrics_variables,
        }

    def get_state_tree(self, value_format: str = "backend_tensor") -> dict[str, Any]:
        """Return all that training changes, as nested dicts by the variables' paths.

        Args:
            value_format: `"backend_tensor"` for JAX arrays, `"numpy_array"` for NumPy's.

        Returns:
            `trainable_variables`, `non_trainable_variables`, `optimizer_variables` and `metrics_variables`.

        Raises:
            ValueError: Two variables have one path, or there is no such format.

        Example:
            >>> import trivium as tv
            >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2, name="out")], name="net")
            >>> model.get_state_tree()["trainable_variables"]["net"]["out"]["kernel"].shape
            (4, 2)
        """
        groups = self._state_groups()
        return {name: tree_of(group, value_format) for name, group in groups.items()}

    def set_state_tree(self, state_tree: Mapping[str, Any]) -> None:
        """Set what `get_state_tree` returned, or the groups of it that are given.

        Args:
            state_tree: The groups, each nested dicts by the variables' paths.

        Raises:
            ValueError: A group or a path is unknown, a value is missing or has another shape.
        """
        groups = self._state_groups()
        for name in state_tree:
            if name not in groups:
                raise ValueError(f"There is no group {name!r}. {suggest(name, list(groups))}")
        # All is looked at before anything is set.
        pairs = [
            pair
            for name, tree in state_tree.items()
            for pair in matched(groups[name], tree, f"state_tree[{name!r}]")
        ]
        for variable, value in pairs:
            variable.assign(value)

    def predict_on_batch(self, x: Any) -> Any:
        """Return the outputs for one batch.

        Args:
            x: The inputs.
        """
        source = make_source(x, steps=1, what="predict_on_batch")
        with contextlib.closing(source), Transaction(self, compiled=False) as change:
            work = self._pass("predict", source)
            work.prepare()
            change.commit()
            parts = [outputs for _, outputs, _ in work.run() if outputs is not None]
        return self._finished(joined(parts))


def _settings_of(optimizer: Any) -> list[Any]:
    """Return the compiled steps of an optimizer and those inside it: new ones when one of their settings is changed."""
    if optimizer is None:
        return []
    inner = [step for one in getattr(optimizer, "inner", ()) for step in _settings_of(one)]
    return [optimizer, getattr(optimizer, "_compiled", None), *inner]


def _listed(logs: dict[str, Any], names: list[str]) -> Any:
    """Return logs as Keras lists them; one alone as it is."""
    known = [name for name in names if name in logs]
    values = [logs[name] for name in [*known, *(n for n in logs if n not in known)]]
    return values[0] if len(values) == 1 else values


def _spec(x: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(x.shape, x.dtype)


def _in_order(step: Callable[..., Any], written: Any) -> Callable[..., Any]:
    """Return a step that gets batches with the keys of their dicts in the order of `written`."""

    @functools.wraps(step)
    def ordered(state: Any, data: Any) -> Any:
        return step(state, keep_order(written, data))

    return ordered


def _split(x: Any, y: Any, sample_weight: Any, fraction: float) -> Any:
    data = (x, y, sample_weight) if sample_weight is not None else (x,) if y is None else (x, y)
    with placed("fit"):
        train, held = validation_split(data, fraction)
    return (*train, *(None,) * (3 - len(train))), held


def _validation_source(data: Any, batch_size: int | None, steps: int | None) -> Any:
    what = "validation_data"
    if isinstance(data, tuple | list):
        with placed(what):
            x, y, weight = unpack_x_y_sample_weight(tuple(data))
        return make_source(x, y, weight, batch_size=batch_size, steps=steps, what=what)
    return make_source(data, steps=steps, what=what)


def _keeper(resume: Any) -> BackupAndRestore:
    if isinstance(resume, BackupAndRestore):
        return resume
    if isinstance(resume, str | os.PathLike):
        return BackupAndRestore(resume, delete_checkpoint=False, save_seconds=60.0)
    raise TypeError(f"`resume` is the path of a folder, or a BackupAndRestore; got {resume!r}.")


def _due(epoch: int, frequency: Any) -> bool:
    """Say whether to validate after this epoch."""
    return (epoch + 1) % frequency == 0 if isinstance(frequency, int) else epoch + 1 in frequency
