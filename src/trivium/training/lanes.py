"""Trainings side by side: several calls of `fit` in one process, whose steps run as one where they are the same.

Each lane is a thread with a call of `fit`, or of anything. Only one of them runs Python at a time, so they need no
locks and always come in the same order. Where a lane would run a compiled program, it waits until all the others want
to, too; then those that ask for the same program, on the same data and for the same steps, are run together. So
callbacks, validations and users' code are each lane's own, and lanes may end when they like.

There are two ways to run a program for several lanes. *Stacked*, it is one program: `jax.vmap` over the states and the
orders of samples. What costs by the step and not by the number, which is most of a small network and of a GPU, is paid
once; sums come in another order than alone. *Beside each other*, the one executable runs on several cores at once, with
the bits that it has alone: on a CPU a larger network fills a core by itself, and stacking it wins nothing.
"""

from __future__ import annotations

import contextvars
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.training.executables import executable

__all__ = ["Lane", "LaneEnded", "Lanes", "current_lane", "stacks"]

# Up to so many floating-point operations a step, networks on a CPU are stacked: what they compute costs less than what
# surrounds it. Measured on two cores for stacks of Dense layers; see docs/tuning.md.
_SMALL = 2e6


class LaneEnded(BaseException):
    """Ends a lane because another one has failed, or because of Ctrl-C."""


_here = threading.local()


def current_lane() -> Lane | None:
    """Return the lane that this thread is; `None` where it is none.

    Example:
        >>> current_lane() is None
        True
    """
    return getattr(_here, "lane", None)


class Lane:
    """One of several trainings side by side.

    Args:
        lanes: All of them.
        job: What it does.

    Attributes:
        outcome: What the job returned.
        error: What it raised.
        seconds: How long the last program ran; the same for all lanes that it ran for.
    """

    def __init__(self, lanes: Lanes, job: Callable[[], Any]) -> None:
        self._lanes, self._job = lanes, job
        self.outcome: Any = None
        self.error: BaseException | None = None
        self.seconds = 0.0
        self.request: tuple[Any, ...] | None = None
        self.answer: Any = None
        self.done = False
        self._mine, self._back = threading.Semaphore(0), threading.Semaphore(0)
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(self._run,), name="trivium-lane", daemon=True
        )

    def _run(self) -> None:
        _here.lane = self
        self._mine.acquire()
        try:
            self.outcome = self._job()
        except BaseException as error:
            self.error = error
        finally:
            self.done = True
            self._back.release()

    def start(self) -> None:
        """Have the thread wait for its turn."""
        self._thread.start()

    def turn(self) -> None:
        """Let it run until it asks for a program or is done."""
        self._mine.release()
        self._back.acquire()

    def run(self, program: Any, *arguments: Any) -> Any:
        """Run a program together with the other lanes'; called by the lane itself.

        Args:
            program: A `Program`.
            arguments: What it is called with.
        """
        self.request = (program, *arguments)
        self._back.release()
        self._mine.acquire()
        answer, self.answer, self.request = self.answer, None, None
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def shared(self, data: Any) -> Any:
        """Return arrays on the device that another lane has brought there already, if they hold the same.

        Args:
            data: A structure of arrays.
        """
        return jax.tree_util.tree_map(self._lanes.known, data)


