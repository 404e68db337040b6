"""Gradients as TensorFlow's programs take them: the tape is Trivium's own, and the rest stands on it."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, Self

import jax
import jax.numpy as jnp

from trivium import ops
from trivium.compat.errors import NotCovered
from trivium.compat.written import WRITTEN, covers
from trivium.graph.op import op
from trivium.state.frame import current_frame, entered
from trivium.state.functions import tracing_function
from trivium.state.recording import differentiable
from trivium.state.scopes import StatelessScope
from trivium.state.tape import GradientTape
from trivium.state.variable import Variable

__all__ = ["GraphTapes", "TapesNeeded"]

WRITTEN["tensorflow.GradientTape"] = WRITTEN["tensorflow.autodiff.GradientTape"] = GradientTape


@covers("tensorflow.UnconnectedGradients")
class _UnconnectedGradients:
    NONE = "none"
    ZERO = "zero"


# -- of what a tf.function computes -----------------------------------------------------------------------------


class TapesNeeded(Exception):
    """A `tf.function` asks for gradients of what it computed, of which nothing was noted.

    Args:
        depth: How many derivatives are taken of one another.
    """

    def __init__(self, depth: int) -> None:
        super().__init__(depth)
        self.depth = depth


class _WholeTape(GradientTape):
    """A tape that watches every array of floats, as TensorFlow's graphs know all that leads to a tensor."""

    def __init__(self, tapes: GraphTapes) -> None:
        super().__init__(persistent=True)
        self.tapes = tapes

    def wanted(self, inputs: Sequence[Any]) -> tuple[int, ...]:
        """Return the places of the arrays of floats."""
        if self._recording:
            floats = (x for x in inputs if isinstance(x, jax.Array) and differentiable(x.dtype))
            self._known.update((id(x), x) for x in floats)
        return super().wanted(inputs)

    def sources_of(self, targets: Sequence[Any]) -> set[int]:
        """Return the identities of all arrays that some arrays were computed from."""
        found = {id(x) for x in targets}
        for node in reversed(self._nodes):
            if not found.isdisjoint(node.outputs):
                found.update(node.inputs)
        return found


class GraphTapes:
    """What a function computes, noted for gradients that it asks for itself, and for gradients of those.

    A tape does not know how its own gradients came about; the one around it does. So there is a tape for each
    derivative of a derivative.

    Args:
        depth: How many there are.
    """

    def __init__(self, depth: int) -> None:
        self._tapes = [_WholeTape(self) for _ in range(depth)]  # the innermost first
        self._made: dict[int, tuple[int, Any]] = {}
        self._within = contextlib.ExitStack()

    def __enter__(self) -> None:
        for tape in reversed(self._tapes):
            self._within.enter_context(tape)

    def __exit__(self, *error: Any) -> None:
        self._within.__exit__(*error)

    def ask(
        self, targets: Sequence[Any], question: Callable[[GradientTape], list[Any]]
    ) -> list[Any]:
        """Return what a tape answers: the innermost that knows how the targets came about."""
        known = self._tapes[-1].sources_of(targets)
        level = 1 + max((self._made[x][0] for x in known & self._made.keys()), default=-1)
        if level == len(self._tapes):
            raise TapesNeeded(level + 1)
        with contextlib.ExitStack() as stack:
            for tape in self._tapes[: level + 1]:
                stack.enter_context(tape.stop_recording())
            found = question(self._tapes[level])
        self._made.update((id(x), (level, x)) for x in found if x is not None)
        return found


def _tapes(name: str) -> GraphTapes:
    for tape in reversed(current_frame().tapes):
        if isinstance(tape, _WholeTape):
            return tape.tapes
    if tracing_function():
        raise TapesNeeded(1)
    raise RuntimeError(
        f"tf.{name} takes gradients of what a `tf.function` computes, inside of it. Elsewhere take them with "
        "`tf.GradientTape`."
    )


def _listed(x: Any) -> list[Any]:
    return list(x) if isinstance(x, list | tuple) else [x]


@covers("tensorflow.gradients")
def _gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    gate_gradients: bool = False,
    aggregation_method: Any = None,
    stop_gradients: Any = None,
    unconnected_gradients: Any = "none",
) -> list[Any]:
    if stop_gradients is not None:
        raise NotCovered("tf.gradients: stop_gradients is not covered. Use `tf.stop_gradient`.")
    targets, given = _listed(ys), None
    if grad_ys is not None:
        weights = zip(targets, _listed(grad_ys), strict=True)
        given = [jnp.ones_like(y) if g is None else g for y, g in weights]
    values = [y.value if isinstance(y, Variable) else y for y in targets]
    return _tapes("gradients").ask(
        values, lambda tape: tape.gradient(values, _listed(xs), given, unconnected_gradients)
    )


