"""`tf.train.Checkpoint` and `CheckpointManager`: the variables of some objects in a file, by the objects' attributes.

A file is Trivium's own, one zip of arrays and JSON called `PREFIX-NUMBER.index`; beside it TensorFlow's small text file
`checkpoint` says which is the latest. What is not built when a file is read gets its values when it is.
"""

from __future__ import annotations

import functools
import json
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np

from trivium.compat.tensorflow.contents import path_of
from trivium.compat.tensorflow.variables import Module
from trivium.compat.written import WRITTEN, covers
from trivium.data.checks import DamagedDataError
from trivium.data.paths import MissingFileError
from trivium.layers.own_names import is_own_name
from trivium.models import Functional, Sequential
from trivium.optimizers import Optimizer
from trivium.saving.durable import durable
from trivium.saving.zipped_arrays import DAMAGES, read_arrays, write_arrays
from trivium.state.jaxpr import outside_of_traces
from trivium.state.scopes import init_scope
from trivium.state.tracking import attributes
from trivium.state.variable import Variable

__all__ = ["read_checkpoint"]

_TEXT, _END, _STATE = "checkpoint.json", ".index", "checkpoint"


# -- what is in an object ---------------------------------------------------------------------------------------


def _parts(thing: Any, given: bool) -> Iterator[tuple[str, Any]]:
    """Yield the parts of an object by their names: attributes that hold variables, entries of containers."""
    if isinstance(thing, Optimizer):
        yield from ((str(i), v) for i, v in enumerate(thing.variables))
    elif isinstance(thing, dict):
        yield from ((str(k), v) for k, v in thing.items())
    elif isinstance(thing, list | tuple):
        yield from ((str(i), v) for i, v in enumerate(thing))
    elif isinstance(thing, Module):
        # Of the program, down to what it calls private.
        yield from attributes(thing).items()
    elif given or isinstance(thing, _Checkpoint) or hasattr(type(thing), "_tracked_as"):
        found = attributes(thing)
        # By the names that users know: files outlast what the library calls things inside.
        listed = isinstance(thing, Sequential | Functional)
        private = {name for name in found if name.startswith("_")}
        inside = {name for name in private if listed or is_own_name(type(thing), name)}
        yield from ((name, part) for name, part in found.items() if name not in inside)
        yield from (("weights", found[name]) for name in ("_added",) if name in found)
        if listed:
            yield "layers", list(thing.layers)


def _may_hold(value: Any) -> bool:
    kinds = Variable | Optimizer | Module | _Checkpoint | dict | list | tuple
    return isinstance(value, kinds) or hasattr(type(value), "_tracked_as")


def _objects(
    thing: Any, path: str = "", above: tuple[int, ...] = (), given: bool = False
) -> Iterator[tuple[str, Any]]:
    """Yield an object and all in it by their paths; what is reached in several ways has several.

    What a checkpoint was `given` may be of any class; further in, only what is known to hold variables is looked into.
    """
    yield path, thing
    if isinstance(thing, Variable) or id(thing) in above:
        return
    whole = isinstance(thing, _Checkpoint)
    for name, part in _parts(thing, given):
        if _may_hold(part) or (whole and hasattr(part, "__dict__")):
            inner = f"{path}/{name}" if path else name
            yield from _objects(part, inner, (*above, id(thing)), given=whole)


def _variables(thing: Any) -> dict[str, Variable]:
    return {path: v for path, v in _objects(thing) if isinstance(v, Variable)}


# -- files ------------------------------------------------------------------------------------------------------


def _write(path: str, held: dict[str, Variable]) -> None:
    arrays: list[np.ndarray] = []
    places: dict[int, int] = {}
    for variable in held.values():
        if id(variable) not in places:
            places[id(variable)] = len(arrays)
            arrays.append(np.asarray(variable.value))
    with durable(f"{path}{_END}") as part, zipfile.ZipFile(part, "w") as file:
        forms = write_arrays(file, arrays)
        known = {"paths": {p: places[id(v)] for p, v in held.items()}, "forms": forms}
        file.writestr(_TEXT, json.dumps(known))


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


# -- reading into objects that may not be built yet ---------------------------------------------------------------


