"""A graph as statements: which layer is called on which variables, and what the results are called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import jax

from trivium.graph import Graph, Node, ReadVariable, any_symbolic, is_symbolic
from trivium.graph.closure import Closure
from trivium.graph.function import Operation as OwnOperation
from trivium.layers.base import Layer
from trivium.state import Variable, to_snake_case
from trivium.state.operators import OPERATORS
from trivium.styles.calls import Call, written_calls
from trivium.styles.writing.lines import fold, indent
from trivium.styles.writing.names import SHORT, Names, said_name
from trivium.styles.writing.structures import step_text, structure_text
from trivium.styles.writing.values import Values

__all__ = ["Statement", "statements"]

_SIGNS = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "floor_divide": "//", "mod": "%", "power": "**",
    "matmul": "@",
}  # fmt: skip
# Python turns these around, or decides itself, where the tensor stands on the right.
_SIGNS_AFTER_A_TENSOR = {
    "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "logical_and": "&", "logical_or": "|",
    "logical_xor": "^",
}  # fmt: skip


@dataclass
class Statement:
    """One line of a model's program: `target = callee(arguments)`.

    Args:
        target: The text to the left of the equals sign.
        layer: The layer that is called, or `None` where an op makes the whole `text`.
        text: What follows the layer: `"(x, training=True)"`; or the op's whole expression.
        node: The node that it writes.
        before: The lines that define the functions which it gives to an op.
        held: The layers that those functions call.
    """

    target: str
    layer: Layer | None
    text: str
    node: Node | None
    before: tuple[str, ...] = ()
    held: tuple[Layer, ...] = ()


def statements(
    graph: Graph,
    inputs: dict[int, str],
    values: Values,
    variable_name: Callable[[Variable], str],
    layer_name: Callable[[Layer], str],
    names: Names,
) -> tuple[list[Statement], dict[int, str]]:
    """Write a graph's calls as statements.

    Args:
        graph: The graph.
        inputs: The expressions for the input tensors, by the tensors' ids.
        values: The writer of settings and constants.
        variable_name: What a variable that the graph itself reads is called.
        layer_name: What a layer is called that a function calls which the graph gives to an op.
        names: The names where the statements will stand.

    Returns:
        The statements, and the expression for every tensor by its id.
    """
    return _Writer(graph, inputs, values, variable_name, layer_name, names).write()


class _Writer:
    def __init__(
        self,
        graph: Graph,
        inputs: dict[int, str],
        values: Values,
        variable_name: Callable[[Variable], str],
        layer_name: Callable[[Layer], str],
        names: Names,
        short: tuple[str, ...] = SHORT,
    ) -> None:
        self.values, self.variable_name, self.layer_name = values, variable_name, layer_name
        self.expressions = dict(inputs)
        self.short = short
        # Of the statement that is being written: the functions that it gives to an op, and the layers these call.
        self.before: list[str] = []
        self.held: list[Layer] = []
        self.op = ""  # the one that is being written
        self.ends = [*graph.output_tensors, *graph.losses]
        self.calls = written_calls(graph)
        self.last = self._last_uses()
        self.names = names
        self.times = Counter(id(c.node.operation) for c in self.calls)
        # Which short name is in use until which statement.
        self.busy = {e: self.last.get(i, 0) for i, e in inputs.items() if e in short}

    def _last_uses(self) -> dict[int, int]:
        """Return for each tensor the place of the last statement that uses it."""
        last = {id(t): len(self.calls) for t in self.ends}
        for place, call in reversed(list(enumerate(self.calls))):
            for tensor in call.inputs:
                last.setdefault(id(tensor), place)
        return last

    def write(self) -> tuple[list[Statement], dict[int, str]]:
        lines = []
        for place, call in enumerate(self.calls):
            node = call.node
            if isinstance(node.operation, ReadVariable):
                name = self.variable_name(node.operation.variable)
                self.expressions[id(node.output_tensors[0])] = name
                continue
            self.before, self.held = [], []
            text = self._call(call)
            target = self._target(node, place)
            layer = node.operation if isinstance(node.operation, Layer) else None
            lines.append(Statement(target, layer, text, node, tuple(self.before), tuple(self.held)))
        return lines, self.expressions

    def _target(self, node: Node, place: int) -> str:
        """Name a call's results: short names while they are free, else after the layer."""
        outputs = node.outputs
        free = [n for n in self.short if self.busy.get(n, -1) <= place]
        # `x = f(x)`: a name that ends here goes on.
        own = [e for t in node.inputs if (e := self.expressions.get(id(t))) in free]
        free = [*own, *(n for n in free if n not in own)]
        if is_symbolic(outputs):
            until = self.last[id(outputs)]
            ends = until == len(self.calls)
            name = self._name(node, ends or until > place + 1, free)
            self.expressions[id(outputs)] = name
            if name in self.short:
                self.busy[name] = until
            return name
        flat = isinstance(outputs, list | tuple) and all(map(is_symbolic, outputs))
        if flat:
            names = []
            for tensor in outputs:
                used = id(tensor) in self.last
                names.append(self.names.new(node.name) if used else "_")
                self.expressions[id(tensor)] = names[-1]
            return ", ".join(names) + ("," if len(names) == 1 else "")
        name = self.names.new(node.name)
        for path, tensor in jax.tree_util.tree_flatten_with_path(outputs)[0]:
            self.expressions[id(tensor)] = name + step_text(path)
        return name

    def _name(self, node: Node, lasts: bool, free: list[str]) -> str:
        said = said_name(node.operation)
        # A name that the writer chose, without a number, says more than `y`.
        alone = self.times[id(node.operation)] == 1
        if said is not None and lasts and alone and not re.search(r"\d", said):
            return self.names.new(said)
        if free:
            return free[0]
        operation = node.operation
        base = said or (
            to_snake_case(type(operation).__name__) if isinstance(operation, Layer) else node.name
        )
        return self.names.new(base)

    def _function(self, operation: Any) -> str:
        """Return what is called: an op by its name, an operation of the user's own by what makes it."""
        if isinstance(operation, OwnOperation):
            return str(self.values.construct(operation))
        return self.values.reference(operation)

    def _call(self, call: Call) -> str:
        args, kwargs, operation = call.args, call.kwargs, call.node.operation
        if not isinstance(operation, Layer):
            self.op = call.node.name
            name = getattr(operation, "__name__", self.op)
            written = (
                self._operator(name, args, kwargs) if _OPERATORS.get(name) is operation else None
            )
            if written is not None:
                return written
        texts = [self._text(a) for a in args] + [f"{k}={self._text(v)}" for k, v in kwargs.items()]
        head = "" if isinstance(operation, Layer) else self._function(operation)
        return f"{head}({', '.join(texts)})"

    def _operator(self, name: str, args: Any, kwargs: Any) -> str | None:
        if kwargs:
            return None
        signs = _SIGNS | (_SIGNS_AFTER_A_TENSOR if args and is_symbolic(args[0]) else {})
        # An operator needs a tensor beside it that knows what to do; a list does not.
        fit = any(map(is_symbolic, args)) and not any(isinstance(a, list | tuple) for a in args)
        if name in signs and len(args) == 2 and fit:
            return f"{self._text(args[0])} {signs[name]} {self._text(args[1])}"
        if (
            name == "get_item"
            and len(args) == 2
            and is_symbolic(args[0])
            and not any_symbolic(args[1:])
        ):
            return f"{self._text(args[0])}[{self.values.index(args[1])}]"
        if name == "negative" and len(args) == 1:
            return f"-{self._text(args[0])}"
        return None

    def _text(self, value: Any) -> str:
        return structure_text(value, self._leaf)

    def _leaf(self, value: Any) -> str:
        if is_symbolic(value):
            return self.expressions[id(value)]
        if isinstance(value, Variable):
            return self.variable_name(value)
        if isinstance(value, Closure):
            return self._closure(value)
        return self.values.text(value)

    def _closure(self, function: Closure) -> str:
        """Write a function that an op is given: on the spot, or by a name for the lines that stand before."""
        graph = function.graph
        if graph is None:  # Written with JAX, so only its name can be written.
            return self.values.text(function.body)
        expressions = {id(t): self.expressions[id(t)] for t in function.tensors}
        parameters = []
        for words, argument in zip(
            _words(self.op, len(function.arguments)), function.arguments, strict=True
        ):
            parameters.append(self.names.new(words))
            for path, tensor in jax.tree_util.tree_flatten_with_path(argument)[0]:
                expressions[id(tensor)] = parameters[-1] + step_text(path)
        # Without short names: what is assigned inside a function cannot be read from around it as well.
        inner = _Writer(
            cast(Graph, graph),
            expressions,
            self.values,
            self.variable_name,
            self.layer_name,
            self.names,
            (),
        )
        lines, _ = inner.write()
        code: list[str] = []
        for line in lines:
            head = ""
            if line.layer is not None:
                head = self.layer_name(line.layer)
                self.held.append(line.layer)
            self.held += line.held
            code += [*line.before, *fold(f"{line.target} = {head}{line.text}", 76)]
        result = structure_text(function.results, inner._leaf)
        if lines and lines[-1].target == result and len(code) > 0:
            # `return f(x)` in place of `y = f(x)` and `return y`.
            last = lines[-1]
            head = "" if last.layer is None else self.layer_name(last.layer)
            written = fold(f"{last.target} = {head}{last.text}", 76)
            code, result = code[: -len(written)], f"{head}{last.text}"
        if not code:
            return (
                f"lambda {', '.join(parameters)}: {result}" if parameters else f"lambda: {result}"
            )
        name = self.names.new(f"{self.op}_body")
        self.before += [
            f"def {name}({', '.join(parameters)}):",
            *indent([*code, *fold(f"return {result}", 76)]),
        ]
        return name


# What the arguments of an op's function are called.
_WORDS = {
    "scan": ("carry", "item"), "fori_loop": ("number", "carry"), "map": ("item",), "vectorized_map": ("item",),
    "associative_scan": ("left", "right"),
}  # fmt: skip


def _words(op: str, count: int) -> tuple[str, ...]:
    words = _WORDS.get(op, ())
    return words if len(words) == count else ("value",) * count


_OPERATORS = {operator.__name__: operator for operator in OPERATORS.values()}
