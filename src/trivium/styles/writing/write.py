"""The three writers: a graph as a stack of layers, as calls on symbolic tensors, and as a class."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import jax

from trivium import layers as layers_room
from trivium.graph import Graph, SymbolicTensor
from trivium.layers.base import Layer
from trivium.layers.input_layer import InputLayer
from trivium.models.functional import Functional
from trivium.models.functional_inputs import is_optional
from trivium.models.model import Model
from trivium.models.sequential import Sequential
from trivium.state import Variable, dtype_policy, floatx, to_snake_case
from trivium.state.tracking import unique
from trivium.styles.calls import written_calls
from trivium.styles.modes import StyleError, one_graph
from trivium.styles.obstacles import sequential_layers
from trivium.styles.writing.lines import fold, indent
from trivium.styles.writing.loops import Loop, Row, header, roll
from trivium.styles.writing.methods import hook_attributes, hook_lines
from trivium.styles.writing.statements import (
    SHORT,
    Names,
    Statement,
    identifier,
    key_text,
    said_name,
    statements,
    step_text,
    structure_text,
)
from trivium.styles.writing.values import Expression, Values

__all__ = ["ClassBody", "Writer", "call_of", "class_body", "class_name", "only_inputs"]

# What the programs import by these names.
_PUBLIC = ("Input", "Model", "Sequential", "Variable", "activations", "constraints", "initializers", "layers", "np",
           "ops", "random", "regularizers")  # fmt: skip


class Writer:
    """Writes models as programs; one writer keeps the names and imports of one program.

    Args:
        style: `"sequential"`, `"functional"` or `"subclass"`.
    """

    def __init__(self, style: str) -> None:
        self.style = style
        self.values = Values()
        self.names = Names([*_PUBLIC, *SHORT, "model"])
        # Models inside, by their ids: the expression that makes or names each.
        self.inner: dict[int, str] = {}
        self.definitions: dict[str, str] = {}
        self.parts: list[list[str]] = []

    def program(self, model: Model) -> str:
        """Return the program that makes a model and calls it `model`."""
        _refuse_two_places(model)
        lines = getattr(self, f"_{self.style}")(model, "model")
        imports = sorted(self.values.imports)
        names = ", ".join(sorted(self.values.names, key=lambda n: (n[0].islower(), n)))
        head = [*imports, *([f"from trivium import {names}"] if names else [])]
        if self.values.own:
            head += [f"# {', '.join(sorted(self.values.own))}: as your own program defines it."]
        head += dict.fromkeys(self.values.notes)
        body = "\n".join("\n".join([*part, "", ""]) for part in self.parts)
        return (
            "\n".join(head)
            + "\n\n"
            + ("\n" + body + "\n" if body else "")
            + "\n".join(lines)
            + "\n"
        )

    # -- pieces that all have in common ----------------------------------------------------------------------

    def input_text(self, tensor: SymbolicTensor) -> str:
        """Return the call of `Input` for a tensor."""
        self.values.names.add("Input")
        shape = tensor.shape
        known = bool(shape) and shape[0] is None
        key, size = ("shape", shape[1:]) if known else ("batch_shape", shape)
        call = Expression("Input", [(key, self.values.text(size))])
        if tensor.dtype != floatx():
            call.arguments.append(("dtype", f'"{tensor.dtype}"'))
        if (name := input_name(tensor)) is not None:
            call.arguments.append(("name", self.values.text(name)))
        if is_optional(tensor):
            call.arguments.append(("optional", "True"))
        return str(call)

    def made(self, layer: Layer) -> Expression:
        """Return the call that makes a layer, or a model inside."""
        if not isinstance(layer, Model):
            return self.values.construct(layer)
        return Expression(self._model_maker(layer))

    def _model_maker(self, model: Model) -> str:
        """Write a model inside as a class or function of its own, and return what to call for it."""
        if id(model) not in self.inner:
            if self.style == "subclass":
                wanted, lines = class_name(model, "block"), self._class(model).lines
            else:
                wanted = f"make_{identifier(said_name(model) or 'block')}"
                body = self._maker_body(model)

                def lines(name: str) -> list[str]:
                    return [f"def {name}():", *indent(body)]

            # Models that differ in nothing, as the blocks of a deep one, are made by one definition.
            text = "\n".join(lines("?"))
            if text not in self.definitions:
                self.definitions[text] = self.names.new(wanted)
                self.parts.append(lines(self.definitions[text]))
            self.inner[id(model)] = self.definitions[text]
        return self.inner[id(model)]

    def _maker_body(self, model: Model) -> list[str]:
        outer, self.names = (
            self.names,
            Names([*_PUBLIC, *SHORT, "inner", *self.definitions.values()]),
        )
        body = (self._sequential if _is_stack(model) else self._functional)(model, "inner")
        self.names = outer
        # Those that models inside this one have got meanwhile.
        outer.take(self.definitions.values())
        last = max(i for i, line in enumerate(body) if line[:1] not in " )]}")
        if body[last].startswith("inner = "):
            body[last] = "return " + body[last].removeprefix("inner = ")
            return body
        return [*body, "return inner"]

    def _class_of(self, model: Model, base: str, target: str) -> tuple[str, list[str]]:
        """Return what to call for a model in a style that has no class of its own, and lines to follow.

        A model whose class overrides training hooks gets a class with these.
        """
        hooks = hook_lines(model, self.values) if target == "model" else []
        self.values.names.add(base)
        if not hooks:
            return base, []
        name = self.names.new(class_name(model))
        self.parts.append([f"class {name}({base}):", *indent(hooks[1:])])
        own = hook_attributes(model, self.values)
        return name, [line for k, v in own.items() for line in fold(f"{target}.{k} = {v}")]

    def _named(self, model: Model) -> list[tuple[str | None, str]]:
        """Return the arguments that every model takes, where they are not the usual ones."""
        name, policy = said_name(model), model.dtype_policy.name
        said: list[tuple[str | None, str]] = []
        if name is not None:
            said.append(("name", self.values.text(name)))
        if policy != dtype_policy().name:
            said.append(("dtype", self.values.text(policy)))
        return said

    def variable_text(self, variable: Variable, head: str) -> Expression:
        """Return the call that makes a variable like this one."""
        from trivium import constraints, initializers, regularizers

        call = Expression(head)
        start = variable.initializer
        if not callable(start):
            raise StyleError(
                f"The variable {variable.path!r} starts from given values, and a program would have to list them. "
                "Give it an initializer."
            )
        shape = ("shape", self.values.text(variable.shape))
        if head.endswith("add_weight"):
            name = self.values.text(initializers.serialize(start))
            call.arguments += [shape, ("initializer", name)]
        else:
            whole = (
                self.values.construct(start)
                if hasattr(start, "get_config")
                else self.values.text(start)
            )
            call.arguments += [(None, str(whole)), shape]
        if variable.dtype != floatx():
            call.arguments.append(("dtype", f'"{variable.dtype}"'))
        if not variable.trainable_unless_frozen:
            call.arguments.append(("trainable", "False"))
        for key, room in (("regularizer", regularizers), ("constraint", constraints)):
            if getattr(variable, key) is not None:
                call.arguments.append(
                    (key, self.values.text(room.serialize(getattr(variable, key))))
                )
        call.arguments.append(("name", self.values.text(variable.name)))
        return call

    # -- Sequential -------------------------------------------------------------------------------------------

    def _sequential(self, model: Model, target: str) -> list[str]:
        """Write a stack."""
        head, after = self._class_of(model, "Sequential", target)
        graph = one_graph(model)
        layers = sequential_layers(graph, model.name)
        shared = self._shared(graph)
        # A layer that stands in the stack twice is made before it, and has a name.
        before = [
            line
            for layer in unique(layers)
            if id(layer) in shared
            for line in fold(f"{shared[id(layer)]} = {self.made(layer)}")
        ]
        rows = [Row("", self.made(layer), "", layer) for layer in layers]
        entry = self.input_text(graph.input_tensors[0])
        rolled = roll(rows)
        if shared or not any(isinstance(r, Loop) for r in rolled):
            stack = [entry, *(shared.get(id(row.layer)) or str(row.made) for row in rows)]
            # A stack is read line by line, also where it would fit on one.
            rest = "".join(f", {key}={text}" for key, text in self._named(model))
            inner = [line for item in stack for line in fold(f"{item},", 84)]
            return [*before, f"{target} = {head}([", *indent(inner), f"]{rest})", *after]
        lines = [
            f"{target} = {Expression(head, self._named(model))}",
            f"{target}.add({entry})",
        ]
        for item in rolled:
            turns = item.turns if isinstance(item, Loop) else [[item]]
            said = header([[turn[i].made for turn in turns] for i in range(len(turns[0]))])
            assert said is not None
            adds = [line for made in said[1] for line in fold(f"{target}.add({made})", 84)]
            lines += [f"{said[0]}:", *indent(adds)] if isinstance(item, Loop) else adds
        return [*lines, *after]

    # -- Functional -------------------------------------------------------------------------------------------

    def _functional(self, model: Model, target: str) -> list[str]:
        """Write calls on symbolic tensors."""
        graph = one_graph(model)
        if graph.losses:
            raise StyleError(
                f"Model {model.name!r} adds a loss in its own `call`, and the Functional API has no place for that. "
                "Put `add_loss` into a layer of its own."
            )
        head, after = self._class_of(model, "Model", target)
        inputs, lines = self._inputs(graph)
        variables = {}
        for variable in graph.variables:
            self.values.names.add("Variable")
            variables[id(variable)] = self.names.new(variable.name)
            lines += fold(f"{variables[id(variable)]} = {self.variable_text(variable, 'Variable')}")
        # `outputs` means the model's outputs, and nothing before them.
        self.names.new("outputs")
        shared = self._shared(graph)

        def rows_of(entry: dict[int, str]) -> tuple[list[Row | Loop], str]:
            steps, expressions = statements(
                graph, entry, self.values, lambda v: variables[id(v)],
                lambda layer: shared[id(layer)], self.names.copy(),
            )  # fmt: skip
            rows = self._rows(steps, shared)
            output = structure_text(graph.outputs, lambda t: expressions[id(t)])
            rolled = roll(rows)
            if isinstance(rolled[-1], Row) and rolled[-1].target == output:
                rolled[-1] = replace(rolled[-1], target="outputs")
                output = "outputs"
            return rolled, output

        rolled, output = shortest(rows_of, inputs)
        for item in rolled:
            lines += _loop(item) if isinstance(item, Loop) else [*item.before, *fold(item.code())]
        given = structure_text(only_inputs(graph), lambda t: inputs[id(t)])
        call = Expression(head, [("inputs", given), ("outputs", output), *self._named(model)])
        return [*lines, *fold(f"{target} = {call}"), *after]

    def _inputs(self, graph: Graph) -> tuple[dict[int, str], list[str]]:
        tensors, names, lines = graph.input_tensors, {}, []
        for tensor in tensors:
            said = input_name(tensor)
            if len(tensors) == 1:
                name = self.names.new("inputs")
            else:
                name = self.names.numbered("input") if said is None else self.names.new(said)
            names[id(tensor)] = name
            lines += fold(f"{name} = {self.input_text(tensor)}")
        return names, lines

    def _shared(self, graph: Graph) -> dict[int, str]:
        """Name the layers that are called more than once, or by a function: they are made before, and called by that
        name."""
        calls = written_calls(graph)
        layers = [c.node.operation for c in calls if isinstance(c.node.operation, Layer)]
        bodies = [f.graph for c in calls for f in c.node.closures if f.graph is not None]
        held = [o for g in bodies for n in g.all_nodes if isinstance(o := n.operation, Layer)]
        times = Counter(map(id, [*layers, *held, *held]))
        return {
            id(x): self.names.new(_base(x)) for x in unique([*layers, *held]) if times[id(x)] > 1
        }

    def _rows(self, steps: list[Statement], shared: dict[int, str]) -> list[Row]:
        """Make rows of statements: a layer that is called once is made where it is called, another one before."""
        made: set[int] = set()
        rows = []
        for step in steps:
            layer = step.layer
            for inner in unique(step.held):
                if id(inner) not in made:
                    made.add(id(inner))
                    rows.append(Row(shared[id(inner)], self.made(inner), "", inner))
            if layer is None:
                rows.append(Row(step.target, None, step.text, before=step.before))
            elif id(layer) not in shared:
                made_here, text = self._merged(layer, self.made(layer), step.text)
                rows.append(Row(step.target, made_here, text, layer))
            else:
                if id(layer) not in made:
                    made.add(id(layer))
                    rows.append(Row(shared[id(layer)], self.made(layer), "", layer))
                rows.append(Row(step.target, None, shared[id(layer)] + step.text))
        return rows

    def _merged(self, layer: Layer, made: Expression, text: str) -> tuple[Expression, str]:
        """Write `layers.add([x, y])` for `layers.Add()([x, y])`."""
        function = type(layer).__name__.lower()
        if made.head != f"layers.{type(layer).__name__}" or function not in layers_room.__all__:
            return made, text
        if not text.startswith("([") or not text.endswith("])"):
            return made, text
        return Expression(f"layers.{function}", [(None, text[1:-1]), *made.arguments]), ""

    # -- subclassing ------------------------------------------------------------------------------------------

    def _subclass(self, model: Model, target: str) -> list[str]:
        """Write a class, and the two lines that make and build a model of it."""
        name = self.names.new(class_name(model))
        self.parts.append(self._class(model).lines(name))
        graph = one_graph(model)
        plain = all(t.dtype == model.compute_dtype for t in graph.input_tensors)
        if plain and not _is_call(graph.inputs):
            shapes = jax.tree_util.tree_map(lambda t: self.values.text(t.shape), graph.inputs)
            return [f"{target} = {name}()", f"{target}.build({_structure(shapes)})"]
        given = ", ".join(
            text if key is None else f"{key}={text}"
            for key, text in _call_arguments(graph.inputs, self.input_text)
        )
        return [f"{target} = {name}()", *fold(f"{target}({given})")]

    def _class(self, model: Model) -> ClassBody:
        self.values.names.add("Model")
        return class_body(model, self.values, self)


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
        start = [f"{n} = {inputs[key]}" for key, n in names.items() if n != inputs[key]]
        own = replace(entry, code=[*entry.code, *start])
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
            self.result.super_arguments = ", ".join(f"{k}={v}" for k, v in writer._named(model))

    def body(self, inputs: dict[int, str], entry: ClassBody) -> tuple[list[Row | Loop], ClassBody]:
        result, graph = self.result, self.graph
        result.parameters, result.code = entry.parameters, list(entry.code)
        for variable in graph.variables:
            self._keep(variable, self.names.new(variable.name))
        local = Names([*_PUBLIC, *SHORT, "self", *(e.split("[")[0] for e in inputs.values())])
        steps, expressions = statements(
            graph, inputs, self.values, lambda v: f"self.{self.attributes[id(v)]}",
            self._attribute, local,
        )  # fmt: skip
        rows = self._rows(steps)
        rolled: list[Row | Loop] = roll(rows) if self.writer is not None else list(rows)
        several = Counter(_base(layer) for layer in self._attributed(rolled))
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
                    self._keep(layer, self.names.new(_base(layer)))
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
            self._keep(layer, self.names.new(_base(layer)))
        return f"self.{self.attributes[id(layer)]}"

    def _called(self, row: Row, several: Counter[str]) -> str:
        """Return what a row computes, its layer an attribute; kept now if this is its first call."""
        layer = row.layer
        if layer is None:
            return row.text
        if id(layer) not in self.attributes:
            base = _base(layer)
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
        own = Names(["inputs", "self", *SHORT, *_PUBLIC])
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
                said = header([[turn[place].made for turn in loop.turns]])
                assert said is not None
                self.result.made += fold(f"self.{key} = [{said[1][0]} {said[0]}]", 80)
                local[variable] = f"self.{key}"
                text = f"{variable}{row.text}"
            steps += fold(f"{row.target} = {text}", 76)
        if not local:
            return [f"for _ in range({len(loop.turns)}):", *indent(steps)]
        lists = list(local.values())
        over = lists[0] if len(lists) == 1 else f"zip({', '.join(lists)}, strict=True)"
        return [*fold(f"for {', '.join(local)} in {over}:", 80), *indent(steps)]


def _refuse_two_places(model: Model) -> None:
    """Refuse a layer inside of another one that stands elsewhere, too: a program would make it twice."""
    holders: dict[int, Layer] = {}
    for layer in unique([n.operation for n in one_graph(model).nodes]):
        if not isinstance(layer, Layer) or isinstance(layer, Model):
            continue
        for inner in layer._flatten_layers():
            other = holders.setdefault(id(inner), layer)
            if other is not layer:
                raise StyleError(
                    f"The layer {inner.name!r} stands in two places, {other.name!r} and {layer.name!r}, and a program "
                    "would make it twice. `convert` and `save` keep it one."
                )


def shortest(write: Any, inputs: dict[int, str]) -> Any:
    """Write with the input under its name, and with `x = inputs` first; take what is shorter, as loops make it."""
    plain = write(inputs)
    if len(inputs) != 1:
        return plain
    ((key, name),) = inputs.items()
    if not name.isidentifier():
        return plain
    renamed = write({key: "x"})
    if isinstance(renamed[1], str):
        renamed = ([Row("x", None, name), *renamed[0]], renamed[1])

    def size(rolled: list[Row | Loop]) -> int:
        return sum(len(item.turns[0]) + 1 if isinstance(item, Loop) else 1 for item in rolled)

    extra = 0 if isinstance(renamed[1], str) else 1
    return renamed if size(renamed[0]) + extra < size(plain[0]) else plain


def _parameters(model: Model, graph: Graph, body: ClassBody) -> dict[int, str]:
    """Choose what `call` takes, and return the expressions for the inputs."""
    if _is_call(graph.inputs):
        args, kwargs = graph.inputs
        taken = list(_positional(model, len(args)))
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
            own = Names(["inputs", "self", *SHORT, *_PUBLIC])
            parts = [own.new(input_name(t) or f"input_{i + 1}") for i, t in enumerate(structure)]
            body.code.append(f"{', '.join(parts)}{',' if len(parts) == 1 else ''} = {name}")
            expressions |= {id(t): p for t, p in zip(structure, parts, strict=True)}
            continue
        for path, tensor in jax.tree_util.tree_flatten_with_path(structure)[0]:
            expressions[id(tensor)] = name + step_text(path)
    return expressions


def input_name(tensor: SymbolicTensor) -> str | None:
    """Return the name that the writer gave an input, or `None` where it came by itself."""
    layer = tensor.node.operation if tensor.node is not None else None
    if isinstance(layer, InputLayer):
        return said_name(layer)
    return (
        None
        if re.fullmatch(r"(input|input_layer|tensor|keras_tensor)(_\d+)?", tensor.name)
        else tensor.name
    )


def _positional(model: Model, count: int) -> list[str]:
    import inspect

    known = [
        p
        for p in inspect.signature(type(model).call).parameters
        if p not in ("self", "args", "kwargs")
    ]
    return known[:count] if len(known) >= count else [f"inputs_{i + 1}" for i in range(count)]


def _base(layer: Any) -> str:
    """Return what an attribute for a layer is called, but for its number."""
    kind = class_name(layer, "block") if isinstance(layer, Model) else type(layer).__name__
    return identifier(said_name(layer) or re.sub(r"_\d+$", "", to_snake_case(kind)))


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


# -- what goes in ---------------------------------------------------------------------------------------------


def _is_call(inputs: Any) -> bool:
    """Say whether a graph's inputs are the arguments of a call, not one structure."""
    return (
        isinstance(inputs, tuple)
        and len(inputs) == 2
        and isinstance(inputs[0], tuple)
        and isinstance(inputs[1], dict)
    )


