"""`tf.train.Example` and its kin, and `tf.io.parse_*`: named values in records, as tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from trivium.compat.errors import NotCovered
from trivium.compat.tensorflow.contents import bytes_in, bytes_of, kind_of_tensor, sparse, tensor
from trivium.compat.written import covers
from trivium.data.records.messages import message
from trivium.data.records.parsing import KINDS, fitted, parsed, values_of
from trivium.data.strings import StringArray

__all__: list[str] = []


class _Message(type):
    """The class of a message, which is made when it is first used: protobuf is not imported before."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls.__name__ == "BytesList" and kwargs.get("value") is not None:
            # Programs look for strings by `type(tf.constant(0))`, which ours are not, to call `.numpy()`.
            kwargs["value"] = [
                v.numpy() if isinstance(v, StringArray) else v for v in kwargs["value"]
            ]
        return message(cls.__name__)(*args, **kwargs)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(message(cls.__name__), name)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, message(cls.__name__))


for _name in (
    "BytesList", "Example", "Feature", "FeatureList", "FeatureLists", "Features", "FloatList", "Int64List",
    "SequenceExample",
):  # fmt: skip
    covers(f"tensorflow.train.{_name}")(
        _Message(_name, (), {"__module__": "google.protobuf"})  # whose source nobody looks for
    )


# -- what is wanted of a feature --------------------------------------------------------------------------------


@covers("tensorflow.io.FixedLenFeature")
class _FixedLenFeature(NamedTuple):
    shape: Any
    dtype: Any
    default_value: Any = None


@covers("tensorflow.io.VarLenFeature")
class _VarLenFeature(NamedTuple):
    dtype: Any


@covers("tensorflow.io.FixedLenSequenceFeature")
class _FixedLenSequenceFeature(NamedTuple):
    shape: Any
    dtype: Any
    allow_missing: bool = False
    default_value: Any = None


@covers("tensorflow.io.SparseFeature")
class _SparseFeature(NamedTuple):
    index_key: Any
    value_key: str
    dtype: Any
    size: Any
    already_sorted: bool = False


class _RowLengths(NamedTuple):
    key: str


class _RowSplits(NamedTuple):
    key: str


@covers("tensorflow.io.RaggedFeature")
class _RaggedFeature(NamedTuple):
    dtype: Any
    value_key: str | None = None
    partitions: Any = ()
    row_splits_dtype: Any = "int32"
    validate: bool = False


_RaggedFeature.RowLengths = _RowLengths  # type: ignore[attr-defined]
_RaggedFeature.RowSplits = _RowSplits  # type: ignore[attr-defined]

Features = Mapping[str, Any]


def _dtype(feature: Any, key: str, place: str) -> str:
    name = str(getattr(feature.dtype, "name", feature.dtype))
    if name not in KINDS:
        raise TypeError(
            f"{place}: the feature {key!r} has the dtype {name}; records hold int64, float32 and string. `tf.cast` "
            "makes another one of what was read."
        )
    return name


