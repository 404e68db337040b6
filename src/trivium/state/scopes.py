"""Scopes: where variables read and write while a pure function runs.

A variable holds a value of its own. While a scope is entered, reads and writes of variables go to the scope instead,
so code with layers in it runs as a pure function: give it values, run it, take the new values out. Scopes nest. A read
looks from the innermost scope outward for one that has a value, and only then at the variable itself; a write stays in
the innermost scope, and whoever opened that takes it out or drops it.

There is one class of scope, and a `Policy` says what is special about some: shapes only, capture, a traced model.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from trivium.state.frame import (
    Frame,
    FrameScope,
    Kept,
    Scope,
    current_autocast,
    current_frame,
    entered,
)
from trivium.state.retracing import note_traced
from trivium.state.traces import trace_state
from trivium.state.types import Array, Tree

__all__ = [
    "EffectError",
    "Policy",
    "StatelessScope",
    "add_losses",
    "autocast_scope",
    "current_autocast",
    "current_scope",
    "in_shape_scope",
    "init_scope",
    "losses_by_call",
    "only_shapes",
    "paired",
    "read",
    "shape_scope",
]


V = TypeVar("V")


class EffectError(RuntimeError):
    """A layer's effect (a new value of a variable, a draw, a loss) cannot leave the JAX function that it stands in."""


class Policy:
    """How a scope treats variables that it has no value of, and new values.

    Example:
        >>> from trivium.state import Variable
        >>> class Ones(Policy):
        ...     def missing(self, variable):
        ...         return jnp.ones(variable.shape)
        >>> with StatelessScope(policy=Ones()):
        ...     Variable([5.0]).value.tolist()
        [1.0]
    """

    # Whether values do not matter, only shapes: random numbers need no seed then.
    only_shapes = False
    # Whether the code inside is run to be recorded: the losses it adds are the outermost call's, no outer scope's.
    captures = False

    def missing(self, variable: Any) -> Any:
        """Return what a variable without a value in the scope reads as; `None` to look further out."""
        return None

    def refuse(self, variable: Any) -> None:
        """Raise where the scope takes no new value of `variable`."""


class _Blank(Policy):
    """Variables read as zeros, whatever they hold: a call is traced for its shapes before anything is drawn."""

    only_shapes = True

    def missing(self, variable: Any) -> Any:
        if not variable.shape:
            return jnp.zeros((), variable.dtype)
        # What `jax.numpy.zeros` comes to, at a third of its cost: deep models ask for thousands.
        return jax.lax.broadcast(np.zeros((), variable.dtype), variable.shape)


_FALLS_THROUGH = Policy()
_BLANK = _Blank()


def paired(groups: Iterable[Iterable[V]], values: Iterable[Iterable[Any]]) -> list[tuple[V, Any]]:
    """Return each variable with its value, as `StatelessScope` takes them.

    Args:
        groups: Variables, group by group.
        values: Their values in the same groups.

    Raises:
        ValueError: There are more or fewer groups of values, or values in one, than of variables.

    Example:
        >>> from trivium.state import Variable
        >>> a, b, c = Variable(0.0), Variable(0.0), Variable(0.0)
        >>> [(v is c, x) for v, x in paired([[a, b], [c]], [[1, 2], [3]])]
        [(False, 1), (False, 2), (True, 3)]
    """
    return [
        pair
        for group, mine in zip(groups, values, strict=True)
        for pair in zip(group, mine, strict=True)
    ]