@covers("tensorflow.hessians")
def _hessians(
    ys: Any,
    xs: Any,
    gate_gradients: bool = False,
    aggregation_method: Any = None,
    name: str = "hessians",
) -> list[Any]:
    tapes, targets = _tapes("hessians"), _listed(ys)

    def curvature(x: Any) -> Any:
        slope = tapes.ask(targets, lambda tape: tape.gradient(targets, [x], None, "zero"))
        return tapes.ask(slope, lambda tape: [tape.jacobian(slope[0], x, "zero")])[0]

    return [curvature(x) for x in _listed(xs)]


# -- forward ------------------------------------------------------------------------------------------------------


@covers("tensorflow.autodiff.ForwardAccumulator")
class _ForwardAccumulator:
    """Derivatives along a direction, of what is computed in a `with` block.

    A tape gives the way back, which is linear in the gradient that is put in; its transpose is the way forward
    (https://j-towns.github.io/2017/06/12/A-new-trick.html).
    """

    def __init__(self, primals: Any, tangents: Any) -> None:
        self._sources, structure = jax.tree_util.tree_flatten(primals)
        directions, of_tangents = jax.tree_util.tree_flatten(tangents)
        if str(structure) != str(of_tangents):
            raise ValueError(
                f"`tangents` has the structure of `primals`: wanted {structure}, got {of_tangents}."
            )
        self._directions = [ops.convert_to_tensor(d) for d in directions]
        for source, direction in zip(self._sources, self._directions, strict=True):
            if tuple(source.shape) != direction.shape:
                raise ValueError(
                    f"A tangent has its primal's shape: wanted {tuple(source.shape)}, got {direction.shape}."
                )
        self._tape = GradientTape(persistent=True, watch_accessed_variables=False)

    def __enter__(self) -> Self:
        self._tape.__enter__()
        self._tape.watch(self._sources)
        return self

    def __exit__(self, *error: Any) -> None:
        self._tape.__exit__(*error)

    def jvp(self, primals: Any, unconnected_gradients: Any = "none") -> Any:
        """Return how tensors change along the direction; `None` for those that do not depend on the primals."""
        with self._tape.stop_recording():
            return jax.tree_util.tree_map(lambda y: self._along(y, unconnected_gradients), primals)

    def _along(self, target: Any, unconnected: Any) -> Any:
        value = target.value if isinstance(target, Variable) else target
        weights = jnp.ones_like(value)
        with GradientTape() as forward:
            forward.watch(weights)
            back = self._tape.gradient(target, self._sources, [weights])
        pairs = [(g, d) for g, d in zip(back, self._directions, strict=True) if g is not None]
        if not pairs:
            return jnp.zeros_like(value) if unconnected == "zero" else None
        found = forward.gradient(
            [g for g, _ in pairs], weights, [d for _, d in pairs], unconnected_gradients="zero"
        )
        return found


# -- gradients of one's own ---------------------------------------------------------------------------------------


@covers("tensorflow.custom_gradient")
def _custom_gradient(f: Any = None) -> Any:
    if f is None:
        return _custom_gradient

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = functools.partial(f, **kwargs)
        arrays = [ops.convert_to_tensor(x) for x in args]
        used = _trainable_in(given, arrays)
        values = [v.value for v in used]

        def with_variables(*inputs: Any) -> Any:
            own, values = inputs[: len(arrays)], inputs[len(arrays) :]

            # The gradient is asked for when the variables may have other values, or none.
            def reading() -> Any:
                return StatelessScope(list(zip(used, values, strict=True)))

            with reading(), entered(tapes=()):
                made, gradient = given(*own)

            def back(upstream: Any) -> Any:
                upstream = upstream if isinstance(upstream, list | tuple) else (upstream,)
                with reading(), entered(tapes=()):
                    if not used:
                        found, of_variables = gradient(*upstream), []
                    else:
                        found, of_variables = gradient(*upstream, variables=list(used))
                found = _listed(found)
                zeros = [jnp.zeros_like(x) for x in inputs]
                every = [*found, *of_variables]
                return tuple(z if g is None else g for g, z in zip(every, zeros, strict=True))

            return made, back

        return jax.custom_gradient(with_variables)(*arrays, *values)

    return op(call)


def _trainable_in(function: Callable[..., Any], arrays: list[Any]) -> list[Variable]:
    """Return the trainable variables that a function reads whose gradient is its own, and check that it takes them."""
    frame = current_frame()
    if not (frame.tapes or frame.scopes):
        return []  # Nobody takes a gradient.
    with GradientTape() as tape:
        gradient = function(*arrays)[1]
    used = list(tape.watched_variables())
    parameters = inspect.signature(gradient).parameters.values()
    if used and not any(p.name == "variables" or p.kind is p.VAR_KEYWORD for p in parameters):
        names = ", ".join(repr(v.name) for v in used)
        raise TypeError(
            f"tf.custom_gradient: the function reads the variables {names}, so its gradient takes the argument "
            "`variables`, and returns a pair: the arguments' gradients, and a list of the variables'."
        )
    return used
