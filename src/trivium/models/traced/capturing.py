"""Nodes made of a traced program: each marked call, and each line between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from trivium.graph import (
    CaptureError,
    Graph,
    Node,
    ReadVariable,
    SymbolicTensor,
    any_symbolic,
    is_symbolic,
)
from trivium.layers.base import Layer
from trivium.models.traced.jax_code import JaxCode
from trivium.models.traced.marks import CALL, READ
from trivium.models.traced.program import TracedProgram
from trivium.state import jaxpr

__all__ = ["capture_traced"]


def capture_traced(
    model: Layer, args: Any, kwargs: Any, training: bool | None
) -> tuple[Graph, Callable[[Any], bool]]:
    """Read a model's graph from the program that JAX traces.

    Args:
        model: The model.
        args: The arguments of its call, with symbolic tensors.
        kwargs: The keyword arguments, likewise.
        training: Which mode to trace; `None` where the code does not ask for it.

    Returns:
        The graph, and a function that says whether running it on some input does what the call would do.

    Raises:
        Exception: What the code raises when JAX traces it.
    """
    program = TracedProgram(model, args, kwargs, training)
    reader = _Reader(program)
    outputs, losses = reader.read()
    single = len(args) == 1 and not any_symbolic((), kwargs)
    graph = Graph(args[0] if single else (args, kwargs), outputs, tuple(losses))
    held = {id(node) for node in graph.nodes}
    whole = all(id(node) in held for node in reader.layer_nodes)
    return graph, program.holds if whole else _never


class _Reader:
    """Makes nodes of a traced program."""

    def __init__(self, program: TracedProgram) -> None:
        self.program = program
        trace = program.symbolic
        self.trace = trace
        self.tensors: dict[Any, Any] = dict(zip(trace.inputs, program.inputs, strict=True))
        self.tensors |= trace.constants
        self.layer_nodes: list[Node] = []
        self.used = {v for variables in trace.all_used() for v in variables}

    def read(self) -> tuple[Any, list[Any]]:
        """Return the outputs, in their structure, and the losses."""
        trace = self.trace
        for equation in trace.equations:
            if equation.primitive is READ:
                self._variable(equation)
        for number, block in enumerate(trace.blocks):
            if trace.equations[block[0]].primitive is CALL:
                self._marked(trace.equations[block[0]])
            else:
                self._code(number)
        made = [self._value(v) for v in trace.outputs]
        count = self.program.structure.num_leaves
        for value in made:
            if not is_symbolic(value):
                raise CaptureError(
                    "this model's `call` returns a constant, which no input leads to."
                )
        return jax.tree_util.tree_unflatten(self.program.structure, made[:count]), made[count:]

    def _value(self, variable: Any) -> Any:
        return variable.val if jaxpr.is_literal(variable) else self.tensors[variable]

    def _tensor(self, variable: Any) -> SymbolicTensor:
        tensor = SymbolicTensor((), str(variable.aval.dtype))
        tensor.dims = variable.aval.shape
        self.tensors[variable] = tensor
        return tensor

    def _variable(self, equation: jaxpr.Equation) -> None:
        variable = equation.params["what"]
        tensor = self._tensor(equation.outvars[0])
        tensor.name = variable.name
        with self.program.model._autocasting():
            Node(ReadVariable(variable), (), {}, tensor)

    def _marked(self, equation: jaxpr.Equation) -> None:
        call = equation.params["what"]
        args, kwargs = call.arguments(map(self._value, equation.invars))
        tensors = [self._tensor(v) for v in equation.outvars]
        tree = jax.tree_util.tree_structure(call.outputs)
        self._node(call.operation, args, kwargs, jax.tree_util.tree_unflatten(tree, tensors))

    def _node(self, operation: Any, args: Any, kwargs: Any, outputs: Any) -> None:
        node = Node(operation, args, kwargs, outputs)
        for tensor in node.output_tensors:
            tensor.name = (
                node.name if len(node.output_tensors) == 1 else f"{node.name}_{tensor.index}"
            )
        if isinstance(operation, Layer):
            self.layer_nodes.append(node)

    def _code(self, number: int) -> None:
        """Make one node of the equations of one line."""
        block = self.trace.blocks[number]
        equations = [self.trace.equations[i] for i in block]
        results = [v for e in equations for v in e.outvars if v in self.used]
        if not results:
            return
        operands = self.trace.used(block)
        given = [self.tensors[v] for v in operands]
        given += self._tellers(equations, given)
        code = JaxCode(self.program, number, operands, results, [t.dims for t in given])
        tensors = [self._tensor(v) for v in results]
        self._node(code, tuple(given), {}, tensors[0] if len(tensors) == 1 else tensors)

    def _tellers(self, equations: list[jaxpr.Equation], given: list[Any]) -> list[Any]:
        """Return inputs of the model that tell the sizes which a line needs and its own inputs do not tell."""
        told = {str(d) for t in given for d in t.dims}
        needed = jaxpr.symbols_in(equations)
        tellers = []
        for tensor in self.program.inputs:
            unknown = {str(d) for d in tensor.dims if not isinstance(d, int)} - told
            if unknown & needed:
                tellers.append(tensor)
                told |= unknown
        return tellers or ([] if given else self.program.inputs[:1])


def _never(inputs: Any) -> bool:
    return False
