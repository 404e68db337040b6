"""Steps that change nothing, side by side: those of a prediction keep all cores at work, where one by one they do not.

The products of a small network are too small for XLA to share them among cores. Each step gives what it gives wherever
it runs, so the numbers do not depend on how many run at once.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax

from trivium.data.workers import cpu_count

__all__ = ["Beside"]

# Each part needs memory for its outputs, and at least so many steps to be worth a thread.
_MOST_PARTS, _FEWEST_STEPS = 8, 4
# What lasts so long, in seconds, says how many cores the steps keep at work by themselves; so many are as good as all.
_TELLING, _SHARED = 1e-3, 1.3


class Beside:
    """Steps in as many parts as there are cores, once it is seen that by themselves they keep one at work.

    Example:
        >>> beside = Beside()
        >>> beside.run(lambda start, stop: list(range(start, stop)), 0, 3)
        [[0, 1, 2]]
    """

    def __init__(self) -> None:
        self._parts = 1

    def run(self, steps: Callable[[int, int], Any], start: int, stop: int) -> list[Any]:
        """Run some steps.

        Args:
            steps: Runs steps, given the first and the one after the last, and waits for them. Called in several threads
                at once.
            start: The first step.
            stop: The step after the last.

        Returns:
            What each part gave, in the order of the steps.
        """
        parts = min(self._parts, (stop - start) // _FEWEST_STEPS)
        if parts > 1:
            cuts = [start + (stop - start) * i // parts for i in range(parts + 1)]
            # JAX runs what one thread asks for one after the other.
            with ThreadPoolExecutor(parts, thread_name_prefix="trivium-beside") as pool:
                return list(pool.map(lambda cut: steps(*cut), itertools.pairwise(cuts)))
        began, worked = time.perf_counter(), time.process_time()
        found = steps(start, stop)
        lasted, worked = time.perf_counter() - began, time.process_time() - worked
        if lasted > _TELLING and jax.default_backend() == "cpu":
            self._parts = 1 if worked > _SHARED * lasted else min(_MOST_PARTS, cpu_count())
        return [found]
