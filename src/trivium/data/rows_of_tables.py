"""From the columns of tables to elements: which columns, what is learned, what becomes of rows that lack a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from trivium.data.checks import DataError
from trivium.data.orders import OrderKey
from trivium.data.pipeline.elements import row
from trivium.data.pipeline.failures import ErrorLog, Failed
from trivium.state import suggest

__all__ = ["Label", "chosen", "cleaned", "labels_of"]

Label = str | Sequence[str] | None


def labels_of(label: Label) -> list[str]:
    """Return the names of the columns that are to be learned.

    Example:
        >>> labels_of(None), labels_of("price")
        ([], ['price'])
    """
    return [] if label is None else [label] if isinstance(label, str) else list(label)


def chosen(
    names: Sequence[str], label: Label, columns: Sequence[str] | None, place: str
) -> list[str]:
    """Return the columns of an element, all of which, and the labels, are there.

    Args:
        names: The columns that there are.
        label: Those that are to be learned.
        columns: Those that an element has; `None` for all others.
        place: What has them, for messages.

    Raises:
        DataError: One is not there, or none is left.

    Example:
        >>> chosen(["a", "b"], "b", None, "the table")
        ['a']
    """
    labels = labels_of(label)
    kept = list(columns) if columns is not None else [n for n in names if n not in labels]
    for name in [*kept, *labels]:
        if name not in names:
            raise DataError(
                f"There is no column {name!r} in {place}. {suggest(name, names)} It has {', '.join(map(repr, names))}."
            )
    if not kept:
        raise DataError(f"No column of {place} is left for the inputs: all of them are labels.")
    return kept


def cleaned(
    parts: Callable[[], Any], names: list[str], label: Label, missing: str, log: ErrorLog
) -> Callable[[OrderKey], Iterator[Any]]:
    """Return a function that gives blocks of columns as blocks of elements, without what is missing.

    Args:
        parts: Gives the name of each part of the data, and its blocks: dicts from column to values.
        names: The columns that an element has.
        label: Those that are to be learned.
        missing: `"error"`, `"drop"` or `"keep"`.
        log: Takes the rows that are left out.

    Raises:
        DataError: `missing` is something else.
    """
    if missing not in ("error", "drop", "keep"):
        raise DataError(f'`missing` is "error", "drop" or "keep"; got {missing!r}.')

    def blocks(key: OrderKey) -> Iterator[Any]:
        for place, read in parts():
            first = 0
            for found in read:
                block = {n: found[n] for n in [*names, *labels_of(label)]}
                count = len(next(iter(block.values())))
                if missing != "keep":
                    block = _without_missing(block, place, first, missing, log)
                first += count
                x = {n: block[n] for n in names}
                if label is None:
                    yield x
                else:
                    y = block[label] if isinstance(label, str) else {n: block[n] for n in label}
                    yield x, y

    return blocks


def _without_missing(
    block: dict[str, np.ndarray], place: str, first: int, missing: str, log: ErrorLog
) -> Any:
    gone = np.zeros(len(next(iter(block.values()))), bool)
    for name, values in block.items():
        if values.dtype.kind == "O":
            none = np.array([v is None for v in values], bool)
        elif values.dtype.kind in "fcmM":
            none = np.isnan(values) if values.dtype.kind in "fc" else np.isnat(values)
            none = none.reshape(len(values), -1).any(axis=1)
        else:
            continue
        for number in np.flatnonzero(none & ~gone):
            what = f"the column {name!r} has no value in row {first + number} of {place}"
            if missing == "error":
                raise DataError(
                    f'{what[0].upper()}{what[1:]} (rows are counted from 0). missing="drop" leaves such rows out and '
                    'counts them; "keep" makes NaN or None of what is missing.'
                )
            error = DataError(f"the column {name!r} has no value")
            log.note(Failed(error, f"row {first + number} of {place}"), warn=False)
        gone |= none
    return row(block, ~gone) if gone.any() else block
