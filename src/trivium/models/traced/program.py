"""A model's `call` as JAX traces it, cut into lines, for whatever sizes the unknown ones take."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import jax

from trivium.graph import is_symbolic
from trivium.graph.errors import is_foreign
from trivium.layers.base import Layer
from trivium.models.capture import entering_call
from trivium.models.traced.marks import CALL, READ, Marks, bind_marked
from trivium.state import StatelessScope, jaxpr
from trivium.state.frame import entered
from trivium.state.symbolic_dimensions import is_unknown

__all__ = ["Trace", "TracedProgram", "location"]


class TracedProgram:
    """A model's `call` as JAX traces it, for any sizes that the unknown ones may take."""

    def __init__(self, model: Layer, args: Any, kwargs: Any, training: bool | None) -> None:
        self.model, self.training = model, training
        self.leaves, self.tree = jax.tree_util.tree_flatten((args, kwargs))
        self.inputs = [leaf for leaf in self.leaves if is_symbolic(leaf)]
        self._traces: dict[Any, Trace] = {}
        self.structure: Any = None
        # Which calls have an unknown size among their settings, by their numbers: a node's settings stay as they are,
        # and such a size is another for each input, so that these calls are lines of JAX code, with any sizes.
        self._sized: set[int] = set()
        self.symbolic = self.at([t.dims for t in self.inputs])

    def with_sizes(self, sizes: dict[str, Any]) -> Trace:
        """Return the traced program with numbers for these unknown sizes; the others stay unknown."""
        return self.at([[sizes.get(str(d), d) for d in t.dims] for t in self.inputs])

    def holds(self, inputs: Any) -> bool:
        """Say whether the code goes the same way for these inputs as for sizes that are not known."""
        shapes = [jax.numpy.shape(x) for x in jax.tree_util.tree_leaves(inputs)]
        return self.at(shapes).twins(self.symbolic) is not None

    def at(self, shapes: Any) -> Trace:
        """Return the traced program for inputs of these shapes."""
        key = tuple(tuple(map(str, shape)) for shape in shapes)
        if key not in self._traces:
            specs = [
                jax.ShapeDtypeStruct(s, t.dtype) for s, t in zip(shapes, self.inputs, strict=True)
            ]
            self._traces[key] = Trace(jax.make_jaxpr(self._run)(*specs))
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
                return bind_marked(operation, args, kwargs, function)
            with entered(binder=None):
                return function(*args, **kwargs)

        with entering as (frame, said), StatelessScope(policy=Marks()), entered(binder=bind):
            outputs = self.model.call(*args, **said)
        assert frame.call is not None
        self.structure = jax.tree_util.tree_structure(outputs)
        return [*jax.tree_util.tree_leaves(outputs), *frame.call.losses]


class Trace:
    """A traced program, cut into blocks: each marked call, and the lines of code between them.

    Args:
        closed: What JAX traced.
    """

    def __init__(self, closed: jaxpr.Program) -> None:
        self.program, self.equations = closed, closed.eqns
        self.inputs, self.outputs = closed.jaxpr.invars, closed.jaxpr.outvars
        self.constants = dict(zip(closed.jaxpr.constvars, closed.consts, strict=True))
        self.blocks: list[list[int]] = []
        for index, equation in enumerate(self.equations):
            if equation.primitive is READ:
                continue
            before = self.equations[self.blocks[-1][-1]] if self.blocks else equation
            marked = CALL in (equation.primitive, before.primitive)
            if not self.blocks or marked or location(before) != location(equation):
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

    def twins(self, other: Trace) -> dict[Any, Any] | None:
        """Return which variable of this trace stands for which of another; `None` where the code went another way."""
        locations = [[location(t.equations[b[0]]) for b in t.blocks] for t in (self, other)]
        uses = [t.all_used() for t in (self, other)]
        if locations[0] != locations[1] or [*map(len, uses[0])] != [*map(len, uses[1])]:
            return None
        return {v: w for a, b in zip(*uses, strict=True) for v, w in zip(b, a, strict=True)}

    def line(self, block: int, operands: list[Any], results: list[Any]) -> Any:
        """Return a block as a program of its own."""
        equations = [self.equations[i] for i in self.blocks[block]]
        return jaxpr.part_of(self.program, equations, operands, results)


def location(equation: jaxpr.Equation) -> str:
    """Return the file and line of the user's code that an equation comes from; nothing where there is none."""
    lines = (f"{file}:{line}" for file, line in jaxpr.frames(equation) if not is_foreign(file))
    return next(lines, "")
