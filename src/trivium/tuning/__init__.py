"""Search over hyperparameters: KerasTuner's way of writing it, on Optuna's samplers, pruners and storage.

Example:
    >>> import tempfile
    >>> from trivium import tuning
    >>> class Parabola(tuning.RandomSearch):
    ...     def run_trial(self, trial, *args, **kwargs):
    ...         return trial.hyperparameters.Float("x", -1.0, 1.0) ** 2
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tuner = Parabola(max_trials=3, directory=folder)
    ...     tuner.search(verbose=0)
    ...     len(tuner.oracle.trials)
    3
"""

from trivium.tuning import engine, errors, oracles, tuners
from trivium.tuning.bayesian import BayesianOptimization
from trivium.tuning.errors import FailedTrialError
from trivium.tuning.grid_search import GridSearch
from trivium.tuning.hyperband import Hyperband
from trivium.tuning.hypermodel import HyperModel
from trivium.tuning.hyperparameters import HyperParameters
from trivium.tuning.objective import Objective
from trivium.tuning.oracle import Oracle
from trivium.tuning.random_search import RandomSearch
from trivium.tuning.sklearn_tuner import SklearnTuner
from trivium.tuning.trial import Trial
from trivium.tuning.tuner import Tuner

__all__ = [
    "BayesianOptimization",
    "FailedTrialError",
    "GridSearch",
    "HyperModel",
    "HyperParameters",
    "Hyperband",
    "Objective",
    "Oracle",
    "RandomSearch",
    "SklearnTuner",
    "Trial",
    "Tuner",
    "engine",
    "errors",
    "oracles",
    "tuners",
]
