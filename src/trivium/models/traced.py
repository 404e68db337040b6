"""Reading the graph of a model whose `call` uses `jax.numpy` directly: from the program that JAX traces.

Each call of a layer or op stays a node by its name; what stands between them becomes nodes of JAX's own operations, one
for each line of the user's code.
"""

from __future__ import annotations

import itertools
import linecache
import re
from collections.abc import Callable, Iterator
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
    record,
)
from trivium.graph.errors import is_foreign
from trivium.graph.node import CapturePolicy
from trivium.layers.base import Layer
from trivium.models.capture import entering_call
from trivium.state import StatelessScope, Variable, jaxpr, shape_scope
from trivium.state.frame import current_frame, entered
from trivium.state.symbolic_dimensions import is_unknown

__all__ = ["JaxCode", "capture_traced"]

# They move numbers about and say little of what a line does.
_PLUMBING = {
    "broadcast_in_dim",
    "convert_element_type",
    "copy",
    "jit",
    "pjit",
    "reshape",
    "select_n",
    "squeeze",
}
_FUNCTION = re.compile(r"\b(?:jnp|jax\.numpy|jax\.nn|nn|lax|jax\.lax)\.(?:\w+\.)*(\w+)\(")


class _Call:
    """What a traced call stands for: a layer or op, with arguments in which the arrays have been taken out."""

    def __init__(self, operation: Any, leaves: list[Any], tree: Any, outputs: Any) -> None:
        self.operation, self.leaves, self.tree, self.outputs = operation, leaves, tree, outputs

    def arguments(self, arrays: Iterator[Any]) -> tuple[Any, Any]:
        """Return the arguments with arrays, or tensors, in their places."""
        filled = [next(arrays) if leaf is _ARRAY else leaf for leaf in self.leaves]
        args, kwargs = jax.tree_util.tree_unflatten(self.tree, filled)
        return args, kwargs


_ARRAY = object()

# The two operations that a traced program has beside JAX's own. Nothing ever runs them: they mark calls and readings.
_call = jaxpr.marker(
    "trivium_call", lambda *_, what: jax.tree_util.tree_leaves(what.outputs), several=True
)
_read = jaxpr.marker("trivium_read", lambda *, what: what)


def _bind(operation: Any, args: Any, kwargs: Any, function: Callable[..., Any]) -> Any:
    """Mark a call in the program that is being traced, and return what stands for its results."""
    if not _stands_in_program():
        if isinstance(operation, Layer):
            raise _hidden(f"calls the layer {operation.name!r}")
        with entered(binder=None):
            return function(*args, **kwargs)
    leaves, tree = jax.tree_util.tree_flatten((args, kwargs))
    arrays = [leaf for leaf in leaves if isinstance(leaf, jax.Array)]
    marked = [_ARRAY if isinstance(leaf, jax.Array) else leaf for leaf in leaves]

    def traced(*given: Any) -> Any:
        a, k = _Call(operation, marked, tree, None).arguments(iter(given))
        return function(*a, **k)

    with entered(binder=None), shape_scope():
        outputs = jax.eval_shape(traced, *arrays)
    results = _call.bind(*arrays, what=_Call(operation, marked, tree, outputs))
    return jax.tree_util.tree_unflatten(jax.tree_util.tree_structure(outputs), results)


class _Marks(CapturePolicy):
    """While a model is traced, its own variables read as marks in the program, one for each."""

    def read(self, variable: Variable) -> Any:
        if not _stands_in_program():
            raise _hidden(f"reads the variable {variable.path!r}")
        return _read.bind(what=variable)


def _stands_in_program() -> bool:
    """Say whether the running code is the model's own, not that of a loop, a branch or a checkpoint inside."""
    scopes = reversed(current_frame().scopes)
    return next((s.inside() for s in scopes if isinstance(s.policy, _Marks)), True)


def _hidden(what: str) -> CaptureError:
    return CaptureError(
        f"this line {what} inside of a loop, a branch or a checkpoint, in a model whose `call` uses JAX directly, and "
        "no graph sees into those. Written with functions of `trivium.ops` alone (`ops.scan`, `ops.cond`, `ops.remat`, "
        "and `ops` in place of `jax.numpy`) the model has a graph; as it is, it can be called and trained."
    )


