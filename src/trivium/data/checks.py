"""What may be wrong with the data a user gives, each said with the array's name and the remedy."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from trivium.state import floatx, is_float
from trivium.state.trees import is_nested, item_name, map_leaves, rebuild

__all__ = [
    "DamagedDataError",
    "DataError",
    "align_sample_weight",
    "check_count",
    "check_lengths",
    "check_shuffle",
    "check_whole",
    "class_weights_to_sample_weights",
    "nonfinite",
    "nonfinite_warning",
    "placed",
]

# How many lines or names a message lists; more help nobody.
_LISTED = 8
# Up to so many bytes all values are looked at by themselves, which is quicker while they fit a core's cache.
_BATCH = 1 << 18


class DataError(ValueError):
    """The data that a user gave cannot be trained on, evaluated or predicted from."""


class DamagedDataError(DataError):
    """A file is not what was once written to it."""


class placed:
    """Say where an error came up: ours get the place in front, the user's own get it as a note.

    Args:
        place: Where we are, e.g. `"fit: batch 3"`.

    Example:
        >>> with placed("fit"):
        ...     raise DataError("`x` has no samples.")
        Traceback (most recent call last):
            ...
        trivium.data.checks.DataError: fit: `x` has no samples.
    """

    # A class, and not a generator, since each batch of a stream goes through two of them.
    __slots__ = ("_place",)

    def __init__(self, place: str) -> None:
        self._place = place

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, DataError):
            said = str(error).startswith(f"{self._place}: ")
            raise DataError(str(error) if said else f"{self._place}: {error}") from None
        if isinstance(error, Exception):
            error.add_note(f"This came up in {self._place}.")


def check_count(name: str, value: Any) -> int | None:
    """Return an argument that is a whole number of at least 1, or `None`.

    Args:
        name: The argument, for the message.
        value: What came.

    Raises:
        DataError: It is neither.

    Example:
        >>> check_count("batch_size", np.int64(32))
        32
    """
    if value is None:
        return None
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer) or value < 1:
        raise DataError(
            f"`{name}` is a whole number of at least 1, or None for the default; got {value!r}."
        )
    return int(value)


def check_whole(name: str, value: Any, least: int = 1, or_else: str = "") -> int:
    """Return an argument that is a whole number.

    Args:
        name: The argument, for the message.
        value: What came: a number, or an array of one, as programs for TensorFlow have it.
        least: The least that it may be.
        or_else: What else it may be, for the message, e.g. `", or -1 for all"`.

    Raises:
        DataError: It is none, or less.

    Example:
        >>> check_whole("count", np.array(3), least=0)
        3
    """
    try:
        number = least - 1 if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:  # A fraction, text or anything else.
        number = least - 1
    if number < least:
        raise DataError(f"`{name}` is a whole number of at least {least}{or_else}; got {value!r}.")
    return number


def check_shuffle(value: Any) -> bool | str:
    """Return a `shuffle` argument that is True, False or `"batch"`.

    Raises:
        DataError: It is something else.

    Example:
        >>> check_shuffle("batch")
        'batch'
    """
    if isinstance(value, str) and value == "batch":
        return value
    if isinstance(value, bool | np.bool_ | int | None):
        return bool(value)
    raise DataError(f'`shuffle` is True, False or "batch"; got {value!r}.')


def check_lengths(leaves: Sequence[tuple[str, Any]], x: Any) -> None:
    """Check that all arrays hold the same number of samples.

    Args:
        leaves: The arrays and their names; at least one.
        x: The model's input, for a hint where a list of samples was meant as one array.

    Raises:
        DataError: The arrays differ in length.

    Example:
        >>> check_lengths([("x", np.zeros((3, 2))), ("y", np.zeros(3))], np.zeros((3, 2)))
    """
    lengths = {array.shape[0] for _, array in leaves}
    if len(lengths) == 1:
        return
    lines = [f"  {name}: {array.shape[0]} (shape {array.shape})" for name, array in leaves]
    if len(lines) > _LISTED:
        lines[_LISTED - 1 : -1] = [f"  … and {len(lines) - _LISTED} more"]
    remedy = "Cut or fill them to one length."
    if isinstance(x, list | tuple) and len(x) in lengths and len(x) > 1:
        remedy = (
            f"A list of {len(x)} arrays means {len(x)} inputs of the model. If it is "
            f"{len(x)} samples of one input, pass np.stack(x)."
        )
    raise DataError(
        "the arrays have different numbers of samples (their first dimensions):\n"
        + "\n".join(lines)
        + f"\n{remedy}"
    )


def align_sample_weight(weight: Any, y: Any) -> Any:
    """Return sample weights in the structure of the targets.

    Args:
        weight: One array, which serves every output, or one for each output in the structure of `y`
            (`None` where an output has no weights).
        y: The targets; `None` leaves the weights as they are.

    Returns:
        The weights, structured as `y`.

    Raises:
        DataError: The structures or the shapes do not fit.

    Example:
        >>> y = {"a": np.zeros((2, 3)), "b": np.zeros(2)}
        >>> align_sample_weight(np.ones(2), y)
        {'a': array([1., 1.]), 'b': array([1., 1.])}
    """
    if y is None:
        return weight
    if is_nested(y) and not is_nested(weight):
        if weight.ndim > 2 or weight.shape[1:] not in ((), (1,)):
            raise DataError(
                f"`sample_weight` has shape {weight.shape}. One array for several outputs holds "
                f"one weight a sample, shape ({weight.shape[0]},); for weights of another shape "
                "pass one array for each output, structured as `y`."
            )
        return map_leaves(lambda _: weight, y)
    return _align(weight, y, "sample_weight", "y")


def _align(weight: Any, y: Any, name: str, target: str) -> Any:
    """Walk weights and targets together; say where they part."""
    if weight is None:
        return None
    if isinstance(y, Mapping) and isinstance(weight, Mapping) and set(weight) == set(y):
        return {k: _align(weight[k], y[k], item_name(name, k), item_name(target, k)) for k in y}
    lists = isinstance(y, list | tuple) and isinstance(weight, list | tuple)
    if lists and len(weight) == len(y):
        parts = [
            _align(w, t, item_name(name, i), item_name(target, i))
            for i, (w, t) in enumerate(zip(weight, y, strict=True))
        ]
        return rebuild(y, parts)
    if is_nested(y) or is_nested(weight):
        raise DataError(
            f"`{name}` is {_outline(weight)}, but `{target}` is {_outline(y)}. Pass one array of "
            "weights for all outputs, or one for each, structured as `y` (None: no weights)."
        )
    if y is not None and not _fits(weight.shape, y.shape):
        raise DataError(
            f"`{name}` has shape {weight.shape}, but `{target}` has shape {y.shape}. Wanted one "
            f"weight a sample, shape ({y.shape[0]},)"
            + (f", or one a step, shape {y.shape[:2]}." if len(y.shape) > 1 else ".")
        )
    return weight


def _outline(value: Any) -> str:
    """Say in few words what a structure looks like."""
    if isinstance(value, Mapping):
        return f"a dict with the keys {sorted(map(str, value))}"
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    return "None" if value is None else f"one array of shape {value.shape}"


def _fits(weight: tuple[int, ...], y: tuple[int, ...]) -> bool:
    """Say whether weights follow the targets' leading dimensions, apart from dimensions of 1."""
    common = min(len(weight), len(y))
    leading = all(w in (1, t) for w, t in zip(weight[1:common], y[1:common], strict=True))
    return leading and all(w == 1 for w in weight[common:])


