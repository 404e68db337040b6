"""Ops: every array function once, under its name in `keras.ops`.

Called with arrays an op runs; with a symbolic tensor anywhere among its arguments it records a node.
"""

from trivium.graph.arithmetic import (
    absolute, add, divide, floor_divide, get_item, greater, greater_equal, less, less_equal,
    logical_and, logical_not, logical_or, logical_xor, matmul, mod, multiply, negative, power,
    subtract,
)  # fmt: skip
from trivium.ops.attention import (
    dot_product_attention,
)  # fmt: skip
from trivium.ops.control import (
    associative_scan, cond, custom_gradient, fori_loop, jvp, map, scan, stop_gradient, switch,
    vectorize, vectorized_map, while_loop,
)  # fmt: skip
from trivium.ops.convolution import (
    adaptive_average_pool, adaptive_max_pool, average_pool, conv, conv_transpose, depthwise_conv,
    max_pool, separable_conv,
)  # fmt: skip
from trivium.ops.creation import (
    arange, array, cast, convert_to_numpy, convert_to_tensor, copy, dtype, empty, empty_like, eye,
    full, full_like, geomspace, identity, is_tensor, linspace, logspace, ndim, ones, ones_like,
    saturate_cast, shape, size, tri, view, view_as_complex, view_as_real, zeros, zeros_like,
)  # fmt: skip
from trivium.ops.crossentropy import (
    binary_crossentropy, categorical_crossentropy, ctc_loss, psnr, sparse_categorical_crossentropy,
)  # fmt: skip
from trivium.ops.elementwise import (
    abs, angle, arccos, arccosh, arcsin, arcsinh, arctan, arctanh, bitwise_invert, bitwise_not,
    cbrt, ceil, clip, conj, conjugate, cos, cosh, deg2rad, erf, erfc, erfinv, exp, exp2, expm1,
    fabs, floor, i0, imag, isfinite, isinf, isnan, isneginf, isposinf, isreal, log, log10, log1p,
    log2, nan_to_num, rad2deg, real, reciprocal, round, rsqrt, sign, signbit, sin, sinc, sinh, sqrt,
    square, tan, trunc,
)  # fmt: skip
from trivium.ops.indexing import (
    argpartition, argsort, bincount, digitize, histogram, in_top_k, isin, multi_hot, nonzero,
    one_hot, scatter, scatter_update, searchsorted, select, slice, slice_update, sort, take,
    take_along_axis, top_k, unique, unravel_index,
)  # fmt: skip
from trivium.ops.linear_algebra import (
    cdist, cholesky, cholesky_inverse, corrcoef, correlate, cross, det, diff, dot, eig, eigh,
    einsum, inner, inv, kron, logdet, lstsq, lu_factor, matrix_rank, norm, outer, pinv, qr, slogdet,
    solve, solve_triangular, svd, tensordot, trace, vander, vdot,
)  # fmt: skip
from trivium.ops.nonlinear import (
    celu, elu, gelu, glu, hard_shrink, hard_sigmoid, hard_silu, hard_swish, hard_tanh, leaky_relu,
    log_sigmoid, log_softmax, relu, relu6, selu, sigmoid, silu, soft_shrink, softmax, softplus,
    softsign, sparse_plus, sparse_sigmoid, sparsemax, squareplus, swish, tanh, tanh_shrink,
    threshold,
)  # fmt: skip
from trivium.ops.normalization import (
    batch_normalization, layer_normalization, moments, normalize, rms_normalization,
)  # fmt: skip
from trivium.ops.pairwise import (
    allclose, arctan2, bitwise_and, bitwise_left_shift, bitwise_or, bitwise_right_shift,
    bitwise_xor, divide_no_nan, equal, fmax, fmin, fmod, gcd, heaviside, hypot, isclose, lcm, ldexp,
    left_shift, logaddexp, logaddexp2, maximum, minimum, nextafter, not_equal, polar, right_shift,
    true_divide, where,
)  # fmt: skip
from trivium.ops.reductions import (
    all, amax, amin, any, argmax, argmin, average, count_nonzero, cumprod, cumsum, logsumexp, max,
    mean, median, min, nanargmax, nanargmin, nancumprod, nancumsum, nanmax, nanmean, nanmedian,
    nanmin, nanpercentile, nanprod, nanquantile, nanstd, nansum, nanvar, percentile, prod, ptp,
    quantile, segment_max, segment_min, segment_prod, segment_sum, std, sum, trapezoid, var,
)  # fmt: skip
from trivium.ops.shapes import (
    append, array_split, broadcast_to, concatenate, depth_to_space, diag, diagflat, diagonal,
    dsplit, dstack, expand_dims, flip, fliplr, flipud, hsplit, hstack, meshgrid, moveaxis, pad,
    ravel, repeat, reshape, roll, rot90, space_to_depth, split, squeeze, stack, swapaxes, tile,
    transpose, tril, triu, unstack, vsplit, vstack,
)  # fmt: skip
from trivium.ops.signals import (
    bartlett, blackman, extract_sequences, fft, fft2, fold, hamming, hanning, ifft2, irfft, istft,
    kaiser, rfft, stft, unfold,
)  # fmt: skip

