"""The tuners, under the module where KerasTuner has them."""

from trivium.tuning.bayesian import BayesianOptimization
from trivium.tuning.grid_search import GridSearch
from trivium.tuning.hyperband import Hyperband
from trivium.tuning.random_search import RandomSearch
from trivium.tuning.sklearn_tuner import SklearnTuner
from trivium.tuning.tuner import Tuner

# The name it also has there.
Sklearn = SklearnTuner

__all__ = [
    "BayesianOptimization",
    "GridSearch",
    "Hyperband",
    "RandomSearch",
    "SklearnTuner",
    "Tuner",
]
