"""What a notebook shows: a model as its table and drawing, a history as its curves, a program in colors.

Jupyter and its like ask an object that a cell ends with for `_repr_html_`. Nothing is drawn before they ask.
"""

from __future__ import annotations

import html
import io
from typing import Any

from trivium.viz.blocks import equal_blocks
from trivium.viz.curves import learning_curves
from trivium.viz.summary import Row, summary_rows, totals

__all__ = ["Program", "history_html", "model_html"]

# A larger model's drawing is longer than anybody scrolls, and takes a while.
_MOST_BOXES = 150
_CELL = "text-align:left;vertical-align:top;padding:2px 12px 2px 0"


def model_html(model: Any) -> str:
    """Return a model's summary as a table, with its drawing beside it where its graph is known.

    Args:
        model: The model, in any style, built or not.

    Example:
        >>> import trivium as tv
        >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)], name="net")
        >>> text = model_html(model)
        >>> text.count("<table"), text.count("<svg"), "10" in text
        (1, 1, True)
    """
    rows = summary_rows(model)
    said = "".join(
        f"<div>{html.escape(line)}</div>" for line in (*totals(model), *equal_blocks(model))
    )
    head = f"<b>{html.escape(model.name)}</b> ({html.escape(type(model).__name__)})"
    text = f"<div><p>{head}</p>{_table(rows)}<p>{said}</p></div>"
    return (
        f'<div style="display:flex;flex-wrap:wrap;gap:32px;align-items:flex-start">{text}'
        f"{_drawing(model, len(rows))}</div>"
    )


def _table(rows: list[Row]) -> str:
    if not rows:
        return ""
    connected = any(row.sources for row in rows)
    names = ["Layer", "Type", "Output shape", "Params", *(["Connected to"] if connected else [])]
    lines = [_line("th", names)]
    for row in rows:
        params = "not built" if row.params is None else f"{row.params:,}"
        cells = [row.name, row.kind, "\n".join(row.shapes) or "?", params]
        lines.append(_line("td", [*cells, *([", ".join(row.sources)] if connected else [])]))
    return f"<table>{''.join(lines)}</table>"


def _line(kind: str, cells: list[str]) -> str:
    texts = (html.escape(cell).replace("\n", "<br>") for cell in cells)
    return f"<tr>{''.join(f'<{kind} style={_CELL!r}>{text}</{kind}>' for text in texts)}</tr>"


def _drawing(model: Any, boxes: int) -> str:
    if not model.built or boxes > _MOST_BOXES:
        return ""
    from trivium.viz.diagrams import diagram

    try:
        return diagram(model)._repr_html_()
    except Exception:
        # Its code makes no graph: the table says what there is to say, and `diagram` says why.
        return ""


def history_html(history: Any) -> str | None:
    """Return the learning curves of a history as a drawing; `None` where there are none yet.

    Args:
        history: A `History`.

    Example:
        >>> from trivium.callbacks import History
        >>> history = History()
        >>> history_html(history) is None
        True
        >>> history.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.75})
        >>> "<svg" in history_html(history)
        True
    """
    from matplotlib.figure import Figure

    if not history.history:
        return None
    text = io.StringIO()
    # A figure of its own: one of pyplot's would be shown a second time by the notebook.
    figure = learning_curves(
        history, epochs=history._epochs_of, figure=Figure(layout="constrained")
    )
    figure.savefig(text, format="svg")
    svg = text.getvalue()
    return svg[svg.index("<svg") :].replace("<svg ", '<svg style="max-width:100%" ', 1)


class Program(str):
    """The text of a Python program, which a notebook shows in colors; in all else a string.

    Example:
        >>> text = Program("x = 1")
        >>> text == "x = 1", "span" in text._repr_html_()
        (True, True)
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        from pygments import highlight  # type: ignore[import-untyped]
        from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
        from pygments.lexers import PythonLexer  # type: ignore[import-untyped]

        style = "background:#f8f8f8;color:#222;padding:8px 12px;overflow:auto;line-height:1.4"
        formatter = HtmlFormatter(noclasses=True, nobackground=True, prestyles=style)
        return str(highlight(str(self), PythonLexer(), formatter))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print the lines as lines, where IPython would print one quoted string."""
        printer.text(str(self))
