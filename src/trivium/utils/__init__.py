"""Everyday helpers under Keras's names: files from the network, labels, sequences, seeds, sources of batches."""

from trivium.datasets.files import get_file
from trivium.state.registry import (
    custom_object_scope,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from trivium.state.seeds import set_random_seed
from trivium.training.data import (
    PyDataset,
    class_weights_to_sample_weights,
    pack_x_y_sample_weight,
    unpack_x_y_sample_weight,
)
from trivium.utils.numeric import normalize, pad_sequences, to_categorical

CustomObjectScope = custom_object_scope
# The name that Keras 2 gave to `PyDataset`.
Sequence = PyDataset

__all__ = [
    "CustomObjectScope",
    "PyDataset",
    "Sequence",
    "class_weights_to_sample_weights",
    "custom_object_scope",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "register_keras_serializable",
    "set_random_seed",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
