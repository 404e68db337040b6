"""What a feature is: a column's dtype, the layer that prepares it, and how what that gives is encoded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from trivium import layers
from trivium.layers.spatial import one_of
from trivium.state import auto_name
from trivium.state.configured import Configured
from trivium.state.dtypes import standardize_dtype
from trivium.state.registry import Registry, deserialize
from trivium.state.types import DType

__all__ = ["Cross", "Feature", "Kinds"]

# Keras has them under no public name; its configs say where they lie.
_PARTS: Registry[Any] = Registry(
    "part of a feature space", "keras.src.layers.preprocessing.feature_space"
)
# What Keras prepares plain floats with.
_PARTS.register(name="TFDIdentity")(layers.Identity)


@_PARTS.register()
class Feature(Configured):
    """A column of a table, and what is made of it.

    Args:
        dtype: What the column holds: `"float32"`, `"int32"` or `"string"`.
        preprocessor: The layer that prepares it, or its config.
        output_mode: `"float"`: what the layer gives; `"int"`: likewise, of whole numbers; `"one_hot"`: a vector for the
            whole numbers that it gives.

    Raises:
        TypeError: `preprocessor` is no layer.
        ValueError: `output_mode` or `dtype` is none.

    Example:
        >>> Feature("int32", layers.CategoryEncoding(3), "float").get_config()["output_mode"]
        'float'
    """

    def __init__(self, dtype: DType, preprocessor: Any, output_mode: str) -> None:
        self.dtype = "string" if dtype == "string" else standardize_dtype(dtype)
        if isinstance(preprocessor, dict):
            preprocessor = deserialize(preprocessor)
        if not isinstance(preprocessor, layers.Layer):
            raise TypeError(
                f"Feature: `preprocessor` is the layer that prepares the column; got {preprocessor!r}."
            )
        self.preprocessor = preprocessor
        self.output_mode = one_of(self, ("int", "one_hot", "float"), output_mode=output_mode)


@_PARTS.register()
class Cross(Configured):
    """Columns taken together: each combination of their values is a value of its own, hashed into a number.

    Args:
        feature_names: The names of the features.
        crossing_dim: How many numbers there are.
        output_mode: `"int"`: the number; `"one_hot"`: a vector for it.

    Raises:
        TypeError: `feature_names` is no list of two names or more.
        ValueError: `output_mode` is neither.

    Example:
        >>> Cross(("town", "job"), 32).name
        'town_X_job'
    """

    def __init__(
        self, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot"
    ) -> None:
        listed = isinstance(feature_names, list | tuple)
        if (
            not listed
            or len(feature_names) < 2
            or not all(isinstance(n, str) for n in feature_names)
        ):
            raise TypeError(
                f"A cross is of two features or more, by their names in a tuple; got {feature_names!r}."
            )
        self.feature_names = tuple(feature_names)
        self.crossing_dim = crossing_dim
        self.output_mode = one_of(self, ("int", "one_hot"), output_mode=output_mode)

    @property
    def name(self) -> str:
        """The features' names, joined by `_X_`."""
        return "_X_".join(self.feature_names)


# In a class with methods of these names their annotations would mean the methods.
_Float = float


