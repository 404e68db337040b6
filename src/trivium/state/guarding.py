"""Settings that exist: assigning to one that an object does not have is an error, and not a line without effect."""

from __future__ import annotations

import dis
import types
import weakref
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, ClassVar

import jax
import numpy as np

from trivium.state.configured import arguments
from trivium.state.registry import suggest
from trivium.state.tracking import lasts

__all__ = ["Guarded", "changes_of", "settings_of"]


class Guarded:
    """Base of what has settings that may be changed later: a name that means nothing to the class is refused.

    A class of ours takes the names that it has, and those that its own code assigns. A class of yours takes any, but
    for those that have another name here (`_synonyms`). Names that begin with `_` are yours.

    Example:
        >>> from trivium.optimizers import SGD
        >>> SGD().momentun = 0.9
        Traceback (most recent call last):
            ...
        AttributeError: SGD has no setting 'momentun'. Did you mean 'momentum' or 'ema_momentum'?
    """

    # Names that settings had elsewhere, with what to do instead.
    _synonyms: ClassVar[Mapping[str, str]] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        cls = type(self)
        if name[:1] != "_":
            if name not in vars(self) and not hasattr(cls, name):
                _check(cls, name, self._synonyms)
            if name not in vars(self) or vars(self)[name] is not value:
                vars(self)["_changes"] = changes_of(self) + 1
        super().__setattr__(name, value)


def changes_of(thing: Any) -> int:
    """Return how often a setting of an object has been given another value; 0 for what is not `Guarded`.

    What is compiled has the settings in it, so that it is compiled anew when this number is another one.
    """
    changes: int = getattr(thing, "__dict__", {}).get("_changes", 0)
    return changes


# What is compared by value, and functions.
_PLAIN = (bool, int, float, complex, str, type(None), types.FunctionType, types.BuiltinFunctionType)
_SURELY_PLAIN = frozenset(_PLAIN)  # By class alone; objects of a subclass are looked at.
# Classes that last as long as the process and whose objects are no settings: their members are passed over.
_passed_over: set[type] = set()


# Code that runs while a program is compiled; what it assigns, such as a count of its runs, is a result.
_RUNNING = ("call", "train_step", "test_step", "predict_step")


def settings_of(layer: Any) -> tuple[Hashable, ...]:
    """Return those attributes of a layer or model that its constructor sets to numbers, a string, a function, an array.

    The code of its `call` reads them while it is compiled; so it is compiled anew when one is another. Arrays are
    told apart as objects. Lists and dicts are left out: most are notes that the program takes.

    Example:
        >>> from trivium.layers import LeakyReLU
        >>> (float, 0.5) in settings_of(LeakyReLU(0.5))
        True
    """
    cls = type(layer)
    if cls not in _names_of_settings:
        _names_of_settings[cls] = _set_in_constructor(cls)
    values = [*map(vars(layer).get, _names_of_settings[cls])]
    # Each step on a batch asks every layer, so what is common is told here, by the type alone.
    return tuple(
        [
            (kind, v) if kind in _SURELY_PLAIN else None if kind in _passed_over else _hashable(v)
            for kind, v in zip(map(type, values), values, strict=True)
        ]
    )


class _Same:
    """An array, equal to itself only; it is held, so that no other one can have its address."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.array is self.array

    def __hash__(self) -> int:
        return id(self.array)


def _hashable(value: Any) -> Hashable:
    if isinstance(value, tuple):
        return tuple(_hashable(v) for v in value)
    if isinstance(value, np.ndarray | jax.Array) and not isinstance(value, jax.core.Tracer):
        return _Same(value)
    kind = type(value)
    if isinstance(value, _PLAIN):
        return kind, value
    if lasts(kind) and not issubclass(kind, np.ndarray | jax.Array):
        _passed_over.add(kind)
    return None


def _set_in_constructor(cls: type) -> tuple[str, ...]:
    own = [vars(base) for base in cls.__mro__ if base.__module__.partition(".")[0] != "trivium"]
    names = {*arguments(cls), *(n for members in own for n in _stores(members.get("__init__")))}
    names -= {n for members in own for running in _RUNNING for n in _stores(members.get(running))}
    return tuple(sorted(names))


def _check(cls: type, name: str, synonyms: Mapping[str, str]) -> None:
    ours = cls.__module__.partition(".")[0] == "trivium"
    if (not ours and name not in synonyms) or _is_assigned(cls, name):
        return
    settings = [n for n in (*arguments(cls), *_assigned(cls)) if n[0] != "_"]
    advice = synonyms.get(name) or suggest(name, settings)
    raise AttributeError(f"{cls.__name__} has no setting {name!r}. {advice}", name=name)


# Weak, since classes are made while programs run, and go.
_known: weakref.WeakKeyDictionary[type, set[str]] = weakref.WeakKeyDictionary()
_names_of_settings: weakref.WeakKeyDictionary[type, tuple[str, ...]] = weakref.WeakKeyDictionary()


def _is_assigned(cls: type, name: str) -> bool:
    """Say whether a name is one of `_assigned`, having looked at as little code as can be."""
    known = _known.setdefault(cls, {*arguments(cls)})
    if name not in known:
        # Most are assigned where an object is made.
        makers = (vars(base).get("__init__") for base in cls.__mro__)
        made = any(name in _stores(maker, only=name) for maker in makers)
        if not made and name not in _assigned(cls, only=name):
            return False
        known.add(name)
    return True


def _assigned(cls: type, only: str | None = None) -> frozenset[str]:
    """Return the names that a class annotates and that its code assigns: all of them, or those beside `only`."""
    names: set[str] = set()
    for base in cls.__mro__:
        names.update(vars(base).get("__annotations__", ()))
        for member in vars(base).values():
            names.update(_stores(member, only=only))
    return frozenset(names)


def _stores(member: Any, owner: str = "self", only: str | None = None) -> Iterator[str]:
    """Yield the attributes of its first argument that a method, a property or a function within assigns.

    Args:
        member: The method or property; of anything else nothing is yielded.
        owner: What the first argument is called.
        only: The one name that is asked about, so that code without it need not be taken apart.

    Yields:
        The names; with `only`, others may be among them.
    """
    if isinstance(member, property):
        for function in (member.fget, member.fset):
            yield from _stores(function, only=only)
        return
    function = getattr(member, "__wrapped__", getattr(member, "__func__", member))
    code = getattr(function, "__code__", None)
    if isinstance(member, types.CodeType):
        code = member
    elif code is not None and code.co_argcount:
        owner = code.co_varnames[0]
    if code is None:
        return
    before: Any = None
    for instruction in dis.get_instructions(code) if only is None or only in code.co_names else ():
        # `self.n += 1` loads the object first of all, and swaps it with the sum at last.
        if instruction.opname == "STORE_ATTR" and before in (owner, "SWAP", "ROT_TWO"):
            yield instruction.argval
        # Newer Pythons load two variables at once.
        before = instruction.argval
        before = before[-1] if isinstance(before, tuple) and before else before
        before = instruction.opname if instruction.opname in ("SWAP", "ROT_TWO") else before
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _stores(inner, owner, only)
