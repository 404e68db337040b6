"""Variables: named arrays that a model keeps."""

from __future__ import annotations

import itertools
import operator
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from trivium.state.array_protocol import ReadAsArray, as_value
from trivium.state.copying import Copied
from trivium.state.drawing import Drawing, Position, drawing_scope
from trivium.state.dtypes import is_float, standardize_dtype
from trivium.state.frame import current_autocast, current_frame, entered
from trivium.state.name_scopes import scopes_around
from trivium.state.names import auto_name
from trivium.state.placing import Row, copy_of
from trivium.state.reading import read_on
from trivium.state.retracing import note_traced
from trivium.state.scopes import EffectError, read
from trivium.state.traces import outside_of_traces
from trivium.state.tracking import VARIABLES
from trivium.state.types import Array, ArrayLike, DType
from trivium.state.undo import note_undo

__all__ = ["Variable", "held_by"]

_HELD = operator.attrgetter("_held")


class Variable(Copied, ReadAsArray):
    """An array with a name that can be given a new value.

    With an initializer the first value is drawn when it is first needed, so that a model can order the drawing of
    its variables by its graph, whatever order its layers were written in.

    Args:
        initializer: A value, or a function `(shape, dtype) -> array`.
        shape: The shape; needed with a function.
        dtype: The dtype; the value's own, or the default float type, where it is `None`.
        trainable: Whether optimizers change it.
        autocast: Whether a layer that computes in another float type reads it in that type.
        aggregation: How several devices' values are combined; kept for Keras's configs.
        name: A name; `variable`, `variable_1`, … where it is `None`.

    Raises:
        ValueError: A function without a shape, or a name that is no text or has a `/` in it.

    Example:
        >>> v = Variable([1.0, 2.0], name="w")
        >>> _ = v.assign_add([1.0, 1.0])
        >>> v.numpy().tolist(), v.shape, v.dtype
        ([2.0, 3.0], (2,), 'float32')
    """

    _tracked_as = VARIABLES

    _owned_by = "owner"

    def __init__(
        self,
        initializer: Any,
        shape: tuple[int, ...] | None = None,
        dtype: DType | None = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str = "none",
        name: str | None = None,
    ) -> None:
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise ValueError(f"A variable's name is a text without '/'; got {name!r}.")
        self.name = name or auto_name("variable")
        self._trainable = self.made_trainable = bool(trainable)
        self.frozen = False  # Whether a layer that holds it is: `layer.trainable = False`.
        self.autocast = autocast
        self.aggregation = aggregation
        self.regularizer: Callable[[Any], Any] | None = None
        self.constraint: Callable[[Any], Any] | None = None
        # Whether an optimizer sets it to its gradient instead of taking a step: for scales and the
        # like, whose new value a custom gradient computes.
        self.overwrite_with_gradient = False
        self.owner: weakref.ref[Any] | None = None
        self._scopes = scopes_around()
        # The array, or a row of one that several variables share; `None` until the first value is drawn.
        self._held: Any = None
        # Whether somebody else may hold the array, so that its memory may not be given to a program.
        self._lent = True
        self.position: Position | None = None
        self.initializer = initializer if callable(initializer) else None
        if callable(initializer):
            if shape is None:
                raise ValueError(f"Variable {self.name!r}: an initializer function needs a shape.")
            self._shape = tuple(int(d) for d in shape)
            self._dtype = standardize_dtype(dtype)
        else:
            if isinstance(initializer, jax.core.Tracer):
                value = as_value(initializer, dtype)
            else:  # Whatever is being traced around, a value that is known is a real array.
                with outside_of_traces():
                    value = as_value(initializer, dtype)
            if shape is not None and tuple(shape) != value.shape:
                raise ValueError(
                    f"Variable {self.name!r}: the value has shape {value.shape}, not {tuple(shape)}."
                )
            self._shape, self._dtype, self._value = value.shape, str(value.dtype), value

    # A program may leave the values of several variables in one array: each becomes its own when somebody looks.
    @property
    def _value(self) -> Any:
        held = self._held
        if type(held) is Row:
            held = self._held = held.taken()
        return held

    @_value.setter
    def _value(self, value: Any) -> None:
        self._held = value

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape."""
        return self._shape

    @property
    def dtype(self) -> str:
        """The dtype that it is read in: the layer's compute dtype inside an autocast scope."""
        autocast = current_autocast()
        return autocast if autocast and self.autocast and is_float(self._dtype) else self._dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self._shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self._shape, dtype=np.int64))

    @property
    def trainable(self) -> bool:
        """Whether optimizers change it: not while its layer is frozen."""
        return self._trainable and not self.frozen

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)

    @property
    def trainable_unless_frozen(self) -> bool:
        """Whether optimizers change it when its layer is not frozen."""
        return self._trainable

    @property
    def path(self) -> str:
        """The owner's path and the name, e.g. `my_model/dense_1/kernel`."""
        owner = self.owner() if self.owner is not None else None
        return "/".join([*self._scopes, *([owner.path] if owner is not None else []), self.name])

    @property
    def initialized(self) -> bool:
        """Whether the first value has been drawn."""
        return self._held is not None

    def initialize(self) -> None:
        """Draw the first value now, if it has not been drawn."""
        if self._value is None:
            before, drawing = self.position, Drawing(self.position)
            # Whatever is being traced around this call, the value is a real array.
            with jax.ensure_compile_time_eval(), drawing_scope(drawing):
                assert self.initializer is not None
                value = as_value(self.initializer(self._shape, dtype=self._dtype), self._dtype)
            if value.shape != self._shape:
                raise ValueError(
                    f"Variable {self.path!r}: its initializer gave shape {value.shape}, "
                    f"wanted {self._shape}."
                )
            self._value, self._lent, self.position = value, True, drawing.position
            note_undo(lambda: self._draw_anew(before))

    def hold(self, position: Position) -> None:
        """Take the position that the first value will be drawn at, when it is needed.

        Args:
            position: The generation of the global seed, the seed, and the number of the draw.
        """
        before = self.position
        note_undo(lambda: self._draw_anew(before))
        self.position = position

    def _draw_anew(self, position: Position | None) -> None:
        self.forget()
        self.position = position

    def forget(self) -> None:
        """Give up the value, so that the first one is drawn anew when it is needed; without initializer, keep it."""
        if self.initializer is not None:
            self._value = None

    @property
    def form(self) -> tuple[tuple[int, ...], str]:
        """The shape, and the dtype that it is kept in: what stays the same all its life."""
        return self._shape, self._dtype

    @property
    def kept_dtype(self) -> str:
        """The dtype that it is kept in, whatever it is read in."""
        return self._dtype

    @property
    def kept_value(self) -> Any:
        """The value in the dtype that it is kept in."""
        with entered(autocast=None):
            return self.value

    @property
    def value(self) -> Any:
        """The value: inside scopes the one that the innermost scope knows which has one."""
        value = self._read()
        # From here on the array is in other hands; its memory stays what it is (see `own`).
        if value is self._value:
            self._lent = True
        return value

    def _read(self) -> Any:
        """Return the value to somebody who looks at it and does not keep it."""
        frame = current_frame()
        # A function that JAX traces meanwhile depends on this value, which its key in JAX's memory does not show.
        if frame.sharing:
            note_traced()
        value = read(self, frame.scopes) if frame.scopes else None
        if value is None:
            if self._value is None:
                self.initialize()
            value = self._value
        # Before the cast: the gradient that comes back through it is one by the variable, in its own dtype.
        if frame.tapes:
            value = read_on(frame.tapes, self, value)
        autocast = frame.autocast
        # While a model's code is read the value is a tensor of the graph, whose node casts when it is run.
        if getattr(value, "is_symbolic", False):
            return value
        if autocast and self.autocast and is_float(self._dtype) and value.dtype != autocast:
            return value.astype(autocast)
        return value

    def assign(self, value: ArrayLike) -> Any:
        """Give it a new value.

        Args:
            value: An array of the same shape, cast to the variable's dtype.

        Returns:
            The new value.

        Raises:
            ValueError: The shape differs; the variable keeps its value.
        """
        if getattr(value, "is_symbolic", False):
            symbolic: Any = value
            raise symbolic.error(f"assigning it to the variable {self.path!r} is a side effect")
        value = as_value(value, self._dtype)
        if value.shape != self._shape:
            raise ValueError(
                f"Variable {self.path!r} has shape {self._shape}; it cannot take a value of shape "
                f"{value.shape}."
            )
        frame = current_frame()
        if frame.sharing:
            note_traced()
        if frame.scopes:
            frame.scopes[-1].add_update((self, value))
        elif isinstance(value, jax.core.Tracer):
            raise EffectError(
                f"{f'In layer {frame.path!r}: ' if frame.path else ''}variable {self.path!r} would be left holding a "
                "traced value. Inside `jax.jit` or `jax.grad`, call the layer or model through `stateless_call`, or "
                "assign within a `StatelessScope`. In place of `jax.lax.scan`, `jax.lax.cond`, `jax.checkpoint` and "
                "their kin use `ops.scan`, `ops.cond`, `ops.remat`, …, which carry what layers change."
            )
        else:
            self._value, self._lent = value, True
        return value

    def peek(self) -> Any:
        """Return the array itself, whatever scope is open, to somebody who looks at it and does not keep it."""
        if self._value is None:
            self.initialize()
        return self._value

    def own(self) -> Any:
        """Return an array that nobody but the variable holds, for a program that writes the next value in its place.

        That is the array itself, unless `value` has handed it out, or an initializer or `assign` brought it in: then
        it stays whole for whoever has it, and the variable goes on with a copy.

        Example:
            >>> v = Variable([1.0, 2.0])
            >>> held = v.value
            >>> v.own() is held, v.own() is v.own()
            (False, True)
        """
        value = self.peek()
        if self._lent:
            self._value = value = copy_of(value)
            self._lent = False
        return value

    def replace(self, value: Array | Row, lent: bool = True) -> None:
        """Take over an array that is known to have the right shape and dtype, without checks.

        Args:
            value: The array.
            lent: Whether somebody else may hold it; see `own`.
        """
        self._held, self._lent = value, lent

    def assign_add(self, value: ArrayLike) -> Any:
        """Add to the value, and return the new one."""
        return self.assign(self.value + as_value(value, None))

    def assign_sub(self, value: ArrayLike) -> Any:
        """Subtract from the value, and return the new one."""
        return self.assign(self.value - as_value(value, None))

    def __getstate__(self) -> dict[str, Any]:
        if self._value is None and self.position is None:
            self.initialize()  # Else each copy would draw a first value of its own.
        return super().__getstate__()

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self._shape}, dtype={self._dtype}, value={self._shown()}>"

    def _shown(self) -> str:
        """Return the value as text, shortened; what is not drawn yet stays so, and what is traced has none."""
        scoped = read(self, current_frame().scopes)
        if scoped is None and self._value is None:
            if self.position is None:  # To draw it now would take the next variable's position.
                return "not drawn yet"
            self.initialize()
        value = self._value if scoped is None else scoped
        if isinstance(value, jax.core.Tracer) or getattr(value, "is_symbolic", False):
            return "traced"
        with np.printoptions(threshold=20, edgeitems=2, precision=4):
            return str(np.asarray(value))


def held_by(variables: Sequence[Variable]) -> list[Any]:
    """Return what `peek` gives of each variable, or a `Row` that it would be taken from.

    Args:
        variables: The variables; hundreds before each step, so nothing here that takes time is Python.

    Example:
        >>> [array.tolist() for array in held_by([Variable([1.0]), Variable(2.0)])]
        [[1.0], 2.0]
    """
    values = [*map(_HELD, variables)]
    if not all(map(operator.is_not, values, itertools.repeat(None))):
        values = [
            v.peek() if value is None else value for v, value in zip(variables, values, strict=True)
        ]
    return values