__all__ = [
    "abs", "absolute", "adaptive_average_pool", "adaptive_max_pool", "add", "all", "allclose",
    "amax", "amin", "angle", "any", "append", "arange", "arccos", "arccosh", "arcsin", "arcsinh",
    "arctan", "arctan2", "arctanh", "argmax", "argmin", "argpartition", "argsort", "array",
    "array_split", "associative_scan", "average", "average_pool", "bartlett", "batch_normalization",
    "binary_crossentropy", "bincount", "bitwise_and", "bitwise_invert", "bitwise_left_shift",
    "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "blackman", "broadcast_to",
    "cast", "categorical_crossentropy", "cbrt", "cdist", "ceil", "celu", "cholesky",
    "cholesky_inverse", "clip", "concatenate", "cond", "conj", "conjugate", "conv",
    "conv_transpose", "convert_to_numpy", "convert_to_tensor", "copy", "corrcoef", "correlate",
    "cos", "cosh", "count_nonzero", "cross", "ctc_loss", "cumprod", "cumsum", "custom_gradient",
    "deg2rad", "depth_to_space", "depthwise_conv", "det", "diag", "diagflat", "diagonal", "diff",
    "digitize", "divide", "divide_no_nan", "dot", "dot_product_attention", "dsplit", "dstack",
    "dtype", "eig", "eigh", "einsum", "elu", "empty", "empty_like", "equal", "erf", "erfc",
    "erfinv", "exp", "exp2", "expand_dims", "expm1", "extract_sequences", "eye", "fabs", "fft",
    "fft2", "flip", "fliplr", "flipud", "floor", "floor_divide", "fmax", "fmin", "fmod", "fold",
    "fori_loop", "full", "full_like", "gcd", "gelu", "geomspace", "get_item", "glu", "greater",
    "greater_equal", "hamming", "hanning", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish",
    "hard_tanh", "heaviside", "histogram", "hsplit", "hstack", "hypot", "i0", "identity", "ifft2",
    "imag", "in_top_k", "inner", "inv", "irfft", "is_tensor", "isclose", "isfinite", "isin",
    "isinf", "isnan", "isneginf", "isposinf", "isreal", "istft", "jvp", "kaiser", "kron",
    "layer_normalization", "lcm", "ldexp", "leaky_relu", "left_shift", "less", "less_equal",
    "linspace", "log", "log10", "log1p", "log2", "log_sigmoid", "log_softmax", "logaddexp",
    "logaddexp2", "logdet", "logical_and", "logical_not", "logical_or", "logical_xor", "logspace",
    "logsumexp", "lstsq", "lu_factor", "map", "matmul", "matrix_rank", "max", "max_pool", "maximum",
    "mean", "median", "meshgrid", "min", "minimum", "mod", "moments", "moveaxis", "multi_hot",
    "multiply", "nan_to_num", "nanargmax", "nanargmin", "nancumprod", "nancumsum", "nanmax",
    "nanmean", "nanmedian", "nanmin", "nanpercentile", "nanprod", "nanquantile", "nanstd", "nansum",
    "nanvar", "ndim", "negative", "nextafter", "nonzero", "norm", "normalize", "not_equal",
    "one_hot", "ones", "ones_like", "outer", "pad", "percentile", "pinv", "polar", "power", "prod",
    "psnr", "ptp", "qr", "quantile", "rad2deg", "ravel", "real", "reciprocal", "relu", "relu6",
    "repeat", "reshape", "rfft", "right_shift", "rms_normalization", "roll", "rot90", "round",
    "rsqrt", "saturate_cast", "scan", "scatter", "scatter_update", "searchsorted", "segment_max",
    "segment_min", "segment_prod", "segment_sum", "select", "selu", "separable_conv", "shape",
    "sigmoid", "sign", "signbit", "silu", "sin", "sinc", "sinh", "size", "slice", "slice_update",
    "slogdet", "soft_shrink", "softmax", "softplus", "softsign", "solve", "solve_triangular",
    "sort", "space_to_depth", "sparse_categorical_crossentropy", "sparse_plus", "sparse_sigmoid",
    "sparsemax", "split", "sqrt", "square", "squareplus", "squeeze", "stack", "std", "stft",
    "stop_gradient", "subtract", "sum", "svd", "swapaxes", "swish", "switch", "take",
    "take_along_axis", "tan", "tanh", "tanh_shrink", "tensordot", "threshold", "tile", "top_k",
    "trace", "transpose", "trapezoid", "tri", "tril", "triu", "true_divide", "trunc", "unfold",
    "unique", "unravel_index", "unstack", "vander", "var", "vdot", "vectorize", "vectorized_map",
    "view", "view_as_complex", "view_as_real", "vsplit", "vstack", "where", "while_loop", "zeros",
    "zeros_like",
]  # fmt: skip
