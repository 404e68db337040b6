"""The frame: all that surrounds a call, as one immutable value.

What a call does depends on what goes on around it: which scopes variables read from, in what dtype, in which mode,
inside which layers. Each thread has one current `Frame` that says all of it. Nobody changes a frame; `entered` puts
another in its place while a `with` block lasts, and layers, models, capture and effects have no other way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, Self

__all__ = [
    "Call",
    "Frame",
    "FrameScope",
    "Kept",
    "Named",
    "Scope",
    "current_autocast",
    "current_frame",
    "entered",
]


class Named(Protocol):
    """What stands on a frame's path: a layer or model."""

    @property
    def name(self) -> str:
        """Its name."""
        ...


class Kept(Protocol):
    """What a scope has values of: a variable."""

    @property
    def path(self) -> str:
        """Its name, with its owner's path before."""
        ...


class Scope(Protocol):
    """What stands among a frame's scopes: a `StatelessScope`."""

    collect_losses: bool
    losses: list[Any]
    calls: dict[int, tuple[Any, list[Any]]] | None
    policy: Any

    def get_current_value(self, variable: Kept) -> Any:
        """Return the value of a variable in the scope, or `None`."""
        ...

    def add_update(self, update: tuple[Any, Any]) -> None:
        """Give a variable a new value in the scope."""
        ...

    def add_loss(self, loss: Any) -> None:
        """Keep a loss."""
        ...

    def inside(self) -> bool:
        """Say whether the running code is in the JAX function in which the scope was entered."""
        ...


class Call:
    """What one outermost call gathers on its way: the losses that the layers inside add."""

    __slots__ = ("losses",)

    def __init__(self) -> None:
        self.losses: list[Any] = []


class Frame(NamedTuple):
    """What surrounds a call.

    Attributes:
        scopes: The scopes that variables read and write, outermost first.
        autocast: The dtype that float variables are read in; `None` as they are kept.
        training: The mode that layers whose caller says nothing take; `None` where nobody has said.
        layers: The layers being called, outermost first.
        building: The layer whose `build` is running.
        call: What the outermost call gathers; `None` outside of any.
        binder: What calls of ops, and of layers directly inside, are handed to; `None` for plain calls.
        trail: Where calls of layers directly inside are noted, with their outputs; `None` where nobody asks.
        watched: Layers, each with what its calls on arrays have given; `None` where nobody asks.
        nodes: Where recorded nodes are collected; `None` where nothing is captured.
        drawing: The drawing of a variable's first value that is going on.
        seen: What has been looked at in this walk over a model; `None` outside of any.
        reading: How deep inside another object's config the one is that is being read.
        shared: The objects of the config that is being written or read, which may stand in several places of it.
        names: Extra names that configs know, innermost scope last.
        name_scopes: Names that stand in the paths of variables made now, each with how many layers were being called.
        runs_code: Whether code in a file that is read may be run: `safe_mode=False` of the call that reads it.
        remat: The scope that says which layers made now forget what they compute on the way; `None` outside of any.
        portable: Whether what is traced will run elsewhere, so that ops take their plain forms.
        noise: The random factors that stay the same in the sequence that is gone along; `None` outside of any.
        generator: What draws without a seed take their keys from; `None` for positions of the global seed.
        tapes: The gradient tapes that note which variables are read, outermost first.
        folds: Where variables that equal blocks have in the same place are noted, where such blocks become loops;
            `None` where they do not.
        sharing: What is known of the classes of users' layers being called that use again what JAX traced in earlier
            calls of theirs, outermost first; `None` where that is not asked.
        fused: Where it is noted that large arrays are updated in one loop each, where the program that is traced can
            be compiled so, or that the program must not be compiled so; `None` where it cannot.
        undo: How to take back what was done since a transaction began, last first; `None` outside of any.
    """

    scopes: tuple[Scope, ...] = ()
    autocast: str | None = None
    training: bool | None = None
    layers: tuple[Named, ...] = ()
    building: Named | None = None
    call: Call | None = None
    binder: Callable[..., Any] | None = None
    trail: list[tuple[Any, Any]] | None = None
    watched: dict[Any, list[Any]] | None = None
    nodes: list[Any] | None = None
    drawing: Any = None
    seen: dict[Any, tuple[Any, Any]] | None = None
    reading: int = 0
    shared: dict[Any, Any] | None = None
    names: tuple[Mapping[str, Any], ...] = ()
    name_scopes: tuple[tuple[int, str], ...] = ()
    runs_code: bool = False
    remat: Any = None
    portable: bool = False
    noise: Any = None
    generator: Any = None
    tapes: tuple[Any, ...] = ()
    folds: list[Any] | None = None
    sharing: tuple[Any, ...] | None = None
    fused: list[bool] | None = None
    undo: list[Callable[[], object]] | None = None

    @property
    def path(self) -> str:
        """The names of the layers being called, outermost first, joined by `/`."""
        return "/".join(layer.name for layer in self.layers)


class _Local(threading.local):
    frame = Frame()


_local = _Local()


def current_frame() -> Frame:
    """Return the frame of the code that is running.

    Example:
        >>> current_frame().layers
        ()
    """
    return _local.frame


def current_autocast() -> str | None:
    """Return the dtype that float variables are read in, or `None`."""
    return _local.frame.autocast


class entered:
    """Change fields of the current frame while a `with` block lasts.

    A class and not a generator, since each eager call of a layer passes here.

    Args:
        changes: The fields, by name.

    Example:
        >>> with entered(training=True) as frame:
        ...     frame.training, current_frame().training
        (True, True)
        >>> current_frame().training is None
        True
    """

    __slots__ = ("_before", "_changes")

    def __init__(self, **changes: Any) -> None:
        self._changes = changes

    def __enter__(self) -> Frame:
        self._before = before = _local.frame
        _local.frame = frame = before._replace(**self._changes)
        return frame

    def __exit__(self, *exc: object) -> None:
        _local.frame = self._before


class FrameScope:
    """Base of objects that change the frame while they are entered; they may be entered again within themselves."""

    def _changes(self) -> dict[str, Any]:
        """Return the fields to change, by name."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        change = entered(**self._changes())
        change.__enter__()
        vars(self).setdefault("_entered", []).append(change)
        return self

    def __exit__(self, *exc: object) -> None:
        vars(self)["_entered"].pop().__exit__(*exc)
