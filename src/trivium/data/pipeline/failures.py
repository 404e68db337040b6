"""Elements that failed: how they travel through a pipeline, and where those that are left out are noted.

An element whose function raised is an element like others, a `Failed`. It passes every stage as it is (a batch with one
in it has failed as a whole), until whoever reads the pipeline meets it, and its error is raised; or until
`ignore_errors` leaves it out.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from trivium.data.pipeline.elements import map_arrays
from trivium.state.types import Tree

__all__ = ["ErrorLog", "Failed", "Skipped", "failed_in", "place_of", "raising"]

_LOGGER = logging.getLogger("trivium.data")
# How many elements that were left out are described; more are counted.
_DESCRIBED = 1000
# How much of a text in an element is shown.
_SHOWN = 200


class Failed:
    """An element that could not be made.

    Args:
        error: What was raised, with the traceback of the user's code.
        place: Which element it is, and what it was made of.
    """

    def __init__(self, error: Exception, place: str) -> None:
        self.error, self.place = error, place


def place_of(number: Any, element: Tree, name: str) -> str:
    """Say which element it is, what texts are in it (such as the path that it is read from), and what it is given to.

    Example:
        >>> place_of(3, ("cats/3.jpg", 1), "map(load)")
        "element 3 ('cats/3.jpg') of the Dataset, in map(load)"
    """
    found: list[str] = []

    def look(value: Any) -> None:
        if getattr(value, "ndim", None) == 0 and value.dtype.kind in "OSUT":
            value = value.item()
        if isinstance(value, str | bytes):
            found.append(repr(value[:_SHOWN]))

    if not isinstance(element, Failed):
        map_arrays(look, element)
    texts = f" ({', '.join(found)})" if found else ""
    return f"element {number}{texts} of the Dataset, in {name}"


def raising(elements: Iterator[Any]) -> Iterator[Any]:
    """Yield elements, up to one that failed, whose error is raised.

    Example:
        >>> list(raising(iter("ab")))
        ['a', 'b']
    """
    failed = None
    for element in elements:
        if isinstance(element, Failed):
            failed = element
            break
        yield element
    # The error keeps this frame alive, which must not keep the workers behind it alive.
    del elements
    if failed is not None:
        error = failed.error
        note = f"This came up in {failed.place}."
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)
        del failed, element
        try:
            raise error
        finally:
            del error


def failed_in(elements: Any) -> Failed | None:
    """Return the first element that failed, or `None`.

    Example:
        >>> failed_in([1, 2])
    """
    return next((e for e in elements if isinstance(e, Failed)), None)


class Skipped(NamedTuple):
    """An element that was left out: which one, and why."""

    place: str
    error: str


class ErrorLog:
    """The elements that `ignore_errors` left out.

    It has one entry for each place, however many passes came by, in the order in which they were met first; at most
    1000 are described. `len` says how many there are.

    Attributes:
        count: How many times an element was left out, over all passes.

    Example:
        >>> log = ErrorLog()
        >>> log.note(Failed(OSError("no such file"), "element 7 of map(load)"), warn=False)
        >>> log.count, log[0].error
        (1, 'OSError: no such file')
    """

    def __init__(self) -> None:
        self.count = 0
        self._entries: dict[str, Skipped] = {}

    def note(self, failed: Failed, warn: bool) -> None:
        """Note an element that is left out.

        Args:
            failed: The element.
            warn: Whether to say so on the logger `trivium.data`, too.
        """
        self.count += 1
        if failed.place not in self._entries and len(self._entries) < _DESCRIBED:
            text = f"{type(failed.error).__name__}: {failed.error}"
            self._entries[failed.place] = Skipped(failed.place, text)
        if warn:
            _LOGGER.warning("%s is left out: %r", failed.place, failed.error)

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> Skipped:
        return list(self._entries.values())[index]

    def __iter__(self) -> Iterator[Skipped]:
        return iter(list(self._entries.values()))

    def __repr__(self) -> str:
        lines = [f"{s.place}: {s.error}" for s in self]
        return "\n".join([f"<ErrorLog: {len(self)} elements, left out {self.count} times>", *lines])

    @classmethod
    def of(cls, logs: Iterable[ErrorLog]) -> ErrorLog:
        """Return several logs as one."""
        whole = cls()
        for log in logs:
            whole.count += log.count
            whole._entries |= log._entries
        return whole
