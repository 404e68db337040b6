"""A training run as TensorBoard shows it."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from trivium.graph import CaptureError
from trivium.layers import Embedding
from trivium.training.callbacks.base import BATCH_HOOKS, Callback, Logs, overrides
from trivium.training.callbacks.event_file import EventFile, require_tensorboard

__all__ = ["TensorBoard"]


class TensorBoard(Callback):
    """Writes what `tensorboard --logdir logs` shows: curves, the graph, the weights' histograms, profiles, embeddings.

    The runs are `train` and `validation`, and the names in them Keras's: `epoch_loss` by the epoch, `batch_loss` by the
    batch, `evaluation_loss_vs_iterations` by the optimizer's steps. Batches are looked at only where something is to be
    written or profiled; those in between run as one chunk.

    Args:
        log_dir: The folder.
        histogram_freq: After how many epochs to write the weights' histograms; 0 for never.
        write_graph: Write the model's graph, of whichever style.
        write_images: Write the weights as images too, along with the histograms: dark is small, light is large.
        write_steps_per_second: Write how many steps were done a second.
        update_freq: `"epoch"`, `"batch"`, or after how many batches to write the results so far.
        profile_batch: The batch to profile, or the first and the last of several, counted from 1; 0 for none.
        embeddings_freq: After how many epochs to write the embeddings for the projector; 0 for never.
        embeddings_metadata: The file with the words of an embedding's rows, relative to `log_dir`: by the layer's name,
            or one for all.

    Raises:
        ImportError: TensorBoard is not installed.
        ValueError: `profile_batch` or `update_freq` has another form, or `embeddings_metadata` names no embedding.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> import trivium as tv
        >>> model = tv.Sequential([tv.Input((1,)), tv.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> folder, x = tempfile.mkdtemp(), np.ones((4, 1))
        >>> history = model.fit(x, x, validation_data=(x, x), verbose=0, callbacks=[TensorBoard(folder)])
        >>> sorted(os.listdir(folder))
        ['train', 'validation']
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: str | Mapping[str, str] | None = None,
    ) -> None:
        require_tensorboard("TensorBoard")
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        if self.update_freq != "epoch" and not _is_count(self.update_freq, 1):
            raise ValueError(
                f"TensorBoard's update_freq is 'epoch', 'batch' or a number of batches; got {update_freq!r}."
            )
        self._profiled = _profiled(profile_batch)
        self.embeddings_freq = embeddings_freq
        self.embeddings_metadata = embeddings_metadata
        self._files: dict[str, EventFile] = {}
        self._fitting = self._profiling = False
        self._before = self._done = 0  # Batches before this epoch, and in it.
        self._from = 0  # Those in it that another process did.
        self._began = self._ended = 0.0  # When the epoch began, and its last chunk ended.
        self._execution = (0, 0.0)  # The step before this execution, and when it began.

    def __getstate__(self) -> dict[str, Any]:
        # Whoever goes on with a copy writes a file of its own in the same folder, and TensorBoard shows one run.
        return {**super().__getstate__(), "_files": {}, "_profiling": False}

    def get_state(self) -> dict[str, Any]:
        """Return how many batches were done before this epoch, and in it."""
        return {"before": self._before, "done": self._done}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on counting; the time begins anew."""
        self._before, self._done = state["before"], state["done"]
        self._from, self._began = self._done, time.perf_counter()

    # -- what it wants to see -----------------------------------------------------------------------------------

    def wants_batches(self, mode: str) -> bool:
        """Say whether to stop around batches: to write or profile some, or for a subclass's hook."""
        looks = self.update_freq != "epoch" or self._profiled != (0, 0)
        return (mode == "train" and looks) or self._has_hooks(mode)

    def batches_ahead(self, mode: str, step: int) -> int:
        """Return how many batches are left before the next one to write, or the next edge of a profile."""
        if mode != "train" or self._has_hooks(mode):
            return 1
        done = self._before + step
        first, last = self._profiled
        edges = [first - 1, last] if last else []
        if self.update_freq != "epoch":
            every = int(self.update_freq)
            edges.append(done - done % every + every)
        # Without an edge, more batches than an epoch has.
        return min((edge - done for edge in edges if edge > done), default=1 << 30)

    def _has_hooks(self, mode: str) -> bool:
        return any(overrides(self, hook, TensorBoard) for hook in BATCH_HOOKS[mode])

    # -- when it looks ------------------------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Count the batches from the first, and write the graph."""
        self._fitting = True
        self._before = self._done = 0
        if self.write_graph:
            try:
                self._file("train").graph("keras", self.model)
            except (CaptureError, ValueError) as error:
                warnings.warn(f"TensorBoard gets no graph of the model. {error}", stacklevel=2)
        if self.embeddings_freq:
            self._embeddings()  # Names that do not fit are an error now, not after the first epoch.

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the files."""
        self._stop_profiler()
        self._fitting = False
        self._close()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Note when the epoch began."""
        self._before, self._done, self._from = self._before + self._done, 0, 0
        self._began = self._ended = time.perf_counter()

    def on_chunk_end(self, mode: str, step: int, logs: Logs | None = None) -> None:
        """Count the batches."""
        if mode == "train":
            self._done, self._ended = step, time.perf_counter()

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Start the profiler where it is time."""
        super().on_train_batch_begin(batch, logs)
        step = self._before + batch
        self._execution = step, time.perf_counter()
        first, last = self._profiled
        if last and first <= step + 1 <= last and not self._profiling:
            self._start_profiler()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Stop the profiler, and write the results so far, where it is time."""
        super().on_train_batch_end(batch, logs)
        step = self._before + batch + 1
        if self._profiling or self.write_steps_per_second:
            logs = dict(logs or {})  # Whoever looks at them waits until the step has ended.
        self._done, self._ended = batch + 1, time.perf_counter()
        if step >= self._profiled[1]:
            self._stop_profiler()
        if self.update_freq == "epoch" or step % int(self.update_freq):
            return
        results = dict(logs or {})
        if self.write_steps_per_second:
            first, began = self._execution
            results["steps_per_second"] = (step - first) / (self._ended - began)
        self._write_scalars("train", "batch_{}", results, step)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Write the results by the optimizer's steps."""
        steps = getattr(self.model.optimizer, "iterations", None)
        if steps is not None:
            results = logs or {}
            self._write_scalars("validation", "evaluation_{}_vs_iterations", results, int(steps))
        if not self._fitting:
            self._close()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the epoch's results, and what else is due."""
        logs = logs or {}
        results = {k: v for k, v in logs.items() if not k.startswith("val_")} | self._rates()
        if self.write_steps_per_second:
            seconds = max(self._ended - self._began, 1e-9)
            results["steps_per_second"] = (self._done - self._from) / seconds
        tested = {k.removeprefix("val_"): v for k, v in logs.items() if k.startswith("val_")}
        self._write_scalars("train", "epoch_{}", results, epoch)
        self._write_scalars("validation", "epoch_{}", tested, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings()
        for file in self._files.values():
            file.flush()

    # -- what it writes -----------------------------------------------------------------------------------------

    def _file(self, run: str) -> EventFile:
        if run not in self._files:
            self._files[run] = EventFile(os.path.join(self.log_dir, run))
        return self._files[run]

    def _close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files = {}

    def _write_scalars(self, run: str, form: str, results: Mapping[str, Any], step: int) -> None:
        for name, value in results.items():
            # A metric with a value for each class is a curve for each.
            for place, number in np.ndenumerate(np.asarray(value)):
                tag = "_".join([name, *map(str, place)])
                self._file(run).scalar(form.format(tag), number, step)

    def _rates(self) -> dict[str, float]:
        """Return the learning rate, or that of each optimizer where there are several."""
        optimizer = self.model.optimizer
        while hasattr(optimizer, "inner_optimizer"):
            optimizer = optimizer.inner_optimizer
        several = getattr(optimizer, "optimizers", None)
        named = {"learning_rate": optimizer}
        if several is not None:
            named = {f"learning_rate_{one.name}": one for one in several}
        return {
            name: float(np.asarray(one.learning_rate))
            for name, one in named.items()
            if hasattr(one, "learning_rate")
        }

    def _write_weights(self, epoch: int) -> None:
        for weight in self.model.weights:
            values = np.asarray(weight.value, "float32")
            self._file("train").histogram(f"{weight.path}/histogram", values, epoch)
            images = _as_images(values) if self.write_images else None
            if images is not None:
                self._file("train").images(f"{weight.path}/image", images, epoch)

    def _embeddings(self) -> dict[Any, str]:
        """Return the embeddings, each with the file of its words."""
        words = self.embeddings_metadata or {}
        found = [layer for layer in self.model._flatten_layers() if isinstance(layer, Embedding)]
        names = [layer.name for layer in found]
        unknown = [] if isinstance(words, str) else sorted(set(words) - set(names))
        if unknown:
            raise ValueError(
                f"TensorBoard's embeddings_metadata names {unknown}, which are no Embedding layers of the model; it "
                f"has {names}."
            )
        return {x: words if isinstance(words, str) else words.get(x.name, "") for x in found}

    def _write_embeddings(self) -> None:
        """Write the embeddings as tables, and say where the projector finds them and their words."""
        from tensorboard.plugins.projector import ProjectorConfig, visualize_embeddings

        config = ProjectorConfig()
        os.makedirs(os.path.join(self.log_dir, "train"), exist_ok=True)
        for layer, words in self._embeddings().items():
            file = os.path.join("train", f"{layer.path.replace('/', '.')}.embeddings.tsv")
            table = np.asarray(layer._float_kernel(), "float32")
            np.savetxt(os.path.join(self.log_dir, file), table, fmt="%.9g", delimiter="\t")
            config.embeddings.add(
                tensor_name=f"{layer.path}/embeddings", tensor_path=file, metadata_path=words
            )
        visualize_embeddings(self.log_dir, config)

    # -- profiles -----------------------------------------------------------------------------------------------

    def _start_profiler(self) -> None:
        try:
            jax.profiler.start_trace(os.path.join(self.log_dir, "train"))
        except RuntimeError as error:  # Somebody profiles already.
            self._profiled = 0, 0
            warnings.warn(f"TensorBoard gets no profile. {error}", stacklevel=2)
        else:
            self._profiling = True

    def _stop_profiler(self) -> None:
        if self._profiling:
            self._profiling = False
            jax.profiler.stop_trace()


def _is_count(value: Any, least: int) -> bool:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and bool(value >= least)


def _profiled(batches: Any) -> tuple[int, int]:
    """Return the first and the last batch to profile."""
    found = batches
    if isinstance(found, str):
        found = [int(n) if n.strip().isdecimal() else n for n in found.split(",")]
        found = found[0] if len(found) == 1 else found
    if _is_count(found, 0):
        found = found, found
    pair = isinstance(found, tuple | list) and len(found) == 2
    if not pair or not all(_is_count(n, 0) for n in found) or found[1] < found[0]:
        raise ValueError(
            "TensorBoard's profile_batch is the number of a batch, counted from 1, or the first and the last of "
            f"several; 0 for none; got {batches!r}."
        )
    return int(found[0]), int(found[1])


def _as_images(values: np.ndarray) -> np.ndarray | None:
    """Return a weight as bytes of shape (image, row, column, channel); `None` where its shape is no image's."""
    values = values.squeeze()
    if values.ndim == 1:
        values = values[None, :, None, None]
    elif values.ndim == 2:
        values = (values.T if values.shape[0] > values.shape[1] else values)[None, :, :, None]
    elif values.ndim == 3:
        values = values.transpose(2, 0, 1)[..., None]
    if values.ndim != 4 or values.shape[-1] not in (1, 3, 4) or not values.size:
        return None
    values = np.nan_to_num(values)
    spread = np.ptp(values)
    return ((values - values.min()) / (spread if spread else 1) * 255).astype("uint8")
