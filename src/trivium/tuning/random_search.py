"""Random search: every trial drawn by itself.

Reference:
    Bergstra and Bengio, "Random Search for Hyper-Parameter Optimization", JMLR 13 (2012).
"""

from __future__ import annotations

from typing import Any

from trivium.tuning.hypermodel import HyperModelLike
from trivium.tuning.hyperparameters import HyperParameters
from trivium.tuning.objective import ObjectiveLike
from trivium.tuning.oracle import Oracle
from trivium.tuning.tuner import Tuner

__all__ = ["RandomSearch", "RandomSearchOracle"]


class RandomSearchOracle(Oracle):
    """Draws every trial by itself, and none twice.

    Args:
        objective: What is searched for.
        max_trials: How many trials there are; `None` for no limit.
        kwargs: The other arguments of `Oracle`.

    Example:
        >>> RandomSearchOracle("val_loss", max_trials=3).max_trials
        3
    """

    def __init__(
        self, objective: ObjectiveLike = None, max_trials: int | None = 10, **kwargs: Any
    ) -> None:
        super().__init__(objective, max_trials, **kwargs)


class RandomSearch(Tuner):
    """Searches by chance; see `Tuner` for the other arguments.

    Args:
        hypermodel: A function `build(hp)`, or a `HyperModel`.
        objective: The name of a result such as `"val_accuracy"`, an `Objective`, or a list of these for their sum;
            `None` for a number that `run_trial` or `HyperModel.fit` returns and that is to be small.
        max_trials: How many trials there are.
        seed: What every choice and every first weight follows from; by chance where it is `None`.
        hyperparameters: Hyperparameters in place of those of the same names in `build`.
        tune_new_entries: Whether the others are searched over.
        allow_new_entries: Whether there may be others.
        max_retries_per_trial: How often a trial that failed is tried again.
        max_consecutive_failed_trials: After so many failures in a row the search ends.
        kwargs: Arguments of `Tuner`.

    Example:
        >>> import tempfile
        >>> import trivium as tv
        >>> def build(hp):
        ...     return tv.Sequential([tv.layers.Dense(hp.Int("units", 1, 4))])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     RandomSearch(build, "val_loss", directory=folder).search_space_summary()
        Search space summary
        Default search space size: 1
        units (Int)
        {'default': None, 'conditions': [], 'min_value': 1, 'max_value': 4, 'step': 1, 'sampling': 'linear'}
    """

    def __init__(
        self,
        hypermodel: HyperModelLike = None,
        objective: ObjectiveLike = None,
        max_trials: int | None = 10,
        seed: int | None = None,
        hyperparameters: HyperParameters | None = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **kwargs: Any,
    ) -> None:
        self.seed = seed
        oracle = RandomSearchOracle(
            objective, max_trials, seed=seed, hyperparameters=hyperparameters,
            allow_new_entries=allow_new_entries, tune_new_entries=tune_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )  # fmt: skip
        super().__init__(oracle, hypermodel, **kwargs)
