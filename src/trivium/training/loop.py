"""Passes over data: chunks of compiled steps, and what stands at their edges."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from trivium.training.engine import Program
from trivium.training.segments import CHUNK_SECONDS, Segment, segments

__all__ = ["Pass", "State"]


class State:
    """The values of groups of variables, taken out for a pure function and put back at a chunk's edge.

    Args:
        groups: Lists of variables, e.g. trainable, non-trainable, the optimizer's, the metrics'.
    """

    def __init__(self, *groups: list[Any]) -> None:
        self.groups = groups
        self.values: Any = None
        self.pull()

    def pull(self) -> None:
        """Take the variables' values."""
        self.values = tuple([v.value for v in group] for group in self.groups)

    def push(self) -> None:
        """Give the variables the values."""
        for group, values in zip(self.groups, self.values, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.replace(value)

    def names(self) -> list[str]:
        """Return the variables' paths in the order of the leaves."""
        return [v.path for group in self.groups for v in group]


class Pass:
    """One kind of pass (`train`, `test` or `predict`) over one source of data.

    Args:
        kind: `"train"`, `"test"` or `"predict"`.
        step: The step, `(state, batch) -> (result, state)`.
        source: Where the batches come from.
        programs: Where compiled programs are kept from pass to pass.
        eager: Whether to run the step as plain Python.
    """

    def __init__(
        self,
        kind: str,
        step: Callable[..., Any],
        source: Any,
        programs: dict[Any, Program],
        eager: bool = False,
    ) -> None:
        self.kind, self.step, self.source, self.programs, self.eager = (
            kind,
            step,
            source,
            programs,
            eager,
        )
        self.grown = 1
        self._placed: list[Any] = []

    def run(
        self,
        state: State,
        moment: tuple[int, int] = (0, 0),
        chunk: int | None = None,
        before: Callable[[int, int], None] | None = None,
        after: Callable[[int, Any], bool] | None = None,
    ) -> Iterator[Any]:
        """Run one pass and yield each chunk's result.

        Args:
            state: The state; it holds the newest values at each chunk's edge.
            moment: The seed and the steps taken so far, which the order of the samples follows from.
            chunk: A fixed number of steps a chunk; grown to the clock where it is `None`.
            before: Called with the first step and the number of steps of a chunk.
            after: Called with the steps done and the result; a true answer ends the pass.
        """
        done = 0
        for segment in segments(self.source, moment, chunk, self.eager, self._placed):
            first = 0
            while first < segment.steps:
                size = min(chunk or self.grown, segment.steps - first)
                if before is not None:
                    before(done, size)
                began = time.perf_counter()
                result, size = self._chunk(state, segment, first, size)
                if size == self.grown and chunk is None:
                    self.grown = _grow(size, time.perf_counter() - began)
                first, done = first + size, done + size
                yield result
                if after is not None and after(done, result):
                    return

    def _chunk(self, state: State, segment: Segment, first: int, size: int) -> tuple[Any, int]:
        if self.eager:
            result, state.values = self.step(state.values, segment.data)
            return result, 1
        program = self.program(state, segment.data, segment.size, len(segment.order))
        if self.kind == "predict":
            size = min(size, program.capacity)
        result, values = program(
            state.values, segment.data, segment.order, segment.base, first, first + size
        )
        jax.block_until_ready(result)
        state.values = values
        if self.kind == "predict":
            rows = size * segment.size
            result = jax.tree_util.tree_map(lambda r: np.asarray(r)[:rows], result)
        return result, size

    def program(self, state: State, data: Any, size: int, rows: int) -> Program:
        """Return the compiled program for batches of a size out of such data.

        Args:
            state: The state.
            data: The data, or its specs.
            size: Samples a batch.
            rows: The length of the order of samples.
        """
        leaves, tree = jax.tree_util.tree_flatten(data)
        key = (self.kind, tuple((d.shape, str(d.dtype)) for d in leaves), tree, rows, size)
        if key not in self.programs:
            self.programs[key] = Program(
                self.step, state.values, data, size, rows, self.kind == "predict", state.names
            )
        return self.programs[key]


def _grow(size: int, seconds: float) -> int:
    """Return how many steps the next chunk takes, given how long the last one did."""
    if seconds >= CHUNK_SECONDS:
        return max(1, int(size * CHUNK_SECONDS / seconds))
    return int(size * min(8.0, 1.0 + CHUNK_SECONDS / max(seconds, 1e-6)))
