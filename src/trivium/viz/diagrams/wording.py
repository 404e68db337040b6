"""What stands in a box: lines of words, in the styles that a drawing gives them."""

from __future__ import annotations

import dataclasses

from trivium.viz.diagrams.reading import Box, Spec

__all__ = ["Line", "Show", "lines", "tooltip"]

# Pieces of text with the style of each: "title", "name", "detail", "code" or "badge".
Line = list[tuple[str, str]]

_LONGEST = 44


@dataclasses.dataclass(frozen=True)
class Show:
    """What to write into the boxes.

    Args:
        shapes: The shapes of what comes in and goes out.
        dtypes: Their dtypes.
        names: The layers' names.
        params: The numbers of parameters.
        activations: The activations.
        trainable: Whether weights are trained.
    """

    shapes: bool = True
    dtypes: bool = False
    names: bool = True
    params: bool = True
    activations: bool = False
    trainable: bool = False


def lines(box: Box, show: Show) -> list[Line]:
    """Return the lines of a box's text.

    Args:
        box: The box.
        show: What to write.

    Example:
        >>> box = Box("Dense", "out", "weights", [("(None, 4)", "float32")], [("(None, 2)", "float32")], 10)
        >>> [" ".join(text for text, _ in line) for line in lines(box, Show())]
        ['Dense out', '(None, 4) → (None, 2)', '10 params']
    """
    head = [(_short(box.kind), "title")]
    if show.names and box.name:
        head.append((_short(box.name), "name"))
    found: list[Line] = [head]
    if box.detail:
        found.append([(_short(box.detail), "code")])
    flow = _flow(box, show)
    if flow:
        found.append([(flow, "detail")])
    facts = []
    if show.activations and box.activation:
        facts.append(box.activation)
    if show.params and box.params and box.call == 1:
        facts.append(f"{box.params:,} param{'s' * (box.params != 1)}")
    if show.trainable and box.trainable is not None:
        facts.append("trainable" if box.trainable else "frozen")
    last = [(" · ".join(facts), "detail")] if facts else []
    if box.calls > 1:
        last.append((f"shared {box.call} of {box.calls}", "badge"))
    return [*found, last] if last else found


def tooltip(box: Box) -> str:
    """Return all that is known of a box, one fact a line.

    Args:
        box: The box.
    """
    everything = Show(dtypes=True, activations=True, trainable=True)
    return "\n".join(" ".join(text for text, _ in line) for line in lines(box, everything))


def _flow(box: Box, show: Show) -> str:
    """Say what comes in and what goes out; once if it stays the same."""
    dtypes = {dtype for _, dtype in [*box.inputs, *box.outputs] if dtype}
    # A dtype that never changes is said once, at the end.
    single = show.shapes and len(dtypes) == 1
    sides = [
        _tensors(specs, show.shapes, show.dtypes and not single)
        for specs in (box.inputs, box.outputs)
    ]
    text = " → ".join(dict.fromkeys(side for side in sides if side))
    return f"{text} · {dtypes.pop()}" if show.dtypes and single else text


def _tensors(specs: list[Spec], shapes: bool, dtypes: bool) -> str:
    texts = [" ".join([shape] * shapes + [dtype] * dtypes) for shape, dtype in specs]
    if len(texts) > 1 and texts[0] and len(set(texts)) == 1:
        return f"{len(texts)} × {texts[0]}"
    if len(texts) > 3:
        texts[2:] = [f"{len(texts) - 2} more"]
    return ", ".join(text for text in texts if text)


def _short(text: str) -> str:
    """Cut the middle out of what is too long for a box."""
    clean = "".join(c if c.isprintable() else "�" for c in text)
    if len(clean) <= _LONGEST:
        return clean
    half = _LONGEST // 2
    return f"{clean[:half]}…{clean[-half + 1 :]}"
