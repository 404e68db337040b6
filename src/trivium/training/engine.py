"""The engine: steps compiled into loops, one executable per step and batch shape whatever the number of steps.

A *program* runs steps `start` to `stop` of a pass over data that lies on the device; `stop` is an argument, not a
constant, so chunks of one step and of a thousand are the same executable and give the same bits.

What the step leaves as it is (weights in an evaluation, frozen layers) is an argument of the loop and no part of what
it carries, so nothing is copied out that nobody changed. What it changes is written in the place of what was given,
where that is large enough to matter and nobody else holds it: the state needs its memory once.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Container, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from trivium.graph import digest
from trivium.state.jaxpr import as_function, calls_python, changed, lifted
from trivium.state.placing import Row, rows_of, side_by_side, taken
from trivium.state.stacking import carried
from trivium.state.trees import keep_order, map_tree
from trivium.training.executables import executable, failed
from trivium.training.lanes import current_lane
from trivium.training.pace import Pace
from trivium.training.traced import Traced, is_uneven, spec_of

__all__ = ["Program"]

# What one chunk collects of outputs at most: enough that its edge costs nothing beside its steps, little beside what a
# device holds.
_BUFFER = 1 << 25
# Arrays of fewer bytes are not reused: so little memory is not worth a copy for those that somebody else holds.
_REUSED = 1 << 16
# So many bytes of arrays that were brought side by side are kept for the next call, which then need not copy them.
_REMEMBERED = 1 << 24


class Program:
    """A step in a compiled loop over batches taken from arrays on the device.

    Args:
        step: A pure function `(state, batch) -> (result, state)`. `result` is a structure of arrays: logs, of which the
            last step's are returned, or with `collect` outputs, whose rows are returned for all steps, one after the
            other.
        state: The state, arrays or specs.
        data: The data, arrays or specs with the samples on the first axis.
        batch_size: Samples a step.
        rows: The length of the order of samples.
        collect: Whether the results' rows are collected; at most `capacity` steps' at a time.
        names: Names for the state's arrays in the order of its leaves, for messages.
        shared: The numbers of state arrays, in the order of its leaves, whose memory must not be reused.
        in_order: Whether the samples are taken as they lie, whatever the order says.
        alone: Whether the data is one batch, of which the program does the one step, without a loop.
        traced: The step as it was traced for so many samples, where that has been done.

    Attributes:
        result: The specs of one step's result.
        capacity: How many steps' results a chunk collects at most.
        fused: Whether large arrays are updated in one loop each.
        calls_python: Whether the step calls Python while it runs.
        changed: The numbers of the state arrays that the step changes, in the order in which it gives the new ones.
        alone: Whether it does one step without a loop.
        pace: How many steps a chunk takes.
        reused: Those among them whose memory the new values are written in: nobody else may hold these.

    Raises:
        CaptureError: The step needs the values of arrays while it is traced.
        TypeError: A step changes the shape or dtype of the state.
        ValueError: With `collect`, a result is a single number.
    """

    def __init__(
        self,
        step: Callable[..., Any],
        state: Any,
        data: Any,
        batch_size: int,
        rows: int,
        collect: bool = False,
        names: Callable[[], list[str]] | None = None,
        shared: frozenset[int] = frozenset(),
        in_order: bool = False,
        alone: bool = False,
        traced: Traced | None = None,
    ) -> None:
        traced = traced or Traced(step, state, data, batch_size, names)
        leaves, result, program = traced.state, traced.result, traced.program
        self._written, self.fused = traced.written, traced.fused
        if collect:
            _has_rows(result)
        self.result, self.alone = result, alone
        results, self._result_tree = jax.tree_util.tree_flatten(result)
        self.capacity = max(
            1, min(rows // batch_size, _BUFFER // max(1, sum(map(_nbytes, results))))
        )
        # A step that calls Python may fail in its midst, and then the state before it is what is left.
        self.calls_python = calls_python(program)
        safe = not self.calls_python
        # From here on the state is that of the loop: what equal blocks have in the same place lies side by side.
        program, self._stacks = carried(program, len(leaves), len(results))
        self._moved = changed(program, len(self._stacks), len(results))
        self.changed = [place for i in self._moved for place in self._stacks.places(i)]
        large = {
            i for i in self.changed if safe and i not in shared and _nbytes(leaves[i]) >= _REUSED
        }
        self.reused = sorted(large.intersection(self._stacks.alone))
        # Of stacks nobody but the variables holds rows. Small ones are left all the same, as if they lay alone: another
        # thread may predict with them meanwhile.
        self._given = [i for i in self._moved if large.issuperset(self._stacks.places(i))]
        self._kept = [i for i in range(len(self._stacks)) if i not in {*self._given}]
        self._loop = functools.partial(
            _loop, results=results, batch_size=batch_size, changed=self._moved,
            capacity=self.capacity if collect else 0, numbers=[*self._given, *self._kept],
            in_order=in_order, alone=alone,
        )  # fmt: skip
        number = jax.ShapeDtypeStruct((), "int32")
        self.specs = (
            *self._divided(self._stacks.join(leaves, _stacked_spec)),
            [spec_of(d) for d in jax.tree_util.tree_leaves(data)],
            jax.ShapeDtypeStruct((rows,), "int32"), *[number] * 3,
        )  # fmt: skip
        self.pace = Pace()
        self._traced: Any = program
        self._work: Any = None
        self._compiled: Any = None
        self._last: tuple[list[Any], list[Any]] = [], []
        if current_lane() is None:
            self._compile()

    def apart(self, leaves: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Return the state of the loop: the arrays whose memory is reused, and the others."""
        stacks = self._stacks
        # Of hundreds of arrays that stand alone none is looked at by itself.
        plain = not stacks.columns and Row not in set(map(type, leaves))
        return self._divided(leaves if plain else self._joined(leaves))

    def _joined(self, leaves: Sequence[Any]) -> list[Any]:
        """Return the leaves with what lies side by side as one: the last ones are known where a step leaves them."""
        last, joined = self._last
        if len(last) == len(leaves) and all(map(operator.is_, last, leaves)):
            return joined
        joined = self._stacks.join(leaves, side_by_side, taken)
        if not self.changed and sum(map(_nbytes, joined)) <= _REMEMBERED:
            self._last = list(leaves), joined
        return joined

    def _divided(self, joined: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        return [joined[i] for i in self._given], [joined[i] for i in self._kept]

    def together(self, moved: Sequence[Any]) -> list[Any]:
        """Return the new arrays for `changed`, given what the loop has changed of its state."""
        if not self._stacks.columns:  # All stand alone, in their order.
            return list(moved)
        stacked = len(self._stacks.columns)
        values: list[Any] = []
        for number, array in zip(self._moved, moved, strict=True):
            values += rows_of(array) if number < stacked else (array,)
        return values

    def _compile(self) -> None:
        # What a step does not use stands in the text too, by which programs are known: two models that differ in layers
        # that do nothing in inference have their weights in other places.
        loop = jax.jit(self._loop(as_function(self._traced)), donate_argnums=0, keep_unused=True)
        self._work = executable(loop.lower(*self.specs), self.fused)
        if current_lane() is None:
            self._traced = (
                None  # It is as large as the network is long, and only lanes ask for it again.
            )

    # -- for several lanes: see `lanes` --------------------------------------------------------------------------

    def lift(self, which: Container[int] | None = None) -> tuple[Callable[..., Any], list[Any]]:
        """Return the loop with numbers that stand in the step as arguments, ahead of the others, and these numbers.

        Args:
            which: Which of the numbers, by their places; all of them where it is `None`.
        """
        program, numbers = lifted(self._traced, which)
        step = as_function(program)

        def loop(numbers: Any, *arguments: Any) -> Any:
            return self._loop(functools.partial(step, *numbers))(*arguments)

        return loop, numbers

    @functools.cached_property
    def form(self) -> tuple[str, float, list[Any]]:
        """What programs share that differ in numbers alone, how many operations a step takes, and the numbers."""
        if self._traced is None:
            return str(id(self)), float("inf"), []
        loop, numbers = self.lift()
        lowered = jax.jit(loop, keep_unused=True).lower(numbers, *self.specs)
        found = lowered.cost_analysis() or {}
        return (
            digest(lowered.as_text(), lowered.in_tree), float(found.get("flops", float("inf"))), numbers
        )  # fmt: skip

    @property
    def failed(self) -> bool:
        """Whether XLA could not compile it, for want of memory say; another may succeed."""
        return self._compiled is None and self._work is not None and failed(self._work)

    def compiled(self) -> Any:
        """Wait for XLA and return what it made."""
        if self._compiled is None:
            if self._work is None:
                self._compile()
            self._compiled = self._work.result()
        return self._compiled

    def __call__(
        self, state: Sequence[Any], data: Any, order: Any, base: int, start: int, stop: int
    ) -> tuple[Any, list[Any]]:
        """Run steps `start` to `stop`.

        Args:
            state: The leaves of the state. Those numbered by `reused` are gone afterwards.
            data: The data on the device.
            order: The order of samples, shape `(rows,)`.
            base: Where in the order step 0 begins.
            start: The first step.
            stop: The step after the last.

        Returns:
            The result, and the new arrays for `changed`.
        """
        result, new = self.laid(state, data, order, base)(start, stop)
        return self.written(result), self.together(new)

    def laid(self, state: Sequence[Any], data: Any, order: Any, base: int) -> Callable[..., Any]:
        """Return what runs steps `start` to `stop`, for several runs on one state; as `__call__` but for the structure.

        Args:
            state: As for `__call__`, and so are the others.
            data: The data.
            order: The order.
            base: Where step 0 begins.
        """
        flat, compiled = jax.tree_util.tree_leaves(data), self.compiled()
        given = *self.apart(state), flat, order, np.int32(base)
        return lambda start, stop: compiled(*given, np.int32(start), np.int32(stop))

    def rows(self, result: Any, steps: int) -> Any:
        """Return the rows of a result that some steps have filled, on the host."""
        return map_tree(lambda r, one: np.asarray(r)[: steps * one.shape[0]], result, self.result)

    def written(self, result: Any) -> Any:
        """Return a result's arrays in the structure in which the step wrote it."""
        return keep_order(self._written, jax.tree_util.tree_unflatten(self._result_tree, result))


def _loop(
    step: Callable[..., Any],
    results: Any,
    batch_size: int,
    capacity: int,
    changed: list[int],
    numbers: list[int],
    in_order: bool,
    alone: bool,
) -> Callable[..., Any]:
    count = len(results)

    def run(state: list[Any], batch: list[Any]) -> tuple[list[Any], list[Any]]:
        out = step(*state, *batch)
        # Weak types would make the loop's state change its type.
        moved = [lax.convert_element_type(out[count + n], state[n].dtype) for n in changed]
        found = [lax.convert_element_type(r, k.dtype) for r, k in zip(out, results, strict=False)]
        return found, moved

    def loop(
        reused: Any, kept: Any, data: Any, order: Any, base: Any, start: Any, stop: Any
    ) -> Any:
        given = dict(zip(numbers, [*reused, *kept], strict=True))
        before = [given[i] for i in range(len(given))]
        if alone:
            return run(before, data)

        def body(i: Any, carry: Any) -> Any:
            moved, collected = carry
            state = list(before)
            for number, value in zip(changed, moved, strict=True):
                state[number] = value
            first = base + i * batch_size
            if is_uneven(data):
                batch = data
            elif in_order:
                batch = [lax.dynamic_slice_in_dim(d, first, batch_size) for d in data]
            else:
                index = lax.dynamic_slice(order, (first,), (batch_size,))
                # Orders are ours: they hold no number that is not there, and asking costs.
                batch = [d.at[index].get(mode="promise_in_bounds") for d in data]
            found, moved = run(state, batch)
            if capacity:
                found = [
                    lax.dynamic_update_slice_in_dim(k, r, (i - start) * r.shape[0], 0)
                    for k, r in zip(collected, found, strict=True)
                ]
            return moved, found

        empty = [
            jnp.zeros((capacity * r.shape[0], *r.shape[1:]) if capacity else r.shape, r.dtype)
            for r in results
        ]
        moved = [before[number] for number in changed]
        moved, collected = lax.fori_loop(start, stop, body, (moved, empty))
        return collected, moved

    return loop


def _stacked_spec(specs: Sequence[Any]) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct((len(specs), *specs[0].shape), specs[0].dtype)


def _nbytes(x: Any) -> int:
    return int(np.prod(x.shape, dtype=np.int64)) * x.dtype.itemsize


def _has_rows(result: Any) -> None:
    for path, leaf in jax.tree_util.tree_flatten_with_path(result)[0]:
        if not leaf.shape:
            place = f"output{jax.tree_util.keystr(path)}"
            raise ValueError(
                f"The {place} is a single number for a whole batch, so the batches' outputs cannot be put one after "
                "the other: keep the first axis, e.g. with keepdims=True, or call the model itself."
            )
