"""The trials of a search in Optuna's storage, where every process of the search reads and writes them.

What Optuna has a place for is there (parameters, values, states), so that its samplers, plots and dashboard work on
it; what it has none for are attributes. A trial is written whole when it is made and whole when it ends, so that a
process may be killed at any moment.
"""

from __future__ import annotations

import contextlib
import importlib.util
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trivium.tuning.errors import FatalRuntimeError, FatalValueError
from trivium.tuning.hyperparameter import HyperParameter
from trivium.tuning.owners import Heartbeat, Owner, Watch
from trivium.tuning.turns import Turns

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial
    from sqlalchemy import URL

__all__ = ["Store", "optuna"]

_PREFIX = "trivium:"


def optuna() -> Any:
    """Return the module Optuna.

    Raises:
        ImportError: It is not installed.
    """
    if importlib.util.find_spec("optuna") is None:
        raise ImportError(
            "trivium.tuning searches with Optuna, which is not installed: pip install 'trivium[tuning]'."
        )
    import optuna

    return optuna


@contextlib.contextmanager
def _quietly(library: Any) -> Iterator[None]:
    """Keep Optuna from saying what the tuner says itself."""
    before = library.logging.get_verbosity()
    library.logging.set_verbosity(library.logging.WARNING)
    try:
        yield
    finally:
        library.logging.set_verbosity(before)


def database(storage: str | None, folder: Path) -> Any:
    """Return SQLAlchemy's URL of a search's database.

    Args:
        storage: A URL, or `None` for SQLite in the search's folder.
        folder: The search's folder.

    Raises:
        FatalValueError: It is the URL of nothing that several processes can take turns on.
        ImportError: The driver is not installed.
    """
    optuna()
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    if storage is None:
        return make_url(f"sqlite:///{folder / 'study.db'}")
    try:
        url = make_url(str(storage))
    except ArgumentError:
        raise FatalValueError(
            f"`storage` is a URL such as 'sqlite:///study.db' or 'postgresql://user@host/database'; got {storage!r}."
        ) from None
    kind = url.get_backend_name()
    if kind not in ("sqlite", "postgresql", "postgres"):
        raise FatalValueError(
            f"`storage` is on SQLite or PostgreSQL, which processes can take turns on; got {storage!r}."
        )
    if kind == "sqlite":
        return url
    if importlib.util.find_spec("psycopg") is None:
        raise ImportError(
            "PostgreSQL is reached through psycopg, which is not installed: pip install 'trivium[postgresql]'."
        )
    return url.set(drivername="postgresql+psycopg")


