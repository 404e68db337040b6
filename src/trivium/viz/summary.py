"""The summary table: what a model is made of, with true shapes, whatever style it was written in."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from trivium.graph import Graph, Node, ReadVariable
from trivium.layers.base import Layer
from trivium.viz.blocks import equal_blocks

__all__ = ["Row", "print_summary", "summary_rows", "totals"]


@dataclasses.dataclass
class Row:
    """One line of a summary.

    Args:
        name: The layer's name.
        kind: Its class.
        shapes: The shapes of its outputs, one text for each call; empty where they are not known.
        params: The number of its parameters; `None` where it is not built.
        sources: The names of the layers whose outputs it takes.
        trainable: Whether it is trained.
        depth: How many models it lies in, the summarized one not counted.
        layer: The layer; `None` for an op.
    """

    name: str
    kind: str
    shapes: list[str]
    params: int | None
    sources: list[str]
    trainable: bool
    depth: int = 0
    layer: Any = None


def summary_rows(model: Any, expand_nested: bool = False, depth: int = 0) -> list[Row]:
    """Return the lines of a model's summary as data.

    Args:
        model: The model, in any style.
        expand_nested: Whether to list the layers of models inside under them.
        depth: The depth to write into the rows.

    Example:
        >>> import trivium as tv
        >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2, name="out")])
        >>> [(row.name, row.shapes, row.params) for row in summary_rows(model)]
        [('out', ['(None, 2)'], 10)]
    """
    graph = _graph(model)
    rows = []
    for row in _graph_rows(graph, depth) if graph is not None else _called_rows(model, depth):
        rows.append(row)
        if expand_nested and hasattr(row.layer, "graph"):
            rows.extend(summary_rows(row.layer, True, depth + 1))
    listed = {id(row.layer) for row in rows}
    for layer in model.layers:
        if id(layer) not in listed and not (graph is not None and _is_input(layer)):
            rows.append(_row(layer, [], [], depth))
    return rows


def _graph(model: Any) -> Graph | None:
    try:
        return model.graph()
    except Exception:
        # Not built, or written so that no graph can be recorded: the layers are listed by their calls.
        return None


def _is_input(layer: Any) -> bool:
    return type(layer).__name__ == "InputLayer"


def _graph_rows(graph: Graph, depth: int) -> Iterator[Row]:
    calls: dict[int, list[Node]] = {}
    for node in graph.all_nodes:
        calls.setdefault(id(node.operation), []).append(node)
    names = _op_names(graph)
    linear = (
        len(graph.input_tensors) == 1
        and len(graph.output_tensors) == 1
        and all(len(node.inputs) <= 1 for node in graph.nodes)
    )
    if not linear:
        for tensor in graph.input_tensors:
            yield Row(tensor.name, "InputLayer", [str(tensor.shape)], 0, [], True, depth)
    for operation in graph.operations:
        if _is_input(operation) or isinstance(operation, ReadVariable):
            continue
        if isinstance(operation, Layer):
            mine = calls.get(id(operation), [])
            shapes = list(dict.fromkeys(_shapes(node) for node in mine))
            sources = [names.get(id(t.node), t.name) for node in mine for t in node.inputs]
            yield _row(operation, shapes, [] if linear else sources, depth)
            continue
        for node in calls.get(id(operation), []):
            if id(node) not in names:
                continue  # It stands in a function that another op takes.
            sources = [] if linear else [names.get(id(t.node), t.name) for t in node.inputs]
            yield Row(names[id(node)], "op", [_shapes(node)], 0, sources, True, depth)


def _op_names(graph: Graph) -> dict[int, str]:
    """Name each node: layers by their names, ops by name and number."""
    names: dict[int, str] = {}
    count: dict[str, int] = {}
    for node in graph.nodes:
        if isinstance(node.operation, Layer | ReadVariable):
            names[id(node)] = node.name
            continue
        number = count.get(node.name, 0)
        count[node.name] = number + 1
        names[id(node)] = node.name if number == 0 else f"{node.name}_{number}"
    return names


def _shapes(node: Node) -> str:
    shapes = [str(t.shape) for t in node.output_tensors]
    return shapes[0] if len(shapes) == 1 else "[" + ", ".join(shapes) + "]"


def _called_rows(model: Any, depth: int) -> Iterator[Row]:
    calls: dict[int, tuple[Any, list[str]]] = {}
    for layer, shapes in getattr(model, "_trail", ()):
        calls.setdefault(id(layer), (layer, []))[1].append(str(shapes))
    for layer, shapes in calls.values():
        yield _row(layer, list(dict.fromkeys(shapes)), [], depth)


def _row(layer: Any, shapes: list[str], sources: list[str], depth: int) -> Row:
    params = sum(w.size for w in layer.weights) if layer.built else None
    return Row(
        layer.name, type(layer).__name__, shapes, params, sources, layer.trainable, depth, layer
    )


def print_summary(
    model: Any,
    line_length: int | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Any = None,
) -> None:
    """Print a model's summary as a table.

    Args:
        model: The model, in any style.
        line_length: The width in characters; the terminal's where it is `None`.
        print_fn: Where the text goes, a function of a string; standard output where it is `None`.
        expand_nested: Whether to list the layers of models inside under them.
        show_trainable: Whether to show which layers are trained.
        layer_range: Names of the first and the last layer to show.

    Raises:
        ValueError: `layer_range` names no layers of the model.

    Example:
        >>> import trivium as tv
        >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2, name="out")], name="tiny")
        >>> model.summary(print_fn=lambda text: print(text.splitlines()[0].strip()))
        Model: "tiny" (Sequential)
    """
    import io

    from rich.console import Console, Group
    from rich.markup import escape

    rows = _in_range(summary_rows(model, expand_nested), layer_range)
    stream = io.StringIO() if print_fn is not None else None
    console = Console(file=stream, width=line_length or (80 if stream else None), highlight=False)
    title = f'[bold]Model: "{model.name}"[/bold] ({type(model).__name__})'
    # In one go: a notebook shows each print as an output of its own.
    said = [*totals(model), *map(escape, equal_blocks(model))]
    console.print(Group(title, _table(rows, show_trainable), *said))
    if print_fn is not None and stream is not None:
        print_fn(stream.getvalue())


def _table(rows: list[Row], show_trainable: bool) -> Any:
    from rich.table import Table

    table = Table(header_style="bold", show_lines=False)
    table.add_column("Layer (type)", overflow="fold")
    table.add_column("Output shape", overflow="fold")
    table.add_column("Params", justify="right")
    connected = any(row.sources for row in rows)
    if connected:
        table.add_column("Connected to", overflow="fold")
    if show_trainable:
        table.add_column("Trained", justify="center")
    for row in rows:
        cells = [
            f"{'  ' * row.depth}{'└ ' if row.depth else ''}{row.name} [dim]({row.kind})[/dim]",
            "\n".join(row.shapes) or "?",
            "not built" if row.params is None else f"{row.params:,}",
        ]
        cells += [", ".join(row.sources)] * connected
        if show_trainable:
            cells.append("yes" if row.trainable else "no")
        table.add_row(*cells)
    return table


def totals(model: Any) -> list[str]:
    """Return the lines that say how many parameters a model has in all.

    Args:
        model: The model, built or not.

    Example:
        >>> import trivium as tv
        >>> totals(tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)]))[0]
        'Total params: 10 (40.00 B)'
    """
    if not model.built:
        return [
            "Not built: call the model on data, or `build(input_shape)`, and the shapes are known."
        ]
    groups = [
        ("Total params", model.weights),
        ("Trainable params", model.trainable_weights),
        ("Non-trainable params", model.non_trainable_weights),
    ]
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and optimizer.built:
        groups.append(("Optimizer params", optimizer.variables))
    return [
        f"{name}: {sum(w.size for w in weights):,} ({_bytes(weights)})" for name, weights in groups
    ]


def _bytes(weights: list[Any]) -> str:
    size = float(sum(w.size * np.dtype(w.value.dtype).itemsize for w in weights))
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} GB"


def _in_range(rows: list[Row], layer_range: Any) -> list[Row]:
    if layer_range is None:
        return rows
    names = [row.name for row in rows]
    try:
        first, last = (names.index(name) for name in layer_range)
    except ValueError:
        raise ValueError(
            f"`layer_range` is the names of two layers of the model; got {layer_range!r}, and the layers are {names}."
        ) from None
    return rows[min(first, last) : max(first, last) + 1]
