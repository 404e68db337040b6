"""`tf.data`'s datasets of files, and `tf.io.TFRecordWriter`: the faces of `trivium.data`'s readers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from trivium.compat.tensorflow.contents import bytes_of, path_of
from trivium.compat.tensorflow.dataset import TFDataset
from trivium.compat.written import covers
from trivium.data import Dataset, RecordWriter, from_bytes, from_records, from_text
from trivium.data.checks import DataError

__all__ = ["file_paths", "reading"]


def file_paths(filenames: Any) -> list[str]:
    """Return the names that a dataset of files was given: one, several, nested as they may be, or a dataset of them.

    Example:
        >>> file_paths(["a", "b"])
        ['a', 'b']
    """
    if isinstance(filenames, Dataset):
        return [path_of(name) for name in filenames]
    if isinstance(filenames, os.PathLike):
        return [os.fspath(filenames)]
    return [path_of(name) for name in np.ravel(np.asarray(filenames, object))]


def reading(
    filenames: Any, parallel: int | None, read: Callable[..., Dataset], **options: Any
) -> TFDataset:
    """Return what is read of files: one behind the other, or in turn where several are read at a time.

    Args:
        filenames: As `file_paths` takes them.
        parallel: How many are read at a time.
        read: Makes a dataset of files.
        options: What else it takes.
    """
    paths = file_paths(filenames)
    if parallel is not None and len(paths) > 1:
        names = TFDataset.from_tensor_slices(np.array(paths, object))
        return names.interleave(
            lambda name: read([path_of(name)], **options),
            cycle_length=None if parallel < 1 else int(parallel),
            num_parallel_calls=parallel,
        )
    made = read(paths, **options)
    return TFDataset(made._elements, made._logs)


@covers("tensorflow.data.TFRecordDataset")
def _record_dataset(
    filenames: Any,
    compression_type: str | None = None,
    buffer_size: int | None = None,
    num_parallel_reads: int | None = None,
    name: str | None = None,
) -> TFDataset:
    return reading(filenames, num_parallel_reads, from_records, compression=_kind(compression_type))


@covers("tensorflow.data.TextLineDataset")
def _line_dataset(
    filenames: Any,
    compression_type: str | None = None,
    buffer_size: int | None = None,
    num_parallel_reads: int | None = None,
    name: str | None = None,
) -> TFDataset:
    return reading(
        filenames,
        num_parallel_reads,
        from_text,
        compression=_kind(compression_type),
        encoding=None,
    )


@covers("tensorflow.data.FixedLengthRecordDataset")
def _fixed_dataset(
    filenames: Any,
    record_bytes: int,
    header_bytes: int | None = None,
    footer_bytes: int | None = None,
    buffer_size: int | None = None,
    compression_type: str | None = None,
    num_parallel_reads: int | None = None,
    name: str | None = None,
) -> TFDataset:
    return reading(
        filenames,
        num_parallel_reads,
        from_bytes,
        size=int(record_bytes),
        header=int(header_bytes or 0),
        footer=int(footer_bytes or 0),
        compression=_kind(compression_type),
    )


@covers("tensorflow.io.TFRecordOptions")
class _RecordOptions(NamedTuple):
    compression_type: Any = None
    flush_mode: Any = None
    input_buffer_size: Any = None
    output_buffer_size: Any = None
    window_bits: Any = None
    compression_level: Any = None
    compression_method: Any = None
    mem_level: Any = None
    compression_strategy: Any = None


@covers("tensorflow.io.TFRecordWriter")
class _RecordWriter(RecordWriter):
    def __init__(self, path: Any, options: Any = None) -> None:
        kind, level = options, None
        if isinstance(options, _RecordOptions):
            kind, level = options.compression_type, options.compression_level
        super().__init__(path_of(path), _kind(kind), -1 if level is None else int(level))

    def write(self, record: Any) -> None:
        super().write(record if isinstance(record, bytes) else bytes_of(record))


def _kind(compression: Any) -> str:
    """Return a compression by its name; TensorFlow has numbers for them, too."""
    if compression in (None, 0, "NONE"):
        return ""
    if compression in (1, 2):
        return ("ZLIB", "GZIP")[compression - 1]
    return compression if isinstance(compression, str) else bytes_of(compression).decode()


@covers("tensorflow.data.experimental.save")
def _save(
    dataset: Any,
    path: Any,
    compression: Any = None,
    shard_func: Any = None,
    checkpoint_args: Any = None,
) -> None:
    dataset.save(path)


@covers("tensorflow.data.experimental.load")
def _load(
    path: Any, element_spec: Any = None, compression: Any = None, reader_func: Any = None
) -> TFDataset:
    return TFDataset.load(path)


# Transformations from before `Dataset` had them as methods, to be given to `apply`.
def _as_function(method: str) -> Callable[..., Callable[[Any], Any]]:
    def make(*args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        return lambda dataset: getattr(dataset, method)(*args, **kwargs)

    return make


for _name in (
    "bucket_by_sequence_length", "enumerate_dataset", "group_by_window", "ignore_errors", "rejection_resample",
    "scan", "snapshot", "take_while", "unbatch", "unique",
):  # fmt: skip
    covers(f"tensorflow.data.experimental.{_name}")(_as_function(_name.removesuffix("_dataset")))


@covers("tensorflow.data.experimental.assert_cardinality")
def _assert_cardinality(expected_cardinality: int) -> Callable[[Any], Any]:
    def apply(dataset: Any) -> Any:
        def read(key: Any, skip: int) -> Iterator[Any]:
            count = skip
            for element in dataset._elements.read(key, skip):
                count += 1
                yield element
            if count != expected_cardinality:
                raise DataError(
                    f"assert_cardinality: wanted {expected_cardinality} elements; there are {count}."
                )

        return dataset._then(dataset._elements.then(read, int(expected_cardinality)))

    return apply


@covers("tensorflow.data.experimental.sample_from_datasets")
def _sample(
    datasets: Any, weights: Any = None, seed: Any = None, stop_on_empty_dataset: bool = False
) -> Any:
    return TFDataset.sample_from_datasets(datasets, weights, seed, stop_on_empty_dataset)


@covers("tensorflow.data.experimental.choose_from_datasets")
def _choose(datasets: Any, choice_dataset: Any, stop_on_empty_dataset: bool = False) -> Any:
    return TFDataset.choose_from_datasets(datasets, choice_dataset, stop_on_empty_dataset)
