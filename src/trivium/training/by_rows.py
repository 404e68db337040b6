"""Predictions whose steps compute as many rows as is fast, whatever the batches that the user sees."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any

import jax
import numpy as np

from trivium.data import ArraySource
from trivium.data.texts import is_text
from trivium.state.session import session
from trivium.state.settings import is_block_folding_enabled
from trivium.state.trees import map_tree
from trivium.training.feed import Feed
from trivium.training.lanes import current_lane
from trivium.training.loop import Pass
from trivium.training.outputs import joined
from trivium.training.row_steps import FEWEST, RowSteps, Shown
from trivium.training.segments import Segment, size_of
from trivium.training.traced import Traced

__all__ = ["ByRows"]

# Between two hooks that are many batches apart so many steps run at once, so that parts of them can run side by side.
_TOGETHER = 16


class ByRows(Pass):
    """A pass that predicts; see `Pass`, which it is where rows may follow from each other."""

    def prepare(self) -> None:
        """Find out how many rows a step has, and trace the programs that are known to be needed."""
        self._regroup()
        super().prepare()
        self._traces.clear()

    def _regroup(self) -> None:
        """Have the feed give as many rows a step as is right for the model as it is now."""
        size = self._size()
        if size != self._feed.size:
            self._feed = Feed(self.source, self._room(), self._ready.eager, size)

    def _size(self) -> int | None:
        source = self.source
        # On other devices it was not measured; the batches of a `Dataset` are the user's.
        if type(source) is not ArraySource or jax.default_backend() != "cpu":
            return None
        leaves = jax.tree_util.tree_leaves(source.data)
        if source.lazy or not source.in_order or any(map(is_text, leaves)):
            return None
        shown = Shown(self._shown, source.batch_size)
        few = shown.rows <= min(shown.batch, FEWEST)
        if few or self._ready.eager or current_lane() is not None:
            return None
        form = tuple([(a.shape[1:], str(a.dtype)) for a in leaves])
        # All that a program depends on, but for the number of rows.
        key = (
            "rows",
            self._ready.version,
            form,
            jax.tree_util.tree_structure(source.data),
            is_block_folding_enabled(),
            session().lowering,
        )
        programs = self._ready.programs
        steps = programs.get(key)
        if steps is None:
            steps = programs[key] = RowSteps()
        size: int | None = steps.size(shown, self._trace)
        return size

    @property
    def _shown(self) -> int:
        """How many rows are predicted."""
        source = self.source
        return min(source.num_samples, source.num_batches * source.batch_size)

    def _trace(self, rows: int) -> Traced:
        if rows not in self._traces:
            self._traces[rows] = self._traced(self.source.data, rows)
        return self._traces[rows]

    def _chunks(
        self,
        moment: tuple[int, int],
        before: Callable[[int], None] | None,
        stopping: Callable[[], bool],
        skip: int,
    ) -> Generator[tuple[int, Any, bool], None, None]:
        self._regroup()
        size = self._feed.size
        if size is None:
            yield from super()._chunks(moment, before, stopping, skip)
        elif self.chunk is not None:
            yield from self._told(before)
        else:
            begun = 0
            for steps, result, ends in super()._chunks(moment, before, stopping, skip):
                done = min(steps * size, self._shown)
                if result is not None:
                    result = map_tree(lambda r, rows=done - begun: r[:rows], result)
                yield self._batches(done), result, ends
                begun = done

    def _batches(self, rows: int) -> int:
        """Return how many of the user's batches are done with so many rows."""
        whole = rows == self._shown
        return -(-rows // self.source.batch_size) if whole else rows // self.source.batch_size

    # -- with hooks between the batches -------------------------------------------------------------------------

    def _told(
        self, before: Callable[[int], None] | None
    ) -> Generator[tuple[int, Any, bool], None, None]:
        """Yield the outputs of the user's batches one after the other, computed when the first of them is asked for."""
        batch, count = self.source.batch_size, self._batches(self._shown)
        done, ahead = 0, _Ahead(self)
        while done < count:
            if before is not None:
                before(done)
            if self._token() != self._seen:
                self.renew()
                self._regroup()
                ahead = _Ahead(self)
            end = min(self._next_end(done), count)
            while done < end:
                most = max(1, _TOGETHER * (self._feed.size or batch) // batch)
                stop = min(end, done + most)
                rows = ahead.rows(done * batch, min(stop * batch, self._shown))
                self.progress = (stop, rows)
                yield stop, rows, stop == end
                done = stop


class _Ahead:
    """Rows of a prediction from steps of another length, of which those are kept that are asked for next.

    Args:
        work: The pass.
    """

    def __init__(self, work: ByRows) -> None:
        self._work, self._size = work, work._feed.size or work.source.batch_size
        self._segments: Iterator[Segment] = work._feed.segments((0, 0))
        self._segment: Segment | None = None
        # The first step of the segment.
        self._first = 0
        self._kept: tuple[int, Any] | None = None
        self._state: list[Any] = []

    def rows(self, start: int, stop: int) -> Any:
        """Return the outputs of rows, as the model is now.

        Args:
            start: The first, no earlier than where the rows of the last call ended.
            stop: The one after the last.
        """
        state = self._work._ready.state.take()
        # A hook may have given the model other weights.
        if len(state) != len(self._state) or any(
            a is not b for a, b in zip(state, self._state, strict=False)
        ):
            self._kept, self._state = None, state
        parts: list[Any] = []
        if self._work._feed.size is None:  # No longer proven: batches as they are.
            while start < stop:
                begun, outputs, steps = self._run(start // self._size, -(-stop // self._size))
                parts.append(outputs)
                start = begun + steps * self._size
            return joined(parts)
        while start < stop:
            if self._kept is None or self._kept[0] + size_of(self._kept[1]) <= start:
                self._kept = self._run(start // self._size, -(-stop // self._size))[:2]
            begun, outputs = self._kept
            last = min(stop, begun + size_of(outputs))
            parts.append(
                map_tree(lambda r, cut=slice(start - begun, last - begun): r[cut], outputs)
            )
            start = last
        return joined(parts)

    def _run(self, step: int, stop: int) -> tuple[int, Any, int]:
        """Run some steps, one at least; return the first row, the outputs, and how many steps it were."""
        while self._segment is None or step >= self._first + self._segment.steps:
            self._first += 0 if self._segment is None else self._segment.steps
            self._segment = next(self._segments)
        first = step - self._first
        count = min(stop - self._first, self._segment.steps) - first
        result, done = self._work._chunk(self._segment, first, count, ahead=False)
        return step * self._size, map_tree(np.asarray, result), done
