"""Every op against the real Keras: values, shapes, dtypes; recorded on symbolic tensors it gives the eager bits."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import both, recorded
from programs import (
    BATCH,
    DTYPES,
    MIXED,
    Recording,
    assert_same,
    assert_same_numbers,
    assert_symbolic,
    c,
    result_dtypes,
    with_batch,
    with_gradients,
)

from trivium import ops

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(2, BATCH, 4)).astype("float32")
P = RNG.uniform(0.1, 0.9, size=(BATCH, 4)).astype("float32")
W, J = RNG.integers(-4, 5, size=(2, BATCH, 4)).astype("int32")
K = RNG.integers(1, 7, size=(BATCH, 4)).astype("int32")
U = RNG.integers(0, 200, size=(BATCH, 4)).astype("uint8")
B, C = RNG.normal(size=(2, BATCH, 4)) > 0
H = X.astype("float16")
Z = (X + 1j * Y).astype("complex64")
N = np.where(B, X, np.nan).astype("float32")
INF = np.array([[np.inf, -np.inf, np.nan, 1.0]] * BATCH, "float32")
V = RNG.normal(size=4).astype("float32")
M = RNG.normal(size=(4, 3)).astype("float32")
T = RNG.normal(size=(BATCH, 4, 3)).astype("float32")
S = RNG.normal(size=(BATCH, 3, 3)).astype("float32")
SPD = (S @ S.transpose(0, 2, 1) + 3 * np.eye(3)).astype("float32")
ROW = np.array([3.0, 1.0, 2.0], "float32")
IMAGE = RNG.normal(size=(BATCH, 6, 7, 4)).astype("float32")
IMAGE_FIRST = np.ascontiguousarray(IMAGE.transpose(0, 3, 1, 2))
LINE = RNG.normal(size=(BATCH, 7, 4)).astype("float32")
VOLUME = RNG.normal(size=(BATCH, 4, 5, 3, 2)).astype("float32")
K1 = RNG.normal(size=(3, 4, 2)).astype("float32")
K2 = RNG.normal(size=(3, 2, 4, 6)).astype("float32")
K2_GROUPS = RNG.normal(size=(3, 2, 2, 6)).astype("float32")
K3 = RNG.normal(size=(2, 3, 2, 2, 3)).astype("float32")
KD1 = RNG.normal(size=(3, 4, 2)).astype("float32")
KD2 = RNG.normal(size=(3, 2, 4, 1)).astype("float32")
KP1 = RNG.normal(size=(1, 8, 3)).astype("float32")
KP2 = RNG.normal(size=(1, 1, 4, 3)).astype("float32")
KT1 = RNG.normal(size=(3, 2, 4)).astype("float32")
KT2 = RNG.normal(size=(3, 2, 6, 4)).astype("float32")
KT3 = RNG.normal(size=(2, 3, 2, 3, 2)).astype("float32")
HEADS = RNG.normal(size=(4, BATCH, 3, 2, 4)).astype("float32")
IDS = np.array([0, 2, 1, 2, 0])
CHANCES = (P / P.sum(-1, keepdims=True)).astype("float32")
ONE_HOT = np.eye(4, dtype="float32")[IDS]
SIGNAL = RNG.normal(size=(BATCH, 32)).astype("float32")
SPECTRUM = tuple(RNG.normal(size=(2, BATCH, 4, 5)).astype("float32"))
BLOCKS = RNG.normal(size=(BATCH, 8, 30)).astype("float32")
SCORES = RNG.normal(size=(BATCH, 9, 4)).astype("float32")


REAL = [c(X), c(W)]
UNIT = [c(P)]
PAIR = [c(X, Y), c(X, V), c(2, X), c(W, J), c(W, 2.5), c([1.0, 2.0], [3, 4])]
FLOATS = [c(X, Y), c(V, X), c(X, 2.0), c(W, J)]
COMPARE = [c(W, J), c(X, V), c(X, 0.0), c(1, W), c(B, C)]
LOGIC = [c(B, C), c(X, W), c(B, True)]
BITS = [c(W, J), c(W, 3), c(B, C), c(U, U)]
SHIFT = [c(W, K), c(W, 3), c(U, K.astype("uint8"))]
REDUCE = [c(X), c(X, axis=0), c(T, axis=[0, -1], keepdims=True), c(W, axis=-1), c(H), c(B)]
REDUCE_FLOATS = [c(X), c(X, axis=0), c(T, axis=(1, 2), keepdims=True), c(W, axis=-1), c(H)]
NANS = [c(N), c(N, axis=0), c(N, axis=(1,), keepdims=True), c(W, axis=-1)]
ARG = [c(X), c(X, axis=1), c(T, axis=-1, keepdims=True), c(W, axis=0), c(B, axis=1)]
QUANTILE = [
    c(X, 0.3), c(X, [0.25, 0.5], axis=1), c(T, np.float32(0.9), axis=(0, 2), keepdims=True), c(W, 0.5, axis=0),
    *(c(X, 0.4, axis=-1, method=m) for m in ("lower", "higher", "midpoint", "nearest")),
]  # fmt: skip
PERCENTILE = [
    c(X, 30.0),
    c(X, np.array([25.0, 50.0], "float32"), axis=1),
    c(W, 50, axis=0, keepdims=True),
]
CUMULATE = [c(X), c(X, axis=1), c(W, axis=0), c(W, axis=-1, dtype="float32")]
LIKE = [c(X), c(W), c(B), c(X, dtype="int32")]
SHAPE = [c((2, 3)), c((2,), dtype="int32"), c((2, 1), dtype="bool"), c([2, 2], "float16")]
SPLIT = [c(T, 2, axis=1), c(T, [1, 3], axis=1), c(W, 2, axis=-1)]
STACK = [c([X, Y]), c([W, X]), c((T, T)), c([B, B])]
SEGMENT = [c(X, IDS, 3), c(W, IDS, num_segments=4), c(X, np.sort(IDS), 3, sorted=True)]
POOL = [
    c(IMAGE, 2, 2), c(IMAGE, (3, 2), strides=1), c(IMAGE, 3, 2, "same"), c(LINE, 2, 2, padding="same"),
    c(IMAGE_FIRST, (2, 3), 2, "same", data_format="channels_first"), c(VOLUME, 2, 1), c(VOLUME, 3, 2, "same"),
]  # fmt: skip
ADAPTIVE = [
    c(IMAGE, (2, 3)), c(IMAGE, 4), c(LINE, 3), c(IMAGE_FIRST, (3, 2), data_format="channels_first"),
]  # fmt: skip

CASES: dict[str, list[tuple[Any, Any]]] = {
    # The graph's arithmetic.
    "absolute": [*REAL, c(Z)],
    "add": [*PAIR, c(Z, X)],
    "subtract": [c(X, Y), c(X, V), c(W, J), c(W, 2.5), c(3, X), c(H, X), c(Z, X)],
    "multiply": PAIR,
    "divide": [c(X, P), c(X, 2), c(W, K), c(1, K), c(H, P)],
    "true_divide": [c(X, P), c(W, K)],
    "floor_divide": [c(X, P), c(W, K), c(W, 3), c(X, 0.3)],
    "mod": [c(X, P), c(W, K), c(X, -0.3), c(W, 3), c(B, True)],
    "power": [c(P, X), c(W, 2), c(P, 2.5), c(2.0, X), c(W, K)],
    "matmul": [c(X, M), c(T, M.T), c(S, SPD), c(V, M), c(X, V), c(W, M), c(W, J.T), c(H, M)],
    "negative": [c(X), c(W), c(H), c(Z)],
    "get_item": [c(X, (0, slice(1, 3))), c(T, (slice(None), ..., 1)), c(X, (slice(None), [0, 2])), c(V, 2)],
    "less": COMPARE, "less_equal": COMPARE, "greater": COMPARE, "greater_equal": COMPARE,
    "equal": COMPARE, "not_equal": COMPARE,
    "logical_and": LOGIC, "logical_or": LOGIC, "logical_xor": LOGIC, "logical_not": [c(B), c(X), c(W)],
    # Elementwise.
    "abs": REAL, "fabs": [c(X), c(W)], "sign": [c(X), c(W), c(H)], "signbit": [c(X), c(W)],
    "square": REAL, "sqrt": [c(P), c(K), c(B)], "rsqrt": UNIT, "cbrt": [c(X), c(W)],
    "reciprocal": [c(P), c(K)],
    "exp": REAL, "exp2": REAL, "expm1": REAL, "log": UNIT, "log1p": [*UNIT, c(K)], "log2": UNIT, "log10": UNIT,
    "sin": REAL, "cos": REAL, "tan": REAL, "arcsin": UNIT, "arccos": UNIT, "arctan": REAL,
    "sinh": REAL, "cosh": REAL, "tanh": REAL, "arcsinh": REAL, "arccosh": [c(P + 1), c(K)], "arctanh": [c(P)],
    "sinc": REAL, "deg2rad": [c(X), c(W)], "rad2deg": [c(X), c(W)], "i0": [c(X), c(W)],
    "floor": REAL, "ceil": REAL, "trunc": REAL,
    "round": [c(X), c(X, 1), c(W), c(W * 100, -2), c(X * 100, decimals=-1)],
    "clip": [c(X, -0.5, 0.5), c(W, -1, 2), c(X, V - 1, V + 1), c(W, -1.5, 2.5), c(B, 0, 1), c(H, -1.0, 1.0)],
    "nan_to_num": [c(INF), c(INF, nan=2.0, posinf=3.0, neginf=-1.0), c(W)],
    "isnan": [c(INF), c(W)], "isinf": [c(INF), c(W)], "isfinite": [c(INF), c(W)], "isreal": [c(Z), c(X)],
    "isposinf": [c(INF)], "isneginf": [c(INF)],
    "erf": [c(X), c(H)], "erfc": [c(X)], "erfinv": [c(P)],
    "real": [c(Z), c(X)], "imag": [c(Z), c(X)], "conj": [c(Z), c(X)], "conjugate": [c(Z)],
    "angle": [c(Z), c(X)],
    "bitwise_invert": [c(W), c(U), c(B)], "bitwise_not": [c(W)],
    # Two arrays, element by element.
    "maximum": PAIR, "minimum": PAIR, "fmax": [c(N, Y), c(X, W)], "fmin": [c(N, Y), c(X, W)],
    "isclose": [c(X, X + 1e-7), c(N, N), c(N, N, equal_nan=True), c(X, Y, rtol=1.0, atol=0.1), c(W, J)],
    "allclose": [c(X, X + 1e-7), c(N, N, equal_nan=True), c(X, Y), c(W, W)],
    "where": [c(B, X, Y), c(B, X, 0.0), c(B, W, X), c(X > 0, 1, 0), c(B, W, 2.5), c(B, H, X)],
    "fmod": [c(X, P), c(W, K), c(W, 3)],
    "divide_no_nan": [c(X, np.float32(W)), c(W, J), c(X, 0.0)],
    "arctan2": FLOATS, "hypot": FLOATS, "logaddexp": FLOATS, "logaddexp2": FLOATS, "heaviside": [c(X, Y), c(W, 0.5)],
    "nextafter": [c(X, Y), c(X, 0.0)], "ldexp": [c(X, K), c(W, 2)],
    "gcd": [c(W, K), c(W, 6)], "lcm": [c(W, K), c(W, 6)], "polar": [c(P, X)],
    "bitwise_and": BITS, "bitwise_or": BITS, "bitwise_xor": BITS,
    "bitwise_left_shift": SHIFT, "left_shift": SHIFT, "bitwise_right_shift": SHIFT, "right_shift": SHIFT,
    # Reductions.
    "sum": REDUCE, "prod": [*REDUCE, c(W, dtype="float32")], "mean": REDUCE, "var": REDUCE_FLOATS, "std": REDUCE_FLOATS,
    "max": [*REDUCE, c(X, axis=1, initial=0.5)], "min": [*REDUCE, c(X, axis=1, initial=0.5)],
    "amax": REDUCE, "amin": REDUCE, "ptp": [c(X), c(W, axis=0), c(T, axis=(0, 2), keepdims=True)],
    "average": [c(X), c(X, axis=0, weights=IDS + 1), c(W, axis=1, weights=V), c(T, axis=(0, 1)), c(X, weights=P)],
    "all": [c(B), c(B, axis=0), c(X, axis=[1], keepdims=True)],
    "any": [c(B), c(B, axis=0), c(X, axis=[1], keepdims=True)],
    "count_nonzero": [c(W), c(B, axis=0), c(T, axis=(0, 1))],
    "argmax": ARG, "argmin": ARG,
    "logsumexp": [c(X), c(X, axis=0), c(T, axis=(1, 2), keepdims=True), c(100 * X, axis=1)],
    "median": [c(X), c(X, axis=1), c(T, axis=(0, 2), keepdims=True), c(W, axis=0)],
    "quantile": QUANTILE, "percentile": PERCENTILE,
    "cumsum": CUMULATE, "cumprod": CUMULATE,
    "nansum": NANS, "nanprod": NANS, "nanmax": NANS, "nanmin": NANS, "nanmean": NANS, "nanvar": NANS, "nanstd": NANS,
    "nanmedian": NANS, "nanquantile": [c(N, 0.3), c(N, [0.2, 0.5], axis=0), c(W, 0.5, axis=1, keepdims=True)],
    "nanpercentile": [c(N, 30), c(N, 50.0, axis=0, method="lower", keepdims=True)],
    "nanargmax": [c(N), c(N, axis=1), c(N, axis=0, keepdims=True), c(W)],
    "nanargmin": [c(N), c(N, axis=1), c(N, axis=0, keepdims=True), c(W)],
    "nancumsum": [c(N), c(N, axis=1), c(W, axis=0)], "nancumprod": [c(N), c(N, axis=1), c(W, axis=0)],
    "trapezoid": [c(X), c(X, axis=0), c(X, V), c(X, dx=0.5), c(W)],
    "segment_sum": SEGMENT, "segment_prod": SEGMENT, "segment_max": SEGMENT, "segment_min": SEGMENT,
    # Shapes.
    "reshape": [c(X, (-1, 2)), c(X, (-1,)), c(T, (-1, 2, 6)), c(W, (-1, 1, 4)), c(V, 4)],
    "ravel": [c(X), c(T)], "transpose": [c(X), c(T, (0, 2, 1)), c(T, axes=[2, 0, 1])],
    "swapaxes": [c(T, 0, 2), c(T, -1, 1)], "moveaxis": [c(T, 0, -1), c(T, [0, 1], [2, 0])],
    "expand_dims": [c(X, 1), c(X, -1), c(X, [0, 2])],
    "squeeze": [c(X[:, None], 1), c(X[:, None, :, None], (1, 3)), c(V[:, None, None])],
    "broadcast_to": [c(V, (2, 4)), c(V, (3, 2, 4))],
    "concatenate": [c([X, Y]), c([X, Y], axis=-1), c([W, X], 1), c([B, W], 1), c((T, T, T), 2)],
    "append": [c(X, Y), c(X, Y, axis=1), c(W, V)],
    "stack": [c([X, Y]), c([X, Y], 1), c([W, X], axis=-1)],
    "hstack": STACK, "vstack": STACK, "dstack": STACK,
    "split": SPLIT, "array_split": [c(T, 2, axis=1), c(T, 3, axis=1)], "hsplit": [c(T, 2), c(V, 2), c(T, [1])],
    "vsplit": [c(M, 2), c(M, [1, 2])], "dsplit": [c(T, 3), c(T, [1])],
    "unstack": [c(T, axis=1), c(T, 3, 2), c(M)],
    "tile": [c(X, 2), c(X, (1, 2)), c(X, [2, 1, 1])],
    "repeat": [c(X, 2), c(X, 2, axis=1), c(V, np.array([1, 0, 2, 1])), c(W, 3, axis=0)],
    "flip": [c(X), c(X, 1), c(T, axis=(0, 2))], "flipud": [c(X)], "fliplr": [c(X)],
    "rot90": [c(X), c(X, 2), c(T, 3, (1, 2)), c(T, k=-1, axes=(2, 1))],
    "roll": [c(X, 1), c(X, -1, axis=1), c(T, (1, 2), axis=(0, 1)), c(T, 1, (1, 2))],
    "pad": [
        c(X, 1), c(X, (1, 2)), c(X, ((0, 0), (2, 1))), c(X, 2, "reflect"), c(X, 1, "edge"), c(X, 1, "symmetric"),
        c(W, 1, constant_values=7), c(X, ((1, 0), (0, 1)), mode="constant", constant_values=0.5),
    ],
    "diag": [c(V), c(X), c(X, 1), c(V, k=-1)], "diagflat": [c(X), c(V, 1)],
    "diagonal": [c(X), c(T, 1, 1, 2), c(S, axis1=-2, axis2=-1)],
    "tril": [c(X), c(T, 1), c(W, k=-1)], "triu": [c(X), c(T, 1), c(W, k=-1)],
    "meshgrid": [c(V, ROW), c(V, ROW, indexing="ij"), c(X[:, 0], V), c(V, ROW, X[:, 1])],
    "space_to_depth": [c(IMAGE[:, :, :6], 2), c(IMAGE_FIRST[..., :6], 2, data_format="channels_first")],
    "depth_to_space": [c(np.tile(IMAGE, 2), 2), c(np.tile(IMAGE_FIRST, (2, 1, 1)), 2, data_format="channels_first")],
    # Creation.
    "zeros": SHAPE, "ones": SHAPE, "empty": [c((0,)), c((0, 2), "int32")],
    "full": [c((2, 3), 7), c((2,), 2.5, dtype="int32"), c((2, 4), V), c((2,), True, "bool")],
    "zeros_like": LIKE, "ones_like": LIKE, "empty_like": [c(X[:, :0]), c(W[:, :0], dtype="float32")],
    "full_like": [c(X, 7), c(W, 7), c(X, 2.5, dtype="int32"), c(X, V)],
    "eye": [c(3), c(3, 4), c(3, 2, 1, "int32"), c(4, k=-1)], "identity": [c(3), c(2, "int32")],
    "tri": [c(3), c(3, 4, 1), c(2, k=-1, dtype="int32")],
    "arange": [c(5), c(1, 5), c(1, 5, 2), c(5.0), c(0, 1, 0.25), c(3, dtype="float32"), c(5, 0, -2)],
    "linspace": [
        c(0, 1), c(0.0, 1.0, 5, endpoint=False), c(V, V + 1, 3), c(X, Y, 3, axis=1), c(0, 9, num=4, dtype="int32"),
        c(0.0, 1.0, 3, retstep=True), c(0, 10, 5),
    ],
    "logspace": [c(0, 2, 5), c(0.0, 1.0, 4, endpoint=False, base=2), c(X, Y, 3, axis=-1)],
    "geomspace": [c(1.0, 100.0, 3), c(P, P + 1, 4), c(1, 1000, 4, endpoint=False)],
    "array": [c(X), c([1, 2]), c([1.5, 2.0]), c(2.0), c(W, dtype="float32"), c(True)],
    "convert_to_tensor": [c(X), c([1, 2]), c([[1.5], [2.0]]), c(3), c(True), c(W, "float32"), c(X, dtype="bool")],
    "copy": [c(X), c(W)],
    "cast": [c(X, "int32"), c(W, "float16"), c(B, "float32"), c(X * 10, "int8"), c(X, "bool"), c(3.7, "int32")],
    "saturate_cast": [
        c(100 * X, "int8"), c(1e6 * X, "float16"), c(W, "uint8"), c(W, "bool"), c(B, "int8"), c(1e12 * X, "int32"),
        c(U, "int8"), c(H, "float32"), c(W * 10**8, "int16"),
    ],
    "view": [c(X, "int32"), c(W, "uint32"), c(X, dtype="float16"), c(X)],
    "view_as_complex": [c(X[:, :2]), c(H[:, 2:].astype("float32"))], "view_as_real": [c(Z)],
    "shape": [c(X)], "ndim": [c(X)], "size": [c(X)],
    "dtype": [c(X), c(W)], "is_tensor": [c(X), c(jnp.ones(2)), c([1])], "convert_to_numpy": [c(jnp.ones(2)), c([1, 2])],
    # Indexing.
    "take": [c(X, [2, 0], axis=1), c(X, 3), c(X, np.array([[0, -1], [1, 2]]), 1), c(X, 1, axis=-1), c(M, IDS, 0)],
    "take_along_axis": [
        c(X, np.abs(W) % 4, axis=1), c(X, np.argsort(X, 0), axis=0), c(X, np.array([1, 0]), axis=None),
        c(X, -np.abs(W[:, :1]) % 4, 1),
    ],
    "slice": [c(T, (0, 1, 1), (3, 2, 2)), c(V, [1], [2]), c(T, np.array([1, 0, 2]), (2, 4, 1))],
    "slice_update": [c(T, (1, 1, 0), np.ones((2, 2, 3), "float32")), c(W, np.array([0, 2]), np.ones((2, 2), "int32"))],
    "scatter": [
        c(np.array([[0], [2], [0]]), np.array([1.0, 2.0, 3.0], "float32"), (4,)), c(IDS[:, None], X, (3, 4)),
        c(np.array([[0, 1], [2, 2]]), np.array([1, 2], "int32"), (3, 3)),
    ],
    "scatter_update": [
        c(X, [[0, 1], [2, 3]], [9.0, 8.0]), c(X, [[1], [3]], np.ones((2, 4), "float32")),
        *(c(X, [[0, 1], [0, 1]], [3.0, -2.0], reduction=r) for r in ("add", "max", "min", "mul")),
    ],
    "sort": [c(X), c(X, axis=0), c(W), c(T, 1)], "argsort": [c(X), c(X, axis=0), c(W), c(T, 1), c(np.float32(3.0))],
    "argpartition": [c(V, 0), c(X, 3), c(T, 0, axis=1)],
    "top_k": [c(X, 2), c(W, 1), c(T, 3, sorted=True)],
    "in_top_k": [c(IDS, X, 1), c(IDS, X, k=3), c(IDS, N, 2)],
    "searchsorted": [c(np.sort(V), X), c(np.array([1, 3, 5]), W, side="right"), c([1.0, 2.0], [1.5])],
    "digitize": [c(X, np.sort(V)), c(W, [-1, 1, 3]), c(X, [0.0])],
    "nonzero": [c(W), c(V > 0)],
    "select": [c([X > 0.5, X < -0.5], [X, Y], 9.0), c([B, C], [W, J]), c([B], [X], default=0)],
    "isin": [c(W, [1, 2]), c(X, V, invert=True), c(K, K[:2], assume_unique=False)],
    "unique": [
        c(W), c(W, return_counts=True, return_inverse=True), c(W, return_index=True), c(W, axis=0),
        c(W, size=4, fill_value=9), c(V),
    ],
    "bincount": [c(IDS), c(IDS, minlength=6), c(IDS, weights=X[:, 0]), c(K, minlength=9), c(K, weights=X, minlength=9)],
    "histogram": [c(X[0]), c(X[0], bins=4), c(X[:, 0], 3, range=(-1.0, 1.0)), c(W[0], 4)],
    "unravel_index": [c(IDS, (2, 2)), c(3, (2, 3)), c(np.array([[1], [5]]), (2, 3))],
    "one_hot": [c(IDS, 3), c(W, 4), c(IDS, 3, axis=0), c(IDS, num_classes=4, dtype="int32"), c(np.int32(2), 3)],
    "multi_hot": [c(K, 7), c(IDS[:3], num_classes=3), c(K, 7, dtype="int32"), c(K[:, None], 7)],
    # Linear algebra.
    "dot": [c(X, M), c(V, V), c(X, 2.0), c(T, M.T), c(W, M)], "vdot": [c(X, Y), c(Z, Z), c(V, V)],
    "inner": [c(X, V), c(X, X), c(W, J)], "outer": [c(X, V), c(V, ROW), c(W, J)],
    "tensordot": [c(X, M, 1), c(T, M, axes=[[1, 2], [0, 1]]), c(T, M), c(W, M, axes=1)],
    "einsum": [c("bi,ij->bj", X, M), c("bij,bj->bi", S, S[:, 0]), c("bi,bi", X, Y), c("...ij->...ji", T)],
    "kron": [c(X, M), c(V, ROW), c(W, J)],
    "cross": [c(S, T[:, :3]), c(S[:, 0], ROW), c(S, S, axis=1), c(S, S[:, ::-1], 1, 1, 1), c(X[:, :2], Y[:, :2])],
    "trace": [c(X), c(T, 1, 1, 2), c(S, axis1=1, axis2=2), c(W)],
    "diff": [c(X), c(X, 2), c(X, axis=0), c(W, n=1, axis=1)],
    "vander": [c(V), c(V, 3), c(ROW, increasing=True), c(X[:, 0], 3)],
    "corrcoef": [c(X), c(X.T), c(W)],
    "correlate": [c(V, ROW), c(V, ROW, "same"), c(V, ROW, mode="full"), c(X[:, 0], ROW, "same")],
    "cdist": [c(X, Y), c(T, T[:, :2]), c(W, X)],
    "norm": [
        c(X), c(X, axis=1), c(T, axis=(1, 2), keepdims=True), c(X, 1, axis=0), c(X, np.inf, axis=-1), c(X, "fro"),
        c(T, "nuc", axis=(1, 2)), c(S, 2, axis=(-2, -1)), c(X, ord=3, axis=1), c(W, axis=1),
    ],
    "det": [c(S)], "slogdet": [c(S)], "logdet": [c(SPD)], "inv": [c(SPD)], "pinv": [c(T), c(T, 0.5)],
    "matrix_rank": [c(T), c(S, 2.0)], "cholesky": [c(SPD), c(SPD, upper=True)],
    "cholesky_inverse": [c(np.linalg.cholesky(SPD[0])), c(np.linalg.cholesky(SPD[1]).T, upper=True)],
    "qr": [c(T), c(T, mode="complete")], "svd": [c(T), c(T, full_matrices=False), c(T, compute_uv=False)],
    "eig": [c(SPD)], "eigh": [c(SPD)], "lu_factor": [c(S)],
    "solve": [c(SPD, S), c(SPD[0], S[0]), c(SPD[0], ROW)],
    "solve_triangular": [c(SPD, S), c(SPD, S, lower=True), c(SPD[0], ROW)],
    "lstsq": [c(M, V), c(M, M), c(M, V, rcond=0.5)],
    # Nonlinear.
    "relu": REAL, "relu6": [c(4 * X), c(4 * W)], "leaky_relu": [c(X), c(X, 0.3), c(W, negative_slope=0.1)],
    "elu": [c(X), c(X, 0.5), c(W)], "selu": [c(X), c(W)], "celu": [c(X), c(X, alpha=0.5), c(W)],
    "gelu": [c(X), c(X, False), c(H)], "glu": [c(X), c(X, axis=1), c(T, axis=1)],
    "silu": [c(X)], "swish": [c(X)], "sigmoid": [c(20 * X)], "log_sigmoid": [c(20 * X), c(W)],
    "hard_sigmoid": [c(4 * X), c(W)], "hard_silu": [c(4 * X), c(W)], "hard_swish": [c(4 * X)],
    "hard_tanh": [c(X), c(W)],
    "tanh_shrink": [c(X), c(W)], "hard_shrink": [c(X), c(X, 0.2), c(W)], "soft_shrink": [c(X), c(X, 0.2), c(W)],
    "threshold": [c(X, 0.3, -1.0), c(W, 1, 7)],
    "softplus": [c(20 * X), c(W)], "squareplus": [c(X), c(X, b=2), c(W)], "softsign": [c(X), c(W)],
    "sparse_plus": [c(X), c(W)], "sparse_sigmoid": [c(X), c(W)],
    "softmax": [c(X), c(X, 0), c(T, axis=(1, 2)), c(H)], "log_softmax": [c(X), c(X, 0), c(T, axis=(1, 2))],
    # Normalization.
    "moments": [c(X, 0), c(T, [0, 2], keepdims=True), c(H, axes=[0]), c(IMAGE, (0, 1, 2))],
    "batch_normalization": [
        c(IMAGE, V, V**2, -1), c(IMAGE_FIRST, V, V**2, axis=1, offset=V, scale=V + 2, epsilon=0.1),
        c(X, V, V**2, 1, V), c(H, V.astype("float16"), (V**2).astype("float16"), -1),
    ],
    "layer_normalization": [c(X), c(T, ROW, ROW), c(T, axis=[1, 2]), c(X, gamma=V, epsilon=0.1), c(H)],
    "rms_normalization": [c(X), c(T, ROW), c(X, scale=V, epsilon=0.1), c(T, axis=(1, 2)), c(H)],
    "normalize": [c(X), c(X, axis=0), c(X, order=1), c(X, -1, 3), c(np.zeros_like(X)), c(X, epsilon=2.0)],
    # Convolution and pooling.
    "conv": [
        c(IMAGE, K2), c(IMAGE, K2, 2, "same"), c(IMAGE, K2, (2, 1), "valid"), c(IMAGE, K2_GROUPS, 1, "same"),
        c(IMAGE, K2, padding="same", dilation_rate=2), c(IMAGE_FIRST, K2, 2, data_format="channels_first"),
        c(LINE, K1, 2, "same"), c(VOLUME, K3, (2, 1, 1), "same"),
    ],
    "depthwise_conv": [
        c(IMAGE, KD2), c(IMAGE, KD2, 2, "same"), c(LINE, KD1, dilation_rate=2),
        c(IMAGE_FIRST, KD2, 1, "same", "channels_first"),
    ],
    "separable_conv": [
        c(IMAGE, KD2, KP2, 2, "same"), c(LINE, KD1, KP1), c(IMAGE_FIRST, KD2, KP2, data_format="channels_first"),
    ],
    "conv_transpose": [
        c(IMAGE, KT2), c(IMAGE, KT2, 2, "same"), c(IMAGE, KT2, (2, 3), "valid"), c(IMAGE, KT2, 2, "same", 1),
        c(IMAGE, KT2, 3, "valid", (1, 2)), c(IMAGE_FIRST, KT2, 2, "same", data_format="channels_first"),
        c(IMAGE, KT2, padding="same", dilation_rate=2), c(LINE, KT1, 2), c(VOLUME, KT3, 2, "same"),
        c(LINE, KT1, 1, "same"), c(LINE, KT1, 4, "same"), c(LINE, KT1, 5, "valid"),
    ],
    "max_pool": POOL, "average_pool": POOL, "adaptive_max_pool": ADAPTIVE, "adaptive_average_pool": ADAPTIVE,
    # Losses and attention.
    "binary_crossentropy": [
        c(np.float32(B), P), c(np.float32(B), 4 * X, from_logits=True), c(B, P), c(np.float32(B), np.float32(C)),
    ],
    "categorical_crossentropy": [
        c(ONE_HOT, P), c(ONE_HOT, X, from_logits=True), c(ONE_HOT, CHANCES), c(CHANCES, ONE_HOT),
        c(np.abs(T), np.abs(T) + 0.1, axis=1),
    ],
    "sparse_categorical_crossentropy": [
        c(IDS[:, None], P), c(IDS, X, from_logits=True), c(IDS, CHANCES),
        c(K, np.tile(SCORES[:, :4], 2), from_logits=True),
    ],
    "ctc_loss": [c(K % 4, SCORES, IDS + 1, IDS + 6)],
    "ctc_decode": [
        c(SCORES, IDS + 5), c(SCORES, IDS + 7, "beam_search", 9, 3), c(SCORES, IDS + 5, mask_index=2),
        c(SCORES, IDS + 5, merge_repeated=False), c(SCORES, IDS + 1, "beam_search", 9, mask_index=3),
    ],
    "psnr": [c(X, Y, 1.0), c(P, P + 0.1, max_val=2.0)],
    "dot_product_attention": [
        c(*HEADS[:3]), c(*HEADS[:3], is_causal=True), c(*HEADS[:3], scale=0.2),
        c(*HEADS[:3], mask=np.tril(np.ones((1, 1, 3, 3), bool))),
        c(*HEADS[:3], bias=np.ones((1, 2, 3, 3), "float32") * ROW),
    ],
    # Signals.
    "fft": [c((X, Y)), c((T, T))], "fft2": [c((T, T))], "ifft2": [c((T, T))],
    "rfft": [c(X), c(X, 6), c(X, fft_length=3)], "irfft": [c((X, Y)), c((X, Y), 5), c((X, Y), fft_length=8)],
    "extract_sequences": [c(SIGNAL, 4, 2), c(SIGNAL[0], 5, 3), c(SIGNAL, 32, 1)],
    "stft": [
        c(SIGNAL, 8, 4, 8), c(SIGNAL, 6, 3, 9, window="hamming"), c(SIGNAL, 8, 4, 8, None, False),
        c(SIGNAL, 4, 2, 8, window=V), c(SIGNAL[0], 8, 4, 16),
    ],
    "istft": [
        c(SPECTRUM, 8, 4, 8), c(SPECTRUM, 8, 4, 8, 11, "hamming"), c(SPECTRUM, 6, 3, 8, center=False),
    ],
    "bartlett": [c(5), c(1)], "blackman": [c(5)], "hamming": [c(6)], "hanning": [c(5)], "kaiser": [c(6, 2.5)],
    "unfold": [c(IMAGE_FIRST, 2), c(IMAGE_FIRST, (3, 2), 2, 1, 2), c(IMAGE_FIRST, 2, stride=(2, 1), padding=(0, 1))],
    "fold": [
        c(BLOCKS, (6, 7), 2), c(BLOCKS[..., :9], (4, 6), 2, 1, (1, 0), 2),
        c(BLOCKS[..., :20], (6, 6), 2, dilation=(1, 2)),
    ],
    # Control.
    "cond": [c(True, lambda: jnp.ones(2), lambda: jnp.zeros(2)), c(np.bool_(False), lambda: 1, lambda: 2)],
    "switch": [c(1, [lambda x: x + 1, lambda x: x * 10], X), c(7, [lambda x, y: x, lambda x, y: y], X, Y)],
    "while_loop": [
        c(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2), (0, X)), c(lambda x: True, lambda x: x + 1, X, 2),
        c(lambda i: i < 3, lambda i: [i + 1], [0]),
    ],
    "fori_loop": [c(0, 4, lambda i, x: x + i, X), c(2, 4, lambda i, x: x * 2, V)],
    "scan": [
        c(lambda s, x: (s + x, s * x), V, X), c(lambda s, x: (s + 1, s), 0, None, 3),
        c(lambda s, x: (s + x, s), V, X, reverse=True, unroll=2),
    ],
    "associative_scan": [c(lambda a, b: a + b, X), c(lambda a, b: a * b, X, reverse=True, axis=1)],
    "map": [c(lambda x: x * 2, X), c(lambda x: x[0] + x[1], (X, Y))],
    "vectorized_map": [c(lambda x: x.sum(), X), c(lambda x: x[0] @ x[1], (T, T.transpose(0, 2, 1)))],
    "stop_gradient": [c(X), c(W)],
}  # fmt: skip


# Ops that the table cannot hold: `sparsemax` differs from Keras's, Keras's `rearrange` does not run inside programs,
# `rematerialize`, `dct`, `mel_weights` and `overlap_add` are not there, the others return functions.
APART = {
    "custom_gradient", "dct", "jvp", "mel_weights", "overlap_add", "rearrange", "remat", "rematerialize", "sparsemax",
    "vectorize",
}  # fmt: skip

# Ops whose results are no arrays, or have shapes that depend on values.
EAGER = {
    "bartlett", "bincount", "blackman", "cond", "convert_to_numpy", "dtype", "hamming", "hanning", "histogram",
    "is_tensor", "kaiser", "ndim", "nonzero", "repeat", "shape", "size", "unique",
}  # fmt: skip


# Ops without an array in the role of a batch.
WITHOUT_BATCH = {
    "arange", "broadcast_to", "cholesky_inverse", "empty", "eye", "full", "identity", "lstsq", "ones", "tri", "vsplit",
    "zeros",
}  # fmt: skip

# By JAX: `eig` without assumptions, `svd` with full matrices, loops of unknown length. By Keras: `ctc_decode`.
NOT_DIFFERENTIABLE = {"ctc_decode", "eig", "nextafter", "segment_prod", "svd", "while_loop"}

# Keras gives whole numbers back where the result is none, or the wider of two float types where the other is enough.
OWN_DTYPES = {"dot_product_attention", "layer_normalization", "psnr", "rms_normalization"}
# `linear_transpose`, behind these, is for floats.
FLOATS_ONLY = {"conv_transpose", "fold"}
IN_PROGRAMS = [name for name in CASES if name not in EAGER]


def recordings(name: str) -> list[Recording]:
    return [
        Recording(getattr(ops, name), case)
        for case in CASES[name]
        if with_batch(jax.tree_util.tree_leaves(case))
    ]


# Distances of a point from itself, spreads of one number: 0/0 to Keras; `test_edges.py` has what they are.
SUBGRADIENTS = {"cdist", "nanstd"}


def test_every_op_has_a_row() -> None:
    assert set(CASES) | APART == set(ops.__all__)


@pytest.mark.parametrize("name", sorted(EAGER))
def test_values_shapes_and_dtypes_outside_programs(name: str) -> None:
    for args, kwargs in CASES[name]:

        def call(library: Any, args: Any = args, kwargs: Any = kwargs) -> Any:
            return jax.tree_util.tree_leaves(getattr(library.ops, name)(*args, **kwargs))

        assert_same(*both(call))


@pytest.mark.parametrize("name", IN_PROGRAMS)
def test_values_gradients_shapes_and_dtypes(name: str) -> None:
    ours, cases = getattr(ops, name), CASES[name]
    if name not in NOT_DIFFERENTIABLE:
        # The first cases with their gradients, which take most of the time.
        assert_same_numbers(
            with_gradients(ours),
            lambda keras: with_gradients(getattr(keras.ops, name)),
            cases[:2],
            name in SUBGRADIENTS,
        )
        cases = cases[2:]
    assert_same_numbers(ours, lambda keras: getattr(keras.ops, name), cases)


@pytest.mark.parametrize("name", sorted(set(IN_PROGRAMS) - OWN_DTYPES))
def test_dtypes(name: str) -> None:
    """Whatever dtypes Keras takes we take, and give the same."""
    case = CASES[name][0]
    arrays = [x for x in jax.tree_util.tree_leaves(case) if isinstance(x, np.ndarray)]
    tried = [*((d, d) for d in DTYPES), *(MIXED if len(arrays) > 1 else ())]

    def wanted(keras: Any) -> Any:
        each = [result_dtypes(getattr(keras.ops, name), case, dtypes) for dtypes in tried]
        return [None if isinstance(d, Exception) else d for d in each]

    for dtypes, theirs in zip(tried, recorded(wanted), strict=True):
        if theirs is None or (name in FLOATS_ONLY and "float" not in dtypes[0]):
            continue
        assert (dtypes, result_dtypes(getattr(ops, name), case, dtypes)) == (dtypes, theirs)


@pytest.mark.parametrize("name", sorted(OWN_DTYPES))
def test_whole_numbers_give_floats(name: str) -> None:
    got = result_dtypes(getattr(ops, name), CASES[name][0], ["int32"])
    assert got == ["float32"]


@pytest.mark.parametrize("name", sorted(set(IN_PROGRAMS) - WITHOUT_BATCH))
def test_recorded(name: str) -> None:
    """Sizes that change with the batch are unknown, all others known; and the graph is the op's own program."""
    assert_symbolic(recordings(name))


@pytest.mark.parametrize(
    "name", ["add", "sum", "softmax", "conv", "layer_normalization", "top_k", "split"]
)
def test_a_graph_gives_the_bits_of_the_eager_call(name: str) -> None:
    recording = recordings(name)[0]
    ran, eager = recording.graph.run(recording.arrays), recording.call(recording.arrays)
    assert jax.tree_util.tree_structure(ran) == jax.tree_util.tree_structure(eager)
    for a, b in zip(*map(jax.tree_util.tree_leaves, (ran, eager)), strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
