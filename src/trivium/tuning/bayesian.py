"""Bayesian optimization: trials where those before make a good result likely.

The sampler is Optuna's tree-structured Parzen estimator: of the trials so far, the good ones and the others have a
density each, and the next trial is drawn where the ratio of the two is high. It knows conditions, categories and trials
that still run, and needs nothing besides. Optuna's Gaussian process, which needs PyTorch, can be given as `sampler`.

References:
    Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011.
    Watanabe, "Tree-Structured Parzen Estimator: Understanding Its Algorithm Components", 2023.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from trivium.tuning.errors import FatalValueError
from trivium.tuning.hypermodel import HyperModelLike
from trivium.tuning.hyperparameters import HyperParameters
from trivium.tuning.objective import ObjectiveLike
from trivium.tuning.oracle import Oracle
from trivium.tuning.store import optuna
from trivium.tuning.tuner import Tuner

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

__all__ = ["BayesianOptimization", "BayesianOptimizationOracle"]

# KerasTuner's defaults of what belongs to its Gaussian process.
_ALPHA, _BETA = 1e-4, 2.6


class BayesianOptimizationOracle(Oracle):
    """Draws trials where those before make a good result likely.

    Args:
        objective: What is searched for.
        max_trials: How many trials there are.
        num_initial_points: How many are drawn by chance first; three for each hyperparameter where it is `None`.
        alpha: Kept for KerasTuner's signature: the noise of its Gaussian process.
        beta: Kept for KerasTuner's signature: how much its Gaussian process explores.
        kwargs: The other arguments of `Oracle`, among them `sampler`.

    Example:
        >>> BayesianOptimizationOracle("val_loss", max_trials=20).num_initial_points is None
        True
    """

    def __init__(
        self,
        objective: ObjectiveLike = None,
        max_trials: int | None = 10,
        num_initial_points: int | None = None,
        alpha: float = _ALPHA,
        beta: float = _BETA,
        **kwargs: Any,
    ) -> None:
        super().__init__(objective, max_trials, **kwargs)
        if num_initial_points is not None and num_initial_points < 0:
            raise FatalValueError(
                f"`num_initial_points` is a whole number of at least 0; got {num_initial_points!r}."
            )
        self.num_initial_points = num_initial_points
        if (alpha, beta) != (_ALPHA, _BETA):
            warnings.warn(
                "`alpha` and `beta` belong to a Gaussian process; trials here are drawn by a tree-structured Parzen "
                "estimator, which has neither. `sampler=optuna.samplers.GPSampler()` takes a Gaussian process.",
                stacklevel=3,
            )

    def make_sampler(self, seed: int) -> Any:
        """Return the sampler that the oracle draws with."""
        first = self.num_initial_points
        if first is None:
            first = 3 * max(1, len(self.hyperparameters.space))
        # Together, since the best learning rate depends on the optimizer; in groups, since conditions leave some out.
        library = optuna()
        with warnings.catch_warnings():
            # Optuna calls the groups experimental, which is its affair and not the user's.
            warnings.simplefilter("ignore", library.exceptions.ExperimentalWarning)
            return library.samplers.TPESampler(
                n_startup_trials=first, multivariate=True, group=True, seed=seed
            )


class BayesianOptimization(Tuner):
    """Searches where the trials so far make a good result likely; see `Tuner` for the other arguments.

    Args:
        hypermodel: A function `build(hp)`, or a `HyperModel`.
        objective: The name of a result, an `Objective`, or a list of these; see `RandomSearch`.
        max_trials: How many trials there are.
        num_initial_points: How many are drawn by chance first; three for each hyperparameter where it is `None`.
        alpha: Kept for KerasTuner's signature: the noise of its Gaussian process.
        beta: Kept for KerasTuner's signature: how much its Gaussian process explores.
        seed: What every choice and every first weight follows from; by chance where it is `None`.
        hyperparameters: Hyperparameters in place of those of the same names in `build`.
        tune_new_entries: Whether the others are searched over.
        allow_new_entries: Whether there may be others.
        max_retries_per_trial: How often a trial that failed is tried again.
        max_consecutive_failed_trials: After so many failures in a row the search ends.
        sampler: A sampler of Optuna's in place of the tree-structured Parzen estimator.
        kwargs: Arguments of `Tuner`.

    Example:
        >>> import tempfile
        >>> class Parabola(BayesianOptimization):
        ...     def run_trial(self, trial, *args, **kwargs):
        ...         return (trial.hyperparameters.Float("x", -4.0, 4.0) - 1.0) ** 2
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     tuner = Parabola(max_trials=25, num_initial_points=8, seed=1, directory=folder)
        ...     tuner.search(verbose=0)
        ...     tuner.oracle.get_best_trials()[0].score < 0.1
        True
    """

    def __init__(
        self,
        hypermodel: HyperModelLike = None,
        objective: ObjectiveLike = None,
        max_trials: int | None = 10,
        num_initial_points: int | None = None,
        alpha: float = _ALPHA,
        beta: float = _BETA,
        seed: int | None = None,
        hyperparameters: HyperParameters | None = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        sampler: BaseSampler | None = None,
        **kwargs: Any,
    ) -> None:
        oracle = BayesianOptimizationOracle(
            objective, max_trials, num_initial_points, alpha, beta, seed=seed,
            hyperparameters=hyperparameters, allow_new_entries=allow_new_entries,
            tune_new_entries=tune_new_entries, max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials, sampler=sampler,
        )  # fmt: skip
        super().__init__(oracle, hypermodel, **kwargs)
