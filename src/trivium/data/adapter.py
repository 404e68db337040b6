"""From the arguments of `fit`, `evaluate` and `predict` to a source."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from trivium.data.array_likes import is_array_like
from trivium.data.checks import DataError, check_count, check_shuffle, placed
from trivium.data.columns import library_of
from trivium.data.packing import standardize, warn_nonfinite
from trivium.data.pydataset import PyDataset
from trivium.data.pydataset_source import PyDatasetSource
from trivium.data.single_batch import SingleBatch, is_uneven
from trivium.data.source import Source
from trivium.data.sources import ArraySource, steps_argument
from trivium.data.streams import IterableSource

__all__ = ["make_source"]


def make_source(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    batch_size: int | None = None,
    steps: int | None = None,
    shuffle: bool | str = False,
    class_weight: Mapping[int, float] | None = None,
    what: str = "fit",
    batch: bool = False,
) -> Source:
    """Make a source of what a user passes as data.

    Args:
        x: Arrays (NumPy, JAX, pandas, sparse matrices of SciPy, numbers in lists, nested in dicts,
            lists and tuples), or a stream of batches `(x,)`, `(x, y)` or `(x, y, sample_weight)`: a `PyDataset`, a
            generator, a data loader of another library.
        y: Targets; with arrays only.
        sample_weight: Weights of samples, or of steps within them; with arrays only.
        batch_size: Samples a batch of arrays, 32 by default. Streams have their own.
        steps: The most batches an epoch takes.
        shuffle: Whether to draw the order of arrays or of a `PyDataset`'s batches; other streams
            come in their own order. `"batch"` keeps the samples of a batch together.
        class_weight: Weights of classes, for models with one output.
        what: Where the data was given: `"fit"`, `"evaluate"`, `"predict"`, `"validation_data"`.
        batch: Whether arrays are one batch, in which the several inputs of a model may differ in length.

    Returns:
        An `ArraySource`, a `StreamSource`, or a `SingleBatch` of arrays that differ in length.

    Raises:
        DataError: Something is wrong with the data or the arguments.

    Warns:
        UserWarning: Arrays hold values that are NaN or infinite; a stream is given a `batch_size`.

    Example:
        >>> source = make_source([[1.0], [2.0], [3.0]], [0, 1, 0], batch_size=2)
        >>> source.num_batches, source.data[0].shape
        (2, (3, 1))
    """
    with placed(what):
        batch_size = check_count("batch_size", batch_size)
        steps = check_count(steps_argument(what), steps)
        shuffle = check_shuffle(shuffle)
        if x is None:
            raise DataError("`x` is missing: pass arrays, a PyDataset or a generator of batches.")
        if not is_array_like(x):
            if batch_size is not None:
                _warn_of_batch_size(x, batch_size, what)
            beside = {"y": y, "sample_weight": sample_weight}
            return _stream(
                x, beside, steps=steps, shuffle=shuffle, class_weight=class_weight, what=what
            )
        issues: list[str] = []
        data = standardize(x, y, sample_weight, class_weight, issues=issues, batch=batch)
    warn_nonfinite(what, issues)
    if batch and is_uneven(data):
        return SingleBatch(data, what)
    return ArraySource(data, batch_size=batch_size, steps=steps, shuffle=shuffle, what=what)


def _name(x: Any) -> str:
    return "PyDataset" if isinstance(x, PyDataset) else type(x).__name__


def _warn_of_batch_size(x: Any, batch_size: int, what: str) -> None:
    warnings.warn(
        f"{what}: batch_size={batch_size} is ignored, since a {_name(x)} comes in batches that have "
        "their size. Leave the argument out.",
        UserWarning,
        stacklevel=4,
    )


def _stream(x: Any, beside: dict[str, Any], **kwargs: Any) -> Source:
    name = _name(x)
    if isinstance(x, type) or not hasattr(x, "__iter__"):
        remedy = "Pass arrays, a PyDataset, a generator, or an object whose __iter__ gives batches."
        if callable(x) and hasattr(x, "__name__"):
            remedy = f"Call it, and pass what it returns: {x.__name__}(...)."
        raise DataError(f"`x` is a {name}, from which no batches can be read. {remedy}")
    if library_of(x) == "datasets":  # Hugging Face's
        raise DataError(
            f"`x` is a {name} of Hugging Face, which gives rows one by one. Pass "
            "trivium.data.from_table(dataset, label=...).batch(32)."
        )
    for argument, value in beside.items():
        if value is not None:
            raise DataError(
                f"`{argument}` was given beside a {name}, which comes in batches that have their "
                "own: each is (x,), (x, y) or (x, y, sample_weight). Leave the argument out."
            )
    if hasattr(x, "as_source"):  # a pipeline that has its own way of drawing orders
        source: Source = x.as_source(
            what=kwargs["what"], steps=kwargs["steps"], class_weight=kwargs["class_weight"]
        )
        return source
    return PyDatasetSource(x, **kwargs) if isinstance(x, PyDataset) else IterableSource(x, **kwargs)