def class_weights_to_sample_weights(y: Any, class_weight: Mapping[int, float]) -> np.ndarray:
    """Return each sample's weight, which is the weight of its class.

    Args:
        y: Class numbers, shape `(samples, ...)` or `(samples, ..., 1)`, or one-hot rows, shape
            `(samples, ..., classes)`.
        class_weight: A weight for each class that occurs.

    Returns:
        The weights, shape `(samples, ...)`, in the default float type.

    Raises:
        DataError: A class has no weight, or `y` holds no classes.

    Example:
        >>> class_weights_to_sample_weights(np.array([0, 1, 1]), {0: 1.0, 1: 2.5})
        array([1. , 2.5, 2.5], dtype=float32)
    """
    if not isinstance(class_weight, Mapping):
        raise DataError(
            "`class_weight` is a dict from class number to weight; got "
            f"{type(class_weight).__name__}. A list of weights becomes one by "
            "dict(enumerate(weights))."
        )
    labels = _class_numbers(np.asarray(y))
    classes, index = np.unique(labels, return_inverse=True)
    missing = [int(c) for c in classes if int(c) not in class_weight]
    if missing:
        shown = ", ".join(map(str, missing[:_LISTED])) + (" …" if len(missing) > _LISTED else "")
        raise DataError(
            f"`class_weight` has no weight for the class(es) {shown}, which occur in `y`. It has "
            f"the keys {list(class_weight)[:_LISTED]}; a weight of 1.0 leaves a class as it is."
        )
    weights = np.array([_weight(class_weight, int(c)) for c in classes])
    return weights.astype(np.dtype(floatx()))[index.reshape(labels.shape)]


