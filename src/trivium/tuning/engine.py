"""The parts of the tuner under the names that KerasTuner has for their modules."""

from trivium.tuning import base_tuner, hypermodel, hyperparameters, objective, oracle, trial, tuner

__all__ = ["base_tuner", "hypermodel", "hyperparameters", "objective", "oracle", "trial", "tuner"]
