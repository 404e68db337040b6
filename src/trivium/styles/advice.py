"""Which style a model wants: the simplest that can hold it, and what the others would cost or forbid."""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from trivium.graph import Graph
from trivium.layers.base import Layer
from trivium.models.model import Model
from trivium.styles.calls import written_calls
from trivium.styles.hooks import overridden_hooks
from trivium.styles.modes import StyleError, one_graph
from trivium.styles.obstacles import sequential_obstacle
from trivium.styles.writing import STYLES, source

__all__ = ["Advice", "Verdict", "advise"]

_CALLED = {"sequential": "Sequential", "functional": "Functional", "subclass": "subclassing"}


@dataclass(frozen=True)
class Verdict:
    """What one style is for one model.

    Args:
        style: The style.
        possible: Whether it can hold the model.
        why: What forbids it, or what it costs or gives.
        lines: How many lines its program has, where it can be written.
    """

    style: str
    possible: bool
    why: str
    lines: int | None


@dataclass(frozen=True)
class Advice:
    """The advice for one model.

    Args:
        model: The model's name.
        style: The simplest style that can hold it.
        reason: Why.
        facts: What the graph has: inputs, outputs, layers, branches, merges, shared layers, operations, own weights.
        verdicts: One for each style.

    Example:
        >>> import trivium as tv
        >>> advice = advise(tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)], name="tiny"))
        >>> advice.style, advice.facts["layers"], [v.possible for v in advice.verdicts]
        ('sequential', 1, [True, True, True])
    """

    model: str
    style: str
    reason: str
    facts: dict[str, int]
    verdicts: tuple[Verdict, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the advice as plain data."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [f"{self.model}: write it with {_named(self.style)}. {self.reason}", ""]
        for v in self.verdicts:
            size = f", {v.lines} lines" if v.lines else ""
            lines.append(
                f"  {'yes' if v.possible else 'no ':<3}  {_CALLED[v.style]}{size}: {v.why}"
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(_CALLED[v.style])}</td><td>{'yes' if v.possible else 'no'}</td>"
            f"<td>{v.lines or ''}</td><td style='text-align:left'>{html.escape(v.why)}</td></tr>"
            for v in self.verdicts
        )
        head = "<tr><th>style</th><th>possible</th><th>lines</th><th>why</th></tr>"
        said = f"<b>{html.escape(self.model)}</b>: {html.escape(_named(self.style))}. {html.escape(self.reason)}"
        return f"<p>{said}</p><table>{head}{rows}</table>"


def advise(model: Model) -> Advice:
    """Say which style suits a model.

    The simplest style that can hold a model is the best: a stack is read at a glance, a graph of calls shows its wiring
    and is checked while it is written, a class can do anything.

    Args:
        model: The model, built, in any style.

    Returns:
        The advice, as text (`str(advice)`) and as data.

    Raises:
        ValueError: The model is not built.
        CaptureError: The model's own code does what no graph can hold.

    Example:
        >>> import trivium as tv
        >>> x = tv.Input((4,), name="x")
        >>> y = tv.layers.Dense(4, name="dense")(x)
        >>> model = tv.Model(x, tv.layers.Add(name="add")([x, y]), name="residual")
        >>> print(str(advise(model)).splitlines()[0])
        residual: write it with the Functional API. A stack cannot hold it: `add` joins two branches: ...
    """
    try:
        graph = one_graph(model)
    except StyleError as error:
        return _only_subclass(model, str(error))
    obstacles = {
        "sequential": sequential_obstacle(graph),
        "functional": _functional_obstacle(graph),
        "subclass": None,
    }
    verdicts = tuple(_verdict(model, graph, style, obstacles[style]) for style in STYLES)
    hooks = _hooks(model)
    style = "subclass" if hooks else next(v.style for v in verdicts if v.possible)
    reasons = {
        "sequential": "It is a stack: one input, one output, and each layer feeds the next.",
        "functional": f"A stack cannot hold it: {obstacles['sequential']}",
        "subclass": f"It has its own {hooks}, and that needs a class."
        if hooks
        else f"Nothing simpler can hold it: {obstacles['functional']}",
    }
    return Advice(model.name, style, reasons[style], _facts(graph), verdicts)


def _named(style: str) -> str:
    return "subclassing" if style == "subclass" else f"the {_CALLED[style]} API"


def _hooks(model: Model) -> str:
    return ", ".join(f"`{name}`" for name in overridden_hooks(model))


def _functional_obstacle(graph: Graph) -> str | None:
    if graph.losses:
        return "its own `call` adds a loss, which in the Functional API only a layer can."
    return None


def _verdict(model: Model, graph: Graph, style: str, obstacle: str | None) -> Verdict:
    if obstacle is not None:
        return Verdict(style, False, obstacle, None)
    try:
        lines = len(source(model, style).strip().splitlines())
    except StyleError as error:
        # The style can hold it, though no program can be written from what is known.
        return Verdict(style, True, str(error), None)
    facts = _facts(graph)
    wires = facts["branches"] + facts["merges"]
    wiring = (
        f"the wiring shows in {wires} place{'s' * (wires > 1)} where it branches or joins."
        if wires
        else "its price is a name for each tensor."
    )
    why = {
        "sequential": "the layers in order and nothing else; shapes are known at once where the input is.",
        "functional": f"each call is checked as it is written, and any tensor can become an output; {wiring}",
        "subclass": "full control: Python decides in `call`, and the class can bring its own training step; its shapes "
        "are known when it is built, and a mistake shows when it is called.",
    }
    hooks = _hooks(model)
    along = (
        f" Its own {hooks} goes along in a small class." if hooks and style != "subclass" else ""
    )
    return Verdict(style, True, why[style] + along, lines)


def _facts(graph: Graph) -> dict[str, int]:
    calls = written_calls(graph)
    users = Counter(id(t) for call in calls for t in {id(t): t for t in call.inputs}.values())
    operations = [call.node.operation for call in calls]
    times = Counter(map(id, operations))
    layers = {id(o) for o in operations if isinstance(o, Layer)}
    return {
        "inputs": len(graph.input_tensors),
        "outputs": len(graph.output_tensors),
        "layers": len(layers),
        "operations": sum(not isinstance(o, Layer) for o in operations) - len(graph.variables),
        "branches": sum(n > 1 for n in users.values()),
        "merges": sum(len({id(t) for t in call.inputs}) > 1 for call in calls),
        "shared layers": sum(times[key] > 1 for key in layers),
        "own weights": len(graph.variables),
        "own losses": len(graph.losses),
    }


def _only_subclass(model: Model, obstacle: str) -> Advice:
    verdicts = tuple(
        Verdict(s, s == "subclass", obstacle if s != "subclass" else "its own code does it.", None)
        for s in STYLES
    )
    facts = _facts(model.graph())
    return Advice(
        model.name, "subclass", f"Nothing simpler can hold it: {obstacle}", facts, verdicts
    )
