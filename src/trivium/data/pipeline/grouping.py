"""Elements put together in other ways than side by side: filled up to one shape, in windows, in groups."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from trivium.data.checks import DataError
from trivium.data.orders import OrderKey
from trivium.data.pipeline.elements import as_tensors, call_on, map_arrays
from trivium.data.pipeline.failures import Failed, failed_in
from trivium.data.pipeline.stages import UNKNOWN, Elements, count_batches, skipping
from trivium.state.types import Tree

__all__ = ["grouped", "in_rows", "listed", "padded", "to_boundary", "windows"]


def listed(elements: list[Any]) -> Elements:
    """Return elements that are there already.

    Example:
        >>> list(listed([1, 2]).read(OrderKey(0, (0,))))
        [1, 2]
    """
    return Elements(lambda key, skip: iter(elements[skip:]), len(elements))


# -- filled up --------------------------------------------------------------------------------------------------


def in_rows(elements: Elements, size: int, drop: bool) -> Elements:
    """Return batches whose elements keep their lengths: arrays of several lengths become ragged ones.

    Args:
        elements: The elements.
        size: How many a batch has.
        drop: Whether a last partial batch is left out.
    """

    def put(*arrays: Any) -> Any:
        from trivium.data.ragged import stack

        return stack(arrays) if np.shape(arrays[0]) else np.stack(arrays)

    def read(key: OrderKey, skip: int) -> Iterator[Any]:
        left = elements.read(key, skip * size)
        while chunk := list(itertools.islice(left, size)):
            if len(chunk) == size or not drop:
                yield failed_in(chunk) or map_arrays(put, *chunk)

    return elements.then(read, count_batches(elements.length, size, drop))


def padded(elements: Elements, size: int, shapes: Any, values: Any, drop: bool) -> Elements:
    """Return batches whose elements are filled up to one shape.

    Args:
        elements: The elements.
        size: How many a batch has.
        shapes: The shapes, nested as an element; `None` or -1 for the largest size in the batch, `None` in place of a
            shape for that in all axes.
        values: What to fill up with, nested as an element; `None` for 0 and empty text.
        drop: Whether a last partial batch is left out.
    """

    def read(key: OrderKey, skip: int) -> Iterator[Any]:
        left, first = elements.read(key, skip * size), skip * size
        while chunk := list(itertools.islice(left, size)):
            if len(chunk) == size or not drop:
                failed = failed_in(chunk)
                if failed is None:
                    try:
                        failed = _filled(chunk, shapes, values)
                    except Exception as error:
                        place = f"the batch of the elements {first} to {first + len(chunk) - 1}"
                        failed = Failed(error, f"{place} of the Dataset, in padded_batch")
                yield failed
            first += size

    return elements.then(read, count_batches(elements.length, size, drop))


def _filled(elements: list[Any], shapes: Any, values: Any) -> Any:
    """Return elements side by side, walked together with the shapes and values that are given for them."""
    first = elements[0]
    if isinstance(first, Mapping):
        return {
            k: _filled([e[k] for e in elements], _part(shapes, k), _part(values, k)) for k in first
        }
    if isinstance(first, tuple):
        parts = [
            _filled([e[i] for e in elements], _part(shapes, i), _part(values, i))
            for i in range(len(first))
        ]
        return type(first)(*parts) if hasattr(first, "_fields") else tuple(parts)
    arrays = [np.asarray(e) for e in elements]
    return _filled_arrays(arrays, shapes, values)


def _part(given: Any, key: Any) -> Any:
    """Return what is given for one entry; a single value is for all."""
    return given[key] if isinstance(given, Mapping | tuple) else given


def _filled_arrays(arrays: list[np.ndarray], shape: Any, value: Any) -> np.ndarray:
    largest = np.max([a.shape for a in arrays], axis=0) if arrays[0].ndim else ()
    wanted = [None] * arrays[0].ndim if shape is None else list(shape)
    if len(wanted) != arrays[0].ndim:
        raise DataError(
            f"`padded_shapes` has the shape {tuple(wanted)} for elements of shape {arrays[0].shape}: wanted one size "
            "an axis, None for the largest of the batch."
        )
    sizes = [
        int(most) if size in (None, -1) else int(size)
        for size, most in zip(wanted, largest, strict=True)
    ]
    if any(most > size for size, most in zip(sizes, largest, strict=True)):
        raise DataError(
            f"An element of shape {tuple(map(int, largest))} does not fit into {tuple(sizes)}, which `padded_shapes` "
            "says. Give a larger shape, None for the largest of the batch, or cut the elements in `map`."
        )
    dtype = np.result_type(*arrays) if arrays[0].dtype.kind != "O" else arrays[0].dtype
    if value is None:
        value = "" if dtype.kind in "OUT" else b"" if dtype.kind == "S" else 0
    filled = np.full((len(arrays), *sizes), value, dtype)
    for i, array in enumerate(arrays):
        corner: Any = (i, *(slice(n) for n in array.shape))
        filled[corner] = array
    return filled


def to_boundary(element: Tree, shapes: Any, size: int) -> Tree:
    """Return the shapes of `padded_batch` with a size in place of those that are not given.

    Args:
        element: An element.
        shapes: The shapes that are given, nested as the element, or `None`.
        size: The size.

    Example:
        >>> to_boundary((np.zeros((2, 3)), np.zeros(())), None, 5)
        ((5, 5), ())
    """

    def fill(array: Any, shape: Any = None) -> tuple[int, ...]:
        sizes = [None] * np.ndim(array) if shape is None else list(shape)
        return tuple(size if s in (None, -1) else int(s) for s in sizes)

    if isinstance(element, Mapping):
        return {k: to_boundary(v, _part(shapes, k), size) for k, v in element.items()}
    if isinstance(element, tuple):
        return tuple(to_boundary(v, _part(shapes, i), size) for i, v in enumerate(element))
    return fill(element, shapes)


# -- windows ----------------------------------------------------------------------------------------------------


def windows(
    elements: Elements,
    make: Callable[[Elements], Any],
    size: int,
    shift: int,
    stride: int,
    drop: bool,
) -> Elements:
    """Return windows over elements, each a dataset, or the structure of an element with a dataset for each part.

    Args:
        elements: The elements.
        make: Makes a dataset of elements.
        size: How many elements a window has.
        shift: How far the next window begins behind.
        stride: How far the next element of a window is.
        drop: Whether windows of fewer elements, at the end, are left out.
    """

    def read(key: OrderKey, skip: int) -> Iterator[Any]:
        left = elements.read(key, skip * shift)
        reach = (size - 1) * stride + 1
        kept: list[Any] = []
        while True:
            kept.extend(itertools.islice(left, reach - len(kept)))
            window = kept[::stride]
            if not kept or (drop and len(window) < size):
                return
            failed = failed_in(window)
            yield (
                map_arrays(lambda *parts: make(listed(list(parts))), *window)
                if (failed is None)
                else failed
            )
            if shift > len(kept):
                # Beyond what has been read: those between are in no window.
                for _ in itertools.islice(left, shift - len(kept)):
                    pass
            kept = kept[shift:]

    count = elements.length
    if count >= 0:
        whole = max(count - (size - 1) * stride, 0) if drop else count
        count = -(-whole // shift)
    return elements.then(read, count)


# -- groups -----------------------------------------------------------------------------------------------------


def grouped(
    elements: Elements,
    key_of: Callable[..., Any],
    size_of: Callable[[int], int],
    reduce: Callable[[int, Elements], Elements],
) -> Elements:
    """Return what a function makes of elements that have one key, as soon as there are enough of them.

    At the end come the groups that are not full, by their keys in ascending order.

    Args:
        elements: The elements.
        key_of: Gives an element's key, a whole number.
        size_of: How many elements of a key make a group.
        reduce: Makes a pipeline of a key and its group.
    """

    def read(key: OrderKey) -> Iterator[Any]:
        groups: dict[int, list[Any]] = {}
        count = 0

        def made(number: int) -> Iterator[Any]:
            nonlocal count
            count += 1
            return reduce(number, listed(groups.pop(number))).read(key.inner(count - 1))

        for element in elements.read(key):
            if isinstance(element, Failed):
                yield element
                continue
            number = int(call_on(key_of, as_tensors(element)))
            groups.setdefault(number, []).append(element)
            if len(groups[number]) >= size_of(number):
                yield from made(number)
        for number in sorted(groups):
            yield from made(number)

    return elements.then(skipping(read), UNKNOWN)