class Lanes:
    """Runs jobs side by side.

    Args:
        jobs: Functions without arguments.

    Example:
        >>> Lanes([lambda: 1, lambda: 2]).run()
        [1, 2]
    """

    def __init__(self, jobs: Sequence[Callable[[], Any]]) -> None:
        self._lanes = [Lane(self, job) for job in jobs]
        self._arrays: list[Any] = []
        self._same: dict[int, Any] = {}
        # So that no other array gets the number of one that was looked at.
        self._kept: list[Any] = []
        self._stacked: dict[Any, Any] = {}
        workers = min(len(jobs), os.cpu_count() or 1)
        self._workers = ThreadPoolExecutor(workers, thread_name_prefix="trivium-lane-worker")

    def run(self) -> list[Any]:
        """Run all jobs to their ends, and return what they returned.

        Raises:
            BaseException: What the first job raised that failed; the others are ended.
        """
        for lane in self._lanes:
            lane.start()
        try:
            ready = list(self._lanes)
            while ready:
                for lane in ready:
                    lane.turn()
                    if lane.error is not None:
                        raise lane.error
                ready = [lane for lane in ready if not lane.done]
                self._answer(ready)
        finally:
            for lane in self._lanes:
                while not lane.done:
                    lane.answer = LaneEnded()
                    if lane.request is None:  # It has not begun.
                        lane._job = lambda: None
                    lane.turn()
            self._workers.shutdown()
        return [lane.outcome for lane in self._lanes]

    def known(self, array: Any) -> Any:
        """Return an array that holds the same and came before, or else this one.

        Args:
            array: An array of the data.
        """
        found = self._same.get(id(array))
        if found is None:
            for other in self._arrays:
                alike = other.shape == array.shape and other.dtype == array.dtype
                if alike and np.array_equal(np.asarray(other), np.asarray(array)):
                    found = other
                    break
            else:
                found = array
                self._arrays.append(array)
            self._same[id(array)] = found
            self._kept.append(array)
        return found

    # -- running programs --------------------------------------------------------------------------------------

    def _answer(self, lanes: list[Lane]) -> None:
        """Run what the lanes ask for, together where it is the same."""
        groups: dict[Any, list[Lane]] = {}
        for lane in lanes:
            assert lane.request is not None
            program, _, data, order, *bounds = lane.request
            place: Any = None
            if len(lanes) > 1 and stacks(program):
                leaves = [id(self.known(leaf)) for leaf in jax.tree_util.tree_leaves(data)]
                place = (program.form[0], *leaves, order.shape, *bounds)
            groups.setdefault(place, []).append(lane)
        for place, group in groups.items():
            began = time.perf_counter()
            if place is None or len(group) == 1:
                self._run_beside(group)
            else:
                self._run_stacked(group)
            for lane in group:
                lane.seconds = time.perf_counter() - began

    def _run_beside(self, group: list[Lane]) -> None:
        def work(lane: Lane) -> Any:
            assert lane.request is not None
            program, *arguments = lane.request
            try:
                return jax.block_until_ready(program(*arguments))
            except Exception as error:
                return error

        for lane, answer in zip(group, self._workers.map(work, group), strict=True):
            lane.answer = answer

    def _run_stacked(self, group: list[Lane]) -> None:
        requests = [lane.request for lane in group if lane.request is not None]
        program, _, data, _, *bounds = requests[0]
        try:
            rows = list(zip(*(request[0].form[2] for request in requests), strict=True))
            # Numbers that are the same in all lanes stay in the program, where XLA can compute with them.
            differ = tuple(i for i, row in enumerate(rows) if len({float(n) for n in row}) > 1)
            same = tuple(float(row[0]) for i, row in enumerate(rows) if i not in differ)
            key = (program.form[0], len(group), differ, same)
            run = self._stacked.get(key)
            if run is None:
                run = self._stacked[key] = _stack(program, len(group), differ)
            states = [request[0].apart(request[1]) for request in requests]
            reused, kept = jax.tree_util.tree_map(lambda *one: jnp.stack(one), *states)
            orders = jnp.stack([request[3] for request in requests])
            flat = [self.known(leaf) for leaf in jax.tree_util.tree_leaves(data)]
            numbers = [np.stack(rows[i]) for i in differ]
            found = run.result()(numbers, reused, kept, flat, orders, *map(np.int32, bounds))
            answers = _apart(jax.block_until_ready(found), len(group))
        except Exception as error:
            for lane in group:
                lane.answer = error
            return
        for lane, request, (result, new) in zip(group, requests, answers, strict=True):
            lane.answer = request[0].written(result), request[0].together(new)


def stacks(program: Any) -> bool:
    """Say whether a program is stacked for several lanes, from its size and the device alone.

    Args:
        program: A `Program`.
    """
    return jax.default_backend() != "cpu" or program.form[1] <= _SMALL


def _stack(program: Any, count: int, differ: tuple[int, ...]) -> Any:
    """Start to compile a program for so many lanes, with those of its numbers as arguments that differ."""
    over = (0, 0, 0, None, 0, None, None, None)
    loop, numbers = program.lift(differ)
    many = jax.jit(jax.vmap(loop, in_axes=over), donate_argnums=1, keep_unused=True)

    def stacked(spec: Any) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((count, *spec.shape), spec.dtype)

    specs = [
        jax.tree_util.tree_map(stacked, one) if axis == 0 else one
        for axis, one in zip(over, (numbers, *program.specs), strict=True)
    ]
    return executable(many.lower(*specs), program.fused)


def _apart(tree: Any, count: int) -> list[Any]:
    leaves, structure = jax.tree_util.tree_flatten(tree)
    parts = [_rows(leaf) for leaf in leaves]
    return [
        jax.tree_util.tree_unflatten(structure, [part[i] for part in parts]) for i in range(count)
    ]


@jax.jit
def _rows(x: Any) -> list[Any]:
    return [x[i] for i in range(x.shape[0])]
