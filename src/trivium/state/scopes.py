"""Scopes: where variables read and write while a pure function runs, and what a call inherits from its caller."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp

if TYPE_CHECKING:
    from trivium.state.variable import Variable

__all__ = [
    "Drawing",
    "StatelessScope",
    "autocast_scope",
    "current_autocast",
    "current_drawing",
    "current_scope",
    "drawing_scope",
    "draws_noted",
    "init_scope",
    "note_drawn",
    "shape_scope",
]


class _Local(threading.local):
    def __init__(self) -> None:
        self.scopes: list[StatelessScope] = []
        self.autocast: str | None = None
        self.drawn: list[tuple[Variable, Any]] | None = None
        self.drawing: Drawing | None = None


_local = _Local()


class StatelessScope:
    """Inside the scope variables read and write a mapping instead of themselves.

    This is what makes a stateful layer a pure function: give it values, call it, take the new values out.

    Args:
        state_mapping: Pairs of a variable and the value that it has inside the scope.
        collect_losses: Whether `add_loss` inside the scope appends to `losses`.

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
        state_mapping: Iterable[tuple[Variable, Any]] | None = None,
        collect_losses: bool = False,
    ) -> None:
        self.collect_losses = collect_losses
        self.losses: list[Any] = []
        # Keyed by identity, and the variable is kept so that the id stays its own.
        self._values: dict[int, tuple[Variable, Any]] = {
            id(v): (v, value) for v, value in state_mapping or ()
        }

    def get_current_value(self, variable: Variable) -> Any:
        """Return the value of `variable` inside the scope, or `None` where the scope has none."""
        entry = self._values.get(id(variable))
        return None if entry is None else entry[1]

    def add_update(self, update: tuple[Variable, Any]) -> None:
        """Give a variable a new value inside the scope.

        Args:
            update: The variable and its value.
        """
        self._values[id(update[0])] = update

    def add_loss(self, loss: Any) -> None:
        """Keep a loss that a layer added during its call."""
        self.losses.append(loss)

    def __enter__(self) -> StatelessScope:
        _local.scopes.append(self)
        return self

    def __exit__(self, *exc: object) -> None:
        _local.scopes.pop()


class _ShapeScope(StatelessScope):
    """A scope for inferring shapes: variables without a value read as abstract zeros, and writes are dropped.

    It lets a layer's call be traced for its output shape before any random number is drawn.
    """

    def get_current_value(self, variable: Variable) -> Any:
        value = super().get_current_value(variable)
        return jnp.zeros(variable.shape, variable.dtype) if value is None else value


def shape_scope() -> StatelessScope:
    """Return a scope in which calls can be traced for shapes without touching any variable."""
    return _ShapeScope(collect_losses=True)


def current_scope() -> StatelessScope | None:
    """Return the innermost `StatelessScope`, or `None` outside of any."""
    return _local.scopes[-1] if _local.scopes else None


def current_autocast() -> str | None:
    """Return the dtype that float variables are read in, or `None`."""
    return _local.autocast


@contextlib.contextmanager
def autocast_scope(dtype: str | None) -> Iterator[None]:
    """Read float variables in `dtype` while the `with` block lasts.

    Args:
        dtype: A float dtype, or `None` to read them as they are kept.
    """
    before = _local.autocast
    _local.autocast = dtype
    try:
        yield
    finally:
        _local.autocast = before


class Drawing:
    """The drawing of one variable's first value.

    Args:
        place: The generation of the global seed, the seed, and the position in it that is the variable's own; `None`
            where it takes one when it draws.
    """

    def __init__(self, place: tuple[int, int, int] | None) -> None:
        self.place = place
        self.count = 0


@contextlib.contextmanager
def drawing_scope(drawing: Drawing) -> Iterator[None]:
    """Let random numbers come from one variable's place while the `with` block lasts."""
    before, _local.drawing = _local.drawing, drawing
    try:
        yield
    finally:
        _local.drawing = before


def current_drawing() -> Drawing | None:
    """Return the drawing that is going on, or `None`."""
    return _local.drawing


@contextlib.contextmanager
def draws_noted() -> Iterator[list[tuple[Variable, Any]]]:
    """Collect the variables that get a place or a first value in the `with` block, each with the place it had."""
    before, mine = _local.drawn, []  # type: tuple[list[Any] | None, list[Any]]
    _local.drawn = mine
    try:
        yield mine
    finally:
        _local.drawn = before
        if before is not None:
            before.extend(mine)


def note_drawn(variable: Variable, place: Any) -> None:
    """Tell `draws_noted` that a variable gets a place or its first value, and the place that it had."""
    if _local.drawn is not None:
        _local.drawn.append((variable, place))


@contextlib.contextmanager
def init_scope() -> Iterator[None]:
    """Step out of every scope while the `with` block lasts: what is built there is real, whoever is tracing."""
    scopes, _local.scopes = _local.scopes, []
    try:
        with autocast_scope(None):
            yield
    finally:
        _local.scopes = scopes
