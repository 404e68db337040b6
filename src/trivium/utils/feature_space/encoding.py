"""What a space computes: each column through its layer, crosses of what that gives, and vectors of categories."""

from __future__ import annotations

from typing import Any

from trivium import layers, ops
from trivium.layers.preprocessing.lookups import IndexLookup
from trivium.utils.feature_space.columns import as_rows, in_rows
from trivium.utils.feature_space.features import Cross, Feature, Kinds

__all__ = ["Encoding"]


class Encoding(Kinds):
    """The part of `FeatureSpace` that computes."""

    features: dict[str, Feature]
    crosses: list[Cross]
    preprocessors: dict[str, layers.Layer]
    crossers: dict[str, layers.HashedCrossing]
    one_hot_encoders: dict[str, layers.CategoryEncoding]
    concat: layers.Concatenate
    output_mode: str

    def build(self, input_shape: Any = None) -> None:
        """Build the layers inside.

        Args:
            input_shape: The columns' shapes by name.
        """
        for name, layer in self.preprocessors.items():
            if not layer.built:
                layer.build(in_rows(input_shape[name]))
        self._make_encoders()

    def call(self, data: dict[str, Any]) -> Any:
        """Compute the output.

        Args:
            data: The columns, by name.
        """
        found = {name: self._prepared(name, data[name]) for name in sorted(self.features)}
        crossed = {}
        for cross in sorted(self.crosses, key=lambda c: c.name):
            crossed[cross.name] = self.crossers[cross.name]([found[n] for n in cross.feature_names])
        encoded = {name: self._encoded_as(name, x) for name, x in (found | crossed).items()}
        return encoded if self.output_mode == "dict" else self._concatenated(encoded)

    def _prepared(self, name: str, x: Any) -> Any:
        """Return what a feature's layer makes of its column."""
        dtype, layer = self.features[name].dtype, self.preprocessors[name]
        if dtype == "string":
            # Text has no ops: what is made of it gets the axis that it may lack.
            return as_rows(layer(x))
        return layer(as_rows(x if x.dtype == dtype else ops.cast(x, dtype)))

    def _encoded_as(self, name: str, x: Any) -> Any:
        encoder = self.one_hot_encoders.get(name)
        if encoder is None:
            return x
        if not str(x.dtype).startswith(("int", "uint")):
            raise ValueError(
                f"FeatureSpace: the feature {name!r} has output_mode='one_hot', so its layer gives whole numbers; it "
                f"gives {x.dtype}. Take output_mode='float'."
            )
        return encoder(x)

    def _concatenated(self, encoded: dict[str, Any]) -> Any:
        for name, x in encoded.items():
            if not str(x.dtype).startswith(("float", "bfloat")):
                raise ValueError(
                    f"FeatureSpace: the feature {name!r} gives {x.dtype}, and vectors are of floats: take "
                    "output_mode='one_hot' for it, or output_mode='dict' for the space."
                )
        parts = list(encoded.values())
        return self.concat(parts) if len(parts) > 1 else parts[0]

    def _make_encoders(self) -> None:
        """Make the layers that make vectors of whole numbers, now that it is known how many there are."""
        if self.one_hot_encoders:
            return
        specs: dict[str, Feature | Cross] = {**self.features, **{c.name: c for c in self.crosses}}
        made = {**self.preprocessors, **self.crossers}
        encoders = {}
        for name, spec in sorted(specs.items()):
            if spec.output_mode == "one_hot":
                size = _count(made[name])
                if size is None:
                    raise ValueError(
                        f"FeatureSpace: the feature {name!r} has output_mode='one_hot', and nobody knows how many "
                        f"numbers its layer, {type(made[name]).__name__}, gives. Take output_mode='int' or 'float'."
                    )
                encoders[name] = layers.CategoryEncoding(size, output_mode="multi_hot")
        self.one_hot_encoders = encoders


def _count(layer: Any) -> int | None:
    """Return how many whole numbers a layer gives, where it is one that knows."""
    if isinstance(layer, IndexLookup):
        # Of one that is made of a config the terms come later, with the file.
        return layer.vocabulary_size() if layer._size is None else layer._size
    if isinstance(layer, layers.Discretization):
        return layer.num_bins or len(layer.bin_boundaries or ()) + 1
    return getattr(layer, "num_tokens", None) or getattr(layer, "num_bins", None)