class _Status:
    """What became of the values of a file."""

    def __init__(self, root: Any, values: dict[str, np.ndarray]) -> None:
        self.root, self.values = root, values
        self.used: set[str] = set()
        self.check()
        self.assign()

    def check(self) -> None:
        """Refuse values of other shapes before anything is assigned."""
        for path, variable in _variables(self.root).items():
            if path in self.values:
                self.fits(path, variable)

    def fits(self, path: str, variable: Variable) -> None:
        """Refuse a value of another shape than its variable's."""
        came, wanted = self.values[path].shape, tuple(variable.shape)
        if came != wanted:
            raise ValueError(
                f"The checkpoint has {path!r} in the shape {came}; the variable has {wanted}."
            )

    def assign(self) -> None:
        """Give the variables that there are their values, and wait for those that are to come."""
        done: set[int] = set()
        iterators: list[Any] = []
        for path, thing in _objects(self.root):
            if isinstance(thing, Variable):
                if path in self.values:
                    self.used.add(path)
                    if id(thing) not in done:
                        thing.assign(self.values[path])
                        done.add(id(thing))
            elif isinstance(thing, WRITTEN["tensorflow.data.Iterator"]):
                iterators += [thing] if f"{path}/position" in self.values else []
            elif not getattr(thing, "built", True) and id(thing) not in done:
                done.add(id(thing))
                _after_build(thing, path, self)
        for iterator in iterators:
            iterator.go_to_position()

    def built(self, thing: Any, path: str) -> None:
        """Give what was built its values."""
        found = [(f"{path}/{name}", v) for name, v in _variables(thing).items()]
        new = [(place, v) for place, v in found if place in self.values and place not in self.used]
        # A model may be recording or compiling the call that builds a layer: the values are real nevertheless.
        with outside_of_traces(), init_scope():
            for place, variable in new:
                self.fits(place, variable)
                variable.assign(self.values[place])
                self.used.add(place)

    def _missing(self) -> list[str]:
        return sorted(path for path in _variables(self.root) if path not in self.values)

    def assert_consumed(self) -> Self:
        """Refuse a file with values that no object has."""
        left = sorted(self.values.keys() - self.used)
        if left:
            raise AssertionError(
                f"The checkpoint has values that no object took: {', '.join(left[:5])}. Are all given and built?"
            )
        return self.assert_existing_objects_matched()

    def assert_existing_objects_matched(self) -> Self:
        """Refuse variables that the file has no values of."""
        own = {"save_counter"}
        missing = [path for path in self._missing() if path not in own]
        if missing:
            raise AssertionError(f"The checkpoint has no values of {', '.join(missing[:5])}.")
        return self

    def assert_nontrivial_match(self) -> Self:
        """Refuse a file of which nothing was used."""
        if not self.used - {"save_counter"}:
            raise AssertionError(
                "Nothing of the checkpoint was used: are the objects' names those it has?"
            )
        return self

    def expect_partial(self) -> Self:
        """Say nothing of values that no object took."""
        return self

    def run_restore_ops(self, session: Any = None) -> None:
        """Do nothing: values are there at once."""

    initialize_or_restore = run_restore_ops


def _after_build(thing: Any, path: str, status: _Status) -> None:
    """Have `status` told when a layer or an optimizer has made its variables."""
    name = "build" if isinstance(thing, Optimizer) else "_note_built"
    method = getattr(type(thing), name)

    @functools.wraps(method)
    def noted(*args: Any, **kwargs: Any) -> Any:
        made = method(thing, *args, **kwargs)
        vars(thing).pop(name, None)
        status.built(thing, path)
        return made

    vars(thing)[name] = noted


# -- faces ------------------------------------------------------------------------------------------------------


@covers("tensorflow.train.Checkpoint")
class _Checkpoint:
    """Objects whose variables are written to files and read from them."""

    def __init__(self, root: Any = None, **kwargs: Any) -> None:
        for name, value in kwargs.items():
            if not _may_hold(value) and not hasattr(value, "__dict__"):
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
        for _, thing in _objects(self):
            if isinstance(thing, WRITTEN["tensorflow.data.Iterator"]):
                thing.note_position()
        _write(path, _variables(self))
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

    def read(self, save_path: Any, options: Any = None) -> _Status:
        """Read the variables from a file."""
        return _Status(self, read_checkpoint(path_of(save_path)))

    def restore(self, save_path: Any, options: Any = None) -> _Status:
        """Read the variables from a file; from none where there is none yet."""
        return _Status(self, {}) if save_path is None else self.read(save_path)


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
