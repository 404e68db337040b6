"""A graph as the body of a class: attributes that `__init__` makes, and the method `call`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import jax

from trivium.graph import Graph, SymbolicTensor
from trivium.layers.base import Layer
from trivium.layers.input_layer import InputLayer
from trivium.models.functional import Functional
from trivium.models.model import Model
from trivium.models.sequential import Sequential
from trivium.state import Variable, to_snake_case
from trivium.state.tracking import unique
from trivium.styles.modes import one_graph
from trivium.styles.writing.lines import fold, indent
from trivium.styles.writing.loops import Loop, Row, headed, named_anew, roll, shortest
from trivium.styles.writing.methods import hook_attributes, hook_lines
from trivium.styles.writing.names import (
    PUBLIC,
    SHORT,
    Names,
    attribute_name,
    identifier,
    input_name,
    said_name,
)
from trivium.styles.writing.statements import Statement, statements
from trivium.styles.writing.structures import (
    is_call,
    only_inputs,
    positional,
    step_text,
    structure_text,
)
from trivium.styles.writing.values import Values

if TYPE_CHECKING:
    from trivium.styles.writing.write import Writer

__all__ = ["ClassBody", "class_body"]


@dataclass
class ClassBody:
    """What a class for a model is made of.

    Args:
        attributes: The layers and variables, by the attributes' names.
        parameters: What `call` takes.
        code: The lines of `call`.
        made: The lines of `__init__` that make the attributes.
        hooks: The lines of the training hooks.
        super_arguments: What `super().__init__` is given.
    """

    attributes: dict[str, Any] = field(default_factory=dict)
    parameters: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    hooks: list[str] = field(default_factory=list)
    super_arguments: str = ""

    def lines(self, name: str) -> list[str]:
        """Return the class as lines."""
        init = [f"super().__init__({self.super_arguments})", *self.made]
        body = ["def __init__(self):", *indent(init), "", *self.call_lines(), *self.hooks]
        return [f"class {name}(Model):", *indent(body)]

    def call_lines(self) -> list[str]:
        """Return the method `call`."""
        return [*fold(f"def call(self, {', '.join(self.parameters)}):", 84), *indent(self.code)]


def class_body(model: Model, values: Values, writer: Writer | None) -> ClassBody:
    """Write a model's graph as the body of a class.

    Args:
        model: The model.
        values: The writer of settings and constants.
        writer: The program's writer; without one no loops are made, and `made` stays empty.
    """
    graph = one_graph(model)
    entry = ClassBody()
    inputs = _parameters(model, graph, entry)

    def body_of(names: dict[int, str]) -> tuple[list[Row | Loop], ClassBody]:
        own = replace(entry, code=[*entry.code, *named_anew(names, inputs)])
        return _Method(model, graph, values, writer).body(names, own)

    return shortest(body_of, inputs)[1]


class _Method:
    """Writes one class body: names attributes, keeps the layers of loops in lists."""

    def __init__(self, model: Model, graph: Graph, values: Values, writer: Writer | None) -> None:
        self.model, self.graph, self.values, self.writer = model, graph, values, writer
        self.names = Names(dir(Model))
        self.attributes: dict[int, str] = {}
        self.result = ClassBody()
        if writer is not None:
            self.result.super_arguments = ", ".join(
                f"{k}={v}" for k, v in writer.model_arguments(model)
            )

    def body(self, inputs: dict[int, str], entry: ClassBody) -> tuple[list[Row | Loop], ClassBody]:
        result, graph = self.result, self.graph
        result.parameters, result.code = entry.parameters, list(entry.code)
        for variable in graph.variables:
            self._keep(variable, self.names.new(variable.name))
        local = Names([*PUBLIC, *SHORT, "self", *(e.split("[")[0] for e in inputs.values())])
        steps, expressions = statements(
            graph, inputs, self.values, lambda v: f"self.{self.attributes[id(v)]}",
            self._attribute, local,
        )  # fmt: skip
        rows = self._rows(steps)
        rolled: list[Row | Loop] = roll(rows) if self.writer is not None else list(rows)
        several = Counter(attribute_name(layer) for layer in self._attributed(rolled))
        for item in rolled:
            if isinstance(item, Loop):
                result.code += self._loop(item, several)
                continue
            text = self._called(item, several)
            result.code += [*item.before, *fold(f"{item.target} = {text}", 80)]
        _returns(graph, expressions, result, bool(rolled) and isinstance(rolled[-1], Row))
        if self.writer is not None:
            own = hook_attributes(self.model, self.values)
            result.made += [line for k, v in own.items() for line in fold(f"self.{k} = {v}", 80)]
            result.hooks = hook_lines(self.model, self.values)
        else:
            # What functions call that ops take, as the body of a loop, stands in no line, and belongs to the model.
            for layer in graph.operations:
                known = isinstance(layer, InputLayer) or id(layer) in self.attributes
                if isinstance(layer, Layer) and not known:
                    self._keep(layer, self.names.new(attribute_name(layer)))
        return rolled, result

    def _attributed(self, rolled: list[Row | Loop]) -> list[Layer]:
        """Return the layers that are attributes of their own, not in the lists that loops go through."""
        rows = [r for item in rolled for r in (item.turns[0] if isinstance(item, Loop) else [item])]
        alone = {id(item) for item in rolled}
        return unique(
            [r.layer for r in rows if r.layer is not None and (r.made is None or id(r) in alone)]
        )

    def _attribute(self, layer: Layer) -> str:
        """Return what a layer is called in a function that the code gives to an op."""
        if id(layer) not in self.attributes:
            self._keep(layer, self.names.new(attribute_name(layer)))
        return f"self.{self.attributes[id(layer)]}"

    def _called(self, row: Row, several: Counter[str]) -> str:
        """Return what a row computes, its layer an attribute; kept now if this is its first call."""
        layer = row.layer
        if layer is None:
            return row.text
        if id(layer) not in self.attributes:
            base = attribute_name(layer)
            number = several[base] > 1 and said_name(layer) is None
            self._keep(layer, (self.names.numbered if number else self.names.new)(base))
        return f"self.{self.attributes[id(layer)]}{row.text}"

    def _keep(self, thing: Any, name: str) -> None:
        self.attributes[id(thing)] = name
        self.result.attributes[name] = thing
        if self.writer is None:
            return
        if isinstance(thing, Variable):
            made = self.writer.variable_text(thing, "self.add_weight")
        else:
            made = self.writer.made(thing)
        self.result.made += fold(f"self.{name} = {made}", 80)

    def _rows(self, steps: list[Statement]) -> list[Row]:
        """Make rows of statements: a layer that is called once may be one of a list; another one is no loop's own."""
        calls = Counter(id(s.layer) for s in steps)
        rows = []
        for step in steps:
            layer, made = step.layer, None
            once = calls[id(layer)] == 1 and id(layer) not in self.attributes
            if layer is not None and self.writer is not None and once:
                made = self.writer.made(layer)
            rows.append(Row(step.target, made, step.text, layer, step.before))
        return rows

    def _loop(self, loop: Loop, several: Counter[str]) -> list[str]:
        """Write a loop over lists of layers, and keep the lists."""
        steps: list[str] = []
        local: dict[str, str] = {}  # loop variable -> list
        own = Names(["inputs", "self", *SHORT, *PUBLIC])
        for place, row in enumerate(loop.turns[0]):
            if row.made is None:
                text = self._called(row, several)
            else:
                # What all turns have in common: a name that was said has the turn's number in it.
                graph_alone = type(row.layer) in (Functional, Sequential)
                base = (
                    "block" if graph_alone else identifier(to_snake_case(type(row.layer).__name__))
                )
                variable, key = own.new(base), self.names.new(f"{base}_layers")
                head, (made,) = headed([[turn[place]] for turn in loop.turns])
                self.result.made += fold(f"self.{key} = [{made} {head}]", 80)
                local[variable] = f"self.{key}"
                text = f"{variable}{row.text}"
            steps += fold(f"{row.target} = {text}", 76)
        if not local:
            return [f"for _ in range({len(loop.turns)}):", *indent(steps)]
        lists = list(local.values())
        over = lists[0] if len(lists) == 1 else f"zip({', '.join(lists)}, strict=True)"
        return [*fold(f"for {', '.join(local)} in {over}:", 80), *indent(steps)]


