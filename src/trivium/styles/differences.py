"""What differs between two models' graphs."""

from __future__ import annotations

import difflib
import html
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from trivium.graph import SymbolicTensor, is_symbolic
from trivium.layers.base import Layer
from trivium.models.model import Model
from trivium.styles.calls import Call, written_calls
from trivium.styles.modes import one_graph

__all__ = ["Diff", "Difference", "diff"]


@dataclass(frozen=True)
class Difference:
    """One thing that differs.

    Args:
        kind: `"layer"`, `"argument"`, `"wiring"`, `"shape"` or `"weights"`.
        place: The layer's or op's path.
        text: What differs, in words.
        a: What the first model has.
        b: What the second model has.
    """

    kind: str
    place: str
    text: str
    a: Any = None
    b: Any = None


@dataclass(frozen=True)
class Diff:
    """What differs between two models; false where nothing does.

    Args:
        names: The models' names.
        differences: What differs, in the order of the data's flow.

    Example:
        >>> import trivium as tv
        >>> make = lambda units: tv.Sequential([tv.Input((4,)), tv.layers.Dense(units, name="out")], name="net")
        >>> print(diff(make(2), make(3), weights=False))
        net and net differ in 4 places:
          out: units is 2 and 3
          out: the output's shape is (None, 2) and (None, 3)
          out: the weight 'kernel' has shape (4, 2) and (4, 3)
          out: the weight 'bias' has shape (2,) and (3,)
    """

    names: tuple[str, str]
    differences: tuple[Difference, ...]

    def __bool__(self) -> bool:
        return bool(self.differences)

    def __len__(self) -> int:
        return len(self.differences)

    def __iter__(self) -> Iterator[Difference]:
        return iter(self.differences)

    def __str__(self) -> str:
        a, b = self.names
        if not self.differences:
            return f"{a} and {b} do not differ."
        count = len(self.differences)
        lines = [f"  {d.place}: {d.text}" if d.place else f"  {d.text}" for d in self.differences]
        return "\n".join([f"{a} and {b} differ in {count} place{'s' * (count > 1)}:", *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(d.kind)}</td><td>{html.escape(d.place)}</td>"
            f"<td style='text-align:left'>{html.escape(d.text)}</td></tr>"
            for d in self.differences
        )
        head = "<tr><th>what</th><th>where</th><th>how</th></tr>"
        said = html.escape(str(self).splitlines()[0])
        return f"<p>{said}</p>" + (f"<table>{head}{rows}</table>" if rows else "")


def diff(a: Model, b: Model, weights: bool = True) -> Diff:
    """Say what differs between two models, however they are written.

    Names do not count. Calls are matched in the order of the data's flow: first those with the same layer and
    arguments, then those with the same kind of layer.

    Args:
        a: The first model, built.
        b: The second model, built.
        weights: Whether to compare the weights' values too.

    Returns:
        The differences: layers that one of them lacks, arguments, wiring, shapes, weights. False where there are none.

    Raises:
        TypeError: One of them is no model.
        ValueError: A model is not built.
        CaptureError: A model's own code does what no graph can hold.

    Example:
        >>> import trivium as tv
        >>> stack = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)], name="stack")
        >>> print(diff(stack, tv.convert(stack, to="subclass")))
        stack and stack do not differ.
    """
    differences = tuple(_compare(a, b, weights, ""))
    return Diff((a.name, b.name), differences)


def _compare(a: Model, b: Model, weights: bool, prefix: str) -> Iterator[Difference]:
    graphs = one_graph(a), one_graph(b)
    calls = [written_calls(g) for g in graphs]
    pairs = _matched(*calls)
    yield from _ends(graphs[0].input_tensors, graphs[1].input_tensors, "input", prefix)
    # A tensor is known by where it comes from: an input's place, or the place of the call in the matching.
    origins: tuple[dict[int, Any], dict[int, Any]] = ({}, {})
    for side in (0, 1):
        for i, tensor in enumerate(graphs[side].input_tensors):
            origins[side][id(tensor)] = ("input", i, tensor.name)
        for number, pair in enumerate(pairs):
            if (call := pair[side]) is not None:
                for i, tensor in enumerate(call.node.output_tensors):
                    origins[side][id(tensor)] = (number, i, call.node.name)
    twins: dict[int, int] = {}
    for one, two in pairs:
        if one is None or two is None:
            yield _alone(one or two, one is not None, prefix)
            continue
        yield from _pair(one, two, origins, twins, weights, prefix)
    ends = [[origins[s][id(t)] for t in graphs[s].output_tensors] for s in (0, 1)]
    if [e[:2] for e in ends[0]] != [e[:2] for e in ends[1]]:
        said = [", ".join(repr(e[2]) for e in side) for side in ends]
        yield Difference("wiring", prefix, f"the outputs are {said[0]} and {said[1]}", *said)
    forms = [str(jax.tree_util.tree_structure(g.outputs)) for g in graphs]
    if forms[0] != forms[1]:
        yield Difference("wiring", prefix, "the outputs are nested in another way", *forms)


def _ends(
    a: list[SymbolicTensor], b: list[SymbolicTensor], what: str, prefix: str
) -> Iterator[Difference]:
    if len(a) != len(b):
        yield Difference(
            "shape", prefix, f"there are {len(a)} and {len(b)} {what}s", len(a), len(b)
        )
    for one, two in zip(a, b, strict=False):
        said = [(t.shape, t.dtype) for t in (one, two)]
        if said[0] != said[1]:
            text = f"the {what} is {one.dtype} of shape {one.shape} and {two.dtype} of shape {two.shape}"
            yield Difference("shape", f"{prefix}{one.name}", text, *said)


