"""Random models for property tests: a hypothesis strategy for plans, and what can be made of a plan.

A `Plan` is plain data: the shapes of the inputs, the layers, the steps and the structure of the outputs. It can be
built as a functional model (`build`), under other names, constructed in another order or in the real Keras, and run by
calling its ops and layers directly (`connect`), on arrays and on symbolic tensors alike. Its repr reads as a program.

Example:
    >>> from hypothesis import given, settings
    >>> from random_graphs import models
    >>> @settings(deadline=None, max_examples=1, database=None)
    ... @given(models())
    ... def test(example):
    ...     assert example.model(example.inputs) is not None
    >>> test()
"""

from __future__ import annotations

import itertools
import operator
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import numpy as np
from hypothesis import strategies as st

import trivium as tv
from trivium import ops

__all__ = ["LAYERS", "OPS", "RULES", "Example", "Plan", "Step", "Unknown", "models", "plans"]

VOCABULARY = 5


class Unknown(NamedTuple):
    """A size that is not known when the graph is made: `scale * T + offset`, with one `T` for a whole plan."""

    scale: int = 1
    offset: int = 0


Shape = tuple[Any, ...]
"""Sizes without the batch, each an int or `Unknown`."""


class Rule(NamedTuple):
    """One kind of step: what it can be applied to, what it has to be told, and what it gives.

    Args:
        operands: How many operands it takes.
        fits: Given their shapes, whether they fit.
        gives: Given their shapes and the setting, the shape of the result; a list of shapes for several results.
        settings: Given the shapes, a strategy for the setting; `None` where there is none.
        run: The function of the operands and the setting; `None` for a layer, whose setting is its arguments.
    """

    operands: int
    fits: Callable[..., bool]
    gives: Callable[..., Any]
    settings: Callable[..., Any] | None = None
    run: Callable[..., Any] | None = None


def _always(*shapes: Shape) -> bool:
    return True


def _first(*shapes: Any) -> Shape:
    return shapes[0]


def _same(a: Shape, b: Shape) -> bool:
    return a == b


def _known(shape: Shape) -> bool:
    return not any(isinstance(d, Unknown) for d in shape)


def _sequence(shape: Shape) -> bool:
    return len(shape) == 2


def _image(shape: Shape) -> bool:
    return len(shape) == 3


def _longer_than_one(size: Any) -> bool:
    return size.offset > -2 if isinstance(size, Unknown) else size > 1


def _plus(a: Any, b: Any) -> Any:
    if not isinstance(a, Unknown) and not isinstance(b, Unknown):
        return a + b
    a, b = (x if isinstance(x, Unknown) else Unknown(0, x) for x in (a, b))
    return Unknown(a.scale + b.scale, a.offset + b.offset)


def _joins(axis: int) -> Callable[..., bool]:
    def fits(a: Shape, b: Shape) -> bool:
        place = len(a) + axis
        return (
            len(a) == len(b)
            and place >= 0
            and a[:place] == b[:place]
            and a[place + 1 :] == b[place + 1 :]
        )

    return fits


def _joined(axis: int) -> Callable[..., Shape]:
    def gives(a: Shape, b: Shape, _: Any) -> Shape:
        place = len(a) + axis
        return (*a[:place], _plus(a[place], b[place]), *a[place + 1 :])

    return gives


def _unary(run: Callable[..., Any], settings: Callable[..., Any] | None = None) -> Rule:
    return Rule(1, _always, _first, settings, run)


def _binary(run: Callable[..., Any] | None = None) -> Rule:
    return Rule(2, _same, _first, None, run)


def _number(shape: Shape) -> Any:
    return st.sampled_from([-1.5, 0.25, 2.0])


