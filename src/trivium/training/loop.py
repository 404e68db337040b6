"""Passes over data: chunks of compiled steps, and what stands at their edges."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from trivium.state.trees import map_tree
from trivium.training.engine import NEEDS_VALUES, Program, values_needed
from trivium.training.segments import CHUNK_SECONDS, Feed, Segment

__all__ = ["Pass", "State", "StepError"]


class StepError(TypeError):
    """A step of the user's that cannot be called as steps are.

    Args:
        message: What it takes, and what it should.
        name: The method's name, `train_step` say.
        step: The method.
    """

    def __init__(self, message: str, name: str, step: Callable[..., Any]) -> None:
        super().__init__(message)
        self.name, self.step = name, step


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

    def form(self) -> Hashable:
        """Return what a program must know of the values: groups, shapes and dtypes."""
        return tuple(tuple((v.shape, v.dtype) for v in group) for group in self.groups)


class Pass:
    """One kind of pass (`train`, `test` or `predict`) over one source of data.

    Args:
        kind: `"train"`, `"test"` or `"predict"`.
        step: The step, `(state, batch) -> (result, state)`.
        source: Where the batches come from.
        state: The state; it holds the newest values at each chunk's edge.
        programs: Where compiled programs are kept from pass to pass.
        version: What the step depends on besides its arguments; a program serves one version.
        chunk: How many steps lie between the hooks of callbacks; `None` where there are no such hooks, and the chunk
            grows to the clock.
        eager: Whether to run the step as plain Python.
    """

    def __init__(
        self,
        kind: str,
        step: Callable[..., Any],
        source: Any,
        state: State,
        programs: dict[Any, Program],
        version: Hashable = None,
        chunk: int | None = None,
        eager: bool = False,
    ) -> None:
        self.kind, self.source, self.state = kind, source, state
        self.step = _checked(step, kind)
        self.chunk, self.eager = chunk, eager
        self._programs = programs
        self._version = (kind, version, state.form())
        self._feed = Feed(source, chunk, eager)
        self._grown = 1

    def prepare(self) -> None:
        """Trace the programs that are known to be needed, so that what does not fit fails before the first step.

        They are compiled meanwhile; a step waits for its own program only.
        """
        if not self.eager:
            for form in self._feed.forms():
                self._program(*form)

    def run(
        self, moment: tuple[int, int] = (0, 0), before: Callable[[int], None] | None = None
    ) -> Iterator[tuple[int, Any, bool]]:
        """Run one pass, chunk by chunk.

        An execution is what lies between two hooks of callbacks: as many chunks as its steps need.

        Args:
            moment: The seed and the steps taken so far, which the order of the samples follows from.
            before: Called with the first step of each execution.

        Yields:
            After each chunk the number of steps done, the result, and whether an execution ends here. Where the data
            ends within an execution, that comes by itself, with `None` for a result.
        """
        done = begun = 0
        for segment in self._feed.segments(moment):
            first = 0
            while first < segment.steps:
                if before is not None and done == begun:
                    before(done)
                most = self._grown if self.chunk is None else self.chunk - (done - begun)
                started = time.perf_counter()
                result, size = self._chunk(segment, first, min(most, segment.steps - first))
                if size == self._grown and self.chunk is None:
                    self._grown = _grow(size, time.perf_counter() - started)
                first, done = first + size, done + size
                if self.chunk is None or done - begun == self.chunk:
                    begun = done
                yield done, result, begun == done
        if done > begun:
            yield done, None, True

    def _chunk(self, segment: Segment, first: int, size: int) -> tuple[Any, int]:
        if self.eager:
            try:
                result, self.state.values = self.step(self.state.values, segment.data)
            except NEEDS_VALUES as error:
                raise values_needed(error, eager=True) from None
            return result, 1
        program = self._program(segment.data, segment.size, len(segment.order))
        if self.kind == "predict":
            size = min(size, program.capacity)
        result, values = program(
            self.state.values, segment.data, segment.order, segment.base, first, first + size
        )
        jax.block_until_ready(result)
        self.state.values = values
        if self.kind == "predict":
            result = map_tree(
                lambda r, one: np.asarray(r)[: size * one.shape[0]], result, program.result
            )
        return result, size

    def _program(self, data: Any, size: int, rows: int) -> Program:
        """Return the compiled program for batches of `size` out of such data and an order of `rows`."""
        leaves, tree = jax.tree_util.tree_flatten(data)
        key = (self._version, tuple((d.shape, str(d.dtype)) for d in leaves), tree, rows, size)
        if key not in self._programs or self._programs[key].failed:
            self._programs[key] = Program(
                self.step,
                self.state.values,
                data,
                size,
                rows,
                self.kind == "predict",
                self.state.names,
            )
        return self._programs[key]


def _checked(step: Callable[..., Any], kind: str) -> Callable[..., Any]:
    """Return a step of the user's with errors for what is no step."""
    name, given = f"{kind}_step", "logs" if kind != "predict" else "outputs"
    form = f"`{name}(self, state, data)` returns `({given}, state)`, as on Keras's JAX backend"
    try:
        inspect.signature(step).bind(None, None)
    except TypeError:
        raise StepError(f"{form}; yours takes {inspect.signature(step)}.", name, step) from None

    def checked(state: Any, data: Any) -> Any:
        returned = step(state, data)
        if not isinstance(returned, tuple | list) or len(returned) != 2:
            raise TypeError(f"{form}; yours returned a {type(returned).__name__}.")
        if kind != "predict" and not isinstance(returned[0], Mapping):
            came = type(returned[0]).__name__
            raise TypeError(f"{form}, where `logs` are numbers in a dict; yours are a {came}.")
        return returned

    return checked


def _grow(size: int, seconds: float) -> int:
    """Return how many steps the next chunk takes, given how long the last one did."""
    if seconds >= CHUNK_SECONDS:
        return max(1, int(size * CHUNK_SECONDS / seconds))
    return int(size * min(8.0, 1.0 + CHUNK_SECONDS / max(seconds, 1e-6)))
