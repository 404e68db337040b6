"""Models: three ways to write one, and one graph underneath."""

from trivium.models.captured import CapturedModel
from trivium.models.cloning import clone_model
from trivium.models.functional import Functional
from trivium.models.model import Model
from trivium.models.reading import model_from_config, model_from_json
from trivium.models.sequential import Sequential
from trivium.saving import load_model, save_model

__all__ = [
    "CapturedModel",
    "Functional",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_config",
    "model_from_json",
    "save_model",
]
