"""Calls of TensorFlow's functions, under their names: one table for recording what they give and for comparing.

    python tests/support/tf_functions.py [NAME …]

in an environment with `tensorflow` writes `tf_functions.txt`, a line for each: the values, and the gradient for `x` of
their sum, weighted by 1, 2, 3 and so on. A function takes `tf` and an array; what is drawn at random is not here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

VALUES = Path(__file__).with_suffix(".txt")

_numbers = np.random.default_rng(7)


def drawn(*shape: int) -> np.ndarray:
    return _numbers.uniform(0.1, 1, shape).astype("float32").round(3)


IMAGE = (drawn(2, 6, 7, 1) + np.arange(7, dtype="float32")[:, None] / 9).round(4)
OTHER = 0.8 * IMAGE + 0.2 * drawn(2, 6, 7, 1)  # Alike, for else gradients are NaN.
SIGNAL, SPREAD = drawn(16), drawn(2, 4, 5, 2)
BOXES = np.array(
    [[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, -0.1, 1, 0.9], [0, 10, 1, 11], [0, 10.1, 1, 11.1]],
    "float32",
)
SCORES = np.array([0.9, 0.75, 0.6, 0.95, 0.5], "float32")
MATRIX = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 5.0]], "float32")
MANY = np.stack([MATRIX, MATRIX.T @ MATRIX])
LOGITS = np.log(_numbers.dirichlet([1.0, 1.0, 1.0], (5, 2))).astype("float32")
WORDS = np.array([[1, 2, 1, 3], [4, 4, 4, 0]], "int32")


def sparse(tf: Any, rows: list[list[int]], dtype: str = "int64") -> Any:
    places = [(i, j) for i, row in enumerate(rows) for j in range(len(row))]
    values = np.array([v for row in rows for v in row], dtype)
    return tf.SparseTensor(places, values, (len(rows), max(map(len, rows))))


def per_class(tf: Any, x: np.ndarray) -> Any:
    boxes = np.stack([BOXES, BOXES[::-1]], 1)[None]
    scores = np.stack([SCORES, SCORES[::-1] / 2], 1)[None]
    return list(tf.image.combined_non_max_suppression(boxes, scores, 2, 5, 0.5, 0.3))


Case = tuple[Callable[[Any, Any], Any], np.ndarray | None]
CASES: dict[str, Case] = {
    "image.ssim_multiscale": (
        lambda tf, x: tf.image.ssim_multiscale(x, OTHER, 1.0, (0.4, 0.6), filter_size=3), IMAGE),
    "image.ssim of whole numbers, as a map": (
        lambda tf, x: tf.image.ssim(
            tf.constant(IMAGE * 99, "uint8"), tf.constant(OTHER * 99, "uint8"), 255, 3, return_index_map=True), None),
    "image.total_variation": (lambda tf, x: tf.image.total_variation(x), IMAGE),
    "image.resize": (lambda tf, x: tf.image.resize(x, (4, 9)), IMAGE),
    "image.resize_with_crop_or_pad": (lambda tf, x: tf.image.resize_with_crop_or_pad(x, 4, 9), IMAGE),
    "image.adjust_brightness": (lambda tf, x: tf.image.adjust_brightness(x, 0.2), IMAGE),
    "image.per_image_standardization": (lambda tf, x: tf.image.per_image_standardization(x), IMAGE),
    "image.psnr": (lambda tf, x: tf.image.psnr(x, OTHER, 1.0), IMAGE),
    "image.non_max_suppression": (lambda tf, x: tf.image.non_max_suppression(BOXES, SCORES, 3), None),
    "image.non_max_suppression_with_scores": (
        lambda tf, x: tf.image.non_max_suppression_with_scores(BOXES, SCORES, 5, 1.0, 0.2, 0.5), None),
    "image.non_max_suppression_with_scores that are lowered": (
        lambda tf, x: tf.image.non_max_suppression_with_scores(BOXES, SCORES, 5, 0.1, soft_nms_sigma=0.5), None),
    "image.non_max_suppression_overlaps": (
        lambda tf, x: tf.image.non_max_suppression_overlaps(MATRIX / 5, [0.3, 0.9, 0.5], 3, 0.15), None),
    "image.non_max_suppression_padded": (
        lambda tf, x: tf.image.non_max_suppression_padded(BOXES, SCORES, 4, pad_to_max_output_size=True), None),
    "image.non_max_suppression_padded of several": (
        lambda tf, x: tf.image.non_max_suppression_padded(
            np.stack([BOXES, BOXES]), np.stack([SCORES, SCORES[::-1]]), 4, 0.9, pad_to_max_output_size=True), None),
    "image.combined_non_max_suppression": (per_class, None),
    "signal.mdct": (lambda tf, x: tf.signal.mdct(x, 8), SIGNAL),
    "signal.mdct without a window": (
        lambda tf, x: tf.signal.mdct(x, 8, window_fn=None, pad_end=True, norm="ortho"), SIGNAL),
    "signal.inverse_mdct": (lambda tf, x: tf.signal.inverse_mdct(x), drawn(3, 4)),
    "signal.inverse_mdct without a window": (
        lambda tf, x: tf.signal.inverse_mdct(x, window_fn=None, norm="ortho"), drawn(2, 4)),
    "signal.kaiser_bessel_derived_window": (
        lambda tf, x: tf.signal.kaiser_bessel_derived_window(8, 4.0), None),
    "linalg.tridiagonal_matmul": (
        lambda tf, x: tf.linalg.tridiagonal_matmul(MATRIX, x), drawn(3, 2)),
    "linalg.tridiagonal_matmul of a sequence": (
        lambda tf, x: tf.linalg.tridiagonal_matmul(
            tuple(tf.unstack(x)), tf.constant(drawn_once), diagonals_format="sequence"), MATRIX),
    "linalg.banded_triangular_solve": (
        lambda tf, x: tf.linalg.banded_triangular_solve(x, drawn_once), MATRIX[:2] + 1),
    "linalg.banded_triangular_solve of an upper one": (
        lambda tf, x: tf.linalg.banded_triangular_solve(MATRIX[:2] + 1, x, lower=False, adjoint=True), drawn(3, 2)),
    # The gradient of TensorFlow's is not that of eigenvalues, which the one of ours is.
    "linalg.eigh_tridiagonal": (
        lambda tf, x: tf.linalg.eigh_tridiagonal(MATRIX[0], [0.5, 0.25]), None),
    "linalg.eigh_tridiagonal of some": (
        lambda tf, x: tf.linalg.eigh_tridiagonal(MATRIX[0], [0.5, 0.25], select="i", select_range=(1, 2)), None),
    "linalg.lstsq of several": (
        lambda tf, x: tf.linalg.lstsq(x, MANY[..., 2:]), MANY[..., :2]),
    "linalg.lstsq with a penalty": (
        lambda tf, x: tf.linalg.lstsq(x, MATRIX[:, 1:], l2_regularizer=0.3), MATRIX[:, :2]),
    "linalg.lstsq of few rows with a penalty": (
        lambda tf, x: tf.linalg.lstsq(x, MATRIX[:2], l2_regularizer=0.3), MATRIX[:2]),
    "linalg.sqrtm of several": (lambda tf, x: tf.linalg.sqrtm(x), MANY),
    "math.special.expint": (lambda tf, x: tf.exp(tf.math.special.expint([0.0, 0.1, 1.0, 2.5])), None),
    "linalg.lu_reconstruct": (lambda tf, x: tf.linalg.lu_reconstruct(x, [2, 0, 1]), MATRIX),
    "nn.dilation2d": (
        lambda tf, x: tf.nn.dilation2d(x, drawn_filter, [1, 2, 1, 1], "SAME", "NHWC", [1, 1, 2, 1]), SPREAD),
    "nn.erosion2d": (
        lambda tf, x: tf.nn.erosion2d(x, drawn_filter, [1, 1, 1, 1], "VALID", "NHWC", [1, 1, 1, 1]), SPREAD),
    "nn.depthwise_conv2d_backprop_filter": (
        lambda tf, x: tf.nn.depthwise_conv2d_backprop_filter(
            x, (2, 2, 2, 1), drawn_upstream, [1, 1, 1, 1], "SAME"), SPREAD),
    "nn.depthwise_conv2d_backprop_input": (
        lambda tf, x: tf.nn.depthwise_conv2d_backprop_input(
            (2, 4, 5, 2), x, drawn_upstream, [1, 1, 1, 1], "SAME"), drawn(2, 2, 2, 1)),
    "nn.atrous_conv2d_transpose": (
        lambda tf, x: tf.nn.atrous_conv2d_transpose(x, drawn_kernel, (2, 6, 7, 3), 2, "VALID"), SPREAD),
    "nn.batch_norm_with_global_normalization": (
        lambda tf, x: tf.nn.batch_norm_with_global_normalization(
            x, *map(tf.constant, ([0.1, 0.2], [1.0, 2.0], [0.5, 0.5], [2.0, 3.0])), 0.01, False), SPREAD),
    "nn.isotonic_regression": (
        lambda tf, x: tf.nn.isotonic_regression(x), np.array([[3, 1, 2, 4], [1, 2, 0, 0.5]], "float32")),
    "nn.isotonic_regression upwards": (
        lambda tf, x: tf.nn.isotonic_regression(x, decreasing=False, axis=0)[0], MATRIX),
    "nn.safe_embedding_lookup_sparse": (
        lambda tf, x: tf.nn.safe_embedding_lookup_sparse(x, sparse(tf, [[0, -1, 2], [-1], [1, 1]])), MATRIX),
    "nn.safe_embedding_lookup_sparse with weights": (
        lambda tf, x: tf.nn.safe_embedding_lookup_sparse(
            x, sparse(tf, [[0, -1, 2], [1], [1, 1]]), sparse(tf, [[1, 2, 3], [0], [2, 1]], "float32"),
            "sqrtn", default_id=2), MATRIX),
    "nn.embedding_lookup_sparse with the longest norm": (
        lambda tf, x: tf.nn.embedding_lookup_sparse(
            x, sparse(tf, [[0, 2], [1], [1, 1]]), None, combiner="mean", max_norm=4.0), MATRIX),
    "nn.ctc_greedy_decoder": (
        lambda tf, x: greedy(tf, tf.nn.ctc_greedy_decoder(LOGITS, [5, 4])), None),
    "nn.ctc_unique_labels": (lambda tf, x: tf.nn.ctc_unique_labels(WORDS), None),
    "edit_distance": (
        lambda tf, x: tf.edit_distance(
            sparse(tf, [[1, 2, 3], [4], [1]]), sparse(tf, [[1, 3], [4, 5, 6, 7], [1]])), None),
    "edit_distance of counts": (
        lambda tf, x: tf.edit_distance(sparse(tf, [[1, 2, 3]]), sparse(tf, [[2, 1]]), normalize=False), None),
    "extract_volume_patches": (
        lambda tf, x: tf.extract_volume_patches(x, [1, 2, 2, 2, 1], [1, 1, 2, 1, 1], "VALID"), drawn(1, 2, 4, 3, 2)),
    "fingerprint": (lambda tf, x: tf.fingerprint(WORDS), None),
    "fingerprint of strings": (lambda tf, x: tf.fingerprint(tf.constant(["a", "hello"])), None),
    "required_space_to_batch_paddings": (
        lambda tf, x: tf.required_space_to_batch_paddings([5, 7], [2, 3], [[0, 0], [1, 0]]), None),
    "grad_pass_through": (lambda tf, x: tf.grad_pass_through(tf.round)(x), SIGNAL),
    "sparse.segment_sum": (lambda tf, x: tf.sparse.segment_sum(x, [2, 0, 0], [0, 0, 1]), MATRIX),
    "sparse.segment_mean": (
        lambda tf, x: tf.sparse.segment_mean(x, [2, 0, 0], [0, 0, 2], num_segments=4), MATRIX),
    "sparse.segment_sqrt_n": (lambda tf, x: tf.sparse.segment_sqrt_n(x, [2, 0, 0], [0, 0, 1]), MATRIX),
}  # fmt: skip
drawn_once, drawn_filter, drawn_upstream = drawn(3, 2), drawn(2, 2, 2), drawn(2, 4, 5, 2)
drawn_kernel = drawn(2, 2, 3, 2)
for _name in ("j0", "j1", "y0", "y1", "k0", "k1", "k0e", "k1e"):
    CASES[f"math.special.bessel_{_name}"] = (
        lambda tf, x, name=f"bessel_{_name}": getattr(tf.math.special, name)(x), drawn(3) * 4)  # fmt: skip
for _name in ("dawsn", "spence", "fresnel_sin", "fresnel_cos"):
    CASES[f"math.special.{_name}"] = (
        lambda tf, x, name=_name: getattr(tf.math.special, name)(x), drawn(3))  # fmt: skip


def greedy(tf: Any, decoded: Any) -> Any:
    (labels,), scores = decoded
    return labels.indices, labels.values, labels.dense_shape, scores


def listed(made: Any) -> list[Any]:
    return list(made) if isinstance(made, list | tuple) else [made]


def weighed(tf: Any, made: list[Any]) -> Any:
    floats = [m for m in made if str(m.dtype).strip("<>'").endswith(("float32", "float32'"))]
    weights = [np.arange(1, np.prod(m.shape) + 1, dtype="float32").reshape(m.shape) for m in floats]
    return tf.add_n([tf.reduce_sum(m * w) for m, w in zip(floats, weights, strict=True)])


def asked(tf: Any, name: str, x: Any) -> tuple[list[Any], Any]:
    """Return what a call gives, and the gradient; `None` where it is not asked for."""
    function, _ = CASES[name]
    if x is None:
        return listed(function(tf, None)), None
    with tf.GradientTape() as tape:
        tape.watch(x)
        made = listed(function(tf, x))
        total = weighed(tf, made)
    return made, tf.convert_to_tensor(tape.gradient(total, x))


def main() -> None:
    import tensorflow as tf

    lines = (
        dict(line.split(" = ", 1) for line in VALUES.read_text("utf-8").splitlines())
        if sys.argv[1:]
        else {}
    )
    for name in sys.argv[1:] or CASES:
        x = CASES[name][1]
        made, gradient = asked(tf, name, None if x is None else tf.constant(x))
        arrays = [m.numpy() for m in made] + ([] if gradient is None else [gradient.numpy()])
        noted = [
            [a.dtype.name, a.shape, [float(f"{v:.7g}") for v in a.ravel().tolist()]] for a in arrays
        ]
        lines[name] = json.dumps(noted)
        print(name, [a.shape for a in arrays])
    VALUES.write_text("".join(f"{k} = {lines[k]}\n" for k in CASES if k in lines), "utf-8")


if __name__ == "__main__":
    main()
