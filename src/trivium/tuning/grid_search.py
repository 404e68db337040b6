"""Grid search: every combination of values, once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trivium.tuning.hypermodel import HyperModelLike
from trivium.tuning.hyperparameter import HyperParameter
from trivium.tuning.hyperparameters import HyperParameters
from trivium.tuning.objective import ObjectiveLike
from trivium.tuning.oracle import Oracle
from trivium.tuning.trial import Trial
from trivium.tuning.tuner import Tuner

__all__ = ["GridSearch", "GridSearchOracle", "combinations"]


def combinations(
    space: list[HyperParameter], fixed: Mapping[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield every combination of values, those of hyperparameters whose conditions are not met left out.

    Args:
        space: The hyperparameters; a condition's comes before those that depend on it.
        fixed: Values of some that are not gone through, by `key`.

    Example:
        >>> hp = HyperParameters()
        >>> _ = hp.Choice("optimizer", ["adam", "sgd"])
        >>> with hp.conditional_scope("optimizer", "sgd"):
        ...     _ = hp.Choice("momentum", [0.0, 0.9])
        >>> [tuple(values.values()) for values in combinations(hp.space)]
        [('adam',), ('sgd', 0.0), ('sgd', 0.9)]
    """
    yield from _combined(space, 0, {}, fixed or {})


def _combined(
    space: list[HyperParameter], place: int, values: dict[str, Any], fixed: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    if place == len(space):
        yield dict(values)
        return
    one = space[place]
    if one.name in values or not one.active(values):
        yield from _combined(space, place + 1, values, fixed)
        return
    for value in [fixed[one.key]] if one.key in fixed else one.options():
        values[one.name] = value
        yield from _combined(space, place + 1, values, fixed)
    del values[one.name]


class GridSearchOracle(Oracle):
    """Goes through every combination; of continuous ranges through ten values each.

    Args:
        objective: What is searched for.
        max_trials: How many trials there are at most; `None` for all combinations.
        kwargs: The other arguments of `Oracle`.

    Example:
        >>> GridSearchOracle("val_loss").max_trials is None
        True
    """

    def __init__(
        self, objective: ObjectiveLike = None, max_trials: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(objective, max_trials, **kwargs)

    def new_values(self, trial_id: str) -> dict[str, Any] | None:
        """Return values that no trial had, or `None` where there are none."""
        space = self.hyperparameters.space
        fixed = {one.key: one.default for one in space if not self.searched(one)}
        tried = {self._hash(self._whole(values)) for values in self._tried()}
        new = (v for v in combinations(space, fixed) if self._hash(v) not in tried)
        return next(new, None)

    def _whole(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return a trial's values with the defaults of hyperparameters that were only defined after it."""
        whole: dict[str, Any] = {}
        for one in self.hyperparameters.space:
            if one.name not in whole and one.active(whole):
                whole[one.name] = values.get(one.name, one.default)
        return whole

    def late_value(self, trial: Trial, one: HyperParameter) -> Any:
        """Return the value of a hyperparameter that a trial's `build` defines while it runs."""
        return one.default if not self.searched(one) else one.options()[0]


class GridSearch(Tuner):
    """Searches through every combination of values; see `Tuner` for the other arguments.

    Of a range without steps it takes ten values.

    Args:
        hypermodel: A function `build(hp)`, or a `HyperModel`.
        objective: The name of a result, an `Objective`, or a list of these; see `RandomSearch`.
        max_trials: How many trials there are at most; `None` for all combinations.
        seed: What first weights follow from; by chance where it is `None`.
        hyperparameters: Hyperparameters in place of those of the same names in `build`.
        tune_new_entries: Whether the others are searched over.
        allow_new_entries: Whether there may be others.
        max_retries_per_trial: How often a trial that failed is tried again.
        max_consecutive_failed_trials: After so many failures in a row the search ends.
        kwargs: Arguments of `Tuner`.

    Example:
        >>> import tempfile
        >>> class Table(GridSearch):
        ...     def run_trial(self, trial, *args, **kwargs):
        ...         hp = trial.hyperparameters
        ...         return hp.Choice("a", [1, 2]) * hp.Choice("b", [3, 4, 5])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     tuner = Table(directory=folder)
        ...     tuner.search(verbose=0)
        ...     len(tuner.oracle.trials), tuner.oracle.get_best_trials()[0].score
        (6, 3.0)
    """

    def __init__(
        self,
        hypermodel: HyperModelLike = None,
        objective: ObjectiveLike = None,
        max_trials: int | None = None,
        seed: int | None = None,
        hyperparameters: HyperParameters | None = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **kwargs: Any,
    ) -> None:
        self.seed = seed
        oracle = GridSearchOracle(
            objective, max_trials, seed=seed, hyperparameters=hyperparameters,
            allow_new_entries=allow_new_entries, tune_new_entries=tune_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )  # fmt: skip
        super().__init__(oracle, hypermodel, **kwargs)
