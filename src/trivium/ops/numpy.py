"""NumPy's functions, under the names that Keras has for them once more."""
# ruff: noqa: I001
# fmt: off

from trivium.ops.arithmetic import (
    absolute, add, divide, equal, floor_divide, get_item, greater, greater_equal, less, less_equal,
    logical_and, logical_not, logical_or, logical_xor, matmul, mod, multiply, negative, not_equal,
    power, subtract,
)
from trivium.ops.conversions import (
    array, copy, ndim, size, view,
)
from trivium.ops.counting import (
    bincount, histogram, isin, unique,
)
from trivium.ops.creation import (
    arange, empty, empty_like, eye, full, full_like, geomspace, identity, linspace, logspace, ones,
    ones_like, tri, zeros, zeros_like,
)
from trivium.ops.diagonals import (
    diag, diagflat, diagonal, tril, triu,
)
from trivium.ops.elementwise import (
    abs, angle, bitwise_invert, bitwise_not, ceil, clip, conj, conjugate, fabs, floor, imag,
    isfinite, isinf, isnan, isneginf, isposinf, isreal, nan_to_num, real, round, sign, signbit,
    trunc,
)
from trivium.ops.indexing import (
    nonzero, select, take, take_along_axis, unravel_index,
)
from trivium.ops.joining import (
    append, array_split, concatenate, dsplit, dstack, hsplit, hstack, split, stack, vsplit, vstack,
)
from trivium.ops.linear_algebra import slogdet
from trivium.ops.nan_reductions import (
    nanargmax, nanargmin, nancumprod, nancumsum, nanmax, nanmean, nanmedian, nanmin, nanpercentile,
    nanprod, nanquantile, nanstd, nansum, nanvar,
)
from trivium.ops.nonlinear import tanh
from trivium.ops.pairwise import (
    allclose, arctan2, bitwise_and, bitwise_left_shift, bitwise_or, bitwise_right_shift,
    bitwise_xor, divide_no_nan, fmax, fmin, fmod, gcd, heaviside, hypot, isclose, lcm, ldexp,
    left_shift, logaddexp, logaddexp2, maximum, minimum, nextafter, right_shift, true_divide, where,
)
from trivium.ops.powers import (
    cbrt, exp, exp2, expm1, i0, log, log1p, log2, log10, reciprocal, sqrt, square,
)
from trivium.ops.products import (
    corrcoef, correlate, cross, diff, dot, einsum, inner, kron, outer, tensordot, trace, vander,
    vdot,
)
from trivium.ops.reductions import (
    all, amax, amin, any, argmax, argmin, count_nonzero, cumprod, cumsum, max, min, prod, ptp, sum,
)
from trivium.ops.shapes import (
    broadcast_to, expand_dims, flip, fliplr, flipud, meshgrid, moveaxis, pad, ravel, repeat,
    reshape, roll, rot90, squeeze, swapaxes, tile, transpose,
)
from trivium.ops.sorting import (
    argpartition, argsort, digitize, searchsorted, sort,
)
from trivium.ops.statistics import (
    average, mean, median, percentile, quantile, std, trapezoid, var,
)
from trivium.ops.transformations import vectorize
from trivium.ops.trigonometry import (
    arccos, arccosh, arcsin, arcsinh, arctan, arctanh, cos, cosh, deg2rad, rad2deg, sin, sinc, sinh,
    tan,
)
from trivium.ops.windows import (
    bartlett, blackman, hamming, hanning, kaiser,
)

__all__ = [
    "abs", "absolute", "add", "all", "allclose", "amax", "amin", "angle", "any", "append", "arange",
    "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "argmax", "argmin",
    "argpartition", "argsort", "array", "array_split", "average", "bartlett", "bincount",
    "bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_not", "bitwise_or",
    "bitwise_right_shift", "bitwise_xor", "blackman", "broadcast_to", "cbrt", "ceil", "clip",
    "concatenate", "conj", "conjugate", "copy", "corrcoef", "correlate", "cos", "cosh",
    "count_nonzero", "cross", "cumprod", "cumsum", "deg2rad", "diag", "diagflat", "diagonal",
    "diff", "digitize", "divide", "divide_no_nan", "dot", "dsplit", "dstack", "einsum", "empty",
    "empty_like", "equal", "exp", "exp2", "expand_dims", "expm1", "eye", "fabs", "flip", "fliplr",
    "flipud", "floor", "floor_divide", "fmax", "fmin", "fmod", "full", "full_like", "gcd",
    "geomspace", "get_item", "greater", "greater_equal", "hamming", "hanning", "heaviside",
    "histogram", "hsplit", "hstack", "hypot", "i0", "identity", "imag", "inner", "isclose",
    "isfinite", "isin", "isinf", "isnan", "isneginf", "isposinf", "isreal", "kaiser", "kron", "lcm",
    "ldexp", "left_shift", "less", "less_equal", "linspace", "log", "log1p", "log2", "log10",
    "logaddexp", "logaddexp2", "logical_and", "logical_not", "logical_or", "logical_xor",
    "logspace", "matmul", "max", "maximum", "mean", "median", "meshgrid", "min", "minimum", "mod",
    "moveaxis", "multiply", "nan_to_num", "nanargmax", "nanargmin", "nancumprod", "nancumsum",
    "nanmax", "nanmean", "nanmedian", "nanmin", "nanpercentile", "nanprod", "nanquantile", "nanstd",
    "nansum", "nanvar", "ndim", "negative", "nextafter", "nonzero", "not_equal", "ones",
    "ones_like", "outer", "pad", "percentile", "power", "prod", "ptp", "quantile", "rad2deg",
    "ravel", "real", "reciprocal", "repeat", "reshape", "right_shift", "roll", "rot90", "round",
    "searchsorted", "select", "sign", "signbit", "sin", "sinc", "sinh", "size", "slogdet", "sort",
    "split", "sqrt", "square", "squeeze", "stack", "std", "subtract", "sum", "swapaxes", "take",
    "take_along_axis", "tan", "tanh", "tensordot", "tile", "trace", "transpose", "trapezoid", "tri",
    "tril", "triu", "true_divide", "trunc", "unique", "unravel_index", "vander", "var", "vdot",
    "vectorize", "view", "vsplit", "vstack", "where", "zeros", "zeros_like",
]
