"""`inspect`: what flows through a model, and what flows back, as data, tables and words."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from trivium.data import make_source, unpack_x_y_sample_weight
from trivium.models import Model
from trivium.state import suggest
from trivium.styles.explain.document import printed
from trivium.styles.explain.objective import Objective
from trivium.styles.explain.tape import Tape
from trivium.styles.inspect.findings import Finding, Thresholds, find
from trivium.styles.inspect.record import Row, WeightRow, record

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Inspection", "inspect"]

_GRAVE = ("nan", "nan gradient")


class Inspection:
    """What a look into a model showed.

    Print it for tables, or let a notebook show it. `inspection["dense_1"]` is the row of a layer or weight by its name.

    Args:
        model: The model's name.
        rows: The values, in the order of the data's flow: inputs, then the outputs of layers and ops.
        weights: The trained weights.
        findings: What is worth a look.
        target: What the gradients are of, in words.
        value: Its value.
        training: Whether the model ran in training mode.
    """

    def __init__(
        self,
        model: str,
        rows: list[Row],
        weights: list[WeightRow],
        findings: list[Finding],
        target: str,
        value: float,
        training: bool,
    ) -> None:
        self.model = model
        self.rows = rows
        self.weights = weights
        self.findings = findings
        self.target = target
        self.value = value
        self.training = training

    def __getitem__(self, name: str) -> Any:
        """Return the row of a layer, op, input or weight.

        Raises:
            KeyError: There is none of that name; the message has the nearest.
        """
        rows: list[Any] = [*self.rows, *self.weights]
        for row in rows:
            if row.name == name:
                return row
        ends = [row for row in rows if row.name.endswith(f"/{name}")]
        if len(ends) == 1:
            return ends[0]
        raise KeyError(
            f"Model {self.model!r} has no layer or weight {name!r}. {suggest(str(name), [r.name for r in rows])}"
        )

    def plot(self) -> Figure:
        """Draw the values' ranges, their zeros, and the gradients, one line for each layer.

        Returns:
            The figure, one of pyplot's: `plt.show()` shows it, a notebook displays it, `plt.close(figure)` frees it.

        Example:
            >>> import matplotlib.pyplot as plt, numpy as np, trivium as tv
            >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(3, activation="relu")])
            >>> figure = inspect(model, np.ones((2, 4))).plot()
            >>> len(figure.axes)
            4
            >>> plt.close(figure)
        """
        from trivium.styles.inspect.plot import plot

        return plot(self.rows, self.weights, self.target)

    # -- shown --------------------------------------------------------------------------------------------------

    @property
    def headline(self) -> str:
        """What was looked at, in a sentence."""
        mode = "training" if self.training else "inference"
        return (
            f'Model "{self.model}" in {mode}: gradients of {self.target}, which is {self.value:.6g}'
        )

    def __rich__(self) -> Any:
        from rich.console import Group
        from rich.text import Text

        parts: list[Any] = [Text(self.headline, style="bold"), _table(_VALUES, self.rows)]
        if self.weights:
            parts.append(_table(self._weight_columns, self.weights))
        marks = [("red" if f.kind in _GRAVE else "yellow", f.text) for f in self.findings]
        parts += [Text(f"• {text}", style=style) for style, text in marks]
        return Group(*parts, *([] if marks else [Text("Nothing conspicuous.")]))

    @property
    def _weight_columns(self) -> Columns:
        moved = any(w.update is not None for w in self.weights)
        return _WEIGHTS if moved else _WEIGHTS[:-1]

    def __str__(self) -> str:
        return printed(self)

    def __repr__(self) -> str:
        return f"<Inspection of {self.model!r}: {len(self.rows)} values, {len(self.findings)} findings>"

    def _repr_html_(self) -> str:
        found = (
            "".join(f"<li>{escape(f.text)}</li>" for f in self.findings)
            or "<li>Nothing conspicuous.</li>"
        )
        weights = _html(self._weight_columns, self.weights) if self.weights else ""
        return f"<p><b>{escape(self.headline)}</b></p>{_html(_VALUES, self.rows)}{weights}<ul>{found}</ul>"


Columns = tuple[tuple[str, bool, Callable[[Any], str]], ...]


def _figure(value: float | None) -> str:
    return "" if value is None or value != value else f"{value:.3g}"


def _share(value: float) -> str:
    return f"{100 * value:.3g}%" if value else "0"


def _marks(row: Row) -> str:
    said = [
        (row.nans, f"{row.nans:,} NaN"), (row.infs, f"{row.infs:,} Inf"),
        (row.dead, f"{row.dead} of {row.units} dead"), (row.saturated, f"{row.saturated} of {row.units} saturated"),
    ]  # fmt: skip
    return ", ".join(text for count, text in said if count)


def _gradient(row: Row | WeightRow) -> str:
    if not row.gradient_nans:
        return _figure(row.gradient)
    return (
        f"{_figure(row.gradient)} ({row.gradient_nans:,} not finite)"
        if row.gradient
        else "not finite"
    )


# Title, whether it is a number, and how a row's cell is written.
_VALUES: Columns = (
    ("Output of", False, lambda r: f"{r.name} ({r.kind})"),
    ("Shape", False, lambda r: " × ".join(map(str, r.shape))),
    ("Mean", True, lambda r: _figure(r.mean)),
    ("Std", True, lambda r: _figure(r.std)),
    ("Min", True, lambda r: _figure(r.min)),
    ("Max", True, lambda r: _figure(r.max)),
    ("Zeros", True, lambda r: _share(r.zeros)),
    ("Gradient", True, _gradient),
    ("", False, _marks),
)
_WEIGHTS: Columns = (
    ("Weight", False, lambda w: w.name),
    ("Shape", False, lambda w: " × ".join(map(str, w.shape))),
    ("Length", True, lambda w: _figure(w.norm)),
    ("Gradient", True, _gradient),
    ("Update / weight", True, lambda w: _figure(w.ratio)),
)


def _table(columns: Columns, rows: Any) -> Any:
    from rich.table import Table

    cells = [[write(row) for _, _, write in columns] for row in rows]
    table = Table(header_style="bold")
    used = [
        bool(title) or any(line[i] for line in cells) for i, (title, _, _) in enumerate(columns)
    ]
    for (title, is_number, _), shown in zip(columns, used, strict=True):
        if shown:
            table.add_column(title, justify="right" if is_number else "left", overflow="fold")
    for line in cells:
        table.add_row(*(cell for cell, shown in zip(line, used, strict=True) if shown))
    return table


def _html(columns: Columns, rows: Any) -> str:
    head = "".join(f"<th>{escape(title)}</th>" for title, _, _ in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(write(row))}</td>" for _, _, write in columns) + "</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _build(model: Any, x: Any) -> None:
    if isinstance(model, Model) and not model.built:
        source = make_source(x, steps=1, what="inspect")
        model._build_on(unpack_x_y_sample_weight(source.example())[0], training=False)


def inspect(
    model: Any,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    training: bool = False,
    expand_nested: bool = True,
    dead: float = 0.0,
    saturated: float = 0.1,
    saturation: float = 0.01,
    vanishing: float = 1e-4,
    exploding: float = 1e4,
    step: float = 1.0,
) -> Inspection:
    """Look into a model on data: every value inside, its statistics and its gradient, from one compiled pass.

    The gradients are those of the loss where the model is compiled and `y` is given; else those of the sum of the
    outputs. The result says which. The model stays as it is.

    Args:
        model: The model, built or not, in any style.
        x: Inputs, as for `fit`; all of them are one batch.
        y: Targets.
        sample_weight: The samples' weights.
        training: Whether the model runs as in training, dropout and all.
        expand_nested: Whether to look into the models inside.
        dead: The share of a layer's units that may be dead (0 for the whole batch, behind a ReLU) without a word.
        saturated: The share of a layer's units that may be saturated (at a limit of a sigmoid, `tanh` or their like for
            the whole batch) without a word.
        saturation: How near to a limit is at the limit, as a share of the distance between the two limits.
        vanishing: The gradient vanishes where its length at the output of a layer with weights is below this share of
            the length before the last such layer.
        exploding: It explodes where it is above this many times that.
        step: The optimizer's next step is large where it changes a weight by more than this share of its length.

    Returns:
        An inspection: it prints as tables, has `.rows`, `.weights` and `.findings`, gives rows by name, and `.plot()`s.

    Raises:
        TypeError: `model` is no model.
        ValueError: The data is not what the model can take.
        CaptureError: The model's code does what no graph can hold; the message has its file and line.

    Example:
        >>> import numpy as np, trivium as tv
        >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(3, activation="relu", name="hidden")])
        >>> inspection = inspect(model, np.ones((2, 4)))
        >>> inspection["hidden"].shape, inspection.target
        ((2, 3), 'the sum of the outputs')
    """
    _build(model, x)
    tape = Tape(model, training, expand_nested)
    objective = Objective(tape, x, y, sample_weight, "inspect")
    recorded = record(tape, objective, saturation)
    thresholds = Thresholds(dead, saturated, vanishing, exploding, step)
    findings = find(tape, recorded, thresholds, objective.uses_loss)
    return Inspection(
        model.name,
        recorded.rows,
        recorded.weights,
        findings,
        objective.words,
        recorded.target,
        training,
    )
