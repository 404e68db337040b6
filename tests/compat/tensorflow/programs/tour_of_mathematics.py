"""A tour of the mathematics: what each function makes of a few numbers."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(3)
a = tf.constant(rng.uniform(0.5, 3.0, size=(2, 3)).astype("float32"))
b = tf.constant(rng.uniform(0.5, 3.0, size=(2, 3)).astype("float32"))
signed = tf.constant([[-1.5, 0.0, 2.0], [0.5, -0.25, 0.0]])
whole = tf.constant([7, -7, 12])
unit = tf.constant([0.1, 0.5, 0.9])
spd = tf.constant([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]])


def show(title, *values):
    for value in values:
        print(title, np.round(np.asarray(value, "float64"), 4).tolist())


print("-- special functions")
for name in (
    "lgamma",
    "digamma",
    "bessel_i0e",
    "bessel_i1",
    "lbeta",
    "reciprocal_no_nan",
):
    show(name, getattr(tf.math, name)(a))
for name in (
    "igamma",
    "xlogy",
    "xdivy",
    "multiply_no_nan",
):
    show(name, getattr(tf.math, name)(a, b))
show("zeta, polygamma", tf.math.zeta(a + 1.0, b), tf.math.polygamma(1.0, a))
show(
    "ndtri, erfcinv, betainc",
    tf.math.ndtri(unit),
    tf.math.erfcinv(unit),
    tf.math.betainc(2.0, 3.0, unit),
)
show("expint", tf.math.special.expint(unit))
show("polyval", tf.math.polyval([2.0, 1.0, -1.0], unit))
show("whole numbers", tf.truncatediv(whole, 5), tf.truncatemod(whole, 5), whole // 5, whole % 5)
show(
    "bits",
    *(
        f(whole, tf.constant([3, 5, 6]))
        for f in (tf.bitwise.bitwise_and, tf.bitwise.bitwise_or, tf.bitwise.bitwise_xor)
    ),
)
show("complex", tf.math.real(tf.complex(a, b)), tf.abs(tf.complex(a, b)))

print("-- along an axis")
show(
    "cumulative_logsumexp",
    tf.math.cumulative_logsumexp(a, axis=1),
    tf.math.cumulative_logsumexp(a, axis=1, reverse=True),
)
show(
    "order",
    tf.math.invert_permutation([2, 0, 1]),
    tf.math.is_non_decreasing(unit),
    tf.math.is_strictly_increasing(whole),
)
segments = tf.constant([0, 1, 0, 2])
rows = tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
show(
    "segments",
    tf.math.segment_mean(rows, [0, 0, 1, 2]),
    tf.math.unsorted_segment_mean(rows, segments, 4),
)
show("segments", tf.math.unsorted_segment_sqrt_n(rows, segments, 3))
show("histogram", tf.histogram_fixed_width([-1.0, 0.0, 1.5, 2.0, 5.0, 15.0], [0.0, 5.0], nbins=5))

print("-- arrays")
show("unique", *tf.unique([3, 1, 3, 2, 1]), *tf.unique_with_counts([3, 1, 3, 2, 1]))
show(
    "slices",
    tf.strided_slice(rows, [1, 0], [4, 2], [2, 1]),
    tf.strided_slice(rows, [0, 1], [4, 2], shrink_axis_mask=2),
)
show("reverse", tf.reverse_sequence(rows, [2, 1, 2, 1], seq_axis=1, batch_axis=0))
show("stitch", tf.dynamic_stitch([[0, 2], [1, 3]], [rows[:2], rows[2:]]))
images = tf.reshape(tf.range(16.0), (1, 4, 4, 1))
blocks = tf.space_to_batch(images, [2, 2], [[0, 0], [0, 0]])
show("blocks", blocks, tf.batch_to_space(blocks, [2, 2], [[0, 1], [1, 0]]))

print("-- linear algebra")
show("cholesky_solve", tf.linalg.cholesky_solve(tf.linalg.cholesky(spd), tf.ones((3, 1))))
lu, p = tf.linalg.lu(spd)
show("lu", lu, p, tf.linalg.lu_solve(lu, p, tf.ones((3, 1))), tf.linalg.lu_matrix_inverse(lu, p))
show("eigen", tf.linalg.eigvalsh(spd), tf.linalg.matrix_rank(spd))
show(
    "diagonals",
    tf.linalg.set_diag(spd, [1.0, 2.0, 3.0]),
    tf.linalg.set_diag(a, [9.0, 8.0]),
    tf.linalg.set_diag(rows, [9.0, 8.0]),
)
show(
    "tensors",
    tf.linalg.tensor_diag([1.0, 2.0]),
    tf.linalg.tensor_diag_part(spd),
    tf.linalg.adjoint(a),
)
show(
    "tridiagonal",
    tf.linalg.tridiagonal_solve(
        tf.constant([[1.0, 1.0, 0.0], [4.0, 4.0, 4.0], [0.0, 1.0, 1.0]]),
        tf.constant([1.0, 2.0, 3.0]),
    ),
)

print("-- loops")
show("scan", tf.scan(lambda total, x: total + x, tf.range(1.0, 6.0)))
show(
    "scan back",
    tf.scan(lambda total, x: total * 0.5 + x, rows, initializer=tf.zeros(2), reverse=True),
)
show(
    "folds",
    tf.foldl(lambda total, x: total - x, tf.range(1.0, 6.0)),
    tf.foldr(lambda total, x: total - x, tf.range(1.0, 6.0)),
)
show(
    "switch",
    *(
        tf.switch_case(tf.constant(i), [lambda: tf.constant(10), lambda: tf.constant(20)])
        for i in (0, 1, 5)
    ),
)
show(
    "switch by number",
    tf.switch_case(
        tf.constant(7),
        {1: lambda: tf.constant(30), 0: lambda: tf.constant(70)},
        default=lambda: tf.constant(0),
    ),
)
show(
    "case",
    tf.case(
        [(tf.constant(False), lambda: tf.constant(1)), (tf.constant(True), lambda: tf.constant(2))],
        default=lambda: tf.constant(3),
    ),
)
