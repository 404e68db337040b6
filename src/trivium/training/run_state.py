"""The state of a run: everything that what is left of a `fit` depends on, so that it can go on in another process.

Variables have their paths. Of everything else what is plain is kept: where in the data the run is, the seeds, what the
callbacks and the data have noted for themselves. Nothing in a file can run code: reading gives numbers, texts and
arrays.
"""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from trivium.saving.durable import durable
from trivium.saving.zipped_arrays import DAMAGES, members_of, read_arrays
from trivium.saving.zips import write_zip
from trivium.state import Variable
from trivium.state.plain import decode, encode, host_randomness, set_host_randomness
from trivium.state.session import own_session

__all__ = [
    "Place",
    "RunState",
    "RunStateError",
    "check_variables",
    "named_variables",
    "set_seed",
]

_FORMAT = 1
# The most bytes of text that a file may have; histories of very long runs have a few.
_LIMIT = 64 << 20


class RunStateError(ValueError):
    """A file that holds no state of a run, a damaged one, or that of another run; the message names the file."""


@dataclass
class Place:
    """Where a run is.

    Args:
        epoch: The epoch at work, counted from 0, or the next one where `step` is 0.
        step: How many of its steps are done.
        moment: The seed and the steps taken before the epoch, which the order of its samples follows from.
        source: What the source of the data was at when the epoch began.
        logs: The results so far.
        stopped: Whether the run has ended before its last epoch, since a callback said so or the data ran out.
    """

    epoch: int = 0
    step: int = 0
    moment: tuple[int, int] = (0, 0)
    source: dict[str, Any] = field(default_factory=dict)
    logs: dict[str, Any] = field(default_factory=dict)
    stopped: bool = False


