"""What a layer's call inherits from the call around it, and how a layer is entered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from trivium.state.frame import Call, Named, current_frame, entered
from trivium.state.undo import note_undo

__all__ = ["entering", "note_build", "outermost"]


class Remembering(Protocol):
    """What can be made what it was."""

    def _snapshot(self) -> Callable[[], None]: ...


def entering(layer: Named, training: bool | None, call: Call | None = None) -> entered:
    """Make `layer` the innermost layer being called while the `with` block lasts.

    Everything that calls a layer's or model's code comes through here: a plain call, the recording of one, the
    capture of a model's graph, shape inference.

    Args:
        layer: The layer.
        training: The mode, for the layers inside whose caller says nothing; `None` where nobody has said.
        call: What gathers the losses that are added; the outermost call's where it is `None`.
    """
    frame = current_frame()
    # A binder and a trail are for the calls directly inside the model that set them.
    return entered(
        layers=(*frame.layers, layer), training=training, call=call or frame.call or Call(),
        binder=None, trail=None,
    )  # fmt: skip


def outermost(layer: Named, training: bool | None) -> entered:
    """Enter `layer` as the outermost one: its call is no part of whatever is being called around it.

    Args:
        layer: The layer.
        training: The mode.
    """
    return entered(
        layers=(layer,), training=training, call=Call(), binder=None, trail=None, watched=None
    )


def note_build(layer: Remembering) -> None:
    """Remember how `layer` is before it is built or recorded, for the transaction around it."""
    if current_frame().undo is not None:
        note_undo(layer._snapshot())
