"""Ops: every array function once, under its name in `keras.ops`.

Called with arrays an op runs; with a symbolic tensor anywhere among its arguments it records a node.

What holds for all ops is said here once. `x`, `x1`, `x2` and whatever else is annotated with `ArrayLike` is an array or
what makes one: a number, nested lists of numbers, a NumPy array, a variable, a symbolic tensor. The shapes of two
arrays that are combined element by element broadcast. A number takes the dtype of the array that it meets, and where
only floats will do, whole numbers become the default float type. An op changes none of its arguments.
"""
# ruff: noqa: F403

from trivium.ops import (
    arithmetic,
    attention,
    control,
    convolution,
    creation,
    crossentropy,
    elementwise,
    indexing,
    linear_algebra,
    nonlinear,
    normalization,
    pairwise,
    reductions,
    shapes,
    signals,
    transformations,
)
from trivium.ops.arithmetic import *
from trivium.ops.attention import *
from trivium.ops.control import *
from trivium.ops.convolution import *
from trivium.ops.creation import *
from trivium.ops.crossentropy import *
from trivium.ops.elementwise import *
from trivium.ops.indexing import *
from trivium.ops.linear_algebra import *
from trivium.ops.nonlinear import *
from trivium.ops.normalization import *
from trivium.ops.pairwise import *
from trivium.ops.reductions import *
from trivium.ops.shapes import *
from trivium.ops.signals import *
from trivium.ops.transformations import *
from trivium.state.registry import Registry

__all__: list[str] = []
__all__ += arithmetic.__all__
__all__ += attention.__all__
__all__ += control.__all__
__all__ += convolution.__all__
__all__ += creation.__all__
__all__ += crossentropy.__all__
__all__ += elementwise.__all__
__all__ += indexing.__all__
__all__ += linear_algebra.__all__
__all__ += nonlinear.__all__
__all__ += normalization.__all__
__all__ += pairwise.__all__
__all__ += reductions.__all__
__all__ += shapes.__all__
__all__ += signals.__all__
__all__ += transformations.__all__

# Configs may name any of them as a function.
OPS: Registry[object] = Registry("operation", "keras.ops", {n: globals()[n] for n in __all__})
