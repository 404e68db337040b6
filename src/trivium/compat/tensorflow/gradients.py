"""Gradients as TensorFlow's programs take them: the tape is Trivium's own."""

from __future__ import annotations

from trivium.compat.written import WRITTEN, covers
from trivium.state.tape import GradientTape

__all__: list[str] = []

WRITTEN["tensorflow.GradientTape"] = GradientTape


@covers("tensorflow.UnconnectedGradients")
class _UnconnectedGradients:
    NONE = "none"
    ZERO = "zero"
