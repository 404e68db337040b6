"""What is in the objects that a checkpoint is made of, by the objects' attributes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trivium.compat.tensorflow.attached import Attached
from trivium.compat.tensorflow.variables import Module
from trivium.layers.own_names import is_own_name
from trivium.models import Functional, Sequential
from trivium.optimizers import Optimizer
from trivium.state.tracking import attributes
from trivium.state.variable import Variable

__all__ = ["Checkpointed", "may_hold", "objects", "variables"]


class Checkpointed(Attached):
    """The base of a checkpoint: what it was given may be of any class."""


def _parts(thing: Any, given: bool) -> Iterator[tuple[str, Any]]:
    """Yield the parts of an object by their names: attributes that hold variables, entries of containers."""
    if isinstance(thing, Optimizer):
        yield from ((str(i), v) for i, v in enumerate(thing.variables))
    elif isinstance(thing, dict):
        yield from ((str(k), v) for k, v in thing.items())
    elif isinstance(thing, list | tuple):
        yield from ((str(i), v) for i, v in enumerate(thing))
    elif isinstance(thing, Module | Checkpointed):
        # Of the program, down to what it calls private.
        yield from attributes(thing).items()
    elif given or hasattr(type(thing), "_tracked_as"):
        found = attributes(thing)
        # By the names that users know: files outlast what the library calls things inside.
        listed = isinstance(thing, Sequential | Functional)
        private = {name for name in found if name.startswith("_")}
        inside = {name for name in private if listed or is_own_name(type(thing), name)}
        yield from ((name, part) for name, part in found.items() if name not in inside)
        yield from (("weights", found[name]) for name in ("_added",) if name in found)
        if listed:
            yield "layers", list(thing.layers)


def may_hold(value: Any) -> bool:
    """Say whether there may be variables in something.

    Example:
        >>> may_hold([]), may_hold(3)
        (True, False)
    """
    kinds = Variable | Optimizer | Module | Checkpointed | dict | list | tuple
    return isinstance(value, kinds) or hasattr(type(value), "_tracked_as")


def objects(
    thing: Any, path: str = "", above: tuple[int, ...] = (), given: bool = False
) -> Iterator[tuple[str, Any]]:
    """Yield an object and all in it by their paths; what is reached in several ways has several.

    What a checkpoint was `given` may be of any class; further in, only what is known to hold variables is looked into.

    Example:
        >>> [path for path, _ in objects([Variable(1.0)], "net")]
        ['net', 'net/0']
    """
    yield path, thing
    if isinstance(thing, Variable) or id(thing) in above:
        return
    whole = isinstance(thing, Checkpointed)
    for name, part in _parts(thing, given):
        if may_hold(part) or (whole and hasattr(part, "__dict__")):
            inner = f"{path}/{name}" if path else name
            yield from objects(part, inner, (*above, id(thing)), given=whole)


def variables(thing: Any, path: str = "") -> dict[str, Variable]:
    """Return the variables in an object by their paths.

    Example:
        >>> list(variables({"a": [Variable(1.0)]}, "net"))
        ['net/a/0']
    """
    return {place: v for place, v in objects(thing, path) if isinstance(v, Variable)}
