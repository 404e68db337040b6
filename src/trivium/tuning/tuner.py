"""The tuner for models: a trial builds a model and trains it."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

from trivium.models import Model
from trivium.training.callbacks.base import Logs
from trivium.tuning.base_tuner import BaseTuner
from trivium.tuning.errors import FailedTrialError, FatalTypeError, FatalValueError
from trivium.tuning.hypermodel import HyperModel, HyperModelLike, place_of
from trivium.tuning.hyperparameters import HyperParameters
from trivium.tuning.oracle import Oracle, derived_seed
from trivium.tuning.own_seed import own_seed
from trivium.tuning.results import check_results
from trivium.tuning.trial import Trial
from trivium.tuning.trial_callbacks import Best, Watch, copied, listed, with_own_folders

__all__ = ["Tuner"]

_WEIGHTS, _BUILD = "checkpoint.weights.h5", "build_config.json"


class Tuner(BaseTuner):
    """Searches over models. Subclass it, or one of the tuners with an oracle of their own, for a `run_trial` of yours.

    Args:
        oracle: Chooses the trials: one of `trivium.tuning.oracles`.
        hypermodel: A function `build(hp)` that returns a compiled model, or a `HyperModel`. Not needed where
            `run_trial` is overridden.
        max_model_size: The most trainable parameters; a larger model's trial fails.
        optimizer: An optimizer, or its name, in place of the one that `build` compiles with.
        loss: A loss in place of the one that `build` compiles with.
        metrics: Metrics in place of those that `build` compiles with.
        distribution_strategy: Kept for KerasTuner's signature; only `None` is accepted.
        directory: The folder of searches.
        project_name: The search's name, and its folder in there.
        tuner_id: Kept for KerasTuner's signature; processes tell each other apart by themselves.
        overwrite: Whether to begin anew where there is a search of this name; by default it goes on.
        executions_per_trial: How many times each trial's model is trained, from other first values each time. The
            results are averaged.
        storage: A URL of PostgreSQL or SQLite for the trials; see `BaseTuner`.
        parallel: How many trials train side by side; see `BaseTuner`.
        pruner: A pruner of Optuna's, which ends trials early that look bad.
        kwargs: Arguments of `BaseTuner`.

    Example:
        >>> import tempfile
        >>> import numpy as np, trivium as tv
        >>> from trivium.tuning import RandomSearch  # a Tuner with an oracle of its own
        >>> def build(hp):
        ...     model = tv.Sequential([tv.layers.Dense(1)])
        ...     model.compile(tv.optimizers.SGD(hp.Float("rate", 1e-3, 1e-1, sampling="log")), "mse")
        ...     return model
        >>> x = np.arange(8.0).reshape(8, 1) / 8
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     tuner = RandomSearch(build, "val_loss", max_trials=2, directory=folder)
        ...     tuner.search(x, 3 * x, epochs=2, validation_data=(x, 3 * x), verbose=0)
        ...     best = tuner.get_best_models()[0]
        >>> best.output_shape
        (None, 1)
    """

    def __init__(
        self,
        oracle: Oracle,
        hypermodel: HyperModelLike = None,
        max_model_size: int | None = None,
        optimizer: Any = None,
        loss: Any = None,
        metrics: Any = None,
        distribution_strategy: Any = None,
        directory: Any = None,
        project_name: str | None = None,
        logger: Any = None,
        tuner_id: str | None = None,
        overwrite: bool = False,
        executions_per_trial: int = 1,
        storage: str | None = None,
        parallel: int = 1,
        pruner: Any = None,
        **kwargs: Any,
    ) -> None:
        if hypermodel is None and type(self).run_trial is Tuner.run_trial:
            raise FatalValueError(
                f"{type(self).__name__} has no `hypermodel`: give a function `build(hp)` that returns a compiled "
                "model, or override `run_trial`."
            )
        if distribution_strategy is not None:
            raise FatalValueError(
                "`distribution_strategy` is TensorFlow's; several processes share a search by `storage`."
            )
        if executions_per_trial < 1:
            raise FatalValueError(
                f"`executions_per_trial` is a whole number above zero; got {executions_per_trial!r}."
            )
        self.max_model_size, self.executions_per_trial = max_model_size, executions_per_trial
        self.optimizer, self.loss, self.metrics = optimizer, loss, metrics
        super().__init__(
            oracle, hypermodel, directory, project_name, overwrite, storage, parallel, **kwargs
        )
        self.pruner = pruner
        if pruner is not None:
            oracle.store.study.pruner = pruner

    # -- models ----------------------------------------------------------------------------------------------------

    def _built(self, hp: HyperParameters) -> Any:
        assert self.hypermodel is not None
        with own_seed(derived_seed(0)):  # The space is found by building models that nobody trains.
            return self._checked_model(super()._built(hp))

    def _checked_model(self, model: Any) -> Any:
        assert self.hypermodel is not None
        if not isinstance(model, Model):
            raise FatalTypeError(
                f"{place_of(self.hypermodel.build)} returns a model; yours returned {type(model).__name__} {model!r}."
            )
        size = sum(math.prod(v.shape) for v in model.trainable_variables) if model.built else 0
        if self.max_model_size and size > self.max_model_size:
            raise FailedTrialError(
                f"the model has {size:,} trainable parameters, more than max_model_size={self.max_model_size:,}"
            )
        return model

    def _check_compiled(self, model: Model) -> None:
        """Raise an error where `fit` would: no trial could go better, so the search ends."""
        assert self.hypermodel is not None
        # What trains by code of the user's own may do without what `compile` is for.
        own = type(self.hypermodel).fit is not HyperModel.fit or type(model).fit is not Model.fit
        if not (model.compiled or own):
            raise FatalValueError(
                f"{place_of(self.hypermodel.build)} returns a model that is not compiled. Call `model.compile` in it, "
                f"or give {type(self).__name__} an `optimizer` and a `loss`."
            )

    def _try_build(self, hp: HyperParameters) -> Any:
        """Return the model for hyperparameters, compiled as the tuner's arguments say."""
        model = self._checked_model(BaseTuner._built(self, hp))
        self._override_compile_args(model)
        return model

    def _override_compile_args(self, model: Model) -> None:
        if not (self.optimizer or self.loss or self.metrics):
            return
        optimizer = self.optimizer
        if optimizer is not None and not isinstance(optimizer, str):
            optimizer = copy.deepcopy(optimizer)
        model.compile(
            optimizer=optimizer or model.optimizer or "rmsprop",
            loss=self.loss or model.loss,
            metrics=self.metrics or self._own_metrics(model),
        )

    @staticmethod
    def _own_metrics(model: Model) -> Any:
        made = model._trainer
        return made.metrics.specs.get("metrics") if made is not None else None

    def load_model(self, trial: Trial) -> Any:
        """Return the model of a trial."""
        folder = Path(self.get_trial_dir(trial.trial_id))
        weights = folder / _WEIGHTS
        if not weights.exists():
            where = trial.host or "another machine"
            raise FileNotFoundError(
                f"The weights of trial {trial.trial_id} are not in {folder}: it ran on {where}. Give the processes of "
                "a search one `directory`, on a disk that they share; or train anew with `get_best_hyperparameters`."
            )
        with own_seed(self._trial_seed(trial, 0)):
            model = self._try_build(trial.hyperparameters)
        self._load(model, folder)
        return model

    def _load(self, model: Any, folder: Path) -> None:
        if not model.built:
            model.build_from_config(json.loads((folder / _BUILD).read_text("utf-8")))
        model.load_weights(str(folder / _WEIGHTS))

    def _start_weights(self, trial: Trial) -> Path | None:
        """Return the folder of the trial whose weights a trial begins with, if there is one."""
        return None

    def save_model(self, trial_id: str, model: Any, step: int = 0) -> None:
        """Keep the model of a trial."""
        folder = Path(self.get_trial_dir(trial_id))
        folder.mkdir(parents=True, exist_ok=True)
        config = model.get_build_config()
        (folder / _BUILD).write_text(json.dumps(config), "utf-8")
        model.save_weights(str(folder / _WEIGHTS))

    # -- trials ----------------------------------------------------------------------------------------------------

    def _trial_seed(self, trial: Trial, execution: int) -> int:
        """Return the seed of a run: it says the same in whatever process the trial runs, and after whatever others."""
        return derived_seed(self.oracle.seed, "run", trial.number, execution)

    def run_trial(self, trial: Trial, *fit_args: Any, **fit_kwargs: Any) -> Any:
        """Build the trial's model and train it, `executions_per_trial` times.

        Args:
            trial: The trial.
            fit_args: What `search` was given.
            fit_kwargs: What `search` was given.

        Returns:
            A list of what `HyperModel.fit` returned.
        """
        callbacks = listed(fit_kwargs.pop("callbacks", None))
        best = Best(self, trial)
        results = []
        for execution in range(self.executions_per_trial):
            with own_seed(self._trial_seed(trial, execution)):
                kwargs = self.screen.fit_kwargs(dict(fit_kwargs))
                own = f"trial-{trial.trial_id}-{execution}"
                mine = [
                    *with_own_folders(copied(callbacks), own),
                    Watch(self, trial, execution),
                    best,
                ]
                if "resume" in kwargs:
                    (kwargs["resume"],) = with_own_folders(copied([kwargs["resume"]]), own)
                results.append(
                    self._build_and_fit_model(trial, *fit_args, **kwargs, callbacks=mine)
                )
        return results

    def _build_and_fit_model(self, trial: Trial, *args: Any, **kwargs: Any) -> Any:
        hp = trial.hyperparameters
        model = self._try_build(hp)
        self._check_compiled(model)
        self._note_values(trial)
        start = self._start_weights(trial)
        if start is not None:
            self._load(model, start)
        assert self.hypermodel is not None
        results = self.hypermodel.fit(hp, model, *args, **kwargs)
        check_results(results, self.oracle.objective, place_of(self.hypermodel.fit))
        return results

    @property
    def _watches_batches(self) -> bool:
        """Whether a subclass has hooks for batches: without them a program may do many steps at once."""
        kind = type(self)
        own = kind.on_batch_begin, kind.on_batch_end
        return own != (Tuner.on_batch_begin, Tuner.on_batch_end)

    # -- hooks, kept for subclasses --------------------------------------------------------------------------------

    def on_epoch_begin(
        self, trial: Trial, model: Any, epoch: int, logs: Logs | None = None
    ) -> None:
        """Run before an epoch of a trial.

        Args:
            trial: The trial.
            model: Its model.
            epoch: The epoch, from 0 on.
            logs: Nothing.
        """

    def on_epoch_end(self, trial: Trial, model: Any, epoch: int, logs: Logs | None = None) -> None:
        """Run after an epoch of a trial.

        Args:
            trial: The trial.
            model: Its model.
            epoch: The epoch, from 0 on.
            logs: Its results.
        """

    def on_batch_begin(
        self, trial: Trial, model: Any, batch: int, logs: Logs | None = None
    ) -> None:
        """Run before a batch of a trial.

        Args:
            trial: The trial.
            model: Its model.
            batch: The batch, from 0 on.
            logs: Nothing.
        """

    def on_batch_end(self, trial: Trial, model: Any, batch: int, logs: Logs | None = None) -> None:
        """Run after a batch of a trial.

        Args:
            trial: The trial.
            model: Its model.
            batch: The batch, from 0 on.
            logs: The results so far.
        """
