"""A chart as text for other drawing programs: Graphviz's DOT and Mermaid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trivium.viz.diagrams.reading import Box, Chart, Edge
from trivium.viz.diagrams.shapes import COLORS
from trivium.viz.diagrams.wording import Show, lines

__all__ = ["to_dot", "to_mermaid"]

_MERMAID_SETTINGS = '%%{init: {"flowchart": {"wrappingWidth": 600}}}%%'  # No line is broken.
_SPECIAL = '#&"<>`*_'  # What Mermaid would take for entities, tags or Markdown.


def to_dot(
    chart: Chart, show: Show, attributes: Mapping[str, str] | None = None, subgraph: bool = False
) -> str:
    """Return a chart in Graphviz's language.

    Args:
        chart: The chart.
        show: What to write into the boxes.
        attributes: The graph's attributes.
        subgraph: Whether to write a cluster in place of a whole graph.

    Example:
        >>> print(to_dot(Chart([Box("Dense", "a", "weights")]), Show()).splitlines()[-2].strip())
        n0 [label="Dense a", fillcolor="#e4eefb", color="#3f74b5"];
    """
    settings = {**(attributes or {}), "fontname": "Helvetica", "fontsize": "11"}
    written = ", ".join(f"{key}={_quoted(value)}" for key, value in settings.items())
    head = [
        "subgraph cluster_model {" if subgraph else "digraph model {",
        f"  graph [{written}];",
        '  node [shape=box, style="rounded,filled", fontname=Helvetica, fontsize=11];',
        '  edge [color="#66717e", arrowsize=0.7];',
    ]
    return "\n".join([*head, *_dot_body(chart, show, "n", "  "), "}", ""])


def _dot_body(chart: Chart, show: Show, prefix: str, indent: str) -> Iterator[str]:
    for i, box in enumerate(chart.boxes):
        name = f"{prefix}{i}"
        fill, color = COLORS[box.role]
        if box.inner is not None:
            yield f"{indent}subgraph cluster_{name} {{"
            yield f'{indent}  label={_quoted(_words(box, show))}; labeljust=l; style=rounded; color="{color}";'
            yield from _dot_body(box.inner, show, f"{name}_", indent + "  ")
            yield f"{indent}}}"
        elif len(prefix) > 1 and i in (*chart.inputs, *chart.outputs):
            yield f'{indent}{name} [shape=point, width=0.08, color="{COLORS["model"][1]}"];'
        else:
            shared = ", peripheries=2" * (box.calls > 1)
            yield f'{indent}{name} [label={_quoted(_words(box, show))}, fillcolor="{fill}", color="{color}"{shared}];'
    for source, target, edge in _ends(chart, prefix):
        yield f"{indent}{source} -> {target}{' [style=dashed]' * edge.dashed};"


def _words(box: Box, show: Show) -> str:
    return "\n".join(" ".join(words for words, _ in line) for line in lines(box, show))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def to_mermaid(chart: Chart, show: Show, rankdir: str = "TB") -> str:
    """Return a chart in Mermaid's language.

    Args:
        chart: The chart.
        show: What to write into the boxes.
        rankdir: Where the data flows.

    Example:
        >>> print(to_mermaid(Chart([Box("Dense", "a", "weights")]), Show()).splitlines()[2].strip())
        n0["Dense a"]:::weights
    """
    colors = {role: COLORS[role] for role in _roles(chart)}
    classes = [
        f"  classDef {role} fill:{fill},stroke:{stroke},color:#1c2733"
        for role, (fill, stroke) in colors.items()
    ]
    body = _mermaid_body(chart, show, "n", "  ")
    return "\n".join([_MERMAID_SETTINGS, f"flowchart {rankdir}", *body, *classes, ""])


def _mermaid_body(chart: Chart, show: Show, prefix: str, indent: str) -> Iterator[str]:
    for i, box in enumerate(chart.boxes):
        name, words = f"{prefix}{i}", _words(box, show)
        if box.inner is not None:
            # There is room for one line.
            title = words.partition("\n")[0]
            title += f", shared {box.call} of {box.calls}" if box.calls > 1 else ""
            yield f"{indent}subgraph {name}[{_entities(title)}]"
            yield from _mermaid_body(box.inner, show, f"{name}_", indent + "  ")
            yield f"{indent}end"
            yield f"{indent}style {name} fill:none,stroke:{COLORS[box.role][1]}"
        elif len(prefix) > 1 and i in (*chart.inputs, *chart.outputs):
            yield f'{indent}{name}((" ")):::model'
        else:
            left, right = ("[[", "]]") if box.calls > 1 else ("[", "]")
            if box.role in ("input", "output", "op"):
                left, right = "([", "])"
            yield f"{indent}{name}{left}{_entities(words)}{right}:::{box.role}"
    for source, target, edge in _ends(chart, prefix):
        yield f"{indent}{source} {'-.->' if edge.dashed else '-->'} {target}"


def _entities(text: str) -> str:
    safe = "".join(f"#{ord(c)};" if c in _SPECIAL else c for c in text)
    return '"' + safe.replace("\n", "<br/>") + '"'


def _roles(chart: Chart) -> Iterator[str]:
    for box in chart.boxes:
        yield box.role
        if box.inner is not None:
            yield from _roles(box.inner)


def _ends(chart: Chart, prefix: str) -> Iterator[tuple[str, str, Edge]]:
    """Name both ends of each edge; those of an expanded model lie inside it."""
    for edge in chart.edges:
        source, target = f"{prefix}{edge.source}", f"{prefix}{edge.target}"
        inner = chart.boxes[edge.source].inner
        if inner is not None:
            source += f"_{inner.outputs[edge.port]}"
        inner = chart.boxes[edge.target].inner
        if inner is not None and edge.entry is not None:
            target += f"_{inner.inputs[edge.entry]}"
        yield source, target, edge