class _Program:
    """A model's `call` as JAX traces it, for any sizes that the unknown ones may take."""

    def __init__(self, model: Layer, args: Any, kwargs: Any, training: bool | None) -> None:
        self.model, self.training = model, training
        self.leaves, self.tree = jax.tree_util.tree_flatten((args, kwargs))
        self.inputs = [leaf for leaf in self.leaves if is_symbolic(leaf)]
        self._traces: dict[Any, _Trace] = {}
        self.structure: Any = None
        # Which calls have an unknown size among their settings, by their numbers: a node's settings stay as they are,
        # and such a size is another for each input, so that these calls are lines of JAX code, with any sizes.
        self._sized: set[int] = set()
        self.symbolic = self.at([t.dims for t in self.inputs])

    def with_sizes(self, sizes: dict[str, Any]) -> _Trace:
        """Return the traced program with numbers for these unknown sizes; the others stay unknown."""
        return self.at([[sizes.get(str(d), d) for d in t.dims] for t in self.inputs])

    def holds(self, inputs: Any) -> bool:
        """Say whether the code goes the same way for these inputs as for sizes that are not known."""
        shapes = [jax.numpy.shape(x) for x in jax.tree_util.tree_leaves(inputs)]
        return self.at(shapes).twins(self.symbolic) is not None

    def at(self, shapes: Any) -> _Trace:
        """Return the traced program for inputs of these shapes."""
        key = tuple(tuple(map(str, shape)) for shape in shapes)
        if key not in self._traces:
            specs = [
                jax.ShapeDtypeStruct(s, t.dtype) for s, t in zip(shapes, self.inputs, strict=True)
            ]
            self._traces[key] = _Trace(jax.make_jaxpr(self._run)(*specs))
        return self._traces[key]

    def _run(self, *arrays: Any) -> Any:
        given = iter(arrays)
        filled = [next(given) if is_symbolic(leaf) else leaf for leaf in self.leaves]
        args, kwargs = jax.tree_util.tree_unflatten(self.tree, filled)
        entering = entering_call(self.model, args, kwargs, self.training)
        numbers = itertools.count()

        def bind(operation: Any, args: Any, kwargs: Any, function: Callable[..., Any]) -> Any:
            number = next(numbers)
            if any(map(is_unknown, jax.tree_util.tree_leaves((args, kwargs)))):
                self._sized.add(number)
            if number not in self._sized or isinstance(operation, Layer):
                return _bind(operation, args, kwargs, function)
            with entered(binder=None):
                return function(*args, **kwargs)

        with entering as (frame, said), StatelessScope(policy=_Marks()), entered(binder=bind):
            outputs = self.model.call(*args, **said)
        assert frame.call is not None
        self.structure = jax.tree_util.tree_structure(outputs)
        return [*jax.tree_util.tree_leaves(outputs), *frame.call.losses]


class _Trace:
    """A traced program, cut into blocks: each marked call, and the lines of code between them.

    Args:
        closed: What JAX traced.
    """

    def __init__(self, closed: Any) -> None:
        self.program, self.equations = closed, closed.eqns
        self.inputs, self.outputs = closed.jaxpr.invars, closed.jaxpr.outvars
        self.constants = dict(zip(closed.jaxpr.constvars, closed.consts, strict=True))
        self.blocks: list[list[int]] = []
        for index, equation in enumerate(self.equations):
            if equation.primitive is _read:
                continue
            before = self.equations[self.blocks[-1][-1]] if self.blocks else equation
            marked = _call in (equation.primitive, before.primitive)
            if not self.blocks or marked or _location(before) != _location(equation):
                self.blocks.append([])
            self.blocks[-1].append(index)

    def used(self, block: list[int]) -> list[Any]:
        """Return the variables that a block takes from before it, in the order of their first use."""
        made = {v for i in block for v in self.equations[i].outvars}
        return self._distinct([v for i in block for v in self.equations[i].invars], made)

    def _distinct(self, variables: list[Any], made: set[Any]) -> list[Any]:
        skip = {*made, *self.constants}
        found = (v for v in variables if not jaxpr.is_literal(v) and v not in skip)
        return list(dict.fromkeys(found))

    def all_used(self) -> list[list[Any]]:
        """Return for each block, and for the end, the variables that it uses."""
        return [*map(self.used, self.blocks), self._distinct(self.outputs, set())]

    def twins(self, other: _Trace) -> dict[Any, Any] | None:
        """Return which variable of this trace stands for which of another; `None` where the code went another way."""
        locations = [[_location(t.equations[b[0]]) for b in t.blocks] for t in (self, other)]
        uses = [t.all_used() for t in (self, other)]
        if locations[0] != locations[1] or [*map(len, uses[0])] != [*map(len, uses[1])]:
            return None
        return {v: w for a, b in zip(*uses, strict=True) for v, w in zip(b, a, strict=True)}

    def line(self, block: int, operands: list[Any], results: list[Any]) -> Any:
        """Return a block as a program of its own."""
        equations = [self.equations[i] for i in self.blocks[block]]
        return jaxpr.part_of(self.program, equations, operands, results)


