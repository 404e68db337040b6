"""Hyperband: many short trials, the best of which go on.

A bracket is a tournament. Its first round trains many trials for a few epochs, and each further round trains the best
of them for `factor` times as many, from the weights that they have. Brackets differ in how short they begin, since a
good network may be a slow starter.

Reference:
    Li et al., "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization", JMLR 18 (2018).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from trivium.tuning.errors import FatalValueError
from trivium.tuning.hypermodel import HyperModelLike
from trivium.tuning.hyperparameters import HyperParameters
from trivium.tuning.objective import ObjectiveLike
from trivium.tuning.oracle import Oracle
from trivium.tuning.trial import Trial, TrialStatus
from trivium.tuning.tuner import Tuner

__all__ = ["Hyperband", "HyperbandOracle"]


class HyperbandOracle(Oracle):
    """Draws many short trials, and lets the best go on.

    Where a round waits for trials of other processes, the next bracket begins.

    Args:
        objective: What is searched for.
        max_epochs: How many epochs the longest trials train.
        factor: How many times longer each round trains than the one before, and how many times fewer trials it has.
        hyperband_iterations: How many times all brackets are gone through.
        kwargs: The other arguments of `Oracle`.

    Example:
        >>> oracle = HyperbandOracle("val_loss", max_epochs=9, factor=3)
        >>> [[(oracle.size(b, r), oracle.epochs(b, r)) for r in range(b + 1)] for b in (2, 1, 0)]
        [[(9, 1), (3, 3), (1, 9)], [(5, 3), (2, 9)], [(3, 9)]]
    """

    def __init__(
        self,
        objective: ObjectiveLike = None,
        max_epochs: int = 100,
        factor: int = 3,
        hyperband_iterations: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(objective, None, **kwargs)
        if factor < 2:
            raise FatalValueError(f"`factor` is a number of at least 2; got {factor!r}.")
        if not isinstance(max_epochs, int) or max_epochs < 1:
            raise FatalValueError(f"`max_epochs` is a whole number above zero; got {max_epochs!r}.")
        if hyperband_iterations < 1:
            raise FatalValueError(
                f"`hyperband_iterations` is a number of at least 1; got {hyperband_iterations!r}."
            )
        self.max_epochs, self.factor = max_epochs, factor
        self.hyperband_iterations = hyperband_iterations

    @property
    def brackets(self) -> int:
        """How many brackets there are: the first of them begins with trials of one epoch."""
        count, epochs = 0, float(self.max_epochs)
        while epochs >= 1 - 1e-9:
            count, epochs = count + 1, epochs / self.factor
        return count

    def size(self, bracket: int, round_number: int) -> int:
        """Return how many trials a round of a bracket has."""
        last = math.ceil(1 + math.log(self.max_epochs, self.factor)) / (bracket + 1)
        return math.ceil(last * self.factor ** (bracket - round_number))

    def epochs(self, bracket: int, round_number: int) -> int:
        """Return how many epochs the trials of a round have trained at its end."""
        return math.ceil(self.max_epochs / self.factor ** (bracket - round_number))

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Choose the values of the next trial."""
        rounds = self._rounds()
        running = False
        for iteration in range(math.ceil(self.hyperband_iterations)):
            for bracket in reversed(range(self.brackets)):
                for number in range(bracket + 1):
                    mine = rounds.get((iteration, bracket, number), [])
                    if len(mine) < self._places(rounds, iteration, bracket, number):
                        values = self._chosen(rounds, iteration, bracket, number, trial_id)
                        if values is not None:
                            return {"status": TrialStatus.RUNNING, "values": values}
                    if any(not record.state.is_finished() for record in mine):
                        running = True
                        break  # What goes on is not known yet; another bracket may begin.
        return {"status": TrialStatus.IDLE if running else TrialStatus.STOPPED, "values": None}

    def _rounds(self) -> dict[tuple[int, int, int], list[Any]]:
        rounds: dict[tuple[int, int, int], list[Any]] = {}
        for record in self.store.trials():
            noted = self.store.of(record, "values", {})
            place = tuple(noted.get(f"tuner/{k}", 0) for k in ("iteration", "bracket", "round"))
            rounds.setdefault(place, []).append(record)
        return rounds

    def _places(self, rounds: Any, iteration: int, bracket: int, number: int) -> int:
        """Return how many trials a round can have: no more than came out of the round before."""
        if number == 0:
            return self.size(bracket, 0)
        before = rounds.get((iteration, bracket, number - 1), [])
        return min(self.size(bracket, number), sum(r.value is not None for r in before))

    def _chosen(
        self, rounds: Any, iteration: int, bracket: int, number: int, trial_id: str
    ) -> dict[str, Any] | None:
        before = 0
        if number == 0:
            values = self.new_values(trial_id)
            if values is None:
                return None
        else:
            went_on = {
                self.store.of(r, "values")["tuner/trial_id"]
                for r in rounds.get((iteration, bracket, number), [])
            }
            earlier = rounds[iteration, bracket, number - 1]
            sign = -1 if self.objective.direction == "max" else 1
            ranked = sorted(
                (r for r in earlier if r.value is not None),
                key=lambda r: (sign * r.value, r.number),
            )
            best = [
                r for r in ranked[: self.size(bracket, number)] if f"{r.number:04d}" not in went_on
            ]
            if not best:
                return None
            values = dict(self.store.of(best[0], "values"))
            values["tuner/trial_id"] = f"{best[0].number:04d}"
            before = self.epochs(bracket, number - 1)
        return values | {
            "tuner/epochs": self.epochs(bracket, number),
            "tuner/initial_epoch": before,
            "tuner/bracket": bracket,
            "tuner/round": number,
            "tuner/iteration": iteration,
        }


