"""What TensorBoard reads: scalars, histograms, images and graphs, written by its own writer.

The package `tensorboard` is imported when a file is opened.
"""

from __future__ import annotations

import importlib.util
import io
import json
import time
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from trivium.viz.diagrams.reading import Chart

__all__ = ["EventFile", "conceptual_graph", "require_tensorboard"]

# As many as TensorBoard's own functions write where nobody says how many.
_BUCKETS = 30
_IMAGES = 3


def require_tensorboard(who: str) -> None:
    """Raise an error that says what to install, where TensorBoard is not.

    Args:
        who: Who needs it.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise ImportError(
            f"{who} writes with TensorBoard's own writer, which is not installed: "
            "pip install 'trivium[tensorboard]'."
        )


class EventFile:
    """A file of events in a folder, which TensorBoard shows as a run of that name.

    Args:
        folder: The folder; it is made.

    Example:
        >>> import tempfile
        >>> from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        >>> folder = tempfile.mkdtemp()
        >>> file = EventFile(folder)
        >>> file.scalar("epoch_loss", 0.5, step=0)
        >>> file.close()
        >>> EventAccumulator(folder).Reload().Tags()["tensors"]
        ['epoch_loss']
    """

    def __init__(self, folder: str) -> None:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._writer = EventFileWriter(folder)

    def scalar(self, tag: str, value: float, step: int) -> None:
        """Write a number.

        Args:
            tag: What it is.
            value: The number.
            step: When it was so.
        """
        from tensorboard.plugins.scalar import metadata

        said = metadata.create_summary_metadata("", "")
        self._write(tag, np.float32(value), step, said)

    def histogram(self, tag: str, values: Any, step: int) -> None:
        """Write how values are distributed; those that are no finite numbers are left out.

        Args:
            tag: What they are.
            values: An array.
            step: When they were so.
        """
        from tensorboard.plugins.histogram import metadata

        flat = np.asarray(values, "float64").ravel()
        flat = flat[np.isfinite(flat)]
        counts, edges = np.histogram(flat, _BUCKETS)
        if flat.size and np.ptp(flat) == 0:  # TensorBoard writes a single value so.
            counts, edges = np.eye(_BUCKETS)[-1] * flat.size, np.full(_BUCKETS + 1, flat[0])
        rows = np.stack([edges[:-1], edges[1:], counts], axis=1)
        self._write(tag, rows, step, metadata.create_summary_metadata("", ""))

    def images(self, tag: str, images: Any, step: int) -> None:
        """Write images, the first three of them.

        Args:
            tag: What they show.
            images: Their bytes, with the shape (image, row, column, channel), and 1, 3 or 4 channels.
            step: When they looked so.
        """
        from PIL import Image
        from tensorboard.plugins.image import metadata

        height, width, channels = images.shape[1:]
        files = [str(width).encode(), str(height).encode()]
        for image in images[:_IMAGES]:
            memory = io.BytesIO()
            Image.fromarray(image[..., 0] if channels == 1 else image).save(memory, "png")
            files.append(memory.getvalue())
        self._write(tag, files, step, metadata.create_summary_metadata("", ""))

    def text(self, tag: str, text: str, step: int) -> None:
        """Write a text, which TensorBoard shows as Markdown.

        Args:
            tag: What it is.
            text: The text.
            step: When it was said.
        """
        from tensorboard.plugins.text import metadata

        said = metadata.create_summary_metadata("", "")
        self._write(tag, text.encode(), step, said)

    def graph(self, tag: str, model: Any) -> None:
        """Write a model's graph.

        Args:
            tag: What to call it.
            model: The model, built.
        """
        from tensorboard.compat.proto.summary_pb2 import SummaryMetadata
        from tensorboard.plugins.graph.metadata import PLUGIN_NAME_KERAS_MODEL

        plugin = SummaryMetadata.PluginData(plugin_name=PLUGIN_NAME_KERAS_MODEL, content=b"1")
        text = json.dumps(conceptual_graph(model)).encode()
        self._write(tag, text, 0, SummaryMetadata(plugin_data=plugin))

    def _write(self, tag: str, value: Any, step: int, said: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.util.tensor_util import make_tensor_proto

        entry = Summary.Value(tag=tag, tensor=make_tensor_proto(value), metadata=said)
        self._writer.add_event(
            Event(wall_time=time.time(), step=int(step), summary=Summary(value=[entry]))
        )

    def flush(self) -> None:
        """Bring all that was written to the file."""
        self._writer.flush()

    def close(self) -> None:
        """Bring all to the file and close it."""
        self._writer.close()


def conceptual_graph(model: Any) -> dict[str, Any]:
    """Return a model's graph in the form from which TensorBoard draws a conceptual graph.

    It is the outline of a Functional model's config, for models of all styles. Models inside are groups, by the paths
    in the names.

    Args:
        model: The model, built.

    Raises:
        CaptureError: No graph can hold the model's code, and it calls no layers either.

    Example:
        >>> import trivium as tv
        >>> graph = conceptual_graph(tv.Sequential([tv.Input((4,)), tv.layers.Dense(2, name="out")]))
        >>> [(layer["class_name"], layer["config"]["name"]) for layer in graph["config"]["layers"][1:]]
        [('Dense', 'out'), ('Output', 'output')]
    """
    layers: list[dict[str, Any]] = []
    from trivium.viz.diagrams.reading import read

    _add(read(model, expand_nested=True), "", {}, layers, set())
    return {"class_name": "Functional", "config": {"name": model.name, "layers": layers}}


def _add(
    chart: Chart, group: str, given: dict[int, str], layers: list[dict[str, Any]], taken: set[str]
) -> list[str]:
    """Add a chart's boxes to `layers`; return the names of those where data comes out.

    Args:
        chart: The chart.
        group: What stands before the names.
        given: The names of what comes in from around, by the places of the boxes that take it.
        layers: The boxes so far.
        taken: Their names.
    """
    sources: dict[int, list[str]] = {}
    for place, box in enumerate(chart.boxes):
        edges = [edge for edge in chart.edges if edge.target == place]
        comes = [sources[e.source][min(e.port, len(sources[e.source]) - 1)] for e in edges]
        name = _unique(group + (box.name or box.kind.lower()), taken)
        if box.inner is not None:
            entries = dict(zip(box.inner.inputs, comes, strict=True))
            sources[place] = _add(box.inner, f"{name}/", entries, layers, taken)
            continue
        sources[place] = [name]
        if place in given:
            comes = [given[place]]
        args = [{"config": {"keras_history": [source, 0, 0]}} for source in comes]
        dtype = next((dtype for _, dtype in (*box.outputs, *box.inputs) if dtype), None)
        config = {"name": name, "dtype": dtype}
        calls = [{"args": args}] if args else []
        layers.append({"class_name": box.kind, "config": config, "inbound_nodes": calls})
    return [sources[place][0] for place in chart.outputs]


def _unique(name: str, taken: set[str]) -> str:
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    taken.add(found)
    return found
