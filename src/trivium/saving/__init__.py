"""Saving: configs, the names that they may use, whole models and weights in files."""

from trivium.saving.editor import KerasFileEditor
from trivium.saving.inspection import FileReport, inspect_file
from trivium.saving.models import load_model, save_model
from trivium.saving.weights import WeightFileError, load_weights, save_weights
from trivium.state.custom_objects import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from trivium.state.registry import deserialize as deserialize_keras_object
from trivium.state.registry import serialize as serialize_keras_object
from trivium.state.safety import ModelFileError, UnsafeFileError

__all__ = [
    "CustomObjectScope",
    "FileReport",
    "KerasFileEditor",
    "ModelFileError",
    "UnsafeFileError",
    "WeightFileError",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "inspect_file",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]
