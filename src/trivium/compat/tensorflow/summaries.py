"""`tf.summary`: files of events for TensorBoard, written by the writer that `callbacks.TensorBoard` has."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from trivium.compat.written import covers
from trivium.training.callbacks.event_file import EventFile, require_tensorboard

__all__: list[str] = []

_writers: list[Any] = []  # the innermost is the last
_step: list[Any] = [None]
_recording: list[bool] = [True]


@covers("tensorflow.summary.SummaryWriter")
class _Writer:
    """Writes to a folder; without one it writes nothing."""

    def __init__(self, folder: str | None = None) -> None:
        if folder is not None:
            require_tensorboard("tf.summary")
        self._file = None if folder is None else EventFile(str(folder))

    @contextlib.contextmanager
    def as_default(self, step: Any = None) -> Iterator[Any]:
        before = _step[0]
        _writers.append(self)
        _step[0] = before if step is None else step
        try:
            yield self
        finally:
            _writers.pop()
            _step[0] = before
            self.flush()

    def set_as_default(self, step: Any = None) -> None:
        _writers[:] = [self]
        _step[0] = _step[0] if step is None else step

    def init(self) -> None:
        pass

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


@covers("tensorflow.summary.create_file_writer")
def _create_file_writer(
    logdir: Any,
    max_queue: Any = None,
    flush_millis: Any = None,
    filename_suffix: Any = None,
    name: str | None = None,
) -> Any:
    return _Writer(str(logdir))


covers("tensorflow.summary.create_noop_writer")(lambda: _Writer())


def _target(name: str, step: Any) -> tuple[Any, int] | None:
    """Return where to write and the step; `None` where nothing is written."""
    file = _writers[-1]._file if _writers else None
    if file is None or not _recording[-1]:
        return None
    step = _step[0] if step is None else step
    if step is None:
        raise ValueError(
            f"tf.summary of {name!r}: no step is known; give `step`, or call `tf.summary.experimental.set_step`."
        )
    return file, int(step)


@covers("tensorflow.summary.scalar")
def _scalar(name: str, data: Any, step: Any = None, description: Any = None) -> bool:
    place = _target(name, step)
    if place is not None:
        place[0].scalar(name, float(np.asarray(data)), place[1])
    return place is not None


@covers("tensorflow.summary.histogram")
def _histogram(
    name: str, data: Any, step: Any = None, buckets: Any = None, description: Any = None
) -> bool:
    place = _target(name, step)
    if place is not None:
        place[0].histogram(name, np.asarray(data), place[1])
    return place is not None


@covers("tensorflow.summary.image")
def _image(
    name: str, data: Any, step: Any = None, max_outputs: int = 3, description: Any = None
) -> bool:
    place = _target(name, step)
    if place is not None:
        images = np.asarray(data)[:max_outputs]
        if images.dtype != np.uint8:  # from 0 to 1
            images = np.clip(images * 255.0 + 0.5, 0, 255).astype("uint8")
        place[0].images(name, images, place[1])
    return place is not None


@covers("tensorflow.summary.text")
def _text(name: str, data: Any, step: Any = None, description: Any = None) -> bool:
    place = _target(name, step)
    if place is not None:
        said = (
            np.asarray(data).item() if np.ndim(data) == 0 else "\n\n".join(map(str, np.ravel(data)))
        )
        place[0].text(name, said.decode() if isinstance(said, bytes) else str(said), place[1])
    return place is not None


@covers("tensorflow.summary.flush")
def _flush(writer: Any = None, name: str | None = None) -> None:
    for each in [writer] if writer is not None else _writers[-1:]:
        each.flush()


@covers("tensorflow.summary.record_if")
@contextlib.contextmanager
def _record_if(condition: Any) -> Iterator[None]:
    _recording.append(bool(condition() if callable(condition) else condition))
    try:
        yield
    finally:
        _recording.pop()


covers("tensorflow.summary.should_record_summaries")(lambda: bool(_writers) and _recording[-1])
covers("tensorflow.summary.experimental.get_step")(lambda: _step[0])


@covers("tensorflow.summary.experimental.set_step")
def _set_step(step: Any) -> None:
    _step[0] = step
