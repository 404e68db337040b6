"""Everyday helpers under Keras's names: files, images, labels, sequences, seeds, sources of batches."""

import importlib
from typing import TYPE_CHECKING, Any

from trivium.data import (
    PyDataset,
    class_weights_to_sample_weights,
    pack_x_y_sample_weight,
    unpack_x_y_sample_weight,
)
from trivium.graph import is_symbolic as is_keras_tensor
from trivium.graph import source_tensors as get_source_inputs
from trivium.preprocessing import (
    audio_dataset_from_directory,
    image_dataset_from_directory,
    split_dataset,
    text_dataset_from_directory,
    timeseries_dataset_from_array,
)
from trivium.preprocessing.image import array_to_img, img_to_array, load_img, save_img
from trivium.preprocessing.sequence import pad_sequences
from trivium.saving import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)
from trivium.state.dtypes import standardize_dtype
from trivium.state.registry import suggest
from trivium.state.seeds import set_random_seed
from trivium.state.settings import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from trivium.training.executables import clear_session
from trivium.utils import bounding_boxes, legacy
from trivium.utils.feature_space import FeatureSpace
from trivium.utils.named_values import Config
from trivium.utils.numeric import normalize, to_categorical
from trivium.utils.progbar import Progbar

if TYPE_CHECKING:
    from trivium.datasets.files import get_file
    from trivium.viz.diagrams import model_to_dot, plot_model

# The name that Keras 2 gave to `PyDataset`.
Sequence = PyDataset


# What is imported when it is first asked for.
_LATER = {
    "get_file": "trivium.datasets.files",
    "model_to_dot": "trivium.viz.diagrams",
    "plot_model": "trivium.viz.diagrams",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(
            f"module 'trivium.utils' has no attribute {name!r}. {suggest(name, __all__)}"
        )
    return getattr(importlib.import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "Config",
    "CustomObjectScope",
    "FeatureSpace",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "audio_dataset_from_directory",
    "bounding_boxes",
    "class_weights_to_sample_weights",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "image_dataset_from_directory",
    "img_to_array",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "legacy",
    "load_img",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "standardize_dtype",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
