"""The names on layers and models that are the library's own, so that a user's class does not take one unawares.

What Keras's users know (`trainable`, `name`, `built`, …) is theirs to set. Besides, `Model` has three public names that
Keras does not have (`PUBLIC`), and both have private ones. A class that defines one of these, or an assignment to one
from outside of the library, would break something far away; so it is an error where it stands.
"""

from __future__ import annotations

import functools
import sys
import weakref
from typing import Any

__all__ = ["PUBLIC", "is_known", "is_ours", "is_own_name", "refuse_own_name", "refuse_own_names"]

# What `Model` has and Keras does not, with what it gives.
PUBLIC = {
    "graph": "the model's graph",
    "fingerprint": "the hash of what the model computes",
    "weights_sha256": "the hash of its weights",
}
# Programs for Keras set `_name` in place of `name`; `_untracked` is for subclasses to add to.
_FREE = frozenset({"_name", "_untracked"})


# Asked for each attribute that is set.
@functools.lru_cache(maxsize=1024)
def is_ours(module: str) -> bool:
    """Say whether a module, by its name, is one of the library's.

    Example:
        >>> is_ours("trivium.layers.dense"), is_ours("my_layers")
        (True, False)
    """
    return module.partition(".")[0] == "trivium"


def is_known(module: str | None) -> bool:
    """Say whether a module, by its name, is one of the library's or of JAX's: what stands there reads no variable.

    Example:
        >>> is_known("jax.nn"), is_known("my_layers")
        (True, False)
    """
    return module is not None and module.partition(".")[0] in ("trivium", "jax")


# Weak, since classes are made while programs run, and go.
_known: weakref.WeakKeyDictionary[Any, frozenset[str]] = weakref.WeakKeyDictionary()


def _own_names(cls: type[Any]) -> frozenset[str]:
    """Return the names that the library's classes among a class's bases keep for themselves."""
    if cls in _known:
        return _known[cls]
    names = {
        name
        for base in cls.__mro__
        if is_ours(base.__module__)
        for name in (*vars(base), *vars(base).get("__annotations__", ()))
    }
    private = {n for n in names if n.startswith("_") and not n.endswith("__")}
    _known[cls] = frozenset(private | (names & PUBLIC.keys())) - _FREE
    return _known[cls]


def is_own_name(cls: type[Any], name: str) -> bool:
    """Say whether a private attribute's name is the library's; all are that on a class of the library.

    Args:
        cls: A class of layers or models.
        name: The name, which begins with `_`.

    Example:
        >>> from trivium import Model
        >>> Net = type("Net", (Model,), {"__module__": "my_models"})
        >>> is_own_name(Net, "_graph"), is_own_name(Net, "_encoder"), is_own_name(Model, "_encoder")
        (True, False, True)
    """
    return is_ours(cls.__module__) or name in _own_names(cls)


def refuse_own_names(cls: type[Any]) -> None:
    """Refuse a user's class that defines one of the library's own names.

    Args:
        cls: The class.

    Raises:
        TypeError: It does; the message has the name.
    """
    if is_ours(cls.__module__):
        return
    for name in vars(cls):
        if name in _own_names(cls.__mro__[1]):
            raise TypeError(f"Class {cls.__name__} defines {_clash(name)}")


def refuse_own_name(owner: Any, name: str) -> None:
    """Refuse an assignment to one of the library's own names that does not come from the library.

    Args:
        owner: The layer or model.
        name: The name of the attribute.

    Raises:
        AttributeError: It is such a name.
    """
    cls: type[Any] = type(owner)
    if not is_ours(cls.__module__) and name in _own_names(cls):
        caller = sys._getframe(2).f_globals.get("__name__", "")
        if not is_ours(caller):
            raise AttributeError(f"{cls.__name__}: an attribute was called {_clash(name)}")


def _clash(name: str) -> str:
    what = PUBLIC.get(name, "a part of its insides")
    return (
        f"{name!r}, which is the library's own: {what}. Give it another name, `{name.strip('_')}_` say. "
        f"(`{'`, `'.join(PUBLIC)}` and names that begin with `_` and stand in `dir(Model)` are taken.)"
    )
