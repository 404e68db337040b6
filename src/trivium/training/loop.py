"""Passes over data: chunks of compiled steps, and what stands at their edges."""

from __future__ import annotations

import contextlib
import functools
import inspect
import time
from collections import deque
from collections.abc import Callable, Generator, Hashable, Mapping
from typing import Any

import jax

from trivium.state.session import session
from trivium.state.settings import is_block_folding_enabled
from trivium.training.alone import Alone
from trivium.training.engine import Program
from trivium.training.feed import Feed
from trivium.training.interrupts import Interrupts
from trivium.training.lanes import current_lane
from trivium.training.outputs import joined
from trivium.training.pace import Pace
from trivium.training.ready import Ready, State
from trivium.training.segments import Segment
from trivium.training.traced import NEEDS_VALUES, Traced, values_needed

__all__ = ["Pass"]

# For how many forms of single batches a model keeps a short way.
_KEPT = 8


class Pass:
    """One kind of pass (`train`, `test` or `predict`) over one source of data.

    Args:
        kind: `"train"`, `"test"` or `"predict"`.
        source: Where the batches come from.
        ready: Gives what the pass works with; asked again where a callback may have changed it.
        token: Something that is another one when an optimizer's settings, or the optimizer, have been changed: cheap,
            since it is asked for before each execution that a callback saw the beginning of.
        chunk: How many steps lie between the hooks of callbacks; `None` where there are no such hooks, and the chunk
            grows to the clock.
        ahead: How many steps may run before the next hook, given how many are done; rounded up to whole chunks.
    """

    def __init__(
        self,
        kind: str,
        source: Any,
        ready: Callable[[], Ready],
        token: Callable[[], Any] = lambda: None,
        chunk: int | None = None,
        ahead: Callable[[int], int] = lambda done: 1,
    ) -> None:
        self.kind, self.source, self.chunk = kind, source, chunk
        self._ask, self._token, self._ahead = ready, token, ahead
        self._interrupts = Interrupts()
        # The steps that may still be running: the state, what it held before, and the result.
        self._running: deque[tuple[State, list[Any], Any]] = deque()
        self.renew()
        self._feed = Feed(source, self._room(), self._ready.eager)
        # How many steps of the epoch are done, and what the last of them gave: what the state stands at.
        self.progress: tuple[int, Any] = (0, None)
        # Lanes keep step with each other, whatever each of them has run before.
        self._pace = Pace() if current_lane() else None

    @property
    def groups(self) -> list[list[Any]]:
        """The variables that the pass changes: trainable ones, others, the optimizer's, the metrics'."""
        state = self._ready.state
        left = iter(state.variables)
        return [[next(left) for _ in range(size)] for size in state.sizes]

    @property
    def trains_nothing(self) -> bool:
        """Whether the first group of the state, the trainable variables, is empty."""
        return self._ready.state.sizes[0] == 0

    def renew(self) -> None:
        """Ask for what the pass works with: callbacks may have frozen layers, compiled the model anew, and the like."""
        self._ready = self._ask()
        self._seen = self._token()
        self._found: dict[Hashable, Program] = {}
        # The step as it is traced already, by the number of samples.
        self._traces: dict[int, Traced] = {}

    def prepare(self) -> None:
        """Trace the programs that are known to be needed, so that what does not fit fails before the first step.

        They are compiled meanwhile; a step waits for its own program only.
        """
        if not self._ready.eager:
            for segment in self._feed.first():
                self._program(segment)

    def run(
        self,
        moment: tuple[int, int] = (0, 0),
        before: Callable[[int], None] | None = None,
        stopping: Callable[[], bool] = lambda: False,
        skip: int = 0,
    ) -> Generator[tuple[int, Any, bool], None, None]:
        """Run one pass, chunk by chunk.

        An execution is what lies between two hooks of callbacks: as many chunks as its steps need.

        Args:
            moment: The seed and the steps taken so far, which the order of the samples follows from.
            before: Called with the first step of each execution.
            stopping: Says whether this is to end soon: then a chunk that is free in its length has one step.
            skip: How many of the first steps have been done by another process.

        Yields:
            After each chunk the number of steps done, the result, and whether an execution ends here. Where the data
            ends within an execution, that comes by itself, with `None` for a result.
        """
        if self._feed.eager != self._ready.eager:
            self._feed = Feed(self.source, self._room(), self._ready.eager)
        self._running.clear()
        with self._interrupts.listening():
            yield from self._chunks(moment, before, stopping, skip)

    def _chunks(
        self,
        moment: tuple[int, int],
        before: Callable[[int], None] | None,
        stopping: Callable[[], bool],
        skip: int,
    ) -> Generator[tuple[int, Any, bool], None, None]:
        done = begun = end = skip
        self.progress = (skip, None)
        for segment in self._feed.segments(moment, skip):
            first = 0
            while first < segment.steps:
                if done == begun:
                    if before is not None:
                        before(done)
                    end = self._next_end(done)
                if self._token() != self._seen:
                    self.renew()
                # One chunk for each hook need not be timed, so the hook need not wait for it. The first of all waits,
                # since what fails in it is undone.
                ahead = end - begun == self.chunk and done > skip
                pace = self._pace_of(segment)
                free = 1 if stopping() else pace.steps
                most = free if self.chunk is None else min(max(free, self.chunk), end - done)
                started = time.perf_counter()
                size = min(most, segment.steps - first)
                result, size = self._chunk(segment, first, size, ahead)
                if not ahead:
                    pace.note(size, _lasted(started))
                first, done = first + size, done + size
                if self.chunk is None or done == end:
                    begun = done
                yield done, result, begun == done
            del segment  # Before the next one is waited for: of a file's there is memory for two.
        if done > begun:
            yield done, None, True

    def _pace_of(self, segment: Segment) -> Pace:
        """Return how many steps of a segment a chunk takes that is free in its length."""
        if self._pace is None and self._feed.eager:
            self._pace = Pace()
        return self._pace or self._program(segment).pace

    def keep_alone(self, asked: Hashable) -> None:
        """Keep what has predicted the pass's only batch for others like it, if a program alone does that.

        Args:
            asked: What they have in common.
        """
        kept = self._ready.alone
        for program in self._found.values():
            if program.alone and not (program.changed or program.calls_python or current_lane()):
                if len(kept) >= _KEPT:
                    kept.clear()
                kept[asked] = Alone(program, self._ready.state, self._feed.size)

    def settle(self, ahead: int = 0) -> None:
        """Wait for the steps that are still running.

        Args:
            ahead: How many may go on.
        """
        while len(self._running) > ahead:
            state, values, result = self._running.popleft()
            try:
                jax.block_until_ready(result)
            except Exception as error:
                self._running.clear()  # They began with what this one should have made.
                state.put_back(values, error)
                raise

    def _next_end(self, done: int) -> int:
        """Return the step at which an execution ends that begins after `done` steps."""
        if self.chunk is None:
            return 0
        return done + -(-max(1, self._ahead(done)) // self.chunk) * self.chunk

    def _room(self) -> int | None:
        """Return how many batches of a stream are laid side by side: those of one chunk, where each has its hooks."""
        return self.chunk if self._next_end(0) == self.chunk else None

    def _chunk(self, segment: Segment, first: int, size: int, ahead: bool) -> tuple[Any, int]:
        if self._feed.eager:
            return self._plain_step(segment.data), 1
        program = self._program(segment)
        if self.kind == "predict":
            size = min(size, program.capacity)
            # What calls Python does it in its turn.
            if not (program.changed or program.calls_python or ahead or current_lane()):
                return self._predict(program, segment, first, first + size), size
        result = self._run_program(program, segment, first, first + size)
        # What calls Python may fail.
        self.settle(1 if ahead and not program.calls_python and current_lane() is None else 0)
        if self.kind == "predict":
            result = program.rows(result, size)
        return result, size

    def _predict(self, program: Program, segment: Segment, start: int, stop: int) -> Any:
        """Run steps that leave the variables as they are, and return their outputs."""
        state = self._ready.state.take()
        laid = program.laid(state, segment.data, segment.order, segment.base)

        def steps(start: int, stop: int) -> Any:
            return program.rows(program.written(laid(start, stop)[0]), stop - start)

        parts = program.pace.beside.run(steps, start, stop)
        result = parts[0] if len(parts) == 1 else joined(parts)
        self.progress = (self.progress[0] + stop - start, result)
        return result

    def _run_program(self, program: Program, segment: Segment, start: int, stop: int) -> Any:
        """Start steps of a segment on the variables, and return the result, which may not be there yet."""
        state, data, order = self._ready.state, segment.data, segment.order
        lane = current_lane()
        if lane is None:
            program.compiled()  # Waited for out here, where Ctrl-C is heard.
        values: list[Any] = []
        guarded = program.reused or self.kind == "train"
        try:
            with self._interrupts if guarded else contextlib.nullcontext():
                values = state.take(program.reused)
                run = program if lane is None else functools.partial(lane.run, program)
                result, new = run(values, data, order, segment.base, start, stop)
                state.give(program.changed, new)
                self.progress = (self.progress[0] + stop - start, result)
        except Exception as error:
            state.put_back(values, error)
            raise
        self._running.append((state, values, result))
        return result

    def _plain_step(self, data: Any) -> Any:
        """Run the step as plain Python, and keep what it changes."""
        state = self._ready.state
        values = [v.value for v in state.variables]
        step = _checked(self._ready.step, self.kind)
        try:
            result, new = step(state.nested(values), data)
        except NEEDS_VALUES as error:
            raise values_needed(error, eager=True) from None
        flat = jax.tree_util.tree_leaves(new)
        with self._interrupts:
            for variable, before, after in zip(state.variables, values, flat, strict=True):
                # What the step leaves alone it may have assigned to meanwhile.
                if after is not before:
                    variable.replace(after)
            self.progress = (self.progress[0] + 1, result)
        return result

    def _traced(self, data: Any, rows: int) -> Traced:
        """Return the step as it is traced for so many rows of data."""
        state = self._ready.state
        values = state.nested([v.peek() for v in state.variables])
        return Traced(_checked(self._ready.step, self.kind), values, data, rows, state.names)

    def _program(self, segment: Segment) -> Program:
        """Return the compiled program for a segment."""
        program = self._found.get(segment.key)
        if program is None or program.failed:
            ready, state = self._ready, self._ready.state
            # Another form may round otherwise. So training has one, in order or not, and an evaluation two, whatever
            # the batches come from and whoever looks at them.
            in_order = self.kind != "train" and segment.in_order
            alone = self.kind == "predict" and segment.alone
            key = (
                self.kind,
                ready.version,
                segment.key,
                in_order,
                alone,
                is_block_folding_enabled(),
                session().lowering,
            )
            program = ready.programs.get(key)
            if program is None or program.failed:
                program = Program(
                    _checked(ready.step, self.kind),
                    state.nested([v.peek() for v in state.variables]),
                    *segment.form,
                    self.kind == "predict",
                    state.names,
                    state.shared,
                    in_order,
                    alone,
                    self._traces.pop(segment.size, None),
                )
                ready.programs[key] = program
            self._found[segment.key] = program
        return program


def _checked(step: Callable[..., Any], kind: str) -> Callable[..., Any]:
    """Return a step of the user's with errors for what is no step."""
    name, given = f"{kind}_step", "logs" if kind != "predict" else "outputs"
    form = (
        f"`{name}(self, state, data)` returns `({given}, state)`, as on Keras's JAX backend; `{name}(self, data)` "
        f"returns {given} alone, as on TensorFlow's"
    )
    try:
        inspect.signature(step).bind(None, None)
    except TypeError:
        raise TypeError(f"{form}; yours takes {inspect.signature(step)}.") from None

    def checked(state: Any, data: Any) -> Any:
        returned = step(state, data)
        if not isinstance(returned, tuple | list) or len(returned) != 2:
            raise TypeError(f"{form}; yours returned a {type(returned).__name__}.")
        if kind != "predict" and not isinstance(returned[0], Mapping):
            came = type(returned[0]).__name__
            raise TypeError(f"{form}, where `logs` are numbers in a dict; yours are a {came}.")
        return returned

    return checked


def _lasted(started: float) -> float:
    """Return how many seconds a chunk lasted; side by side all lanes say the same, and so grow alike."""
    lane = current_lane()
    return time.perf_counter() - started if lane is None else lane.seconds