@dataclass
class RunState:
    """The state of a run at a moment between two steps.

    Args:
        place: Where it is.
        began: The optimizer's steps when it began: a second `fit` of a program is another run than its first.
        variables: Arrays by the variables' paths: weights, the optimizer's, seeds and metrics.
        seed: The global seed.
        position: The next free position of the global seed.
        randomness: The states of Python's and NumPy's global generators.
        callbacks: What each callback has noted for itself: its class's name and plain values.
        changes: What callbacks have changed of how the model is trained: `Changes.noted`.
        held: For which weights the optimizers were built that the model holds as attributes: `trained_by_held`.

    Example:
        >>> import tempfile
        >>> state = RunState(Place(epoch=2), 0, {"dense/kernel": np.ones(2)}, seed=7, position=3)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     state.write(f"{folder}/state.run")
        ...     RunState.read(f"{folder}/state.run").place.epoch
        2
    """

    place: Place
    began: int
    variables: dict[str, np.ndarray]
    seed: int
    position: int
    randomness: Any = None
    callbacks: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the state to a file, durably.

        Args:
            path: The file.

        Raises:
            OSError: It cannot be written; a file that was there still is.
        """
        arrays: list[np.ndarray] = []
        parts = {name: encode(_plain(value), arrays) for name, value in vars(self).items()}
        # A zip file has a checksum for each member, so that no flipped bit goes unseen.
        members, forms = members_of(arrays)
        text = json.dumps({"format": _FORMAT, "arrays": forms, **parts}, allow_nan=False)
        with durable(path) as part, open(part, "xb+", buffering=0) as file:
            write_zip(file, {**members, "run.json": text.encode()})

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> RunState:
        """Read a state from a file.

        Args:
            path: The file.

        Raises:
            FileNotFoundError: There is no such file.
            RunStateError: It is damaged, or something else.
        """
        try:
            with zipfile.ZipFile(path) as file:
                return cls._from(file, os.stat(path).st_size)
        except (FileNotFoundError, RunStateError):
            raise
        except DAMAGES as error:
            raise RunStateError(
                f"{Path(path)} holds no state of a run, or a damaged one ({type(error).__name__}: {error}). Take an "
                "older one, or remove the file to begin anew."
            ) from error

    @classmethod
    def _from(cls, file: zipfile.ZipFile, room: int) -> RunState:
        text = file.getinfo("run.json")
        if text.file_size > min(_LIMIT, room):
            raise ValueError(f"a text of {text.file_size:,} bytes")
        parts = json.loads(file.read(text))
        if parts.pop("format") != _FORMAT:
            raise ValueError("another version of the format")
        arrays = read_arrays(file, parts.pop("arrays"), room)
        parts = {name: decode(value, arrays) for name, value in parts.items()}
        place = parts.pop("place")
        state = cls(Place(**place), **parts)
        state._check()
        return state

    def _check(self) -> None:
        """Raise an error for fields that no run has."""
        place = self.place
        counts = [place.epoch, place.step, *place.moment, self.began, self.seed, self.position]
        if any(type(count) is not int or count < 0 for count in counts) or len(place.moment) != 2:
            raise ValueError("counts that are none")
        noted = [state for _, state in self.callbacks]
        if not all(
            isinstance(d, dict)
            for d in (self.variables, place.source, place.logs, self.changes, self.held, *noted)
        ):
            raise ValueError("fields of other types")
        if not all(isinstance(a, np.ndarray) for a in self.variables.values()):
            raise ValueError("variables without arrays")
        if not all(isinstance(text, str) for pair in self.held.items() for text in pair):
            raise ValueError("optimizers without weights")
        if self.randomness is not None:
            before = host_randomness()
            try:
                set_host_randomness(self.randomness)
            finally:
                set_host_randomness(before)


def named_variables(groups: Sequence[Sequence[Variable]]) -> dict[str, Variable]:
    """Return variables by names that say their group and path, and a number where several have one path.

    Args:
        groups: The trainable variables, the others, the optimizer's, the metrics', and those of other optimizers.
    """
    found: dict[str, Variable] = {}
    known: set[int] = set()
    kinds = ("trainable", "other", "optimizer", "metrics", "other optimizers")
    for kind, group in zip(kinds, groups, strict=False):
        for variable in group:
            if id(variable) in known:
                continue
            known.add(id(variable))
            name = f"{kind}: {variable.path}"
            count = 1
            while name in found:
                count += 1
                name = f"{kind}: {variable.path} ({count})"
            found[name] = variable
    return found


def check_variables(
    named: Mapping[str, Variable], arrays: Mapping[str, np.ndarray], where: str
) -> None:
    """Raise an error unless variables and the values of a state fit.

    Args:
        named: The variables.
        arrays: The values.
        where: Where they come from, for messages.

    Raises:
        RunStateError: The state is that of another model.
    """
    hint = (
        f"The run in {where} is that of another model, or a callback had compiled the model anew by then: compile it "
        "so before `fit`. Give another model a folder of its own, or remove that one to begin anew."
    )
    mine, theirs = ([_unnumbered(name) for name in names] for names in (named, arrays))
    if mine != theirs:
        lacking = next((name for name in named if _unnumbered(name) not in theirs), None)
        more = next((name for name in arrays if _unnumbered(name) not in mine), None)
        raise RunStateError(
            f"The model has {len(named)} variables, and the run {len(arrays)} values: the first that the run lacks is "
            f"{lacking!r}, the first that the model lacks {more!r}. {hint}"
        )
    for (name, variable), array in zip(named.items(), arrays.values(), strict=True):
        # Not of its value: the first one need not be drawn.
        shape, dtype = variable.form
        if array.shape != shape or array.dtype.name != dtype:
            raise RunStateError(
                f"{name!r} has shape {shape} and dtype {dtype}; in the run it has {array.shape} and "
                f"{array.dtype}. {hint}"
            )


def _unnumbered(name: str) -> str:
    # The second model of a process has other numbers in its automatic names than the first of the next one.
    return re.sub(r"_\d+(?=[_/ ]|$)", "", name)


def set_seed(seed: int, position: int) -> None:
    """Put the global seed and its next free position back.

    Args:
        seed: The seed.
        position: The position.
    """
    here = own_session()
    if here.seed != seed:
        here.reseed(seed)
    here.position = position


def _plain(value: Any) -> Any:
    return dict(vars(value)) if isinstance(value, Place) else value