def call_of(graph: Graph) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a call that the graph's inputs stand for."""
    return graph.inputs if _is_call(graph.inputs) else ((graph.inputs,), {})


def only_inputs(graph: Graph) -> Any:
    """Return the inputs in a structure that a model takes as its one argument."""
    return list(graph.input_tensors) if _is_call(graph.inputs) else graph.inputs


def _call_arguments(inputs: Any, leaf: Any) -> list[tuple[str | None, str]]:
    if not _is_call(inputs):
        return [(None, structure_text(inputs, leaf))]
    args, kwargs = inputs
    named = [(k, structure_text(v, leaf)) for k, v in kwargs.items()]
    return [*((None, structure_text(a, leaf)) for a in args), *named]


def _structure(texts: Any) -> str:
    """Return a nested structure whose leaves are texts already."""
    if isinstance(texts, dict):
        return "{" + ", ".join(f"{key_text(k)}: {_structure(v)}" for k, v in texts.items()) + "}"
    if isinstance(texts, list | tuple):
        return f"[{', '.join(map(_structure, texts))}]"
    return str(texts)


def _loop(loop: Loop) -> list[str]:
    said = header([[turn[i].made for turn in loop.turns] for i in range(len(loop.turns[0]))])
    assert said is not None
    body = [
        line
        for row, made in zip(loop.turns[0], said[1], strict=True)
        for line in fold(Row(row.target, made, row.text).code(), 84)
    ]
    return [*fold(f"{said[0]}:"), *indent(body)]


def _is_stack(model: Model) -> bool:
    try:
        sequential_layers(one_graph(model), model.name)
    except StyleError:
        return False
    return True


def class_name(model: Model, default: str = "my_model") -> str:
    """Return the name of a class for a model: its own class's, or its name in camel case."""
    if type(model) not in (Functional, Sequential):
        return type(model).__name__
    said = said_name(model) or default
    name = "".join(part[:1].upper() + part[1:] for part in re.split(r"\W+|_", said))
    return name if name.isidentifier() and not hasattr(Model, name) else "MyModel"
