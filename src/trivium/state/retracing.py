"""What of the functions that JAX traced before a layer's code may use again.

JAX remembers what it traced by the function's identity. To it a layer is a function like any other, and the values that
its variables had in one step would be those in the next: `jax.checkpoint(layer)` and a `jax.jit` that closes over a
variable would train on the zeros of shape inference. So users' code is traced with a number of its own in the key of
JAX's memory, and the library's layers, which hand JAX no such functions, share one.

A step that becomes a program takes a fresh number for each call of a user's layer: it is traced once. A step that runs
as plain Python would so compile each operation anew, in each step. There a layer's class keeps its number as long as
nothing can be told apart by it: as long as, in its calls, no function was traced that reads or assigns a variable,
draws, or calls a layer. The first time one does, what was traced under that number is left behind, and from then on
each call of such a layer has a number of its own. Where a program sets an attribute of a layer, all have other numbers
from then on, since a function may have read it through any of them; where a call does, the layers being called have.

A rule of derivatives (`jax.custom_vjp`) within a `jax.jit` that a layer keeps is traced outside of the layer's call, so
what variable it reads is not seen.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import weakref
from typing import Any

import jax

from trivium.state.frame import current_frame, entered
from trivium.state.traces import NOTHING, Tracing, tracing

__all__ = [
    "fresh_traces",
    "in_plain_python",
    "note_changed",
    "note_traced",
    "shared_traces",
    "traces_apart",
    "traces_of",
]

_numbers = itertools.count(1)
_numbered = jax.make_user_context(0)


# How often a program has set an attribute of a layer, outside of any layer's call.
_changes = 0


class _Code:
    """What is known of the code of one class of layers."""

    def __init__(self) -> None:
        self.anew = False
        self._numbers: dict[tuple[int, int], int] = {}
        self._changes = _changes

    def number(self, depth: int) -> int:
        """Return the number that calls have in this thread.

        Threads, and calls within calls of the same class, have different ones: what is being found out about one must
        not reach the other.

        Args:
            depth: How many calls of the class are under way.
        """
        if self._changes != _changes:
            self._changes = _changes
            self._numbers.clear()
        key = threading.get_ident(), depth
        if key not in self._numbers:
            self._numbers[key] = next(_numbers)
        return self._numbers[key]


_codes: weakref.WeakKeyDictionary[type, _Code] = weakref.WeakKeyDictionary()
# Layers that were called so; each that a call has changed, with its own number and the changes that it is good for.
_own: weakref.WeakKeyDictionary[Any, tuple[int, int] | None] = weakref.WeakKeyDictionary()


class _Within:
    """A number in the key of JAX's memory while the `with` block lasts, and the classes that keep theirs meanwhile."""

    __slots__ = ("_context", "_frame")

    def __init__(self, number: int, sharing: tuple[_Code, ...]) -> None:
        self._context: Any = _numbered(number)
        self._frame = entered(sharing=sharing)

    def __enter__(self) -> None:
        self._frame.__enter__()
        self._context.__enter__()

    def __exit__(self, *exc: object) -> None:
        self._context.__exit__(*exc)
        self._frame.__exit__(*exc)


def fresh_traces() -> contextlib.AbstractContextManager[Any]:
    """Let JAX trace functions anew while the `with` block lasts, though it may have traced them before.

    It is for users' code only: tracing JAX's own functions anew costs milliseconds a layer. Outside of traces nothing
    is changed: eager code would be compiled anew in each step.
    """
    return NOTHING if tracing() is Tracing.NOTHING else _Within(next(_numbers), ())


def shared_traces() -> contextlib.AbstractContextManager[Any]:
    """Let JAX use what it traced before, inside of `fresh_traces`: for the library's own layers in users' code.

    Their functions are then traced once, and stand in the program once, as they do in a graph of calls without a layer
    of the user's around them: the two are one program. Users' code inside of them asks for fresh traces again.
    """
    within_step = current_frame().sharing is not None
    return NOTHING if tracing() is Tracing.NOTHING and not within_step else _Within(0, ())


def in_plain_python() -> entered:
    """Run a step as plain Python while the `with` block lasts.

    Users' layers then get what `traces_of` says also where no derivatives are taken, as in an evaluation. Other code
    that runs as it is, is left to JAX's own rules: a function that it remembers keeps the values it was traced with.
    """
    return entered(sharing=())


def traces_of(layer: Any) -> contextlib.AbstractContextManager[Any]:
    """Let JAX use what can be used again of what it traced, while the `with` block runs a user's layer.

    Args:
        layer: The layer.
    """
    kind, sharing = tracing(), current_frame().sharing
    if kind is Tracing.NOTHING and sharing is None:
        return NOTHING
    if kind is Tracing.A_PROGRAM:
        return _Within(next(_numbers), ())
    code = _codes.setdefault(type(layer), _Code())
    if code.anew:
        return _Within(next(_numbers), ())
    own = _own.setdefault(layer, None)
    if own is None:
        # Not of `sharing`, which begins anew within the library's layers.
        number = code.number(sum(type(one) is type(layer) for one in current_frame().layers))
    else:
        if own[1] != _changes:
            own = _own[layer] = next(_numbers), _changes
        number = own[0]
    return _Within(number, (*(sharing or ()), code))


def traces_apart() -> contextlib.AbstractContextManager[Any]:
    """Trace a function that the library hands to JAX, made for this once, which runs users' code.

    JAX will not meet it again, so the layers around learn nothing from what is in it; nor may what it hands to JAX
    itself be met again under their numbers.
    """
    return fresh_traces() if current_frame().sharing else NOTHING


def note_traced() -> None:
    """Take note that code depends on what no argument says: a variable's value, a draw, the mode of a layer's call.

    In a function that is being traced, each call of the layers around it has its own traces from now on. Whoever calls
    this has seen that the frame's `sharing` is not empty.
    """
    if tracing() is Tracing.A_PROGRAM:
        for code in current_frame().sharing or ():
            code.anew = True


def note_changed(layer: Any) -> None:
    """Take note that users' code set an attribute of a layer: functions that were traced may have read it.

    Args:
        layer: The layer.
    """
    global _changes
    called = current_frame().layers
    if not called:
        _changes += 1
        return
    for one in (layer, *called):
        if one in _own:
            _own[one] = next(_numbers), _changes
    if current_frame().sharing:
        note_traced()