class JaxCode:
    """A line of a model's own JAX code, as a graph's operation.

    Args:
        program: The traced program that it is part of.
        block: Which of its blocks it is.
        operands: The variables that go in.
        results: The variables that come out.
        shapes: The inputs' shapes, with symbols for unknown sizes; then those of inputs that tell sizes alone.
    """

    def __init__(
        self, program: _Program, block: int, operands: list[Any], results: list[Any], shapes: Any
    ) -> None:
        self._program, self._block = program, block
        self._operands, self._results, self._shapes = operands, results, shapes
        equations = [program.symbolic.equations[i] for i in program.symbolic.blocks[block]]
        self.location = _location(equations[0])
        self.name = self.__name__ = _name(equations, self.location)

    def __call__(self, *operands: Any) -> Any:
        """Compute the line's results from its inputs, or record it on symbolic tensors."""
        if any_symbolic(operands):
            return record(self, operands, {}, self._run)
        return self._run(*operands)

    def _run(self, *operands: Any) -> Any:
        sizes: dict[str, Any] = {}
        for shape, value in zip(self._shapes, operands, strict=True):
            sizes |= {str(d): size for d, size in zip(shape, jax.numpy.shape(value), strict=True)}
        trace = self._program.with_sizes(sizes)
        twins = trace.twins(self._program.symbolic)
        if twins is None:
            known = {k: v for k, v in sizes.items() if not k.isdigit()}
            raise CaptureError(
                f"for the sizes {known} this model's code takes another way than for others (a size of 1 is enough "
                "where arrays are broadcast), and a graph holds one. The model itself can be called.",
                self.location,
            )
        line = trace.line(
            self._block, [twins[v] for v in self._operands], [twins[v] for v in self._results]
        )
        given = map(jax.numpy.asarray, operands[: len(self._operands)])
        found = jaxpr.as_function(line)(*given)
        return found[0] if len(found) == 1 else found

    @property
    def signature(self) -> str:
        """What two lines share that do the same."""
        line = self._program.symbolic.line(self._block, self._operands, self._results)
        return jaxpr.program_text(line)


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
    program = _Program(model, args, kwargs, training)
    reader = _Reader(program)
    outputs, losses = reader.read()
    single = len(args) == 1 and not any_symbolic((), kwargs)
    graph = Graph(args[0] if single else (args, kwargs), outputs, tuple(losses))
    held = {id(node) for node in graph.nodes}
    whole = all(id(node) in held for node in reader.layer_nodes)
    return graph, program.holds if whole else _never


class _Reader:
    """Makes nodes of a traced program."""

    def __init__(self, program: _Program) -> None:
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
            if equation.primitive is _read:
                self._variable(equation)
        for number, block in enumerate(trace.blocks):
            if trace.equations[block[0]].primitive is _call:
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

    def _variable(self, equation: Any) -> None:
        variable = equation.params["what"]
        tensor = self._tensor(equation.outvars[0])
        tensor.name = variable.name
        with self.program.model._autocasting():
            Node(ReadVariable(variable), (), {}, tensor)

    def _marked(self, equation: Any) -> None:
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

    def _tellers(self, equations: list[Any], given: list[Any]) -> list[Any]:
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


def _location(equation: Any) -> str:
    lines = (f"{file}:{line}" for file, line in jaxpr.frames(equation) if not is_foreign(file))
    return next(lines, "")


def _name(equations: list[Any], location: str) -> str:
    """Name a line after the function of `jax.numpy` that it calls, else after the last thing that it does."""
    file, _, line = location.rpartition(":")
    found = _FUNCTION.search(linecache.getline(file, int(line))) if line else None
    if found:
        return found[1]
    names = [jaxpr.operation_name(e) for e in equations]
    return next((n for n in reversed(names) if n not in _PLUMBING), names[-1])
