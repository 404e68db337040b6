"""The older form of configs; see `trivium.legacy.saving`."""

from trivium.legacy.saving import deserialize_keras_object, serialize_keras_object

__all__ = ["deserialize_keras_object", "serialize_keras_object"]