class Kinds(layers.Layer):
    """The part of `FeatureSpace` that makes features of each kind."""

    # The kinds that a name alone stands for.
    _KINDS: ClassVar[tuple[str, ...]] = (
        "float", "float_rescaled", "float_normalized", "float_discretized", "integer_categorical",
        "string_categorical", "integer_hashed", "string_hashed",
    )  # fmt: skip

    @classmethod
    def feature(cls, dtype: DType, preprocessor: Any, output_mode: str) -> Feature:
        """Return a feature that a layer of your own choice prepares.

        Args:
            dtype: What the column holds: `"float32"`, `"int32"` or `"string"`.
            preprocessor: The layer.
            output_mode: `"float"`, `"int"` or `"one_hot"`, as for `Feature`.
        """
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def cross(
        cls, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot"
    ) -> Cross:
        """Return features taken together.

        Args:
            feature_names: Their names.
            crossing_dim: How many numbers their combinations are hashed into.
            output_mode: `"one_hot"` or `"int"`.
        """
        return Cross(feature_names, crossing_dim, output_mode=output_mode)

    @classmethod
    def float(cls, name: str | None = None) -> Feature:
        """Return a feature of numbers as they are.

        Args:
            name: A name for the layer.
        """
        named = _layer_name("float", name)
        return Feature("float32", layers.Identity(dtype="float32", name=named), "float")

    @classmethod
    def float_rescaled(
        cls, scale: _Float = 1.0, offset: _Float = 0.0, name: str | None = None
    ) -> Feature:
        """Return a feature of numbers times a scale plus an offset, by `Rescaling`.

        Args:
            scale: The scale.
            offset: The offset.
            name: A name for the layer.
        """
        layer = layers.Rescaling(scale, offset, name=_layer_name("float_rescaled", name))
        return Feature("float32", layer, "float")

    @classmethod
    def float_normalized(cls, name: str | None = None) -> Feature:
        """Return a feature of numbers that `Normalization` brings to the mean 0 and the variance 1.

        Args:
            name: A name for the layer.
        """
        layer = layers.Normalization(axis=-1, name=_layer_name("float_normalized", name))
        return Feature("float32", layer, "float")

    @classmethod
    def float_discretized(
        cls,
        num_bins: int | None,
        bin_boundaries: Sequence[_Float] | None = None,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Return a feature of the bins that numbers fall into, by `Discretization`.

        Args:
            num_bins: How many bins; `None` where their boundaries are given.
            bin_boundaries: The boundaries.
            output_mode: `"one_hot"` or `"int"`.
            name: A name for the layer.
        """
        named = _layer_name("float_discretized", name)
        layer = layers.Discretization(bin_boundaries, num_bins, name=named)
        return Feature("float32", layer, output_mode)

    @classmethod
    def integer_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Return a feature of whole numbers that stand for categories, by `IntegerLookup`.

        Args:
            max_tokens: The most numbers to tell apart, those for unknown ones included; `None` for all.
            num_oov_indices: How many numbers there are for what is unknown.
            output_mode: `"one_hot"` or `"int"`.
            name: A name for the layer.
        """
        named = _layer_name("integer_categorical", name)
        layer = layers.IntegerLookup(max_tokens, num_oov_indices, name=named)
        return Feature("int32", layer, output_mode)

    @classmethod
    def string_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Return a feature of words that stand for categories, by `StringLookup`.

        Args:
            max_tokens: The most words to tell apart, the numbers for unknown ones included; `None` for all.
            num_oov_indices: How many numbers there are for what is unknown.
            output_mode: `"one_hot"` or `"int"`.
            name: A name for the layer.
        """
        named = _layer_name("string_categorical", name)
        layer = layers.StringLookup(max_tokens, num_oov_indices, name=named)
        return Feature("string", layer, output_mode)

    @classmethod
    def integer_hashed(
        cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """Return a feature of whole numbers that are hashed into fewer ones, by `Hashing`.

        Args:
            num_bins: How many.
            output_mode: `"one_hot"` or `"int"`.
            name: A name for the layer.
        """
        layer = layers.Hashing(num_bins, name=_layer_name("integer_hashed", name))
        return Feature("int32", layer, output_mode)

    @classmethod
    def string_hashed(
        cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """Return a feature of words that are hashed into numbers, by `Hashing`.

        Args:
            num_bins: How many.
            output_mode: `"one_hot"` or `"int"`.
            name: A name for the layer.
        """
        layer = layers.Hashing(num_bins, name=_layer_name("string_hashed", name))
        return Feature("string", layer, output_mode)


def _layer_name(kind: str, name: str | None) -> str:
    return f"{name or auto_name(kind)}_preprocessor"
