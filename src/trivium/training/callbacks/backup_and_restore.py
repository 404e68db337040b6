"""A run that goes on where it was, when the program is started again."""

from __future__ import annotations

import os
import threading
import time
import warnings
from pathlib import Path
from typing import Any

from trivium.training.callbacks.base import Logs
from trivium.training.callbacks.console import say
from trivium.training.callbacks.monitor import MonitorCallback
from trivium.training.run_state import RunState, RunStateError

__all__ = ["BackupAndRestore"]

_SUFFIX = ".run"


class BackupAndRestore(MonitorCallback):
    """Keeps the state of `fit` in a folder; the same program, started again, goes on from there to the same bits.

    Kept are the weights, the optimizer, all seeds, the metrics, the place in the data, and what each callback has noted
    for itself (`Callback.get_state`). Files are written in the background, each as a whole or not at all, and carry
    checksums; where the newest is damaged, the one before it is taken.

    Each `fit` of a program needs a folder of its own.

    Args:
        backup_dir: The folder.
        save_freq: `"epoch"`, or a number of steps.
        double_checkpoint: Kept for Keras's signature; `keep` is two anyway.
        delete_checkpoint: Whether to empty the folder when `fit` has ended, so that the program begins anew the next
            time.
        save_seconds: Keep the state after every so many seconds, besides (Trivium's addition).
        keep: How many of the newest states to keep (Trivium's addition).
        keep_every: Keep those of every so many epochs, besides (Trivium's addition).
        monitor: A result such as `"val_loss"`; the state of the epoch that has the best is kept, besides (Trivium's
            addition).
        mode: `"min"`, `"max"`, or `"auto"` to tell the better by the name (Trivium's addition).
        verbose: 1 says where the run goes on.

    Raises:
        ValueError: A count is too small.
        OSError: The folder cannot be made or written to.
        RunStateError: The folder holds the state of another run, or damaged files alone.

    Example:
        >>> import tempfile, numpy as np, trivium as tv
        >>> x = np.arange(8.0, dtype="float32").reshape(8, 1)
        >>> model = tv.Sequential([tv.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     backup = tv.callbacks.BackupAndRestore(folder, delete_checkpoint=False)
        ...     history = model.fit(x, x, epochs=3, verbose=0, callbacks=[backup])
        ...     sorted(os.listdir(folder))
        ['epoch-00002-step-000000000.run', 'epoch-00003-step-000000000.run']
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
        *,
        save_seconds: float | None = None,
        keep: int = 2,
        keep_every: int | None = None,
        monitor: str | None = None,
        mode: str = "auto",
        verbose: int = 0,
    ) -> None:
        super().__init__(monitor or "val_loss", mode)
        if save_freq != "epoch" and (not isinstance(save_freq, int) or save_freq < 1):
            raise ValueError(
                f"BackupAndRestore's save_freq is 'epoch' or a number of steps; got {save_freq!r}."
            )
        for name, count in (("keep", keep), ("keep_every", keep_every or 1)):
            if not isinstance(count, int) or count < 1:
                raise ValueError(f"BackupAndRestore's {name} is at least 1; got {count!r}.")
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq, self.save_seconds = save_freq, save_seconds
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint
        self.keep, self.keep_every, self.verbose = keep, keep_every, verbose
        self._watches = monitor is not None
        self._best_file: str | None = None
        self._since = (
            0  # How many steps have been done since the last time, with those of `_epoch`.
        )
        self._seen = 0
        self._time = time.monotonic()
        self._writer = _Writer()

    @property
    def where(self) -> str:
        """The folder, for messages."""
        return repr(self.backup_dir)

    def set_run(self, run: Any) -> None:
        """Have the run go on from the newest state in the folder, if there is one."""
        super().set_run(run)
        if run is None:
            return
        folder = Path(self.backup_dir)
        folder.mkdir(parents=True, exist_ok=True)
        for part in folder.glob(f"*{_SUFFIX}.*.part"):  # What a write that was killed left.
            part.unlink(missing_ok=True)
        run.keepers.append(self)
        state = self._newest()
        if state is not None:
            run.go_on_from(state, self.where)
            if self.verbose:
                say(
                    f"The run in {self.where} goes on in epoch {state.place.epoch + 1}, after {state.place.step} of "
                    "its steps."
                )
        self._since = self._seen = 0
        self._time = time.monotonic()

    def get_state(self) -> dict[str, Any]:
        """Return which epoch was the best."""
        return {"best": self.best, "_best_file": self._best_file}

    # -- what the run asks --------------------------------------------------------------------------------------

    def wants_batches(self, mode: str) -> bool:
        """Say whether to stop between steps: where a number of them is `save_freq`."""
        return (mode == "train" and self.save_freq != "epoch") or super().wants_batches(mode)

    def batches_ahead(self, mode: str, step: int) -> int:
        """Return how many steps there are until the state is to be kept."""
        if self.save_freq == "epoch":
            return 1
        return max(1, int(self.save_freq) - self._since - (step - self._seen))

    def at_step(self, run: Any, done: int) -> None:
        """Keep the state if it is time."""
        self._since += done - self._seen
        self._seen = done
        by_steps = self.save_freq != "epoch" and self._since >= int(self.save_freq)
        by_time = self.save_seconds is not None
        if by_steps or (by_time and time.monotonic() - self._time >= float(self.save_seconds or 0)):
            self._keep(run)

    def at_epoch(self, run: Any, last: bool) -> None:
        """Keep the state at the end of an epoch, once all callbacks have run."""
        self._seen = 0
        best = self._watches and self._better(run.place.logs)
        if best:
            self._best_file = self._name(run)
        if self.save_freq == "epoch" or last or best or self._lasting(run.place.epoch):
            self._keep(run)
        if last:
            self._writer.wait()

    def at_interrupt(self, run: Any) -> None:
        """Keep the state when Ctrl-C ends the run."""
        self._keep(run)
        self._writer.wait()

    def settle(self) -> None:
        """Wait for a file that is being written, whichever way the run ends."""
        self._writer.join()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Empty the folder, if that was asked for."""
        self._writer.wait()
        if self.delete_checkpoint:
            for path in self._files():
                path.unlink(missing_ok=True)

    # -- files --------------------------------------------------------------------------------------------------

    def _better(self, logs: Logs) -> bool:
        value = self.current(logs)
        if value is None or not self.improves(value, self.best):
            return False
        self.best = value
        return True

    def _lasting(self, epoch: int) -> bool:
        return self.keep_every is not None and epoch % self.keep_every == 0

    def _name(self, run: Any) -> str:
        return f"epoch-{run.place.epoch:05d}-step-{run.place.step:09d}{_SUFFIX}"

    def _files(self) -> list[Path]:
        return sorted(Path(self.backup_dir).glob(f"epoch-*{_SUFFIX}"))

    def _keep(self, run: Any) -> None:
        self._since, self._time = 0, time.monotonic()
        path = Path(self.backup_dir) / self._name(run)
        state = run.state()  # A copy: the next step writes over the variables' memory.

        def write() -> None:
            state.write(path)
            self._remove_old()

        self._writer.start(write)

    def _remove_old(self) -> None:
        for path in self._files()[: -self.keep]:
            epoch, step = (int(word) for word in path.name[: -len(_SUFFIX)].split("-")[1::2])
            lasting = step == 0 and self._lasting(epoch)
            if not lasting and path.name != self._best_file:
                path.unlink(missing_ok=True)

    def _newest(self) -> RunState | None:
        """Return the newest state that is whole."""
        files = self._files()
        for path in reversed(files):
            try:
                return RunState.read(path)
            except RunStateError as error:
                if path == files[0]:
                    raise
                warnings.warn(f"{error} The one before it is taken.", stacklevel=6)
        return None

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_writer": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._writer = _Writer()


class _Writer:
    """One file at a time, written while training goes on; an error is raised when the next one comes."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def start(self, write: Any) -> None:
        self.wait()

        def run() -> None:
            try:
                write()
            except BaseException as error:
                self._error = error

        # Not a daemon: a program that ends waits for its last file.
        self._thread = threading.Thread(target=run, name="trivium-backup")
        self._thread.start()

    def join(self) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def wait(self) -> None:
        self.join()
        if self._error is not None:
            error, self._error = self._error, None
            raise error
