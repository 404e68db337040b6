"""What a layer's call inherits from the call around it: `training`, the path, where losses go; and undoing builds."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from trivium.state.seeds import undraw_on_error

if TYPE_CHECKING:
    from trivium.layers.base import Layer

__all__ = ["CallContext", "call_scope", "current_call", "unbuild_on_error"]


class CallContext:
    """One outermost call and the layers within it that are being called now.

    Args:
        training: What layers whose caller says nothing take for `training`; `None` where nobody has said.
    """

    __slots__ = ("layers", "losses", "trail", "training")

    def __init__(self, training: bool | None = None) -> None:
        self.training = training
        self.layers: list[Layer] = []
        self.losses: list[Any] = []
        # Where asked for: each layer that the outermost one calls, with the shapes of its outputs.
        self.trail: list[tuple[Layer, Any]] | None = None

    @property
    def path(self) -> str:
        """The names of the layers being called, outermost first, joined by `/`."""
        return "/".join(layer.name for layer in self.layers)


class _Local(threading.local):
    def __init__(self) -> None:
        self.context: CallContext | None = None
        self.built: list[tuple[Layer, dict[str, Any]]] | None = None


_local = _Local()


def current_call() -> CallContext | None:
    """Return the context of the call that is running, or `None` outside of any."""
    return _local.context


@contextlib.contextmanager
def call_scope(context: CallContext) -> Iterator[CallContext]:
    """Make `context` the current one while the `with` block lasts."""
    before = _local.context
    _local.context = context
    try:
        yield context
    finally:
        _local.context = before


@contextlib.contextmanager
def unbuild_on_error() -> Iterator[None]:
    """Undo the builds of layers and the draws of their first values within the `with` block if it raises.

    Bad input so changes no model, and no random number that is drawn later.
    """
    if _local.built is not None:
        yield
        return
    _local.built = []
    try:
        with undraw_on_error():
            yield
    except BaseException:
        for layer, attributes in reversed(_local.built):
            # The error's text may have its name, so the layer keeps the one it has got meanwhile.
            attributes |= {"_name": layer._name, "_named_by_itself": layer._named_by_itself}
            vars(layer).clear()
            vars(layer).update(attributes)
        raise
    finally:
        _local.built = None


def note_build(layer: Layer) -> None:
    """Remember how `layer` is before it is built or recorded, for `unbuild_on_error`."""
    if _local.built is not None:
        before = dict(vars(layer))
        for key in ("_added", "_inbound_nodes"):
            before[key] = list(before[key])
        _local.built.append((layer, before))