def _weight(class_weight: Mapping[int, float], label: int) -> float:
    value = class_weight[label]
    try:
        return float(value)
    except (TypeError, ValueError):
        raise DataError(f"`class_weight[{label}]` is a number; got {value!r}.") from None


def _class_numbers(labels: np.ndarray) -> np.ndarray:
    """Return the class numbers that labels or one-hot rows stand for."""
    wholes = labels.dtype.kind in "biu"
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    elif labels.ndim > 1:
        # Rows of 0 and 1 that are not one-hot are several labels a sample, or the labels of a
        # sequence: taking each for the place of its first 1 would be silently wrong.
        bits = ((labels == 0) | (labels == 1)).all()
        if (wholes and not bits) or (bits and (labels.sum(axis=-1) != 1).any()):
            raise DataError(
                "`class_weight` needs one class a sample: class numbers of shape (samples,), one-hot "
                f"rows, or class numbers of shape (samples, ..., 1). `y` has shape {labels.shape}, "
                f"values from {labels.min()} to {labels.max()}, and rows that are not one-hot. For "
                "sequences of class numbers give y[..., None]; for several labels a sample pass "
                "`sample_weight` instead."
            )
        return labels.argmax(axis=-1)
    if not wholes and not (np.isfinite(labels) & (labels == np.floor(labels))).all():
        raise DataError(
            "`class_weight` needs class numbers in `y`; got values that are no whole numbers. For "
            "weights by sample, pass `sample_weight`."
        )
    return labels


def nonfinite(
    array: Any, original: Any, name: str, row_of: Callable[[int], int] = int
) -> str | None:
    """Say how many values of an array are NaN or infinite, and where the first one is.

    A sum is finite only if all its terms are, so one pass without a temporary array clears a large
    array that is good.

    Args:
        array: What training gets.
        original: What the user gave, before it was narrowed.
        name: The array's name.
        row_of: Says in which row an entry of the first axis is, where that is not its number.

    Returns:
        A line for the warning, or `None` where all is well.

    Example:
        >>> a = np.array([[1.0], [np.nan]]); nonfinite(a, a, "y")
        '`y`: 1 NaN; the first in row 1'
    """
    if not _has_nonfinite(array.dtype) or _all_finite(array):
        return None
    values, given = np.asarray(array), np.asarray(original)
    bad = ~np.isfinite(values)
    if not bad.any():
        return None
    found = {
        "NaN": np.isnan(given),
        "infinite": np.isinf(given),
        f"too large for {values.dtype}": bad & np.isfinite(given),
    }
    counts = [f"{n} {what}" for what, mask in found.items() if (n := int(mask.sum()))]
    row = row_of(int(bad.reshape(len(bad), -1).any(axis=1).argmax()))
    return f"`{name}`: {', '.join(counts)}; the first in row {row}"


# Each array of each batch is asked.
@functools.lru_cache(maxsize=64)
def _has_nonfinite(dtype: Any) -> bool:
    """Say whether there are numbers of a dtype that are not finite."""
    return is_float(dtype) or bool(np.issubdtype(dtype, np.complexfloating))


def _all_finite(array: Any) -> bool:
    """Say whether an array holds finite numbers alone; of a large one a sum that overflows says no, too."""
    # Where it lies: only an accelerator's array is worth a sum over there.
    if hasattr(array, "devices") and {d.platform for d in array.devices()} != {"cpu"}:
        return bool(np.isfinite(np.asarray(array.sum())))
    host = np.asarray(array)
    if host.nbytes <= _BATCH:
        return bool(np.isfinite(host).all())
    with np.errstate(all="ignore"):
        # Half types have a narrow range: their sums would overflow where every value is fine.
        return bool(np.isfinite(host.sum(dtype=np.float32 if host.dtype.itemsize < 4 else None)))


def nonfinite_warning(what: str, lines: Iterable[str]) -> str:
    """Return the text of the one warning for all arrays with values that are not finite."""
    return (
        f"{what}: the data holds values that are not finite (rows are counted from 0):\n  "
        + "\n  ".join(lines)
        + "\nNaN spreads from there to the loss and every weight. Drop these rows, or put numbers "
        "in their place, e.g. with np.nan_to_num."
    )