OPS: dict[str, Rule] = {
    "tanh": _unary(ops.tanh),
    "relu": _unary(ops.relu),
    "sigmoid": _unary(ops.sigmoid),
    "softmax": _unary(ops.softmax),
    "negative": _unary(operator.neg),
    "absolute": _unary(abs),
    "center": _unary(lambda x: x - ops.mean(x, axis=-1, keepdims=True)),
    "scale": _unary(lambda x, c: x * c, _number),
    "shift": _unary(lambda x, c: c - x, _number),
    "weigh": _unary(lambda x: x * np.linspace(-1, 1, x.shape[-1], dtype="float32")),
    "add": _binary(operator.add),
    "subtract": _binary(operator.sub),
    "multiply": _binary(operator.mul),
    "maximum": _binary(ops.maximum),
    "choose": _binary(lambda a, b: ops.where(a > b, a, b / 2.0)),
    "stretch": Rule(
        2, lambda a, b: _sequence(a) and b == a[1:], _first, None,
        lambda a, b: a + ops.expand_dims(b, 1),
    ),
    "products": Rule(
        2, lambda a, b: _sequence(a) and _sequence(b) and a[1] == b[1] and _known(b),
        lambda a, b, _: (a[0], b[0]), None, lambda a, b: a @ ops.transpose(b, (0, 2, 1)),
    ),
    "concatenate": Rule(
        2, _joins(-1), _joined(-1), None, lambda a, b: ops.concatenate([a, b], axis=-1)
    ),
    "append": Rule(2, _joins(-2), _joined(-2), None, lambda a, b: ops.concatenate([a, b], axis=-2)),
    "split": Rule(
        1, lambda a: a[-1] % 2 == 0, lambda a, _: [(*a[:-1], a[-1] // 2)] * 2, None,
        lambda x: ops.split(x, 2, axis=-1),
    ),
    "head": Rule(
        1, lambda a: a[-1] > 1, lambda a, k: (*a[:-1], k), lambda a: st.just(a[-1] // 2),
        lambda x, k: x[..., :k],
    ),
    "rest": Rule(
        1, lambda a: _sequence(a) and _longer_than_one(a[0]),
        lambda a, _: (_plus(a[0], -1), a[1]), None, lambda x: x[:, 1:],
    ),
    "last": Rule(1, _sequence, lambda a, _: a[1:], None, lambda x: x[:, -1]),
    "total": Rule(1, _sequence, lambda a, _: a[1:], None, lambda x: ops.sum(x, axis=1)),
    "expand": Rule(1, lambda a: len(a) == 1, lambda a, _: (1, *a), None, lambda x: x[:, None]),
    "swap": Rule(
        1, lambda a: _sequence(a) and _known(a), lambda a, _: (a[1], a[0]), None,
        lambda x: ops.transpose(x, (0, 2, 1)),
    ),
    "flat": Rule(
        1, lambda a: _sequence(a) and _known(a), lambda a, _: (a[0] * a[1],), None,
        lambda x: ops.reshape(x, (-1, x.shape[1] * x.shape[2])),
    ),
}  # fmt: skip
"""Steps that are ops, operators and slices."""


def _arguments(**strategies: Any) -> Callable[..., Any]:
    return lambda *shapes: st.fixed_dictionaries(strategies)


_ACTIVATION = st.sampled_from([None, "relu", "tanh"])

LAYERS: dict[str, Rule] = {
    "Dense": Rule(
        1, _always, lambda a, said: (*a[:-1], said["units"]),
        _arguments(units=st.sampled_from([2, 4]), activation=_ACTIVATION, use_bias=st.booleans()),
    ),
    "Activation": Rule(
        1, _always, _first, _arguments(activation=st.sampled_from(["relu", "tanh", "softmax"]))
    ),
    "LayerNormalization": Rule(1, _always, _first),
    "BatchNormalization": Rule(1, _always, _first),
    "Dropout": Rule(1, _always, _first, _arguments(rate=st.sampled_from([0.0, 0.5]))),
    "LeakyReLU": Rule(1, _always, _first),
    "Add": _binary(),
    "Subtract": _binary(),
    "Multiply": _binary(),
    "Average": _binary(),
    "Maximum": _binary(),
    "Concatenate": Rule(2, _joins(-1), _joined(-1)),
    "RepeatVector": Rule(
        1, lambda a: len(a) == 1, lambda a, said: (said["n"], *a), _arguments(n=st.just(3))
    ),
    "GlobalAveragePooling1D": Rule(1, _sequence, lambda a, _: a[1:]),
    "Flatten": Rule(1, lambda a: len(a) > 1 and _known(a), lambda a, _: (int(np.prod(a)),)),
    "Conv2D": Rule(
        1, _image, lambda a, said: (*a[:-1], said["filters"]),
        _arguments(
            filters=st.just(2), kernel_size=st.just(2), padding=st.just("same"),
            activation=_ACTIVATION,
        ),
    ),
    "MaxPooling2D": Rule(
        1, lambda a: _image(a) and min(a[:2]) > 1, lambda a, _: (a[0] // 2, a[1] // 2, a[2])
    ),
    "GlobalAveragePooling2D": Rule(1, _image, lambda a, _: a[2:]),
}  # fmt: skip
"""Steps that are layers, by the names of their classes. Whole numbers as inputs go through an `Embedding` first."""

RULES = OPS | LAYERS


@dataclass(frozen=True)
class Step:
    """One call.

    Args:
        kind: The name of an op's rule, or the place of the layer among the plan's.
        places: The places of the operands among the values.
        setting: What the op has to be told besides.
        results: How many values it gives.
    """

    kind: str | int
    places: tuple[int, ...]
    setting: Any = None
    results: int = 1


@dataclass(frozen=True, repr=False)
class Plan:
    """A network as plain data.

    Values are numbered: the inputs first, then the results of the steps in order.

    Args:
        inputs: The shape and dtype of each input.
        layers: The name of each layer's class with its arguments, or a plan: a model inside.
        steps: The calls, each after those whose results it uses.
        outputs: A nested structure of places of values.
        nest: The form of the inputs: `"single"`, `"list"`, `"dict"` or `"nested"`.
        chain: Whether it is a stack of layers, to be built as a `Sequential`.
    """

    inputs: tuple[tuple[Shape, str], ...]
    layers: tuple[Any, ...]
    steps: tuple[Step, ...]
    outputs: Any
    nest: str = "single"
    chain: bool = False

    def build(
        self, prefix: str | None = None, shuffle: int | None = None, library: Any = tv
    ) -> tuple[Any, list[Any]]:
        """Build the model.

        Args:
            prefix: What all names begin with; automatic names where it is `None`.
            shuffle: A seed for the order in which layers are constructed and calls are made; the plan's own order
                where it is `None`.
            library: `trivium`, or `keras` for a plan of `LAYERS` alone.

        Returns:
            The model, a `Functional` (of a chain a `Sequential`), and the layers in the plan's order.
        """
        layers = self._make_layers(prefix, shuffle, library)
        tensors = [
            library.Input(
                tuple(None if isinstance(d, Unknown) else d for d in shape),
                dtype=dtype,
                name=prefix and f"{prefix}_input_{i}",
            )
            for i, (shape, dtype) in enumerate(self.inputs)
        ]
        if self.chain:
            return library.Sequential([tensors[0], *layers], name=prefix), layers
        outputs = self.connect(layers, tensors, shuffle)
        return library.Model(self.nested(tensors), outputs, name=prefix), layers

    def _make_layers(self, prefix: str | None, shuffle: int | None, library: Any) -> list[Any]:
        order = list(range(len(self.layers)))
        if shuffle is not None:
            random.Random(shuffle).shuffle(order)
        made: dict[int, Any] = {}
        for i in order:
            name = prefix and f"{prefix}_{i}"
            if isinstance(recipe := self.layers[i], Plan):
                made[i] = recipe.build(name, shuffle, library)[0]
            else:
                made[i] = getattr(library.layers, recipe[0])(**recipe[1], name=name)
        return [made[i] for i in range(len(self.layers))]

    def connect(
        self, layers: Sequence[Any], values: Sequence[Any], shuffle: int | None = None
    ) -> Any:
        """Call the ops and layers one after the other.

        Args:
            layers: The layers, in the plan's order.
            values: The inputs, flat: arrays or symbolic tensors.
            shuffle: A seed for another order that the wiring allows.

        Returns:
            The values of `outputs`, in its structure.
        """
        known = dict(enumerate(values))
        for step, first in self.ordered(shuffle):
            operands = [known[p] for p in step.places]
            if isinstance(step.kind, int):
                result = layers[step.kind](operands if len(operands) > 1 else operands[0])
            else:
                run: Any = OPS[step.kind].run
                result = run(*operands, *(() if step.setting is None else (step.setting,)))
            for i, value in enumerate(result if step.results > 1 else [result]):
                known[first + i] = value
        return jax.tree_util.tree_map(lambda place: known[place], self.outputs)

    def ordered(self, shuffle: int | None = None) -> list[tuple[Step, int]]:
        """Return the steps, each with the place of its first result, in the plan's or another valid order."""
        waiting, place = [], len(self.inputs)
        for step in self.steps:
            waiting.append((step, place))
            place += step.results
        if shuffle is None:
            return waiting
        chance, order, done = random.Random(shuffle), [], set(range(len(self.inputs)))
        while waiting:
            ready = [entry for entry in waiting if done.issuperset(entry[0].places)]
            entry = chance.choice(ready)
            waiting.remove(entry)
            order.append(entry)
            done.update(range(entry[1], entry[1] + entry[0].results))
        return order

    def live(self) -> list[int]:
        """Return the places among `steps` of those that the outputs depend on."""
        wanted = set(jax.tree_util.tree_leaves(self.outputs))
        found = []
        for i, (step, first) in reversed(list(enumerate(self.ordered()))):
            if wanted & set(range(first, first + step.results)):
                wanted |= set(step.places)
                found.append(i)
        return found[::-1]

    def uses_its_models(self) -> bool:
        """Return whether the outputs depend on each model inside, and theirs on each inside of it."""
        used = {self.steps[i].kind for i in self.live()}
        return all(
            i in used and layer.uses_its_models()
            for i, layer in enumerate(self.layers)
            if isinstance(layer, Plan)
        )

    def nested(self, values: Sequence[Any]) -> Any:
        """Return one value per input in the structure that the model takes."""
        if self.nest == "single":
            return values[0]
        if self.nest == "list":
            return list(values)
        if self.nest == "dict":
            return {f"in_{i}": v for i, v in enumerate(values)}
        return {"first": values[0], "others": list(values[1:])}

    def arrays(self, seed: int = 0, batch: int = 3, length: int = 4) -> list[np.ndarray]:
        """Return random inputs, flat.

        Args:
            seed: The seed of their values.
            batch: The batch size.
            length: What all unknown sizes follow from, at least 2.
        """
        generator = np.random.default_rng(seed)
        arrays = []
        for shape, dtype in self.inputs:
            sizes = (
                batch,
                *(d.scale * length + d.offset if isinstance(d, Unknown) else d for d in shape),
            )
            whole = dtype == "int32"
            values = (
                generator.integers(0, VOCABULARY, sizes) if whole else generator.normal(size=sizes)
            )
            arrays.append(values.astype(dtype))
        return arrays

    def __repr__(self) -> str:
        names = [f"x{i}" for i in range(len(self.inputs))]
        lines = [f"{n} = Input({s}, {d!r})" for n, (s, d) in zip(names, self.inputs, strict=True)]
        for i, layer in enumerate(self.layers):
            text = (
                str(layer).replace("\n", "\n    ")
                if isinstance(layer, Plan)
                else f"{layer[0]}({layer[1]})"
            )
            lines.append(f"layer_{i} = {text}")
        for step, first in self.ordered():
            made = [f"v{first + i}" for i in range(step.results)]
            given = [names[p] for p in step.places] + (
                [] if step.setting is None else [str(step.setting)]
            )
            called = f"layer_{step.kind}" if isinstance(step.kind, int) else step.kind
            lines.append(f"{', '.join(made)} = {called}({', '.join(given)})")
            names += made
        lines.append(f"outputs = {jax.tree_util.tree_map(lambda p: names[p], self.outputs)}")
        return "\n".join(["", *lines])


@dataclass
class Example:
    """A model and what to call it on.

    Args:
        plan: What it was built from.
        model: A functional `trivium.Model`.
        layers: Its layers, in the plan's order.
        inputs: Random arrays, in the structure that the model takes.
        flat: The same arrays in a flat list.
    """

    plan: Plan
    model: Any = field(repr=False)
    layers: list[Any] = field(repr=False)
    inputs: Any = field(repr=False)
    flat: list[Any] = field(repr=False)

    def eager(self) -> Any:
        """Return the outputs computed by calling each op and layer directly on arrays."""
        return self.plan.connect(self.layers, [jax.numpy.asarray(x) for x in self.flat])


class _Writer:
    """Writes a plan, step by step, and knows the shapes of the values so far."""

    def __init__(self, draw: Any, kinds: Sequence[str]) -> None:
        self.draw = draw
        self.kinds = kinds
        self.inputs: list[tuple[Shape, str]] = []
        self.shapes: list[Shape | None] = []  # None for whole numbers, which only embeddings take
        self.layers: list[Any] = []
        self.uses: list[
            tuple[tuple[Shape, ...], Any]
        ] = []  # of each layer: its operands' shapes, its result's
        self.steps: list[Step] = []
        self.firsts: list[int] = []  # of each step: the place of its first result

    def add_input(self, shape: Shape, dtype: str = "float32") -> None:
        self.inputs.append((shape, dtype))
        self.shapes.append(shape if dtype == "float32" else None)

    def embed_words(self) -> None:
        """Put an embedding behind each input of whole numbers."""
        for place, (shape, dtype) in enumerate(list(self.inputs)):
            if dtype == "int32":
                recipe = ("Embedding", {"input_dim": VOCABULARY, "output_dim": 4})
                self._call(self._new_layer(recipe, (shape,), (*shape, 4)), (place,), (*shape, 4))

    def add_step(self, chain: bool, models: bool) -> None:
        """Add a step that takes values so far; in a chain, a layer that takes the last."""
        draw = self.draw
        if self.steps and draw(st.integers(0, 5)) == 0 and self._repeat(chain):
            return
        shared = [] if chain else self._shared()
        if shared and draw(st.integers(0, 4)) == 0:
            layer, places = draw(st.sampled_from(shared))
            self._call(layer, places, self.uses[layer][1])
        elif models and draw(st.integers(0, 5)) == 0:
            self._add_model(draw(st.sampled_from(self._values())))
        else:
            kind, fitting = draw(st.sampled_from(self._fitting(chain)))
            self._add(kind, draw(st.sampled_from(fitting)))

    def _add(self, kind: str, places: tuple[int, ...]) -> None:
        rule = RULES[kind]
        shapes = tuple(self._shape(p) for p in places)
        setting = None if rule.settings is None else self.draw(rule.settings(*shapes))
        result = rule.gives(*shapes, setting)
        if kind in LAYERS:
            self._call(self._new_layer((kind, setting or {}), shapes, result), places, result)
        else:
            self._call(kind, places, result, setting)

    def _repeat(self, chain: bool) -> bool:
        """Do the last steps again, on their own result and several times, if its shape allows that."""
        block = list(zip(self.steps, self.firsts, strict=True))[-self.draw(st.integers(1, 3)) :]
        entry, last = block[0][0].places[0], len(self.shapes) - 1
        if self.shapes[entry] is None or self.shapes[entry] != self.shapes[last]:
            return False
        fresh = {kind: self.draw(st.booleans()) for kind in {step.kind for step, _ in block}}
        for _ in range(self.draw(st.integers(1, 5))):
            moved = {entry: len(self.shapes) - 1}
            for step, first in block:
                kind, places = step.kind, tuple(moved.get(p, p) for p in step.places)
                results = self.shapes[first : first + step.results]
                if isinstance(kind, int) and (chain or fresh[kind]):
                    kind = self._new_layer(self.layers[kind], *self.uses[kind])
                moved |= {first + i: len(self.shapes) + i for i in range(step.results)}
                self._call(kind, places, results if step.results > 1 else results[0], step.setting)
        return True

    def _values(self) -> list[int]:
        return [p for p, shape in enumerate(self.shapes) if shape is not None]

    def _shape(self, place: int) -> Shape:
        shape = self.shapes[place]
        assert shape is not None
        return shape

    def _fitting(self, chain: bool) -> list[tuple[str, list[tuple[int, ...]]]]:
        """Return the kinds of steps that can come next, each with the operands that fit."""
        values = [len(self.shapes) - 1] if chain else self._values()
        found = []
        for kind in self.kinds:
            rule = RULES[kind]
            if chain and (kind in OPS or rule.operands > 1):
                continue
            groups = itertools.product(values, repeat=rule.operands)
            fitting = [places for places in groups if rule.fits(*map(self._shape, places))]
            if fitting:
                found.append((kind, fitting))
        return found

    def _shared(self) -> list[tuple[int, tuple[int, ...]]]:
        return [
            (layer, (place,))
            for layer, (shapes, _) in enumerate(self.uses)
            for place in self._values()
            if len(shapes) == 1 and self.shapes[place] == shapes[0]
        ]

    def _add_model(self, place: int) -> None:
        shape = self._shape(place)
        chain = self.draw(st.booleans())
        kinds = tuple(self.kinds)
        inner, result = self.draw(_plans_and_shapes(3, kinds, False, shape, chain))
        self._call(self._new_layer(inner, (shape,), result), (place,), result)

    def _new_layer(self, recipe: Any, shapes: tuple[Shape, ...], result: Any) -> int:
        self.layers.append(recipe)
        self.uses.append((shapes, result))
        return len(self.layers) - 1

    def _call(
        self, kind: str | int, places: tuple[int, ...], result: Any, setting: Any = None
    ) -> None:
        results = result if isinstance(result, list) else [result]
        self.steps.append(Step(kind, places, setting, len(results)))
        self.firsts.append(len(self.shapes))
        self.shapes += results

    def finish(self, single: bool, chain: bool) -> Plan:
        """Choose the outputs, the last value among them, and the forms of inputs and outputs."""
        draw, last = self.draw, len(self.shapes) - 1
        made = [p for p in self._values() if p >= len(self.inputs)]
        chosen = [last] if single else [last, *draw(st.lists(st.sampled_from(made), max_size=2))]
        forms = [
            chosen,
            dict(zip("cab", chosen, strict=False)),
            {"main": chosen[0], "more": chosen[1:]},
        ]
        outputs = last if len(chosen) == 1 else draw(st.sampled_from(forms))
        nests = ["single", "list"] if len(self.inputs) == 1 else ["list", "dict", "nested"]
        nest = "single" if single else draw(st.sampled_from(nests))
        return Plan(tuple(self.inputs), tuple(self.layers), tuple(self.steps), outputs, nest, chain)


_SHAPES: list[Shape] = [(4,), (3, 4), (Unknown(), 4), (4, 4, 2)]


@st.composite
def _plans_and_shapes(
    draw: Any,
    max_steps: int,
    kinds: tuple[str, ...],
    nested: bool,
    given: Shape | None,
    chain: bool,
) -> tuple[Plan, Any]:
    writer = _Writer(draw, kinds)
    if given is not None:
        writer.add_input(given)
    else:
        for _ in range(draw(st.integers(1, 3))):
            words = draw(st.integers(0, 4)) == 0
            shape = draw(st.sampled_from([(3,), (Unknown(),)] if words else _SHAPES))
            writer.add_input(shape, "int32" if words else "float32")
    writer.embed_words()
    for _ in range(draw(st.integers(1, max_steps))):
        writer.add_step(chain, nested)
    return writer.finish(given is not None, chain), writer.shapes[-1]


def plans(max_steps: int = 8, kinds: Iterable[str] = RULES, nested: bool = True) -> Any:
    """Return a strategy for plans: branches, merges, shared layers, several inputs and outputs, unknown sizes.

    Args:
        max_steps: The highest number of steps.
        kinds: The names in `RULES` to choose from.
        nested: Whether there may be models inside.
    """
    drawn = _plans_and_shapes(max_steps, tuple(kinds), nested, None, False)
    return drawn.map(lambda pair: pair[0])


def models(max_steps: int = 8, kinds: Iterable[str] = RULES, nested: bool = True) -> Any:
    """Return a strategy for functional models with matching random inputs.

    Args:
        max_steps: The highest number of steps.
        kinds: The names in `RULES` to choose from, e.g. `LAYERS` for models of layers alone.
        nested: Whether there may be models inside.

    Returns:
        A strategy for `Example`.
    """

    def make(plan: Plan, seed: int) -> Example:
        model, layers = plan.build()
        flat = plan.arrays(seed)
        return Example(plan, model, layers, plan.nested(flat), flat)

    return st.builds(make, plans(max_steps, kinds, nested), st.integers(0, 2**16))
