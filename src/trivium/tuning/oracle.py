"""The oracle: which trial comes next, decided from what the storage holds and nothing else.

Every process of a search has one, and all of them read the same trials; who decides has the turn. So there is no
server, and no state that dies with a process.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trivium.tuning.errors import FatalRuntimeError, FatalValueError
from trivium.tuning.hyperparameter import HyperParameter
from trivium.tuning.hyperparameters import HyperParameters
from trivium.tuning.objective import Objective, ObjectiveLike, create_objective
from trivium.tuning.search_space import SearchSpace
from trivium.tuning.store import Store, optuna
from trivium.tuning.trial import Trial, TrialStatus, trial_id, trial_of

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

__all__ = ["Oracle", "derived_seed"]

# After so many draws that all were tried before, the space counts as exhausted.
_COLLISIONS = 20
# A trial whose process died is run again so many times; one that always takes its process along has to end.
_LOST = 2


def derived_seed(*parts: Any) -> int:
    """Return a seed that follows from some values, and from nothing else.

    Example:
        >>> derived_seed(1, "trial", 2) == derived_seed(1, "trial", 2)
        True
    """
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big")


class Oracle(SearchSpace):
    """Chooses the hyperparameters of trials. Override `populate_space` for a way of your own.

    Args:
        objective: What is searched for; see `Tuner`.
        max_trials: How many trials there are at most; `None` for no limit.
        hyperparameters: Hyperparameters that take the place of those of the same names in `build`.
        allow_new_entries: Whether `build` may define others than `hyperparameters`.
        tune_new_entries: Whether those are searched over; where not, they have their defaults.
        seed: What every choice follows from; by chance where it is `None`.
        max_retries_per_trial: How often a trial that failed is tried again.
        max_consecutive_failed_trials: After so many failures in a row the search ends with an error.
        sampler: A sampler of Optuna's in place of the oracle's own.

    Example:
        >>> Oracle("val_loss", max_trials=3).objective
        Objective(name="val_loss", direction="min")
    """

    def __init__(
        self,
        objective: ObjectiveLike = None,
        max_trials: int | None = None,
        hyperparameters: HyperParameters | None = None,
        allow_new_entries: bool = True,
        tune_new_entries: bool = True,
        seed: int | None = None,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        sampler: BaseSampler | None = None,
    ) -> None:
        super().__init__(hyperparameters, allow_new_entries, tune_new_entries)
        if max_trials is not None and (not isinstance(max_trials, int) or max_trials < 1):
            raise FatalValueError(
                f"`max_trials` is a whole number above zero, or None for no limit; got {max_trials!r}."
            )
        self.objective: Objective = create_objective(objective)
        self.max_trials = max_trials
        self.seed = seed
        self.max_retries_per_trial = max_retries_per_trial
        self.max_consecutive_failed_trials = max_consecutive_failed_trials
        self.verbose: Any = 1
        self._given_sampler = sampler
        # Trials that had ended before this process joined, which say nothing of its own luck.
        self._past: set[int] = set()

    # -- the search's storage --------------------------------------------------------------------------------------

    def open(self, store: Store) -> None:
        """Join a search.

        Args:
            store: Its trials.

        Raises:
            FatalValueError: It is a search for something else.
        """
        self._store = store
        with store.turn():
            noted, mine = store.noted("objective"), self.objective.get_config()
            if noted is None:
                store.note("objective", mine)
                seed = secrets.randbits(32) if self.seed is None else self.seed
                store.note("seed", int(seed))
            elif noted != mine:
                raise FatalValueError(
                    f"The search that is there looks for {noted['name']!r} ({noted['direction']}), this one for "
                    f"{mine['name']!r} ({mine['direction']}). Give it a `project_name` of its own, or `overwrite=True`."
                )
            self.seed = int(store.noted("seed"))
        self._past = {r.number for r in store.trials() if r.state.is_finished()}

    # -- choosing --------------------------------------------------------------------------------------------------

    def make_sampler(self, seed: int) -> Any:
        """Return the sampler of Optuna's that the oracle draws with.

        Args:
            seed: What its draws follow from.
        """
        return optuna().samplers.RandomSampler(seed=seed)

    def _sampler(self, *parts: Any) -> Any:
        if self._given_sampler is not None:
            return self._given_sampler
        return self.make_sampler(derived_seed(self.seed, *parts))

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Choose the values of the next trial. It has the turn: no other process decides meanwhile.

        Args:
            trial_id: What the trial will be known by.

        Returns:
            `{"status": "RUNNING", "values": {...}}`; with the status `"STOPPED"` where there is none any more, and
            `"IDLE"` where that depends on trials that run.
        """
        values = self.new_values(trial_id)
        if values is None:
            return {"status": TrialStatus.STOPPED, "values": None}
        return {"status": TrialStatus.RUNNING, "values": values}

    def new_values(self, trial_id: str) -> dict[str, Any] | None:
        """Draw values that no trial had, or return `None` where none are found."""
        tried = {self._hash(v) for v in self._tried()}
        for attempt in range(_COLLISIONS):
            values = self._drawn(trial_id, attempt)
            if self._hash(values) not in tried:
                return values
        return None

    def _tried(self) -> list[dict[str, Any]]:
        return [self.store.of(record, "values", {}) for record in self.store.trials()]

    def _hash(self, values: Mapping[str, Any]) -> str:
        # Notes such as Hyperband's are no part of what was tried.
        plain = {k: v for k, v in values.items() if not k.startswith("tuner/")}
        return repr(sorted(plain.items()))

    def _drawn(self, trial_id: str, attempt: int) -> dict[str, Any]:
        drawing = self.store.drawing(self._sampler("trial", trial_id, attempt))
        values: dict[str, Any] = {}
        for one in self.hyperparameters.space:
            if one.active(values) and one.name not in values:
                values[one.name] = self._value(drawing, one)
        return values

    def _value(self, drawing: Any, one: HyperParameter) -> Any:
        ranged = one.distribution() if self.searched(one) else None
        if ranged is None:
            return one.default
        # By the kind of distribution, since Optuna's trials have a method for each.
        settings = ranged._asdict()
        if "choices" in settings:
            return one.drawn(drawing.suggest_categorical(one.key, settings["choices"]))
        suggest_number = (
            drawing.suggest_int if isinstance(ranged.low, int) else drawing.suggest_float
        )
        return one.drawn(suggest_number(one.key, **settings))

    def late_value(self, trial: Trial, one: HyperParameter) -> Any:
        """Return the value of a hyperparameter that a trial's `build` defines while it runs.

        Args:
            trial: The trial.
            one: The hyperparameter.
        """
        return self._value(self.store.drawing(self._sampler("late", trial.trial_id, one.key)), one)

    # -- the trials' lives -----------------------------------------------------------------------------------------

    def create_trial(self, tuner_id: str = "") -> Trial:
        """Return a trial to run: one that a process left behind, or a new one.

        Args:
            tuner_id: Kept for KerasTuner's signature; processes tell each other apart by themselves.

        Returns:
            A trial whose status is `RUNNING`; `STOPPED` where there is none any more, `IDLE` where that depends on what
            others run.
        """
        store = self.store
        with store.turn():
            self.reload()
            records = store.trials()
            running = [r for r in records if not r.state.is_finished()]
            for record in running:
                if not store.is_abandoned(record):
                    continue
                if self._taken_over(record):
                    return self.get_trial(trial_id(record.number))
            running = [r for r in running if not store.trial(r.number).state.is_finished()]
            waiting = TrialStatus.IDLE if running else TrialStatus.STOPPED
            if self.max_trials is not None and len(records) >= self.max_trials:
                return self._nothing(waiting)
            chosen = self.populate_space(trial_id(len(records)))
            if chosen["status"] != TrialStatus.RUNNING:
                stopped = chosen["status"] == TrialStatus.STOPPED
                return self._nothing(waiting if stopped else TrialStatus.IDLE)
            number = store.create(self.hyperparameters.space, chosen["values"])
        return self.get_trial(trial_id(number))

    def _nothing(self, status: str) -> Trial:
        return Trial(HyperParameters(), "", status)

    def _taken_over(self, record: FrozenTrial) -> bool:
        """Make an abandoned trial this process's, unless it has taken too many processes along."""
        store, number = self.store, record.number
        died = store.of(record, "owner")
        lost = store.of(record, "lost", 0) + (died is not None)
        if lost > _LOST:
            reason = (
                f"the process that ran it ended without a word, {lost} times (last on {died['host']}, process "
                f"{died['pid']}): killed, or out of memory?"
            )
            error = {"status": TrialStatus.FAILED, "reason": reason, "message": reason}
            store.record(number, error=error, lost=lost)
            store.finish(number, "FAIL")
            return False
        store.record(number, lost=lost, owner=store.owner.config())
        return True

    def release(self, trial: Trial) -> None:
        """Let go of a trial that is interrupted: whoever asks next runs it again."""
        record = self.store.trial(trial.number)
        if not record.state.is_finished() and self.store.is_mine(record):
            self.store.record(trial.number, owner=None)

    def update_trial(
        self, trial_id: str, metrics: Mapping[str, Any], step: int = 0, histories: Any = ()
    ) -> str:
        """Note a trial's results.

        Args:
            trial_id: The trial.
            metrics: The results by name.
            step: The epoch that they are of.
            histories: The results of each epoch, for each execution.

        Returns:
            The trial's status.
        """
        numbers = {name: float(value) for name, value in metrics.items()}
        results = {"metrics": numbers, "best_step": int(step), "histories": list(histories)}
        self.store.record(int(trial_id), results=results)
        return TrialStatus.RUNNING

    def end_trial(self, trial: Trial) -> bool:
        """Note how a trial ended.

        Args:
            trial: The trial, with its status; `INVALID` and `FAILED` with a message.

        Returns:
            Whether it is to be run again.

        Raises:
            FatalRuntimeError: Too many trials failed in a row.
        """
        store, number = self.store, trial.number
        with store.turn():
            record = store.trial(number)
            if record.state.is_finished() or not store.is_mine(record):
                # This process was thought dead, and another one has taken the trial over.
                return False
            if trial.status in (TrialStatus.COMPLETED, TrialStatus.PRUNED):
                score = self.score_trial(self.get_trial(trial.trial_id))
                if not math.isnan(score):
                    state = "COMPLETE" if trial.status == TrialStatus.COMPLETED else "PRUNED"
                    store.finish(number, state, score)
                    return False
                trial.status = TrialStatus.INVALID
                trial.reason = f"the objective {self.objective.name!r} is NaN"
                trial.message = trial.reason
            tries = store.of(record, "tries", 0) + 1
            message = trial.message or trial.reason
            error = {"status": trial.status, "reason": trial.reason, "message": message}
            store.record(number, tries=tries, error=error)
            if trial.status == TrialStatus.INVALID and tries <= self.max_retries_per_trial:
                return True
            store.finish(number, "FAIL")
        self._check_failures(trial)
        return False

    def _check_failures(self, trial: Trial) -> None:
        ended = [
            r for r in self.store.trials()
            if r.state.is_finished() and r.number not in self._past and r.datetime_complete
        ]  # fmt: skip
        ended.sort(key=lambda r: r.datetime_complete)
        row = 0
        for record in reversed(ended):
            if record.state.name != "FAIL":
                break
            row += 1
        if row >= self.max_consecutive_failed_trials:
            raise FatalRuntimeError(
                f"{row} trials failed in a row (max_consecutive_failed_trials="
                f"{self.max_consecutive_failed_trials}). The last one, {trial.trial_id}: {trial.reason}\n"
                f"{trial.message}"
            )

    def score_trial(self, trial: Trial) -> float:
        """Return the objective's value of a trial.

        Args:
            trial: The trial, with its results.
        """
        return self.objective.get_value(trial.metrics.values)

    # -- results ---------------------------------------------------------------------------------------------------

    @property
    def trials(self) -> dict[str, Trial]:
        """All trials, by what they are known by."""
        made = (trial_of(self.store, r, self.hyperparameters) for r in self.store.trials())
        return {trial.trial_id: trial for trial in made}

    def get_trial(self, trial_id: str) -> Trial:
        """Return a trial.

        Args:
            trial_id: What it is known by.

        Raises:
            KeyError: There is no such trial.
        """
        records = self.store.trials()
        if not trial_id.isdigit() or int(trial_id) >= len(records):
            raise KeyError(f"There is no trial {trial_id!r}; there are {len(records)}.")
        return trial_of(self.store, records[int(trial_id)], self.hyperparameters)

    def get_best_trials(self, num_trials: int = 1) -> list[Trial]:
        """Return the best trials that are complete, the best first.

        Args:
            num_trials: How many at most.
        """
        done = [t for t in self.trials.values() if t.status == TrialStatus.COMPLETED]
        sign = -1 if self.objective.direction == "max" else 1
        return sorted(done, key=lambda t: sign * (t.score or 0.0))[:num_trials]

    @property
    def remaining_trials(self) -> int | None:
        """How many trials have not begun; `None` where there is no limit."""
        if self.max_trials is None:
            return None
        return max(0, self.max_trials - len(self.store.trials()))
