"""A line of a model's own JAX code as an operation of its graph."""

from __future__ import annotations

import linecache
import re
from typing import Any

import jax

from trivium.graph import (
    CaptureError,
    any_symbolic,
    record,
)
from trivium.models.traced.program import TracedProgram, location
from trivium.state import jaxpr

__all__ = ["JaxCode"]

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
        self,
        program: TracedProgram,
        block: int,
        operands: list[Any],
        results: list[Any],
        shapes: Any,
    ) -> None:
        self._program, self._block = program, block
        self._operands, self._results, self._shapes = operands, results, shapes
        equations = [program.symbolic.equations[i] for i in program.symbolic.blocks[block]]
        self.location = location(equations[0])
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


def _name(equations: list[jaxpr.Equation], location: str) -> str:
    """Name a line after the function of `jax.numpy` that it calls, else after the last thing that it does."""
    file, _, line = location.rpartition(":")
    found = _FUNCTION.search(linecache.getline(file, int(line))) if line else None
    if found:
        return found[1]
    names = [jaxpr.operation_name(e) for e in equations]
    return next((n for n in reversed(names) if n not in _PLUMBING), names[-1])