class Hyperband(Tuner):
    """Searches with many short trials, the best of which go on; see `Tuner` for the other arguments.

    It sets the epochs of `fit` itself. A trial that goes on has a number of its own, and begins with the weights of the
    best epoch of the shorter one, and a new optimizer, as in KerasTuner.

    Args:
        hypermodel: A function `build(hp)`, or a `HyperModel`.
        objective: The name of a result, an `Objective`, or a list of these; see `RandomSearch`.
        max_epochs: How many epochs the longest trials train.
        factor: How many times longer each round trains than the one before, and how many times fewer trials it has.
        hyperband_iterations: How many times all brackets are gone through.
        seed: What every choice and every first weight follows from; by chance where it is `None`.
        hyperparameters: Hyperparameters in place of those of the same names in `build`.
        tune_new_entries: Whether the others are searched over.
        allow_new_entries: Whether there may be others.
        max_retries_per_trial: How often a trial that failed is tried again.
        max_consecutive_failed_trials: After so many failures in a row the search ends.
        kwargs: Arguments of `Tuner`.
    """

    oracle: HyperbandOracle

    def __init__(
        self,
        hypermodel: HyperModelLike = None,
        objective: ObjectiveLike = None,
        max_epochs: int = 100,
        factor: int = 3,
        hyperband_iterations: int = 1,
        seed: int | None = None,
        hyperparameters: HyperParameters | None = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **kwargs: Any,
    ) -> None:
        oracle = HyperbandOracle(
            objective, max_epochs, factor, hyperband_iterations, seed=seed,
            hyperparameters=hyperparameters, allow_new_entries=allow_new_entries,
            tune_new_entries=tune_new_entries, max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )  # fmt: skip
        super().__init__(oracle, hypermodel, **kwargs)

    def run_trial(self, trial: Trial, *fit_args: Any, **fit_kwargs: Any) -> Any:
        """Build the trial's model and train it for the epochs of its round."""
        values = trial.hyperparameters.values
        if "tuner/epochs" in values:
            fit_kwargs["epochs"] = values["tuner/epochs"]
            fit_kwargs["initial_epoch"] = values["tuner/initial_epoch"]
        return super().run_trial(trial, *fit_args, **fit_kwargs)

    def _start_weights(self, trial: Trial) -> Path | None:
        earlier = trial.hyperparameters.values.get("tuner/trial_id")
        return Path(self.get_trial_dir(earlier)) if earlier else None
