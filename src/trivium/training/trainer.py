"""The trainer: `compile`, `fit`, `evaluate` and `predict`.

What it needs stands in classes under it: the steps (`steps.py`), getting a model ready for its data
(`preparation.py`), single batches (`single_batches.py`) and the state as a tree (`state_tree.py`).
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from trivium import optimizers
from trivium.data import make_source
from trivium.data.checks import check_count, placed
from trivium.state import named_arguments
from trivium.state.session import session
from trivium.training.arguments import check_epochs, due, keeper, split, validation_source
from trivium.training.callbacks import CallbackList
from trivium.training.compile_state import Compiled
from trivium.training.compiled import CompiledLoss, CompiledMetrics
from trivium.training.run import Run
from trivium.training.single_batches import SingleBatches, listed
from trivium.training.state_tree import TreeState
from trivium.training.transaction import Transaction

__all__ = ["Trainer"]


class Trainer(SingleBatches, TreeState):
    """What a model needs to be trained. `Model` is one; a subclass may override the steps."""

    stop_training = stop_evaluating = stop_predicting = False
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
            (x, y, sample_weight), validation_data = split(x, y, sample_weight, validation_split)
        source = make_source(
            x, y, sample_weight, batch_size=batch_size, steps=steps_per_epoch, shuffle=shuffle,
            class_weight=class_weight, what="fit",
        )  # fmt: skip
        validation = None
        if validation_data is not None:
            with placed("fit"):
                size = check_count("validation_batch_size", validation_batch_size) or batch_size
            validation = validation_source(validation_data, size, validation_steps)
        if resume is not None:
            callbacks = [callbacks, keeper(resume)]
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
                train, test, range(initial_epoch, epochs), lambda n: due(n, validation_freq)
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
            return listed(logs, self.metrics_names)

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
            batch_size: Samples a batch, 32 where it is `None`. Callbacks see so many at once. Where no sample's outputs
                follow from another sample, a step of arrays computes as many as is fast, and the outputs do not depend
                on it; else it is how many the model is called with.
            verbose: 0 silent, 1 a progress bar, 2 a line; `"auto"` chooses by the terminal.
            steps: Batches, where it is not all of them.
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
        unseen = callbacks is None and verbose == 0
        alone = self._alone(source) if unseen else None
        if alone is not None:
            return alone()
        with contextlib.closing(source), Transaction(self, compiled=False) as change:
            watchers = CallbackList(
                callbacks, add_progbar=verbose != 0, model=self, verbose=verbose, epochs=1,
                steps=source.num_batches,
            )  # fmt: skip
            work = self._pass("predict", source, watchers)
            work.prepare()
            change.commit()
            outputs = Run(self, watchers, change).predict(work)
            if unseen:
                self._keep_alone(source, work)
            return self._finished(outputs)
