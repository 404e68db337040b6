"""The oracles, for a `Tuner` of one's own and for `SklearnTuner`."""

from trivium.tuning.bayesian import BayesianOptimizationOracle
from trivium.tuning.grid_search import GridSearchOracle
from trivium.tuning.hyperband import HyperbandOracle
from trivium.tuning.oracle import Oracle
from trivium.tuning.random_search import RandomSearchOracle

# The names that they had before they were called oracles everywhere.
BayesianOptimization = BayesianOptimizationOracle
GridSearch = GridSearchOracle
Hyperband = HyperbandOracle
RandomSearch = RandomSearchOracle

__all__ = [
    "BayesianOptimizationOracle",
    "GridSearchOracle",
    "HyperbandOracle",
    "Oracle",
    "RandomSearchOracle",
]
