"""The tuner: trial after trial, each with whatever may go wrong in it."""

from __future__ import annotations

import functools
import math
import os
import shutil
import time
import traceback
from pathlib import Path
from typing import Any

from trivium.state.registry import suggest
from trivium.training.lanes import Lanes
from trivium.tuning.errors import (
    FailedTrialError,
    FatalError,
    FatalTypeError,
    FatalValueError,
)
from trivium.tuning.hypermodel import HyperModelLike, place_of, resolve
from trivium.tuning.hyperparameters import HyperParameters
from trivium.tuning.oracle import Oracle
from trivium.tuning.results import check_results, curves, metrics_of
from trivium.tuning.screen import Screen
from trivium.tuning.showing import Shown
from trivium.tuning.store import Store, database
from trivium.tuning.trial import Trial, TrialStatus

__all__ = ["BaseTuner", "is_better", "note_failure"]

# Seconds between two looks at what other processes do, where the next trial depends on that.
_POLL = 0.5


class BaseTuner(Shown):
    """Runs trials until the oracle has no more of them. `Tuner` is the one for models.

    Args:
        oracle: Chooses the trials.
        hypermodel: What makes a model; see `HyperModel`.
        directory: The folder of searches.
        project_name: The search's name, and its folder in there.
        overwrite: Whether to begin anew where there is a search of this name; by default it goes on.
        storage: The database of the trials: a URL of PostgreSQL or SQLite, for processes on several machines. By
            default SQLite in the search's folder.
        parallel: How many trials run side by side in this process. Those whose programs are the same but for numbers
            in the state, such as the learning rate and the first weights, train as one; see `docs/tuning.md`.
        kwargs: Nothing: an unknown argument is answered with the nearest one.
    """

    def __init__(
        self,
        oracle: Oracle,
        hypermodel: HyperModelLike = None,
        directory: str | os.PathLike[str] | None = None,
        project_name: str | None = None,
        overwrite: bool = False,
        storage: str | None = None,
        parallel: int = 1,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("logger", None)
        if not isinstance(parallel, int) or parallel < 1:
            raise FatalValueError(f"`parallel` is a whole number above zero; got {parallel!r}.")
        self.parallel = parallel
        if kwargs:
            known = (
                "oracle", "hypermodel", "objective", "max_trials", "directory", "project_name", "overwrite", "storage",
                "seed", "hyperparameters", "tune_new_entries", "allow_new_entries", "max_retries_per_trial",
                "max_consecutive_failed_trials", "executions_per_trial", "max_model_size", "optimizer", "loss",
                "metrics", "parallel", "pruner", "sampler", "tuner_id",
            )  # fmt: skip
            name = next(iter(kwargs))
            raise TypeError(
                f"{type(self).__name__} has no argument {name!r}. {suggest(name, known)}"
            )
        if not isinstance(oracle, Oracle):
            raise FatalTypeError(
                f"`oracle` is an oracle of trivium.tuning.oracles; got {type(oracle).__name__} {oracle!r}."
            )
        self.oracle, self.hypermodel = oracle, resolve(hypermodel)
        self.directory = str(directory or ".")
        self.project_name = project_name or "untitled_project"
        self.screen = Screen(self)
        # What `build` defines is known before anything is written: a mistake in it leaves no search behind.
        mine = self._initial_space()
        url = database(storage, self._folder)
        if overwrite and self._folder.exists():
            shutil.rmtree(self._folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        store = Store(url, self.project_name, oracle.objective.direction == "max", overwrite)
        oracle.open(store)
        oracle.join_space(mine)

    @property
    def _folder(self) -> Path:
        return Path(self.directory) / self.project_name

    @property
    def project_dir(self) -> str:
        """The search's folder."""
        return str(self._folder)

    def get_trial_dir(self, trial_id: str) -> str:
        """Return the folder of a trial.

        Args:
            trial_id: The trial.
        """
        return str(self._folder / f"trial_{trial_id}")

    # -- the space -------------------------------------------------------------------------------------------------

    def _initial_space(self) -> HyperParameters:
        """Run `build` until every conditional scope was entered once, and return what it defines."""
        oracle, hypermodel = self.oracle, self.hypermodel
        if hypermodel is None:
            return oracle.get_space()
        first = oracle.get_space()
        hypermodel.declare_hyperparameters(first)
        oracle.update_space(first)
        tried: list[Any] = []
        hp = oracle.get_space()
        while True:
            hp.ensure_active_values()
            self._built(hp)
            oracle.update_space(hp)
            entered, closed = list(hp.active_scopes), list(hp.inactive_scopes)
            tried.extend(entered)
            waiting = [scope for scope in closed if scope not in tried]
            if not waiting:
                return oracle.get_space()
            # Once is enough to find what is in it; a scope that its values do not open stays closed.
            tried.append(waiting[0])
            hp = oracle.get_space()
            for condition in waiting[0]:
                hp.values[condition.name] = condition.values[0]

    def _built(self, hp: HyperParameters) -> Any:
        """Return what `build` makes, checked."""
        assert self.hypermodel is not None
        model = self.hypermodel.build(hp)
        if model is None:
            raise FatalTypeError(
                f"{place_of(self.hypermodel.build)} returned None. Does it end in `return model`?"
            )
        return model

    # -- the search ------------------------------------------------------------------------------------------------

    def search(self, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Run trials until there are none left.

        A search that was killed goes on where it was when it is started again. Several processes with the same
        `directory` and `project_name`, or the same `storage`, share the trials.

        Args:
            fit_args: What `fit` is given: the data, in the first place.
            fit_kwargs: What `fit` is given: `epochs`, `validation_data`, `callbacks` and the like. `verbose` says what
                is shown: 0 nothing, `"auto"` a table of the trials, 1 KerasTuner's lines and the bars of `fit`, 2 a
                line a trial.

        Raises:
            FatalError: A mistake that every trial would meet, or too many trials failed in a row.
        """
        self.oracle.verbose = fit_kwargs.get("verbose", "auto")
        self.on_search_begin()
        with self.screen.shown(self.oracle.verbose):
            while (trials := self._next_trials()) is not None:
                if not trials:
                    time.sleep(_POLL)
                jobs = [functools.partial(self._try, t, *fit_args, **fit_kwargs) for t in trials]
                if len(jobs) == 1:
                    jobs[0]()
                elif jobs:
                    Lanes(jobs).run()
        self.on_search_end()

    def _next_trials(self) -> list[Trial] | None:
        """Return as many trials as run side by side, fewer where there are no more; `None` where there is none."""
        trials: list[Trial] = []
        while len(trials) < self.parallel:
            self.pre_create_trial()
            trial = self.oracle.create_trial("")
            if trial.status != TrialStatus.RUNNING:
                return trials or (None if trial.status == TrialStatus.STOPPED else [])
            trials.append(trial)
        return trials

    def _try(self, trial: Trial, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Run a trial, as often as it may be tried, and note what became of it."""
        again = True
        while again:
            trial = self.oracle.get_trial(trial.trial_id)
            try:
                with self.oracle.store.beating(trial.number):
                    self.on_trial_begin(trial)
                    self._run(trial, *fit_args, **fit_kwargs)
            except BaseException:
                # A mistake in the program, or Ctrl-C: the trial is to be run again.
                self.oracle.release(trial)
                raise
            again = self.oracle.end_trial(trial)
            self.on_trial_end(trial)

    def _run(self, trial: Trial, *fit_args: Any, **fit_kwargs: Any) -> None:
        trial.hyperparameters._draw = lambda one: self.oracle.late_value(trial, one)
        try:
            try:
                results = self.run_trial(trial, *fit_args, **fit_kwargs)
            finally:
                self._note_values(trial)  # Of a trial that fails, too: which values are to blame?
            self._note_results(trial, results, f"{type(self).__name__}.run_trial")
        except FatalError:
            raise
        except Exception as error:
            note_failure(trial, error)

    def _note_values(self, trial: Trial) -> None:
        """Note what `build` or `fit` has defined anew."""
        noted = self.oracle.get_trial(trial.trial_id).hyperparameters.values
        if noted != trial.hyperparameters.values:
            self.oracle.update_space(trial.hyperparameters)
            self.oracle.store.values(
                trial.number, trial.hyperparameters.space, trial.hyperparameters.values
            )

    def _note_results(self, trial: Trial, results: Any, where: str) -> None:
        if results is None and self.oracle.get_trial(trial.trial_id).metrics.values:
            trial.status = TrialStatus.COMPLETED  # `run_trial` called `oracle.update_trial` itself.
            return
        check_results(results, self.oracle.objective, where)
        metrics, step = metrics_of(results, self.oracle.objective)
        self.oracle.update_trial(trial.trial_id, metrics, step, curves(results))
        if trial.status == TrialStatus.RUNNING:
            trial.status = TrialStatus.COMPLETED

    def run_trial(self, trial: Trial, *fit_args: Any, **fit_kwargs: Any) -> Any:
        """Run a trial: override it to search for something else than a model's training.

        Args:
            trial: The trial; `trial.hyperparameters` has the values.
            fit_args: What `search` was given.
            fit_kwargs: What `search` was given.

        Returns:
            The objective as a number, a dict of results, a `History`, or a list of these, which are averaged.

        Example:
            >>> import tempfile
            >>> from trivium.tuning import RandomSearch
            >>> class Parabola(RandomSearch):
            ...     def run_trial(self, trial, *args, **kwargs):
            ...         return (trial.hyperparameters.Float("x", -1.0, 1.0) - 0.5) ** 2
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     tuner = Parabola(max_trials=8, seed=1, directory=folder)
            ...     tuner.search(verbose=0)
            ...     best = tuner.get_best_hyperparameters()[0].get("x")
            >>> abs(best - 0.5) < 0.5
            True
        """
        raise NotImplementedError(f"{type(self).__name__} has no `run_trial`.")

    def load_model(self, trial: Trial) -> Any:
        """Return the model of a trial.

        Args:
            trial: The trial.
        """
        raise NotImplementedError(f"{type(self).__name__} has no `load_model`.")

    def save_model(self, trial_id: str, model: Any, step: int = 0) -> None:
        """Keep the model of a trial.

        Args:
            trial_id: The trial.
            model: The model.
            step: The epoch.
        """
        raise NotImplementedError(f"{type(self).__name__} has no `save_model`.")

    # -- hooks -----------------------------------------------------------------------------------------------------

    def pre_create_trial(self) -> None:
        """Run before a trial is asked for."""

    def on_search_begin(self) -> None:
        """Run before the first trial."""

    def on_search_end(self) -> None:
        """Run after the last trial."""

    def on_trial_begin(self, trial: Trial) -> None:
        """Run before a trial.

        Args:
            trial: The trial.
        """
        self.screen.begin(trial)

    def on_trial_end(self, trial: Trial) -> None:
        """Run after a trial.

        Args:
            trial: The trial, with its status.
        """
        self.screen.end(self.oracle.get_trial(trial.trial_id))

    # -- results ---------------------------------------------------------------------------------------------------

    def get_best_hyperparameters(self, num_trials: int = 1) -> list[HyperParameters]:
        """Return the hyperparameters of the best trials, the best first.

        Args:
            num_trials: Of how many trials.
        """
        return [trial.hyperparameters for trial in self.oracle.get_best_trials(num_trials)]

    def get_best_models(self, num_models: int = 1) -> list[Any]:
        """Return the models of the best trials, each with the weights of its best epoch, the best first.

        Args:
            num_models: Of how many trials.

        Raises:
            FileNotFoundError: The weights lie on another machine.
        """
        return [self.load_model(trial) for trial in self.oracle.get_best_trials(num_models)]

    @property
    def remaining_trials(self) -> int | None:
        """How many trials have not begun; `None` where there is no limit."""
        return self.oracle.remaining_trials

    def reload(self) -> None:
        """Read anew what the storage knows of the search; the trials are read anew each time anyway."""
        self.oracle.reload()

    def save(self) -> None:
        """Do nothing: every trial is in the storage from its beginning on."""

    def get_state(self) -> dict[str, Any]:
        """Return the tuner's state, of which the storage has all: nothing."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take a state from `get_state`.

        Args:
            state: The state.
        """


def note_failure(trial: Trial, error: Exception) -> None:
    """Note on a trial what went wrong.

    Args:
        trial: The trial.
        error: The error.
    """
    text = str(error)
    first = text.splitlines()[0] if text else ""
    memory = isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in text
    if isinstance(error, FailedTrialError):
        trial.status, trial.reason = TrialStatus.FAILED, first or "given up"
    elif memory:
        # The same model needs the same memory another time.
        trial.status = TrialStatus.FAILED
        trial.reason = f"out of memory: {first}" if first else "out of memory"
    else:
        trial.status = TrialStatus.INVALID
        trial.reason = f"{type(error).__name__}: {first}" if first else type(error).__name__
    trial.message = "".join(traceback.format_exception(error))
    # The traceback holds the frames, and these the model and its data.
    traceback.clear_frames(error.__traceback__)


def is_better(objective: Any, value: float, best: float | None) -> bool:
    """Say whether a value is better than the best so far; NaN is better than nothing, and worse than all else."""
    if best is None or math.isnan(best):
        return best is None or not math.isnan(value)
    return bool(objective.better_than(value, best))