def _parameters(model: Model, graph: Graph, body: ClassBody) -> dict[int, str]:
    """Choose what `call` takes, and return the expressions for the inputs."""
    if is_call(graph.inputs):
        args, kwargs = graph.inputs
        taken = list(positional(model, len(args)))
        structures = dict(zip(taken, args, strict=True)) | kwargs
        body.parameters = [*taken, *(f"{k}=None" for k in kwargs)]
    else:
        structures, body.parameters = {"inputs": only_inputs(graph)}, ["inputs"]
    expressions: dict[int, str] = {}
    for name, structure in structures.items():
        flat = isinstance(structure, list | tuple) and all(
            isinstance(t, SymbolicTensor) for t in structure
        )
        if flat and structure:
            own = Names(["inputs", "self", *SHORT, *PUBLIC])
            parts = [own.new(input_name(t) or f"input_{i + 1}") for i, t in enumerate(structure)]
            body.code.append(f"{', '.join(parts)}{',' if len(parts) == 1 else ''} = {name}")
            expressions |= {id(t): p for t, p in zip(structure, parts, strict=True)}
            continue
        for path, tensor in jax.tree_util.tree_flatten_with_path(structure)[0]:
            expressions[id(tensor)] = name + step_text(path)
    return expressions


def _returns(graph: Graph, expressions: dict[int, str], body: ClassBody, inline: bool) -> None:
    for loss in graph.losses:
        body.code += fold(f"self.add_loss({expressions[id(loss)]})", 80)
    text = structure_text(graph.outputs, lambda t: expressions[id(t)])
    if isinstance(graph.outputs, tuple) and len(graph.outputs) > 1:
        text = text[1:-1]
    last = body.code[-1] if body.code else ""
    if inline and not graph.losses and last.startswith(f"{text} = ") and "\n" not in last:
        body.code[-1] = f"return {last.removeprefix(f'{text} = ')}"
    else:
        body.code += fold(f"return {text}", 80)
