"""The writer of programs: a model as a stack of layers, as calls on symbolic tensors, or as a class."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import jax

from trivium import layers as layers_room
from trivium.graph import Graph, SymbolicTensor
from trivium.layers.base import Layer
from trivium.models.functional_inputs import is_optional
from trivium.models.model import Model
from trivium.state import Variable, dtype_policy, floatx
from trivium.state.tracking import unique
from trivium.styles.calls import written_calls
from trivium.styles.modes import StyleError, one_graph
from trivium.styles.obstacles import sequential_layers
from trivium.styles.writing.class_body import ClassBody, class_body
from trivium.styles.writing.lines import fold, indent
from trivium.styles.writing.loops import Loop, Row, headed, named_anew, roll, shortest
from trivium.styles.writing.methods import hook_attributes, hook_lines
from trivium.styles.writing.names import (
    PUBLIC,
    SHORT,
    Names,
    attribute_name,
    class_name,
    identifier,
    input_name,
    said_name,
)
from trivium.styles.writing.statements import Statement, statements
from trivium.styles.writing.structures import (
    call_arguments,
    is_call,
    only_inputs,
    structure_text,
    texts_in_structure,
)
from trivium.styles.writing.values import Expression, Values

__all__ = ["Writer"]


class Writer:
    """Writes models as programs; one writer keeps the names and imports of one program.

    Args:
        style: `"sequential"`, `"functional"` or `"subclass"`.
    """

    def __init__(self, style: str) -> None:
        self.style = style
        self.values = Values()
        self.names = Names([*PUBLIC, *SHORT, "model"])
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
            Names([*PUBLIC, *SHORT, "inner", *self.definitions.values()]),
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

    def model_arguments(self, model: Model) -> list[tuple[str | None, str]]:
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
            rest = "".join(f", {key}={text}" for key, text in self.model_arguments(model))
            inner = [line for item in stack for line in fold(f"{item},", 84)]
            return [*before, f"{target} = {head}([", *indent(inner), f"]{rest})", *after]
        lines = [
            f"{target} = {Expression(head, self.model_arguments(model))}",
            f"{target}.add({entry})",
        ]
        for item in rolled:
            turning, makers = headed(item.turns if isinstance(item, Loop) else [[item]])
            adds = [line for made in makers for line in fold(f"{target}.add({made})", 84)]
            lines += [f"{turning}:", *indent(adds)] if isinstance(item, Loop) else adds
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

        def rows_of(entry: dict[int, str]) -> tuple[list[Row | Loop], tuple[list[str], str]]:
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
            return rolled, (named_anew(entry, inputs), output)

        rolled, (start, output) = shortest(rows_of, inputs)
        lines += start
        for item in rolled:
            lines += _loop(item) if isinstance(item, Loop) else [*item.before, *fold(item.code())]
        given = structure_text(only_inputs(graph), lambda t: inputs[id(t)])
        call = Expression(
            head, [("inputs", given), ("outputs", output), *self.model_arguments(model)]
        )
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
            id(x): self.names.new(attribute_name(x))
            for x in unique([*layers, *held])
            if times[id(x)] > 1
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
        if plain and not is_call(graph.inputs):
            shapes = jax.tree_util.tree_map(lambda t: self.values.text(t.shape), graph.inputs)
            return [f"{target} = {name}()", f"{target}.build({texts_in_structure(shapes)})"]
        given = ", ".join(
            text if key is None else f"{key}={text}"
            for key, text in call_arguments(graph.inputs, self.input_text)
        )
        return [f"{target} = {name}()", *fold(f"{target}({given})")]

    def _class(self, model: Model) -> ClassBody:
        self.values.names.add("Model")
        return class_body(model, self.values, self)


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


def _loop(loop: Loop) -> list[str]:
    head, makers = headed(loop.turns)
    body = [
        line
        for row, made in zip(loop.turns[0], makers, strict=True)
        for line in fold(Row(row.target, made, row.text).code(), 84)
    ]
    return [*fold(f"{head}:"), *indent(body)]


def _is_stack(model: Model) -> bool:
    try:
        sequential_layers(one_graph(model), model.name)
    except StyleError:
        return False
    return True
