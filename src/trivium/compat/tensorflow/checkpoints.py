"""`tf.train.Checkpoint` and `CheckpointManager`: the variables of some objects in a file, by the objects' attributes.

A file is Trivium's own, one zip of arrays and JSON called `PREFIX-NUMBER.index`; beside it TensorFlow's small text file
`checkpoint` says which is the latest. What is not built when a file is read gets its values when it is.
"""

from __future__ import annotations

import json
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from trivium.compat.tensorflow.checkpoint_parts import Checkpointed, may_hold, objects, variables
from trivium.compat.tensorflow.contents import path_of
from trivium.compat.tensorflow.restoring import Status
from trivium.compat.written import WRITTEN, covers
from trivium.data.checks import DamagedDataError
from trivium.data.paths import MissingFileError
from trivium.saving.durable import durable
from trivium.saving.zipped_arrays import DAMAGES, members_of, read_arrays
from trivium.saving.zips import write_zip
from trivium.state.variable import Variable

__all__ = ["read_checkpoint"]

_TEXT, _END, _STATE = "checkpoint.json", ".index", "checkpoint"


# -- files ------------------------------------------------------------------------------------------------------


def _write(path: str, held: dict[str, Variable]) -> None:
    arrays: list[np.ndarray] = []
    places: dict[int, int] = {}
    for variable in held.values():
        if id(variable) not in places:
            places[id(variable)] = len(arrays)
            arrays.append(np.asarray(variable.value))
    members, forms = members_of(arrays)
    known = {"paths": {p: places[id(v)] for p, v in held.items()}, "forms": forms}
    with durable(f"{path}{_END}") as part, open(part, "xb+", buffering=0) as file:
        write_zip(file, {**members, _TEXT: json.dumps(known).encode()})


def read_checkpoint(path: str) -> dict[str, np.ndarray]:
    """Return the values of a checkpoint by the paths of their variables.

    Args:
        path: The checkpoint, as `Checkpoint.save` returned it.

    Raises:
        MissingFileError: There is none.
        DamagedDataError: The file is damaged, or another one.
    """
    name = f"{path}{_END}"
    if not os.path.exists(name):
        folder = os.path.dirname(path) or "."
        there = sorted(p.name.removesuffix(_END) for p in Path(folder).glob(f"*{_END}"))
        known = f" There are {', '.join(there)}." if there else ""
        raise MissingFileError(f"There is no checkpoint {path!r}.{known}")
    try:
        with zipfile.ZipFile(name) as file:
            known = json.loads(file.read(_TEXT))
            arrays = read_arrays(file, known["forms"], os.path.getsize(name))
            return {p: arrays[i] for p, i in known["paths"].items()}
    except DAMAGES as error:
        raise DamagedDataError(
            f"The file {name!r} is no checkpoint that `trivium run` wrote, or is damaged ({error})."
        ) from None


# -- faces ------------------------------------------------------------------------------------------------------


@covers("tensorflow.train.Checkpoint")
class _Checkpoint(Checkpointed):
    """Objects whose variables are written to files and read from them."""

    def __init__(self, root: Any = None, **kwargs: Any) -> None:
        for name, value in kwargs.items():
            if not may_hold(value) and not hasattr(value, "__dict__"):
                raise ValueError(
                    f"tf.train.Checkpoint: {name}={value!r} holds no variables; wanted a model, a layer, an optimizer, "
                    "a variable, or lists and dicts of them."
                )
        if root is not None:
            self.root = root
        vars(self).update(kwargs)
        self.save_counter = WRITTEN["tensorflow.Variable"](0, trainable=False, name="save_counter")

    def write(self, file_prefix: Any, options: Any = None) -> str:
        """Write the variables to a file of this name."""
        path = path_of(file_prefix)
        for _, thing in objects(self):
            if isinstance(thing, WRITTEN["tensorflow.data.Iterator"]):
                thing.note_position()
        _write(path, variables(self))
        return path

    def save(self, file_prefix: Any, options: Any = None) -> str:
        """Write the variables to the next file of this name, and note that it is the latest."""
        self.save_counter.assign_add(1)
        path = f"{path_of(file_prefix)}-{int(self.save_counter.value)}"
        self.write(path)
        folder, name = os.path.split(path)
        known = [n for n in _noted(folder) if n != name]
        _note(folder, [*known, name])
        return path

    def read(self, save_path: Any, options: Any = None) -> Status:
        """Read the variables from a file."""
        return Status(self, read_checkpoint(path_of(save_path)))

    def restore(self, save_path: Any, options: Any = None) -> Status:
        """Read the variables from a file; from none where there is none yet."""
        return Status(self, {}) if save_path is None else self.read(save_path)