class StatelessScope(FrameScope):
    """Inside the scope variables read and write a mapping instead of themselves.

    Args:
        state_mapping: Pairs of a variable and the value that it has inside the scope.
        collect_losses: Whether `add_loss` inside the scope appends to `losses`.
        policy: What is special about the scope; by default a variable that it does not map is looked up further out.
        by_call: Whether the losses of each outermost call inside are kept in the scope, for `losses` of what was called
            and of what holds it, until it is called again: as in code that is run for what it does to its objects.

    Example:
        >>> from trivium.state import Variable
        >>> v = Variable([1.0, 2.0])
        >>> with StatelessScope([(v, jnp.zeros(2))]) as scope:
        ...     _ = v.assign(v + 5.0)
        >>> v.numpy().tolist(), scope.get_current_value(v).tolist()
        ([1.0, 2.0], [5.0, 5.0])
    """

    def __init__(
        self,
        state_mapping: Iterable[tuple[Kept, Any]] | None = None,
        collect_losses: bool = False,
        policy: Policy = _FALLS_THROUGH,
        by_call: bool = False,
    ) -> None:
        self.collect_losses = collect_losses
        self.calls: dict[int, tuple[Any, list[Any]]] | None = {} if by_call else None
        self.losses: list[Any] = []
        self.policy = policy
        # Keyed by identity, and the variable is kept so that the id stays its own.
        self._values: dict[int, tuple[Kept, Any]] = {
            id(v): (v, value) for v, value in state_mapping or ()
        }
        self._trace: Any = None

    def get_current_value(self, variable: Kept) -> Any:
        """Return the value that `variable` has in this scope, or `None` where the scope has none."""
        entry = self._values.get(id(variable))
        return None if entry is None else entry[1]

    @property
    def variables(self) -> list[Any]:
        """The variables that have a value in the scope, in the order in which they got it first."""
        return [variable for variable, _ in self._values.values()]

    def add_update(self, update: tuple[Kept, Any]) -> None:
        """Give a variable a new value inside the scope.

        Args:
            update: The variable and its value.

        Raises:
            EffectError: The value belongs to a JAX function that was entered since the scope was.
        """
        variable, value = update
        self.policy.refuse(variable)
        self._stays_here(value, f"the new value of {variable.path!r}")
        self._values[id(variable)] = update

    def add_loss(self, loss: Array) -> None:
        """Keep a loss that a layer added during its call."""
        self._stays_here(loss, "a loss that is added")
        self.losses.append(loss)

    def _stays_here(self, value: Tree, what: str) -> None:
        """Refuse a value that JAX is tracing in a function further in: outside of it, it means nothing.

        Without this the tracer would leak into the state and fail where nobody can tell why. `ops.scan` and its kin
        open a scope inside of JAX's function and carry the values out, so they never come here.
        """
        if not isinstance(value, jax.core.Tracer) or self.policy.only_shapes or self.inside():
            return
        path = current_frame().path
        raise EffectError(
            f"{f'In layer {path!r}: ' if path else ''}{what} cannot leave the JAX function that it is computed in "
            "(`jax.lax.scan`, `jax.lax.cond`, `jax.checkpoint`, `jax.vmap`, `jax.jit`, …), which knows nothing of "
            "layers. Use the op of the same name, which carries such effects: `ops.scan`, `ops.while_loop`, "
            "`ops.fori_loop`, `ops.map`, `ops.cond`, `ops.switch`, `ops.vectorized_map`, or `ops.remat` for "
            "`jax.checkpoint`. Inside `jax.jit` or `jax.grad`, call the layer through `stateless_call`."
        )

    def inside(self) -> bool:
        """Say whether the running code is in the same JAX function in which the scope was entered."""
        return bool(self._trace == trace_state())

    def _changes(self) -> dict[str, Any]:
        self._trace = trace_state()
        return {"scopes": (*current_frame().scopes, self)}


def read(variable: Kept, scopes: tuple[Scope, ...]) -> Any:
    """Return the value that a variable has in the innermost scope that knows one, or `None`.

    Args:
        variable: The variable.
        scopes: The scopes, outermost first.
    """
    for scope in reversed(scopes):
        value = scope.get_current_value(variable)
        if value is None:
            value = scope.policy.missing(variable)
        if value is not None:
            return value
    return None


def shape_scope() -> StatelessScope:
    """Return a scope in which calls can be traced for shapes without touching any variable."""
    return StatelessScope(collect_losses=True, policy=_BLANK)


def current_scope() -> Scope | None:
    """Return the innermost `StatelessScope`, or `None` outside of any."""
    scopes = current_frame().scopes
    return scopes[-1] if scopes else None


def only_shapes() -> bool:
    """Say whether the running code is traced for shapes only, so that its values do not matter."""
    scope = current_scope()
    return scope is not None and scope.policy.only_shapes


def losses_by_call() -> dict[int, tuple[Any, list[Any]]] | None:
    """Return where the outermost calls' losses are kept, each with what was called; `None` where layers keep them."""
    for scope in reversed(current_frame().scopes):
        if scope.collect_losses:
            return None
        if scope.calls is not None:
            return scope.calls
    return None


def add_losses(losses: list[Any]) -> bool:
    """Hand losses to the scope that collects them, else to the outermost call.

    Args:
        losses: Scalars.

    Returns:
        Whether somebody took them.
    """
    frame = current_frame()
    if frame.sharing:
        note_traced()
    symbolic = any(getattr(loss, "is_symbolic", False) for loss in losses)
    scope = next((s for s in reversed(frame.scopes) if s.collect_losses or s.policy.captures), None)
    if scope is not None and scope.collect_losses and not (symbolic and frame.call is not None):
        for loss in losses:
            scope.add_loss(loss)
        return True
    if frame.call is not None:
        frame.call.losses.extend(losses)
        return True
    return False


def in_shape_scope() -> bool:
    """Say whether nobody will know anything of the running code but the shapes that it gives.

    Unlike `only_shapes` that is so in a `shape_scope` alone: others find out what is read and written.
    """
    scope = current_scope()
    return scope is not None and scope.policy is _BLANK


def autocast_scope(dtype: str | None) -> entered:
    """Read float variables in `dtype` while the `with` block lasts.

    Args:
        dtype: A float dtype, or `None` to read them as they are kept.
    """
    return entered(autocast=dtype)


@contextlib.contextmanager
def init_scope() -> Iterator[Frame]:
    """Step out of every scope while the `with` block lasts: what is built there is real, whoever is tracing."""
    with entered(scopes=(), autocast=None) as frame:
        yield frame