class Store:
    """The trials of one search.

    Args:
        url: SQLAlchemy's URL of the database.
        name: The search's name in it.
        maximize: Whether a larger score is better.
        overwrite: Whether to begin anew where there is one of this name.

    Attributes:
        owner: This process.
        fresh: Whether the search was new.
    """

    def __init__(self, url: URL, name: str, maximize: bool, overwrite: bool = False) -> None:
        library = optuna()
        self.owner, self._watch, self._turns = Owner(), Watch(), Turns(url, name)
        connect = {"timeout": 60} if url.get_backend_name() == "sqlite" else {}
        where = url.render_as_string(hide_password=True)
        try:
            with self._turns.turn(), _quietly(library):
                self._storage = library.storages.RDBStorage(
                    url.render_as_string(hide_password=False),
                    engine_kwargs={"connect_args": connect},
                )
                names = {s.study_name for s in self._storage.get_all_studies()}
                if overwrite and name in names:
                    library.delete_study(study_name=name, storage=self._storage)
                self.fresh = overwrite or name not in names
                self.study = library.create_study(
                    storage=self._storage,
                    study_name=name,
                    direction="maximize" if maximize else "minimize",
                    load_if_exists=True,
                )
        except Exception as error:
            if isinstance(error, ImportError | FatalRuntimeError):
                raise
            raise FatalRuntimeError(
                f"The storage {where} cannot be used: {type(error).__name__}: {str(error).splitlines()[0]}"
            ) from error
        self._id = self._storage.get_study_id_from_name(name)
        # A database counts its connections, and nobody closes a tuner.
        weakref.finalize(self, self._storage.engine.dispose)

    def drawing(self, sampler: BaseSampler) -> Any:
        """Return a trial of Optuna's that a sampler draws for, and that is not in the storage.

        It belongs to a copy of the study in memory: samplers write notes of their own to the trials that they draw for,
        and a draw may be one that was tried before.

        Args:
            sampler: The sampler.
        """
        library = optuna()
        with _quietly(library):
            copy = library.create_study(directions=self.study.directions, sampler=sampler)
            copy.add_trials(self.trials())
            return copy.ask()

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Be the only process that decides while the `with` block lasts."""
        with self._turns.turn():
            yield

    # -- what is noted of the search ------------------------------------------------------------------------------

    def note(self, name: str, value: Any) -> None:
        """Note something of the search."""
        self._storage.set_study_system_attr(self._id, _PREFIX + name, value)

    def noted(self, name: str) -> Any:
        """Return what was noted of the search, or `None`."""
        return self._storage.get_study_system_attrs(self._id).get(_PREFIX + name)

    # -- trials ----------------------------------------------------------------------------------------------------

    def trials(self) -> list[FrozenTrial]:
        """Return Optuna's records of all trials, in the order of their numbers."""
        return list(self.study.get_trials(deepcopy=False))

    def trial(self, number: int) -> FrozenTrial:
        """Return Optuna's record of a trial."""
        return self.study.get_trials(deepcopy=False)[number]

    def of(self, record: FrozenTrial, name: str, default: Any = None) -> Any:
        """Return what was noted of a trial."""
        return record.system_attrs.get(_PREFIX + name, default)

    def create(self, space: list[HyperParameter], values: Mapping[str, Any]) -> int:
        """Make a running trial of this process, and return its number.

        Args:
            space: The hyperparameters.
            values: Their values, and other notes.
        """
        library = optuna()
        samples, ranges = self.samples(space, values)
        record = library.trial.create_trial(
            state=library.trial.TrialState.RUNNING,
            params=samples,
            distributions=ranges,
            system_attrs={
                _PREFIX + "values": dict(values),
                _PREFIX + "owner": self.owner.config(),
            },
        )
        made = self._storage.create_new_trial(self._id, template_trial=record)
        return int(self._storage.get_trial_number_from_id(made))

    def samples(
        self, space: list[HyperParameter], values: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return values as what Optuna's samplers draw, and what they draw from."""
        samples, ranges = {}, {}
        for one in space:
            ranged = one.distribution() if one.name in values and one.active(values) else None
            if ranged is None:
                continue
            with contextlib.suppress(
                ValueError
            ):  # A value that somebody set, and no sampler draws.
                sample = one.sample(values[one.name])
                if ranged._contains(ranged.to_internal_repr(sample)):
                    samples[one.key], ranges[one.key] = sample, ranged
        return samples, ranges

    def record(self, number: int, **notes: Any) -> None:
        """Note something of a trial that is not finished."""
        made = self._trial_id(number)
        for name, value in notes.items():
            self._storage.set_trial_system_attr(made, _PREFIX + name, value)

    def values(self, number: int, space: list[HyperParameter], values: Mapping[str, Any]) -> None:
        """Note the values of a running trial, when it has defined new hyperparameters."""
        made = self._trial_id(number)
        known = self._storage.get_trial(made).params
        samples, ranges = self.samples(space, values)
        for key, sample in samples.items():
            if key not in known:
                internal = ranges[key].to_internal_repr(sample)
                self._storage.set_trial_param(made, key, internal, ranges[key])
        self.record(number, values=dict(values))

    def report(self, number: int, value: float, step: int) -> bool:
        """Note the score after an epoch, and return whether the study's pruner would end the trial there."""
        self._storage.set_trial_intermediate_value(self._trial_id(number), step, value)
        return bool(
            self.study.pruner.prune(self.study, self._storage.get_trial(self._trial_id(number)))
        )

    def finish(self, number: int, state: str, value: float | None = None) -> None:
        """End a trial: `"COMPLETE"`, `"PRUNED"` or `"FAIL"`, with its score."""
        states = optuna().trial.TrialState
        self._storage.set_trial_state_values(
            self._trial_id(number), states[state], None if value is None else [value]
        )

    def _trial_id(self, number: int) -> int:
        return int(self._storage.get_trial_id_from_study_id_trial_number(self._id, number))

    # -- owners ----------------------------------------------------------------------------------------------------

    def beating(self, number: int) -> Heartbeat:
        """Return what gives signs of life for a trial while it runs."""
        return Heartbeat(lambda count: self.record(number, beat=count))

    def is_mine(self, record: FrozenTrial) -> bool:
        """Say whether this process runs a trial."""
        return (self.of(record, "owner") or {}).get("token") == self.owner.token

    def is_abandoned(self, record: FrozenTrial) -> bool:
        """Say whether nobody runs an unfinished trial any more."""
        owner = self.of(record, "owner")
        if owner is None:
            return True
        if owner["token"] == self.owner.token:
            return False
        alive = self.owner.alive(owner)
        if alive is None:
            return self._watch.silent(record.number, self.of(record, "beat"))
        return not alive
