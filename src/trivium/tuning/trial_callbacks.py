"""Callbacks in a trial: those of the search, and a trial's own copies of those that the user gave."""

from __future__ import annotations

import copy
import os
from typing import TYPE_CHECKING, Any

from trivium.training.callbacks.backup_and_restore import BackupAndRestore
from trivium.training.callbacks.base import Callback, Logs
from trivium.tuning.base_tuner import is_better
from trivium.tuning.errors import FatalValueError
from trivium.tuning.results import check_names
from trivium.tuning.trial import Trial, TrialStatus

if TYPE_CHECKING:
    from trivium.tuning.tuner import Tuner


__all__ = ["Best", "Watch", "copied", "listed", "with_own_folders"]


class Watch(Callback):
    """Tells the tuner of a trial's epochs, and ends a trial early where the pruner says so."""

    def __init__(self, tuner: Tuner, trial: Trial, execution: int) -> None:
        super().__init__()
        self.tuner, self.trial, self._execution = tuner, trial, execution
        self._checked = False

    def __deepcopy__(self, memo: Any) -> Watch:
        return self  # It belongs to the search, not to whoever copies callbacks.

    def wants_batches(self, mode: str) -> bool:
        """Say whether a subclass of the tuner has hooks for batches."""
        return mode == "train" and self.tuner._watches_batches

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Tell the tuner of an epoch."""
        self.tuner.on_epoch_begin(self.trial, self.model, epoch, logs=logs)

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Tell the tuner of a batch."""
        self.tuner.on_batch_begin(self.trial, self.model, batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Tell the tuner of a batch."""
        self.tuner.on_batch_end(self.trial, self.model, batch, logs=logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Tell the tuner of the results; end the trial where the pruner says so."""
        logs = logs or {}
        tuner, trial, objective = self.tuner, self.trial, self.tuner.oracle.objective
        # Where not every epoch is validated, the first that is has the name.
        later = self.validates and not any(name.startswith("val_") for name in logs)
        if not self._checked and not later:
            # A name that no log will ever have is not worth the other epochs.
            check_names(logs, objective, f"an epoch of trial {trial.trial_id}")
            self._checked = True
        tuner.on_epoch_end(trial, self.model, epoch, logs=logs)
        epochs = (self.params or {}).get("epochs")
        tuner.screen.epoch(trial, epoch + 1, epochs, logs)
        if self._execution or tuner.pruner is None or not objective.has_value(logs):
            return
        if tuner.oracle.store.report(trial.number, objective.get_value(logs), epoch):
            trial.status = TrialStatus.PRUNED
            self.model.stop_training = True


class Best(Callback):
    """Keeps the weights of the best epoch of all executions of a trial."""

    def __init__(self, tuner: Tuner, trial: Trial) -> None:
        super().__init__()
        self._tuner, self._trial = tuner, trial
        self._best: float | None = None

    def __deepcopy__(self, memo: Any) -> Best:
        return self

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Keep the weights if they are the best so far."""
        objective = self._tuner.oracle.objective
        if not objective.has_value(logs or {}):
            # Such as a result that `HyperModel.fit` computes after training: the last epoch counts.
            self._tuner.save_model(self._trial.trial_id, self.model, epoch)
            return
        value = objective.get_value(logs or {})
        if is_better(objective, value, self._best):
            self._best = value
            self._tuner.save_model(self._trial.trial_id, self.model, epoch)


def listed(callbacks: Any) -> list[Any]:
    """Return what `search` was given as `callbacks` as a list."""
    if callbacks is None:
        return []
    return list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]


def copied(callbacks: list[Any]) -> list[Any]:
    """Return copies of callbacks for one training, since they note things for themselves."""
    try:
        return copy.deepcopy(callbacks)
    except Exception as error:
        raise FatalValueError(
            f"Each trial gets copies of the callbacks, and {callbacks!r} cannot be copied: {error}. What holds files "
            "or connections opens them in `on_train_begin`."
        ) from error


def with_own_folders(keepers: list[Any], name: str) -> list[Any]:
    """Have what keeps the state of a run keep it in a folder of its own within the one that all trials were given.

    Args:
        keepers: Callbacks, or what `fit` takes as `resume`.
        name: The folder.
    """
    for keeper in keepers:
        if isinstance(keeper, BackupAndRestore):
            keeper.backup_dir = os.path.join(keeper.backup_dir, name)
    return [os.path.join(k, name) if isinstance(k, str | os.PathLike) else k for k in keepers]
