"""The pace of a program: how many of its steps a chunk takes, and whether they run side by side."""

from __future__ import annotations

from trivium.training.beside import Beside

__all__ = ["CHUNK_SECONDS", "Pace"]

# A chunk lasts about this long, so that the progress bar moves and Ctrl-C is heard; the edge of a chunk costs less than
# a thousandth of it.
CHUNK_SECONDS = 0.25


class Pace:
    """How many steps a chunk takes that is free in its length: as many as the clock allows, once that is known.

    A program keeps it, so that a second call goes on as fast as the first one ended: of an epoch of few steps the edges
    of chunks would be the most.

    Attributes:
        steps: How many steps. The first chunk of all is one, which says how long a step lasts.
        beside: Runs the steps of a prediction.

    Example:
        >>> pace = Pace()
        >>> pace.note(1, 0.001)
        >>> pace.steps
        8
    """

    def __init__(self) -> None:
        self.steps = 1
        self.beside = Beside()

    def note(self, steps: int, seconds: float) -> None:
        """Say how long a chunk of so many steps has lasted; shorter ones than `steps` say nothing.

        Args:
            steps: Its steps.
            seconds: How long it has lasted.
        """
        if steps == self.steps:
            self.steps = _grow(steps, seconds)


def _grow(steps: int, seconds: float) -> int:
    """Return how many steps the next chunk takes, given how long one of so many has lasted."""
    if seconds >= CHUNK_SECONDS:
        return max(1, int(steps * CHUNK_SECONDS / seconds))
    # Eightfold at most, since the first chunk of all may have been slow for reasons of its own.
    return int(steps * min(8.0, 1.0 + CHUNK_SECONDS / max(seconds, 1e-6)))
