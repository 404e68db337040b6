"""Checkpoints in Orbax's format, which several hosts write together."""

from __future__ import annotations

import os
from typing import Any

import jax.numpy as jnp

from trivium.training.callbacks.base import Logs
from trivium.training.callbacks.console import say
from trivium.training.callbacks.monitor import MonitorCallback
from trivium.training.run_state import RunStateError, named_variables

__all__ = ["OrbaxCheckpoint"]


class OrbaxCheckpoint(MonitorCallback):
    """Writes the model's and the optimizer's variables as Orbax checkpoints while `fit` runs.

    A checkpoint is a folder named by the optimizer's steps. `restore` takes one back into a model; to go on with a run
    to the same bits, data and callbacks included, use `fit(..., resume=folder)`.

    Args:
        directory: The folder that the checkpoints are in.
        monitor: The result that says which one is the best.
        verbose: 1 says what it does.
        save_best_only: Whether to save only when `monitor` has become better.
        mode: `"min"`, `"max"`, or `"auto"` to tell the better by the name.
        save_freq: `"epoch"`, or a number of steps.
        initial_value_threshold: What `monitor` has to be better than at first.
        max_to_keep: How many to keep; `None` keeps all.
        save_on_background: Whether training goes on while a checkpoint is written.
        save_weights_only: Whether to leave the optimizer's and the metrics' variables out.

    Raises:
        ModuleNotFoundError: Orbax is not installed.
        ValueError: `save_freq` is neither `"epoch"` nor a number of steps.

    Reference:
        https://orbax.readthedocs.io

    Example:
        >>> import tempfile, numpy as np, trivium as tv
        >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)])
        >>> model.compile("sgd", "mse")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     checkpoint = OrbaxCheckpoint(folder, save_on_background=False)
        ...     history = model.fit(np.ones((4, 4)), np.ones((4, 2)), verbose=0, callbacks=[checkpoint])
        ...     checkpoint.restore(model)
        1
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
        max_to_keep: int | None = 1,
        save_on_background: bool = True,
        save_weights_only: bool = False,
    ) -> None:
        super().__init__(monitor, mode)
        if save_freq != "epoch" and (not isinstance(save_freq, int) or save_freq < 1):
            raise ValueError(
                f"OrbaxCheckpoint's save_freq is 'epoch' or a number of steps; got {save_freq!r}."
            )
        _orbax()
        self.directory = os.path.abspath(os.fspath(directory))
        self.verbose, self.save_best_only, self.save_freq = verbose, save_best_only, save_freq
        self.best = initial_value_threshold
        self.max_to_keep, self.save_on_background = max_to_keep, save_on_background
        self.save_weights_only = save_weights_only
        self._manager: Any = None
        self._since = 0
        self._seen = 0

    def wants_batches(self, mode: str) -> bool:
        """Say whether to stop between steps: where a number of them is `save_freq`."""
        return mode == "train" and self.save_freq != "epoch"

    def batches_ahead(self, mode: str, step: int) -> int:
        """Return how many steps there are until the next checkpoint."""
        return max(1, int(self.save_freq) - self._since) if self.save_freq != "epoch" else 1

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Open the folder."""
        self._since = self._seen = 0
        self._open()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Count the epoch's steps from the first."""
        self._seen = 0

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save, if it is time."""
        self._since, self._seen = self._since + batch + 1 - self._seen, batch + 1
        if self.save_freq != "epoch" and self._since >= int(self.save_freq):
            self._since = 0
            self._save(logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save, if checkpoints are for epochs."""
        if self.save_freq == "epoch":
            self._save(logs)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Wait for what is being written."""
        self._close()

    def restore(self, model: Any, step: int | None = None) -> int:
        """Give a model, and its optimizer where both have them, the values of a checkpoint.

        Args:
            model: A model like the one that was saved, built.
            step: Which one; the newest where it is `None`.

        Returns:
            The step.

        Raises:
            FileNotFoundError: There is no checkpoint.
            RunStateError: It is that of another model; nothing has been changed.
        """
        self._open()
        try:
            step = self._manager.latest_step() if step is None else step
            if step is None or step not in self._manager.all_steps():
                raise FileNotFoundError(
                    f"{self.directory} has no checkpoint{'' if step is None else f' {step}'}."
                )
            found = self._manager.restore(step, args=_orbax().args.StandardRestore())
        finally:
            self._close()
        named = _named(model, "optimizer" not in " ".join(found))
        for name, variable in named.items():
            value = found.get(name)
            if value is None or value.shape != variable.peek().shape:
                have = "not there" if value is None else f"of shape {value.shape}"
                raise RunStateError(
                    f"{name!r} is {have} in checkpoint {step} of {self.directory}; the model has it with shape "
                    f"{variable.peek().shape}."
                )
        for name, variable in named.items():
            variable.replace(jnp.array(found[name]))
        return int(step)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_manager": None}

    def _save(self, logs: Logs | None) -> None:
        if self.save_best_only:
            value = self.current(logs)
            if value is None or not self.improves(value, self.best):
                return
            self.best = value
        step = int(self.model.optimizer.iterations)
        # Copies: the next step writes over the variables' memory.
        values = {
            name: jnp.array(variable.peek(), copy=True)
            for name, variable in _named(self.model, self.save_weights_only).items()
        }
        self._manager.save(step, args=_orbax().args.StandardSave(values))
        if self.verbose:
            say(f"OrbaxCheckpoint saves step {step} in {self.directory}.")

    def _open(self) -> None:
        checkpoints = _orbax()
        options = checkpoints.CheckpointManagerOptions(
            max_to_keep=self.max_to_keep, enable_async_checkpointing=self.save_on_background
        )
        self._manager = checkpoints.CheckpointManager(self.directory, options=options)

    def _close(self) -> None:
        if self._manager is not None:
            self._manager.wait_until_finished()
            self._manager.close()
            self._manager = None


def _named(model: Any, weights_only: bool) -> dict[str, Any]:
    """Return a model's variables by names without slashes, which Orbax would take for folders."""
    groups = [model.trainable_variables, model.non_trainable_variables]
    optimizer = model.optimizer
    if not weights_only and optimizer is not None and optimizer.built:
        groups += [optimizer.variables, model.metrics_variables]
    return {name.replace("/", "."): v for name, v in named_variables(groups).items()}


def _orbax() -> Any:
    try:
        import orbax.checkpoint
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'OrbaxCheckpoint needs Orbax: pip install "trivium[orbax]".', name=error.name
        ) from None
    return orbax.checkpoint
