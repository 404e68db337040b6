"""Ops: every array function once, under its name in `keras.ops`.

Called with arrays an op runs; with a symbolic tensor anywhere among its arguments it records a node.

What holds for all ops is said here once. `x`, `x1`, `x2` and whatever else is annotated with `ArrayLike` is an array or
what makes one: a number, nested lists of numbers, a NumPy array, a variable, a symbolic tensor. The shapes of two
arrays that are combined element by element broadcast. A number takes the dtype of the array that it meets, and where
only floats will do, whole numbers become the default float type. An op changes none of its arguments.
"""
# ruff: noqa: F401, F403

import importlib.util
from typing import Any

from trivium.ops import (
    arithmetic,
    attention,
    control,
    conversions,
    convolution,
    counting,
    creation,
    crossentropy,
    decoding,
    diagonals,
    elementwise,
    encodings,
    image,
    indexing,
    joining,
    linalg,
    linear_algebra,
    nan_reductions,
    nn,
    nonlinear,
    normalization,
    numpy,
    pairwise,
    patterns,
    pooling,
    powers,
    products,
    reductions,
    segments,
    shapes,
    signals,
    simplex,
    sliding_blocks,
    sorting,
    spectra,
    statistics,
    transformations,
    trigonometry,
    windows,
)
from trivium.ops.arithmetic import *
from trivium.ops.attention import *
from trivium.ops.control import *
from trivium.ops.conversions import *
from trivium.ops.convolution import *
from trivium.ops.counting import *
from trivium.ops.creation import *
from trivium.ops.crossentropy import *
from trivium.ops.decoding import *
from trivium.ops.diagonals import *
from trivium.ops.elementwise import *
from trivium.ops.encodings import *
from trivium.ops.indexing import *
from trivium.ops.joining import *
from trivium.ops.linear_algebra import *
from trivium.ops.nan_reductions import *
from trivium.ops.nonlinear import *
from trivium.ops.normalization import *
from trivium.ops.pairwise import *
from trivium.ops.patterns import *
from trivium.ops.pooling import *
from trivium.ops.powers import *
from trivium.ops.products import *
from trivium.ops.reductions import *
from trivium.ops.segments import *
from trivium.ops.shapes import *
from trivium.ops.signals import *
from trivium.ops.simplex import *
from trivium.ops.sliding_blocks import *
from trivium.ops.sorting import *
from trivium.ops.spectra import *
from trivium.ops.statistics import *
from trivium.ops.transformations import *
from trivium.ops.trigonometry import *
from trivium.ops.windows import *
from trivium.state.registry import Registry

__all__: list[str] = []
__all__ += arithmetic.__all__
__all__ += attention.__all__
__all__ += control.__all__
__all__ += conversions.__all__
__all__ += convolution.__all__
__all__ += counting.__all__
__all__ += creation.__all__
__all__ += crossentropy.__all__
__all__ += decoding.__all__
__all__ += diagonals.__all__
__all__ += elementwise.__all__
__all__ += encodings.__all__
__all__ += indexing.__all__
__all__ += joining.__all__
__all__ += linear_algebra.__all__
__all__ += nan_reductions.__all__
__all__ += nonlinear.__all__
__all__ += normalization.__all__
__all__ += pairwise.__all__
__all__ += patterns.__all__
__all__ += pooling.__all__
__all__ += powers.__all__
__all__ += products.__all__
__all__ += reductions.__all__
__all__ += segments.__all__
__all__ += shapes.__all__
__all__ += signals.__all__
__all__ += simplex.__all__
__all__ += sliding_blocks.__all__
__all__ += sorting.__all__
__all__ += spectra.__all__
__all__ += statistics.__all__
__all__ += transformations.__all__
__all__ += trigonometry.__all__
__all__ += windows.__all__

# Configs may name any of them as a function.
BY_NAME: dict[str, Any] = {n: globals()[n] for n in __all__} | {
    n: getattr(image, n) for n in image.__all__
}
OPS: Registry[object] = Registry("operation", "keras.ops", BY_NAME)

# `einops` asks the libraries of arrays that it was told of.
if importlib.util.find_spec("einops") is not None:
    from trivium.ops import einops_backend as einops_backend
