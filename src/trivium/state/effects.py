"""Effects as values: any code with layers in it, run as a pure function that hands back what it changed.

A layer's call may do more than compute: it gives variables new values (moving statistics, metrics), draws random
numbers (which moves a seed generator's variable on) and adds losses. Those are its *effects*. `purely` finds out which
ones a function has, and makes of it a pure function of the values of the variables that it writes. JAX's loops,
branches and checkpoints take pure functions only; each op of `ops/control.py` runs the user's function purely, carries
the values through and `put_back`s them where it stands, in whatever scope that is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from trivium.state.frame import current_frame, entered
from trivium.state.retracing import traces_apart
from trivium.state.scopes import Policy, StatelessScope, add_losses
from trivium.state.variable import Variable

__all__ = ["Effects", "Pure", "finding", "purely", "put_back"]


class _Finding(Policy):
    """Notes what is read while a function runs on shapes alone; what is written, the scope itself knows."""

    only_shapes = True

    def __init__(self) -> None:
        self.read: dict[int, Variable] = {}

    def missing(self, variable: Variable) -> Any:
        self.read[id(variable)] = variable  # Its value is the one further out.


def finding() -> bool:
    """Say whether the running code is run to find its effects, so that only what it touches and its shapes matter.

    A loop then needs to run its body once only, and not through JAX: nested loops would otherwise be traced twice at
    each level, which is exponential in their depth.
    """
    scopes = current_frame().scopes
    return bool(scopes) and isinstance(scopes[-1].policy, _Finding)


class Effects:
    """What a function of some arguments touches, besides its result. It is run once, on shapes.

    Args:
        function: The function.
        args: Its arguments, arrays or `jax.ShapeDtypeStruct`s.
        kwargs: Its keyword arguments, likewise.

    Attributes:
        touched: The variables that it reads or writes, in the order in which it does so first.
        writes: Those that it gives new values.
        losses: How many losses it adds.
        result: What it returns, with `jax.ShapeDtypeStruct` for arrays.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        policy = _Finding()
        scope = StatelessScope(collect_losses=True, policy=policy)
        leaves, tree = jax.tree_util.tree_flatten((args, dict(kwargs or {})))
        # A variable is no array to trace: the code reads it in the scope.
        places = [
            i
            for i, leaf in enumerate(leaves)
            if hasattr(leaf, "dtype") and not isinstance(leaf, Variable)
        ]

        def run(*arrays: Any) -> Any:
            filled = list(leaves)
            for i, array in zip(places, arrays, strict=True):
                filled[i] = array
            a, k = jax.tree_util.tree_unflatten(tree, filled)
            with scope, entered(watched=None), traces_apart():
                return function(*a, **k)

        self.result = jax.eval_shape(run, *(leaves[i] for i in places))
        self.touched = list({**policy.read, **{id(v): v for v in scope.variables}}.values())
        self.writes = scope.variables
        self.losses = len(scope.losses)


class Pure:
    """A function with effects as a pure function of the values of the variables that it writes.

    Variables that it only reads are read where it stands: to JAX they are constants from around it.

    Args:
        function: The function.
        writes: The variables whose values go in and come out.
        adds_loss: Whether a sum of losses comes out.
    """

    def __init__(
        self, function: Callable[..., Any], writes: list[Variable], adds_loss: bool
    ) -> None:
        self.function = function
        self.writes = writes
        self.adds_loss = adds_loss

    def now(self) -> list[Any]:
        """Return the values that the written variables have here, as they are kept."""
        return [v.kept_value for v in self.writes]

    def no_loss(self) -> Any:
        """Return the sum of no losses: a zero, or `None` for a function that adds none."""
        return jnp.zeros((), "float32") if self.adds_loss else None

    def __call__(self, values: list[Any], *args: Any) -> tuple[Any, list[Any], Any]:
        """Run the function.

        Args:
            values: The values of `writes`.
            args: The function's arguments.

        Returns:
            The result, the new values of `writes`, and the sum of the losses that it added (`None` for a function
            that adds none).
        """
        scope = StatelessScope(zip(self.writes, values, strict=True), collect_losses=True)
        # What is computed inside of JAX's loops is nothing outside of them.
        with scope, entered(watched=None), traces_apart():
            result = self.function(*args)
        loss = self.no_loss()
        for each in scope.losses:
            loss = loss + jnp.sum(each).astype("float32")
        return result, [scope.get_current_value(v) for v in self.writes], loss


def purely(*functions: Callable[..., Any], args: tuple[Any, ...] = ()) -> list[Pure]:
    """Find the effects of functions of the same arguments, and return each as a pure function.

    The functions may stand for each other (the branches of a condition), so each carries the effects of all.

    Args:
        functions: Functions whose layers read and write variables.
        args: Arguments as they will be called with, arrays or `jax.ShapeDtypeStruct`s.

    Returns:
        A `Pure` for each.

    Example:
        >>> total = Variable(0.0, name="total")
        >>> def add(x):
        ...     total.assign_add(x)
        ...     return 2 * x
        >>> [pure] = purely(add, args=(jnp.ones(()),))
        >>> [v.name for v in pure.writes], pure([jnp.array(5.0)], 1.0)[1][0].item(), total.numpy().item()
        (['total'], 6.0, 0.0)
    """
    found = [Effects(f, args) for f in functions]
    writes = list({id(v): v for effects in found for v in effects.writes}.values())
    adds_loss = any(effects.losses for effects in found)
    return [Pure(f, writes, adds_loss) for f in functions]


def put_back(pure: Pure, values: list[Any], loss: Any) -> None:
    """Give the variables that a function wrote their new values here, and add its losses.

    Args:
        pure: The function.
        values: The new values of `pure.writes`.
        loss: The sum of the losses, or `None`.
    """
    for variable, value in zip(pure.writes, values, strict=True):
        variable.assign(value)
    if loss is not None:
        add_losses([loss])