def _alone(call: Any, first: bool, prefix: str) -> Difference:
    what = (
        type(call.node.operation).__name__
        if isinstance(call.node.operation, Layer)
        else "the operation"
    )
    text = f"{what} is in the {'first' if first else 'second'} model only"
    mine = call.node.name
    return Difference(
        "layer", prefix + mine, text, mine if first else None, None if first else mine
    )


def _kind(call: Call) -> Any:
    operation = call.node.operation
    if isinstance(operation, Model):
        return "Model"
    return type(operation).__qualname__ if isinstance(operation, Layer) else call.node.name


def _settings(call: Call) -> dict[str, Any]:
    """Return the arguments of the layer and of the call, without names and tensors."""
    operation = call.node.operation
    settings: dict[str, Any] = {}
    if isinstance(operation, Layer) and not isinstance(operation, Model):
        try:
            settings |= operation.get_config()
        except (NotImplementedError, ValueError):
            settings["class"] = f"{type(operation).__module__}.{type(operation).__qualname__}"
        settings.pop("name", None)
    for i, value in enumerate(call.args):
        if not any(map(is_symbolic, jax.tree_util.tree_leaves(value))):
            settings[f"argument {i + 1}"] = value
    return settings | {k: v for k, v in call.kwargs.items() if not is_symbolic(v)}


def _matched(a: list[Call], b: list[Call]) -> list[tuple[Call | None, Call | None]]:
    """Pair the calls: exact twins first, then within the gaps calls of one kind."""
    exact = [
        [repr((_kind(c), sorted(_settings(c).items(), key=str))) for c in side] for side in (a, b)
    ]
    pairs: list[tuple[Call | None, Call | None]] = []
    for tag, i, j, k, m in difflib.SequenceMatcher(
        a=exact[0], b=exact[1], autojunk=False
    ).get_opcodes():
        if tag == "equal":
            pairs += zip(a[i:j], b[k:m], strict=True)
            continue
        kinds = [[_kind(c) for c in side] for side in (a[i:j], b[k:m])]
        for inner, p, q, r, s in difflib.SequenceMatcher(
            a=kinds[0], b=kinds[1], autojunk=False
        ).get_opcodes():
            if inner == "equal":
                pairs += zip(a[i + p : i + q], b[k + r : k + s], strict=True)
            else:
                pairs += [(call, None) for call in a[i + p : i + q]]
                pairs += [(None, call) for call in b[k + r : k + s]]
    return pairs


def _pair(
    one: Call, two: Call, origins: Any, twins: dict[int, int], weights: bool, prefix: str
) -> Iterator[Difference]:
    place = prefix + one.node.name
    mine, other = _settings(one), _settings(two)
    for key in dict.fromkeys([*mine, *other]):
        if repr(mine.get(key)) != repr(other.get(key)):
            text = f"{key} is {mine.get(key)!r} and {other.get(key)!r}"
            yield Difference("argument", place, text, mine.get(key), other.get(key))
    sources = [
        [origins[s][id(t)] for t in call.inputs if id(t) in origins[s]]
        for s, call in ((0, one), (1, two))
    ]
    if [s[:2] for s in sources[0]] != [s[:2] for s in sources[1]]:
        said = [", ".join(repr(s[2]) for s in side) for side in sources]
        yield Difference("wiring", place, f"it is called on {said[0]} and on {said[1]}", *said)
    shapes = [[t.shape for t in call.node.output_tensors] for call in (one, two)]
    for a, b in zip(*shapes, strict=False):
        if a != b:
            yield Difference("shape", place, f"the output's shape is {a} and {b}", a, b)
    layers = one.node.operation, two.node.operation
    if not isinstance(layers[0], Layer):
        return
    seen = id(layers[0]) in twins
    if twins.setdefault(id(layers[0]), id(layers[1])) != id(layers[1]):
        text = "the first model calls one shared layer here, the second one another layer"
        yield Difference("wiring", place, text)
    elif list(twins.values()).count(id(layers[1])) > 1 and not seen:
        text = "the second model calls one shared layer here, the first one another layer"
        yield Difference("wiring", place, text)
    if seen:
        return
    if isinstance(layers[0], Model) and isinstance(layers[1], Model):
        yield from _compare(layers[0], layers[1], weights, f"{place}/")
    elif isinstance(layers[0], Layer) and isinstance(layers[1], Layer):
        yield from _weights(layers[0], layers[1], weights, place)


def _weights(a: Layer, b: Layer, values: bool, place: str) -> Iterator[Difference]:
    if len(a.weights) != len(b.weights):
        yield Difference("weights", place, f"it has {len(a.weights)} and {len(b.weights)} weights")
    for one, two in zip(a.weights, b.weights, strict=False):
        if one.shape != two.shape:
            text = f"the weight {one.name!r} has shape {one.shape} and {two.shape}"
            yield Difference("weights", place, text, one.shape, two.shape)
        elif values and not np.array_equal(
            x := one.numpy(), y := two.numpy(), equal_nan=x.dtype.kind == "f"
        ):
            most = float(np.max(np.abs(x.astype("float64") - y.astype("float64"))))
            text = f"the weight {one.name!r} differs by up to {most:.3g}"
            yield Difference("weights", place, text, x, y)