def _noted(folder: str) -> list[str]:
    """Return the names of the checkpoints of a folder, the latest last."""
    try:
        text = Path(folder, _STATE).read_text("utf-8")
    except FileNotFoundError:
        return []
    names = re.findall(r'^all_model_checkpoint_paths: "(.*)"$', text, re.MULTILINE)
    return [os.path.basename(n) for n in names]


def _note(folder: str, names: list[str]) -> None:
    lines = [f'model_checkpoint_path: "{names[-1]}"'] if names else []
    lines += [f'all_model_checkpoint_paths: "{name}"' for name in names]
    with durable(Path(folder, _STATE)) as part:
        part.write_text("".join(f"{line}\n" for line in lines), "utf-8")


@covers("tensorflow.train.latest_checkpoint")
def _latest_checkpoint(checkpoint_dir: Any, latest_filename: Any = None) -> str | None:
    folder = path_of(checkpoint_dir)
    names = [n for n in _noted(folder) if os.path.exists(os.path.join(folder, n + _END))]
    return os.path.join(folder, names[-1]) if names else None


@covers("tensorflow.train.CheckpointManager")
class _CheckpointManager:
    """The latest files of a checkpoint in a folder."""

    def __init__(
        self,
        checkpoint: Any,
        directory: Any,
        max_to_keep: int | None,
        keep_checkpoint_every_n_hours: float | None = None,
        checkpoint_name: str = "ckpt",
        step_counter: Any = None,
        checkpoint_interval: int | None = None,
        init_fn: Any = None,
    ) -> None:
        if max_to_keep is not None and max_to_keep < 1:
            raise ValueError(f"`max_to_keep` is at least 1, or None for all; got {max_to_keep}.")
        self._checkpoint, self._name = checkpoint, checkpoint_name
        self.directory = path_of(directory)
        self._keep, self._counter, self._interval = max_to_keep, step_counter, checkpoint_interval
        self._initialize = init_fn
        self._last: int | None = None
        known = (os.path.join(self.directory, n) for n in _noted(self.directory))
        self.checkpoints = [path for path in known if os.path.exists(path + _END)]

    @property
    def checkpoint(self) -> Any:
        return self._checkpoint

    @property
    def checkpoint_interval(self) -> int | None:
        return self._interval

    @property
    def latest_checkpoint(self) -> str | None:
        return self.checkpoints[-1] if self.checkpoints else None

    def save(
        self, checkpoint_number: Any = None, check_interval: bool = True, options: Any = None
    ) -> str | None:
        """Write the next file, and take the oldest away where there are more than are kept."""
        step = None if self._counter is None else int(np.asarray(self._counter))
        if self._interval is not None and check_interval and step is not None:
            if self._last is not None and step < self._last + self._interval:
                return None
            self._last = step
        counter = self._checkpoint.save_counter
        counter.assign_add(1)
        number = int(np.asarray(counter if checkpoint_number is None else checkpoint_number))
        path = os.path.join(self.directory, f"{self._name}-{number}")
        self._checkpoint.write(path)
        self.checkpoints = [*(p for p in self.checkpoints if p != path), path]
        gone = self.checkpoints[: -self._keep] if self._keep is not None else []
        self.checkpoints = self.checkpoints[len(gone) :]
        _note(self.directory, [os.path.basename(p) for p in self.checkpoints])
        for old in gone:
            Path(old + _END).unlink(missing_ok=True)
        return path

    def restore_or_initialize(self) -> str | None:
        """Read the latest file, if there is one."""
        latest = self.latest_checkpoint
        if latest is not None:
            self._checkpoint.restore(latest)
        elif self._initialize is not None:
            self._initialize()
        return latest