class _One:
    """Features of one example."""

    def __init__(self, held: Any, wanted: Features, place: str) -> None:
        self.held, self.wanted, self.place = held, wanted, place

    def values(self, key: str, dtype: str) -> np.ndarray | None:
        return values_of(self.held, key, dtype, self.place)

    def all(self, key: str, dtype: str) -> np.ndarray:
        found = self.values(key, dtype)
        return np.empty(0, KINDS[dtype][1]) if found is None else found

    def fixed(self, key: str) -> np.ndarray:
        spec = self.wanted[key]
        dtype, shape = _dtype(spec, key, self.place), _shape(spec.shape)
        found = self.values(key, dtype)
        default = spec.default_value
        if default is not None:
            default = bytes_in(default) if dtype == "string" else np.asarray(default)
        return fitted(found, key, shape, default, dtype, self.place, list(self.held))

    def sequence(self, key: str) -> np.ndarray:
        spec = self.wanted[key]
        if not spec.allow_missing:
            raise ValueError(
                f"{self.place}: FixedLenSequenceFeature needs `allow_missing=True` here (feature {key!r})."
            )
        dtype, shape = _dtype(spec, key, self.place), _shape(spec.shape)
        found = self.all(key, dtype)
        width = int(np.prod(shape))
        whole = (found.size // width, *shape) if width else (0, *shape)
        return fitted(found, key, whole, None, dtype, self.place)

    def placed(self, key: str) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
        """Return the places, values and shape of a feature that names both."""
        spec = self.wanted[key]
        several = isinstance(spec.index_key, list | tuple)
        keys = list(spec.index_key) if several else [spec.index_key]
        sizes = [int(s) for s in (spec.size if several else [spec.size])]
        places = np.stack([self.all(k, "int64") for k in keys], -1)
        values = self.all(spec.value_key, _dtype(spec, key, self.place))
        if len(places) != len(values) or (places < 0).any() or (places >= sizes).any():
            raise ValueError(
                f"{self.place}: the feature {key!r} has {len(values)} values at the places {places.tolist()}; wanted "
                f"one place for each, within {sizes}."
            )
        order = np.lexsort(places.T[::-1])
        return places[order], values[order], tuple(sizes)

    def ragged(self, key: str) -> list[Any]:
        """Return the values of a feature, and the lengths of the rows of each partition."""
        spec = self.wanted[key]
        values = self.all(spec.value_key or key, _dtype(spec, key, self.place))
        partitions = (
            spec.partitions if isinstance(spec.partitions, list | tuple) else [spec.partitions]
        )
        lengths = []
        for partition in (
            [partitions] if isinstance(partitions, _RowLengths | _RowSplits) else partitions
        ):
            if isinstance(partition, _RowSplits):
                lengths.append(np.diff(self.all(partition.key, "int64")))
            elif isinstance(partition, _RowLengths):
                lengths.append(self.all(partition.key, "int64"))
            else:
                raise NotCovered(
                    f"tf.io.RaggedFeature: a partition by {type(partition).__name__} is not covered; RowLengths and "
                    "RowSplits are."
                )
        return [values, *lengths]


def _shape(shape: Any) -> tuple[int, ...]:
    return tuple(int(s) for s in ([shape] if isinstance(shape, int) else shape))


def _single(one: _One, key: str) -> Any:
    """Return a feature of one example as a tensor."""
    spec = one.wanted[key]
    if isinstance(spec, _FixedLenFeature):
        return tensor(one.fixed(key))
    if isinstance(spec, _FixedLenSequenceFeature):
        return tensor(one.sequence(key))
    if isinstance(spec, _VarLenFeature):
        values = one.all(key, _dtype(spec, key, one.place))
        return sparse(np.arange(len(values)), tensor(values), (len(values),))
    if isinstance(spec, _SparseFeature):
        places, values, sizes = one.placed(key)
        return sparse(places, tensor(values), sizes)
    if isinstance(spec, _RaggedFeature):
        values, *lengths = one.ragged(key)
        return _nested(tensor(values), lengths)
    raise TypeError(
        f"{one.place}: the feature {key!r} is a {type(spec).__name__}; wanted FixedLenFeature, VarLenFeature, "
        "FixedLenSequenceFeature, RaggedFeature or SparseFeature of tf.io."
    )


def _nested(values: Any, lengths: Sequence[Any]) -> Any:
    for rows in reversed(lengths):
        values = kind_of_tensor("RaggedTensor").from_row_lengths(values, rows)
    return values


def _several(ones: Sequence[_One], key: str) -> Any:
    """Return a feature of several examples as a tensor."""
    spec = ones[0].wanted[key]
    if isinstance(spec, _FixedLenFeature):
        return tensor(np.stack([one.fixed(key) for one in ones]))
    if isinstance(spec, _FixedLenSequenceFeature):
        return tensor(_padded([one.sequence(key) for one in ones], spec.default_value))
    if isinstance(spec, _VarLenFeature):
        rows = [one.all(key, _dtype(spec, key, one.place)) for one in ones]
        at = [(i, j) for i, row in enumerate(rows) for j in range(len(row))]
        longest = max(map(len, rows), default=0)
        return sparse(at, tensor(np.concatenate(rows)), (len(rows), longest))
    if isinstance(spec, _SparseFeature):
        found = [one.placed(key) for one in ones]
        numbers = np.repeat(np.arange(len(found)), [len(p) for p, _, _ in found])
        places = np.column_stack([numbers, np.concatenate([p for p, _, _ in found])])
        values = np.concatenate([v for _, v, _ in found])
        return sparse(places, tensor(values), (len(found), *found[0][2]))
    if isinstance(spec, _RaggedFeature):
        parts = [one.ragged(key) for one in ones]
        joined = [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
        outer = [len(part[1]) if len(part) > 1 else len(part[0]) for part in parts]
        return _nested(tensor(joined[0]), [np.array(outer, np.int64), *joined[1:]])
    return _single(ones[0], key)


def _padded(rows: Sequence[np.ndarray], default: Any) -> np.ndarray:
    """Return arrays side by side, each filled up to the longest."""
    empty = b"" if rows[0].dtype == object else 0
    shape = (len(rows), max(map(len, rows)), *rows[0].shape[1:])
    whole = np.full(shape, empty if default is None else default, rows[0].dtype)
    for filled, row in zip(whole, rows, strict=True):
        filled[: len(row)] = row
    return whole


# -- parsing ----------------------------------------------------------------------------------------------------


@covers("tensorflow.io.parse_single_example")
def _parse_single_example(
    serialized: Any, features: Features, example_names: Any = None, name: str | None = None
) -> dict[str, Any]:
    place = "tf.io.parse_single_example"
    held = parsed("Example", bytes_of(serialized), place).features.feature
    return {key: _single(_One(held, features, place), key) for key in features}


@covers("tensorflow.io.parse_example")
def _parse_example(
    serialized: Any, features: Features, example_names: Any = None, name: str | None = None
) -> dict[str, Any]:
    records = bytes_in(serialized)
    if records.ndim == 0:
        return _parse_single_example(records, features)
    if records.ndim > 1:
        raise ValueError(
            f"tf.io.parse_example takes one record or a vector of them; got the shape {records.shape}."
        )
    place = "tf.io.parse_example"
    ones = [
        _One(
            parsed("Example", r, f"{place}: record {i}").features.feature,
            features,
            f"{place}: record {i}",
        )
        for i, r in enumerate(records)
    ]
    return {key: _several(ones, key) for key in features}


class _Steps:
    """One feature of the steps of a sequence."""

    def __init__(self, held: Any, key: str, spec: Any, place: str) -> None:
        self.key, self.spec, self.place = key, spec, place
        self.dtype = _dtype(spec, key, place)
        self.there = key in held
        self.steps = [{key: f} for f in held[key].feature] if self.there else []

    def rows(self) -> list[np.ndarray]:
        """Return the values of each step."""
        found = [values_of(step, self.key, self.dtype, self.place) for step in self.steps]
        return [np.empty(0, KINDS[self.dtype][1]) if row is None else row for row in found]

    def fixed(self) -> np.ndarray:
        """Return the values of all steps, of one shape each."""
        shape = _shape(self.spec.shape)
        if not self.there and not self.spec.allow_missing:
            raise ValueError(
                f"{self.place}: there is no feature list {self.key!r} in this example; `allow_missing=True` takes "
                "that for no steps."
            )
        rows = [
            fitted(row, self.key, shape, None, self.dtype, f"{self.place}: step {i}")
            for i, row in enumerate(self.rows())
        ]
        return np.stack(rows) if rows else np.empty((0, *shape), KINDS[self.dtype][1])


def _step_feature(steps: _Steps) -> Any:
    """Return a feature of one sequence as a tensor."""
    if isinstance(steps.spec, _FixedLenSequenceFeature):
        return tensor(steps.fixed())
    rows = steps.rows()
    values = tensor(np.concatenate([np.empty(0, KINDS[steps.dtype][1]), *rows]))
    if isinstance(steps.spec, _VarLenFeature):
        places = [(i, j) for i, row in enumerate(rows) for j in range(len(row))]
        return sparse(places, values, (len(rows), max(map(len, rows), default=0)))
    return _nested(values, [np.array([len(row) for row in rows], np.int64)])


@covers("tensorflow.io.parse_single_sequence_example")
def _parse_single_sequence_example(
    serialized: Any,
    context_features: Features | None = None,
    sequence_features: Features | None = None,
    example_name: Any = None,
    name: str | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    place = "tf.io.parse_single_sequence_example"
    found = parsed("SequenceExample", bytes_of(serialized), place)
    one = _One(found.context.feature, context_features or {}, place)
    held = found.feature_lists.feature_list
    steps = [_Steps(held, key, spec, place) for key, spec in (sequence_features or {}).items()]
    return {k: _single(one, k) for k in one.wanted}, {s.key: _step_feature(s) for s in steps}


@covers("tensorflow.io.parse_sequence_example")
def _parse_sequence_example(
    serialized: Any,
    context_features: Features | None = None,
    sequence_features: Features | None = None,
    example_names: Any = None,
    name: str | None = None,
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    place = "tf.io.parse_sequence_example"
    places = [f"{place}: record {i}" for i in range(len(bytes_in(serialized)))]
    found = [
        parsed("SequenceExample", r, p) for r, p in zip(bytes_in(serialized), places, strict=True)
    ]
    ones = [
        _One(f.context.feature, context_features or {}, p)
        for f, p in zip(found, places, strict=True)
    ]
    context = {key: _several(ones, key) for key in context_features or {}}
    made: dict[str, Any] = {}
    lengths: dict[str, Any] = {}
    for key, spec in (sequence_features or {}).items():
        several = [
            _Steps(f.feature_lists.feature_list, key, spec, p)
            for f, p in zip(found, places, strict=True)
        ]
        if isinstance(spec, _FixedLenSequenceFeature):
            parts = [steps.fixed() for steps in several]
            made[key] = tensor(_padded(parts, spec.default_value))
            lengths[key] = tensor(np.array([len(part) for part in parts], np.int64))
            continue
        rows = [steps.rows() for steps in several]
        flat = [row for sequence in rows for row in sequence]
        values = tensor(np.concatenate([np.empty(0, KINDS[several[0].dtype][1]), *flat]))
        if isinstance(spec, _VarLenFeature):
            at = [
                (i, j, k)
                for i, sequence in enumerate(rows)
                for j, row in enumerate(sequence)
                for k in range(len(row))
            ]
            shape = (len(rows), max(map(len, rows)), max(map(len, flat), default=0))
            made[key] = sparse(at, values, shape)
        else:
            steps_in = [np.array([len(s) for s in rows]), np.array([len(r) for r in flat])]
            made[key] = _nested(values, steps_in)
    return context, made, lengths


@covers("tensorflow.data.experimental.parse_example_dataset")
def _parse_example_dataset(
    features: Features, num_parallel_calls: int | None = 1, deterministic: bool | None = None
) -> Callable[[Any], Any]:
    return lambda dataset: dataset.map(lambda x: _parse_example(x, features), num_parallel_calls)
