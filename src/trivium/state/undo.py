"""Transactions: what is done to layers, variables and seeds in a `with` block is taken back if the block raises.

Bad input so changes no model, and no random number that is drawn later.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from trivium.state.frame import current_frame, entered

__all__ = ["note_undo", "undone_on_error"]


@contextlib.contextmanager
def undone_on_error() -> Iterator[None]:
    """Take back, last first, what `note_undo` was told of within the `with` block if it raises.

    Blocks nest: an inner one that raises takes back its own part; one that succeeds hands it to the outer one.

    Example:
        >>> done = ["before"]
        >>> with contextlib.suppress(ValueError), undone_on_error():
        ...     done.append("inside")
        ...     note_undo(done.pop)
        ...     raise ValueError
        >>> done
        ['before']
    """
    outer = current_frame().undo
    mine: list[Callable[[], object]] = []
    with entered(undo=mine):
        try:
            yield
        except BaseException:
            for undo in reversed(mine):
                undo()
            raise
    if outer is not None:
        outer.extend(mine)


def note_undo(undo: Callable[[], object]) -> None:
    """Say how to take back what is about to be done; outside of any transaction nobody listens.

    Args:
        undo: A function without arguments.
    """
    notes = current_frame().undo
    if notes is not None:
        notes.append(undo)
