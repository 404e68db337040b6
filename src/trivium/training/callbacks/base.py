"""What every callback is: hooks that the training loop calls while it stands still."""

from __future__ import annotations

import inspect
from typing import Any

__all__ = ["BATCH_HOOKS", "Callback", "Logs", "overrides"]

Logs = dict[str, Any]

BATCH_HOOKS = {
    "train": ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}


class Callback:
    """Something to do while a model trains, is evaluated or predicts: override the hooks you need.

    Training runs in compiled chunks of many steps. A callback with batch hooks of its own gets
    chunks of `steps_per_execution` steps, so that it stands between any two; one without costs
    nothing. One that has to look at some batches only says how many may pass (`batches_ahead`);
    `on_chunk_end` is for what only wants to look in from time to time.

    `logs` are floats by name, such as `loss` and `val_accuracy`. Setting
    `self.model.stop_training = True` ends `fit` at the next edge, `stop_evaluating` and
    `stop_predicting` end the pass that is going on.

    Attributes:
        model: The model at work.
        params: A dict with `verbose`, `epochs` and `steps`.
        validates: Whether the run has data to validate on; `None` where nobody has said (Trivium's addition).
        run: The `fit` at work (Trivium's addition).

    Example:
        >>> class Shout(Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(f"{epoch + 1}: {logs['loss']:.1f}!")
        >>> Shout().on_epoch_end(0, {"loss": 0.25})
        1: 0.2!
        >>> Shout().wants_batches("train")
        False
    """

    model: Any = None
    params: dict[str, Any] | None = None
    validates: bool | None = None
    run: Any = None

    def set_params(self, params: dict[str, Any]) -> None:
        """Take the run's `verbose`, `epochs` and `steps`."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Take the model at work."""
        self.model = model

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "run": None}  # A run is a process's own.

    def set_run(self, run: Any) -> None:
        """Take the `fit` at work before it begins, and `None` when it has ended (Trivium's addition)."""
        self.run = run

    def get_state(self) -> dict[str, Any] | None:
        """Return what a run needs of this callback to go on in another process (Trivium's addition).

        Returns:
            Plain values by name: numbers, texts, arrays, and lists, tuples, sets and dicts of them. `None`, as here,
            stands for those of the callback's attributes that are plain and have changed since the run began.
        """
        return None

    def set_state(self, state: dict[str, Any]) -> None:
        """Take back what `get_state` gave in another process; it comes after `on_train_begin` (Trivium's addition).

        The arguments that one of the library's callbacks was made with stay, its paths and addresses above all: they
        are the program's to say, not a file's.

        Args:
            state: What it gave.
        """
        said = {
            name
            for kind in type(self).__mro__
            if kind.__module__.partition(".")[0] == "trivium"
            for name in inspect.signature(kind).parameters
        }
        vars(self).update({k: v for k, v in state.items() if k not in said})

    def wants_batches(self, mode: str) -> bool:
        """Say whether the loop has to stop around batches for this callback (Trivium's addition).

        Args:
            mode: `"train"`, `"test"` or `"predict"`.

        Returns:
            Whether one of the mode's batch hooks is the callback's own.
        """
        return any(overrides(self, hook, Callback) for hook in BATCH_HOOKS[mode])

    def batches_ahead(self, mode: str, step: int) -> int:
        """Return how many batches may run before the callback's next batch hook (Trivium's addition).

        It is asked of callbacks that want batches, before the first batch and after each hook. The batches in between
        run as one chunk, unless another callback wants to see them.

        Args:
            mode: `"train"`, `"test"` or `"predict"`.
            step: How many batches of the epoch are done.

        Returns:
            At least 1, which stands for every batch, and for every `steps_per_execution` batches.
        """
        return 1

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Run before epoch `epoch`, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Run after epoch `epoch` and its validation; `logs` has the results of both."""

    def on_chunk_end(self, mode: str, step: int, logs: Logs | None = None) -> None:
        """Run wherever a compiled chunk ends, at least twice a second (Trivium's addition).

        Args:
            mode: `"train"`, `"test"` or `"predict"`.
            step: How many steps of the epoch are done.
            logs: The results so far.
        """

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before training on a batch; the older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after training on a batch; the older name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before training on batch `batch` of the epoch, counted from 0."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after training on a batch; `logs` has the epoch's results so far."""
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before evaluating a batch, in `evaluate` and in `fit`'s validation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after evaluating a batch."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before predicting a batch."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after predicting a batch."""

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Run when `fit` begins."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Run when `fit` ends; `logs` are the last epoch's."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Run when an evaluation begins."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Run when an evaluation ends; `logs` are its results."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Run when `predict` begins."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Run when `predict` ends."""


def overrides(callback: Callback, hook: str, base: type[Callback]) -> bool:
    """Say whether a callback's hook is another than the one that `base` has.

    A function put on the object itself counts too, as in `LambdaCallback`.

    Example:
        >>> overrides(Callback(), "on_batch_end", Callback)
        False
    """
    return getattr(getattr(callback, hook), "__func__", None) is not getattr(base, hook)
