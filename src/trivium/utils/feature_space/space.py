"""`FeatureSpace`: from the columns of a table to one vector for each row, or to one for each feature."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import jax
import numpy as np

from trivium import layers, ops, saving
from trivium.data.texts import is_text
from trivium.graph import is_symbolic
from trivium.layers.checks import positive_int
from trivium.layers.preprocessing.adapting import Adaptive
from trivium.layers.registry import LAYERS
from trivium.layers.spatial import one_of
from trivium.state.registry import deserialize, suggest
from trivium.state.trees import map_tree
from trivium.utils.feature_space.columns import (
    as_columns,
    batches_of,
    check_names,
    columns_of,
)
from trivium.utils.feature_space.encoding import Encoding
from trivium.utils.feature_space.features import Cross, Feature

__all__ = ["FeatureSpace"]


@LAYERS.register(module="keras.utils")
class FeatureSpace(Encoding):
    """The columns of a table, each prepared by a layer of its own, as what a network learns from.

    A feature is said by its kind: `"float"`, `"float_rescaled"`, `"float_normalized"`, `"float_discretized"`,
    `"integer_categorical"`, `"string_categorical"`, `"integer_hashed"` or `"string_hashed"`; or, with settings, by the
    method of that name, such as `FeatureSpace.float_rescaled(scale=0.1)`; or by any layer, in `FeatureSpace.feature`.
    Whole numbers that stand for categories become vectors of zeros and a one.

    What the layers need to know of the data, `adapt` finds in one pass. After that the space is called on tables,
    stands in `Dataset.map`, and is a layer in a model, which then takes raw columns.

    Args:
        features: The features by the names of their columns.
        output_mode: `"concat"`: one vector for each row, the features in the order of their names and the crosses
            behind them; `"dict"`: a dict of what each feature and each cross gives.
        crosses: Features to be taken together: tuples of names, or what `FeatureSpace.cross` gives.
        crossing_dim: How many numbers the combinations of a cross are hashed into.
        hashing_dim: Likewise for `"integer_hashed"` and `"string_hashed"`.
        num_discretization_bins: How many bins `"float_discretized"` makes.
        name: A name.

    Raises:
        TypeError: `features` is no dict, or something in it is no feature.
        ValueError: A kind, or the name of a feature in a cross, is unknown; or another setting is out of its range.

    Shapes:
        Columns of shape `(rows,)` or `(rows, 1)` to `(rows, width)`; the values of one row to `(width,)`.

    Example:
        >>> table = {"age": [20.0, 30.0, 40.0], "rooms": [1.0, 2.0, 5.0]}
        >>> space = FeatureSpace({"age": "float_normalized", "rooms": FeatureSpace.float_discretized(2)})
        >>> space.adapt(table)
        >>> np.asarray(space(table), "float64").round(2).tolist()
        [[-1.22, 1.0, 0.0], [0.0, 0.0, 1.0], [1.22, 0.0, 1.0]]
        >>> space({"age": 30.0, "rooms": 1.0}).tolist()
        [0.0, 1.0, 0.0]
    """

    _unwritten: ClassVar[frozenset[str]] = layers.Layer._unwritten | {
        "dtype", "trainable", "activity_regularizer",
    }  # fmt: skip
    # The inputs and what follows from them belong to graphs; they are no part of the space.
    _untracked = layers.Layer._untracked | {"_inputs", "_encoded"}

    def __init__(
        self,
        features: Mapping[str, Any],
        output_mode: str = "concat",
        crosses: Sequence[Any] | None = None,
        crossing_dim: int = 32,
        hashing_dim: int = 32,
        num_discretization_bins: int = 32,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        if not isinstance(features, Mapping):
            raise TypeError(
                f"FeatureSpace: `features` is a dict of features by their columns' names; got {features!r:.80}."
            )
        if not features:
            raise ValueError("FeatureSpace: `features` is empty; name one column at least.")
        self._set(
            output_mode=one_of(self, ("concat", "dict"), output_mode=output_mode),
            crossing_dim=crossing_dim,
            hashing_dim=positive_int(self, hashing_dim=hashing_dim),
            num_discretization_bins=positive_int(
                self, num_discretization_bins=num_discretization_bins
            ),
        )
        self.features = {name: self._feature(name, said) for name, said in features.items()}
        self.crosses = [self._cross(said) for said in crosses or ()]
        self.preprocessors = {name: f.preprocessor for name, f in self.features.items()}
        self.crossers = {
            cross.name: layers.HashedCrossing(cross.crossing_dim, name=cross.name)
            for cross in self.crosses
        }
        self.one_hot_encoders = {}
        self.concat = layers.Concatenate(axis=-1)
        self._is_adapted = not self._adaptable()
        self._inputs: dict[str, Any] | None = None
        self._encoded: Any = None

    # -- what the features are ----------------------------------------------------------------------------------

    def _feature(self, name: str, said: Any) -> Feature:
        """Return the feature that an argument stands for."""
        if isinstance(said, dict):
            said = deserialize(said)
        if isinstance(said, Feature):
            return said
        if not isinstance(said, str):
            raise TypeError(
                f"FeatureSpace: the feature {name!r} is a kind, such as 'float_normalized', or what "
                f"`FeatureSpace.feature` and its like give; got {said!r:.80}."
            )
        if said not in self._KINDS:
            raise ValueError(
                f"FeatureSpace: the feature {name!r} is of the unknown kind {said!r}. "
                + suggest(said, self._KINDS)
            )
        sizes = {
            "float_discretized": self.num_discretization_bins,
            "integer_hashed": self.hashing_dim,
            "string_hashed": self.hashing_dim,
        }
        size = (sizes[said],) if said in sizes else ()
        made: Feature = getattr(self, said)(*size, name=name)
        return made

    def _cross(self, said: Any) -> Cross:
        """Return the cross that an argument stands for, of features that there are."""
        if isinstance(said, dict):
            said = deserialize(said)
        if not isinstance(said, Cross):
            said = Cross(said, positive_int(self, crossing_dim=self.crossing_dim))
        for name in said.feature_names:
            if name not in self.features:
                raise ValueError(
                    f"FeatureSpace: the cross {said.name!r} is of a feature {name!r} that there is not. "
                    + suggest(name, self.features)
                )
            if self.features[name].output_mode == "float":
                raise ValueError(
                    f"FeatureSpace: the cross {said.name!r} is of the feature {name!r}, which gives floats. Crosses "
                    "are of categories: make it 'float_discretized', say."
                )
        return said

    @property
    def _dtypes(self) -> dict[str, str]:
        return {name: feature.dtype for name, feature in self.features.items()}

    def _adaptable(self) -> dict[str, Any]:
        """Return the layers that learn from data, but for those that were given what they would learn."""
        found = {n: p for n, p in self.preprocessors.items() if hasattr(p, "adapt")}
        return {n: p for n, p in found.items() if not _was_given(p)}

    # -- learning from data -------------------------------------------------------------------------------------

    def adapt(self, dataset: Any) -> None:
        """Let each layer that learns from data learn from its column, in one pass, in place of what it learned before.

        Args:
            dataset: A table: a dict of columns, a DataFrame, an array of records; or tables one after another, such as
                a `Dataset`, a list or a generator, whose elements may be rows as well. Of an element that is a pair,
                `(table, labels)`, the first counts. Columns without a feature are passed over.

        Raises:
            DataError: The data is no table, or a value is missing or of another kind; the message names the column. The
                space is as it was.
            ValueError: A column is missing, there is no data, or what a feature gives cannot be encoded.
        """
        learning = self._adaptable()
        for layer in learning.values():
            if not isinstance(layer, Adaptive):
                raise TypeError(
                    f"FeatureSpace: {layer.path!r} ({type(layer).__name__}) has an `adapt` of its own, which cannot be "
                    "fed batch by batch: derive the class from `Adaptive`, or adapt the layer first and give it away "
                    "in a `Lambda`."
                )
        gathered: dict[str, Any] = {}
        count = 0
        for batch in batches_of(dataset, self.features):
            columns = as_columns(batch, self._dtypes)
            rows = len(next(iter(columns.values())))
            count += rows
            for name, layer in learning.items() if rows else ():
                with _naming(name):
                    gathered[name] = layer._gathered(gathered.get(name), _host(columns[name]))
        if not count:
            raise ValueError("FeatureSpace: `adapt` was given no data.")
        for name, layer in learning.items():
            with _naming(name):
                layer._learn(gathered[name])
        self._is_adapted = True
        self.one_hot_encoders, self._encoded = {}, None
        self.get_encoded_features()

    def _check_adapted(self) -> None:
        if not self._is_adapted:
            waiting = ", ".join(map(repr, self._adaptable()))
            raise ValueError(
                f"FeatureSpace {self.path!r} has to learn from data first: call `adapt(table)`. The features that wait "
                f"for it are {waiting}."
            )

    # -- calling ------------------------------------------------------------------------------------------------

    def __call__(self, data: Any, **kwargs: Any) -> Any:
        """Return what the features make of a table, or record it on symbolic columns.

        Args:
            data: A table, as for `adapt`, or the values of one row; with a column for each feature and no other.
            kwargs: Not used by the features: `training`, say, which goes on to the layers.

        Raises:
            TypeError: `data` is no table.
            DataError: A value is missing or of another kind; the message names the column.
            ValueError: A column is missing or has no feature, or `adapt` was not called.
        """
        columns = columns_of(data)
        if columns is None:
            raise TypeError(
                f"FeatureSpace {self.path!r} is called on a table: a dict of columns, or a DataFrame; got "
                f"{type(data).__name__}."
            )
        check_names(columns, self.features, "call", more=False)
        traced = any(is_symbolic(x) or isinstance(x, jax.core.Tracer) for x in columns.values())
        # The values of one row, without an axis of rows.
        alone = all(not len(_shape(x)) for x in columns.values())
        if not traced:
            self._check_adapted()
            columns = as_columns(columns, self._dtypes)
        self._make_encoders()
        outputs = super().__call__(columns, **kwargs)
        return map_tree(lambda y: ops.squeeze(y, 0), outputs) if alone else outputs

    # -- as a part of a graph -----------------------------------------------------------------------------------

    @property
    def inputs(self) -> dict[str, Any]:
        """An `Input` for each column, by name: the same ones each time."""
        if self._inputs is None:
            self._inputs = {
                name: layers.Input((1,), dtype=feature.dtype, name=name)
                for name, feature in self.features.items()
            }
        return self._inputs

    def get_inputs(self) -> dict[str, Any]:
        """Return an `Input` for each column, by name: the same ones each time."""
        self._check_adapted()
        return self.inputs

    def get_encoded_features(self) -> Any:
        """Return what the features make of `get_inputs()`: a symbolic tensor, or a dict of them.

        Each layer inside is a layer of its own in a model of these.

        Raises:
            ValueError: `adapt` was not called.
        """
        self._check_adapted()
        if self._encoded is None:
            self._make_encoders()
            self._encoded = self.call(self.inputs)
            self.built = True
        return self._encoded

    @property
    def encoded_features(self) -> Any:
        """What `get_encoded_features` gave, or `None` before."""
        return self._encoded

    # -- files --------------------------------------------------------------------------------------------------

    def save(self, filepath: Any, overwrite: bool = True) -> None:
        """Write the space to a `.keras` file, of which `saving.load_model` makes it anew.

        Args:
            filepath: A path that ends in `.keras`, or a file that is open for writing and reading.
            overwrite: Whether a file that is there may be replaced.
        """
        saving.save_model(self, filepath, overwrite)

    def get_build_config(self) -> dict[str, Any] | None:
        """Return what each layer was built for, by the feature's name."""
        return {name: layer.get_build_config() for name, layer in self.preprocessors.items()}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build the layers inside as they were when they were written.

        Args:
            config: What `get_build_config` gave, ours or Keras's.
        """
        for name, said in config.items():
            layer = self.preprocessors[name]
            if not layer.built and said is not None:
                layer.build_from_config(said)
        self.built = True

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> FeatureSpace:
        """Return a new space; what its layers have learned comes with a file's weights.

        Args:
            config: What `get_config` gave, ours or Keras's.
            custom_objects: Classes of yours by name, besides the registered ones.
        """
        space: FeatureSpace = super().from_config(config, custom_objects)
        space._is_adapted = True
        return space


def _was_given(layer: Any) -> bool:
    """Say whether a layer that could learn from data was given what it would learn."""
    if isinstance(layer, Adaptive):
        try:
            layer._check_adaptive()
        except ValueError:
            return True
    return False


@contextlib.contextmanager
def _naming(name: str) -> Iterator[None]:
    """Note on an error which column it is about."""
    try:
        yield
    except Exception as error:
        error.add_note(f"FeatureSpace: in the column {name!r}.")
        raise


def _shape(x: Any) -> tuple[Any, ...]:
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def _host(column: Any) -> Any:
    return column if is_text(column) else np.asarray(column)
