"""Each epoch's results as a row of a file."""

from __future__ import annotations

import csv
import os
from typing import Any, TextIO

import numpy as np

from trivium.training.callbacks.base import Callback, Logs

__all__ = ["CSVLogger"]


class CSVLogger(Callback):
    """Writes the epochs' results to a file of separated values, a row as soon as its epoch ends.

    The columns are the epoch and the first epoch's names in alphabetical order; if those have no
    validation results yet, their `val_` names follow. `NA` stands where an epoch has no value.

    Args:
        filename: The file.
        separator: What stands between two values.
        append: Go on with a file that is there in place of overwriting it.

    Example:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "log.csv"
        >>> logger = CSVLogger(path)
        >>> logger.on_train_begin()
        >>> logger.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.75})
        >>> logger.on_train_end()
        >>> print(path.read_text().strip())
        epoch,loss,val_loss
        0,0.5,0.75
    """

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self._keys: list[str] | None = None
        self._file: TextIO | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_file": None}  # Each copy opens a file of its own.

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Open the file."""
        append = self.append or (self.run is not None and self.run.resumed is not None)
        continued = append and os.path.exists(self.filename) and os.path.getsize(self.filename) > 0
        self._write_header = not continued
        self._close()
        self._file = open(self.filename, "a" if append else "w", newline="", encoding="utf-8")  # noqa: SIM115

    def get_state(self) -> dict[str, Any]:
        """Return the columns, and how long the file is."""
        length = None if self._file is None else self._file.tell()
        return {"keys": self._keys, "header": self._write_header, "length": length}

    def set_state(self, state: dict[str, Any]) -> None:
        """Cut off the rows of epochs that are to be done again."""
        self._keys, self._write_header = state["keys"], state["header"]
        if self._file is not None and state["length"] is not None:
            self._file.truncate(state["length"])
            self._file.seek(0, os.SEEK_END)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the epoch's row."""
        logs = logs or {}
        if self._file is None:
            raise RuntimeError(f"CSVLogger({self.filename!r}) writes during fit only.")
        if self._keys is None:
            self._keys = sorted(logs)
            # With `validation_freq` the first epoch may have none of the results that later ones have.
            if self.validates is not False and not any(name.startswith("val_") for name in logs):
                self._keys += [f"val_{name}" for name in self._keys]
        writer = csv.writer(self._file, delimiter=self.sep, lineterminator="\n")
        if self._write_header:
            writer.writerow(["epoch", *self._keys])
            self._write_header = False
        writer.writerow([epoch, *(_cell(logs[key]) if key in logs else "NA" for key in self._keys)])
        self._file.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the file."""
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _cell(value: Any) -> Any:
    if isinstance(value, str) or np.ndim(value) == 0:
        return value
    return f'"[{", ".join(str(item) for item in value)}]"'
