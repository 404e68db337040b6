"""Places outside of tensors and divisions by zero, at once and in compiled functions: TensorFlow raises on a CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trivium.compat import active

with active():
    import tensorflow as tf

    errors = tf.errors


@pytest.fixture(autouse=True)
def as_in_a_program() -> Any:
    with active():
        yield


TABLE = np.arange(6.0, dtype="float32").reshape(3, 2)
ONES = np.ones((2, 2), "float32")
SLICES = np.array([0, 3]), np.array([0, 2])
PLACES = np.array([[0], [-1]]), np.array([[0], [2]])
ZERO, SEVEN = np.array([2, 0]), np.array([7, -7])


def looped(n: Any) -> Any:
    return tf.while_loop(
        lambda i, x: i < n, lambda i, x: (i + 1, x + tf.gather(TABLE, i)), [0, ONES[0]]
    )


# A call, what it refuses, what it takes, words of the error, and the class beside InvalidArgumentError.
CASES: dict[str, Any] = {
    "gather": (lambda i: tf.gather(TABLE, i), *SLICES, r"indices\[1\] = 3 is not in \[0, 3\)", ValueError),
    "gather of each": (
        lambda i: tf.gather(TABLE, i, batch_dims=1),
        np.array([[0], [0], [2]]), np.array([[0], [1], [1]]), r"indices\[2,0\] = 2 is not in \[0, 2\)", ValueError,
    ),
    "embedding_lookup": (lambda i: tf.nn.embedding_lookup(TABLE, i), *SLICES, "= 3 is not in", ValueError),
    "gather_nd": (lambda i: tf.gather_nd(TABLE, i), *PLACES, r"\[1\] = \[-1\] is not in the shape", ValueError),
    "part": (lambda i: tf.constant(TABLE)[i], np.array(3), np.array(-3), "index 3 is outside", IndexError),
    "tensor_scatter_nd_update": (
        lambda i: tf.tensor_scatter_nd_update(TABLE, i, ONES), *PLACES, r"update: indices\[1\] = \[-1\]", ValueError,
    ),
    "scatter_nd": (lambda i: tf.scatter_nd(i, ONES, (3, 2)), *PLACES, r"scatter_nd: indices\[1\]", ValueError),
    "unsorted_segment_sum": (
        lambda i: tf.math.unsorted_segment_sum(TABLE, i, 3),
        np.array([0, 3, -1]), np.array([0, 2, -1]), "segment id 3 is not below 3", ValueError,
    ),
    "labels": (
        lambda i: tf.nn.sparse_softmax_cross_entropy_with_logits(i, TABLE[:2]),
        np.array([0, 2]), np.array([0, 1]), r"labels: indices\[1\] = 2", ValueError,
    ),
    "in a loop": (looped, np.array(4), np.array(3), r"indices = 3 is not in", ValueError),
    "in a branch": (
        lambda i: tf.cond(i > 5, lambda: tf.gather(TABLE, i), lambda: tf.gather(TABLE, 0)),
        np.array(6), np.array(5), "indices = 6", ValueError,
    ),
    "//": (lambda i: tf.constant(SEVEN) // i, ZERO, SEVEN, "division by zero", ZeroDivisionError),
    "%": (lambda i: 7 % i, ZERO, SEVEN, "division by zero", ZeroDivisionError),
    "power": (lambda i: tf.pow(SEVEN, i), np.array([1, -1]), ZERO, "negative integer powers", ValueError),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_tensorflow_refuses_at_once_and_compiled(case: str) -> None:
    call, refused, taken, words, python = CASES[case]
    compiled = tf.function(call)
    for function in (call, compiled):
        for wanted in (errors.InvalidArgumentError, python):
            with pytest.raises(wanted, match=words):
                function(tf.constant(refused))
    given = tf.constant(taken)
    np.testing.assert_allclose(compiled(given)[-1], call(given)[-1], rtol=1e-6)
    assert compiled.experimental_get_tracing_count() == 1


def test_variables_keep_what_they_have() -> None:
    for name in ("update", "add", "sub", "mul", "div", "max", "min"):
        v = tf.Variable(TABLE)
        with pytest.raises(errors.InvalidArgumentError, match=rf"scatter_{name}: indices\[1\] = 3"):
            getattr(v, f"scatter_{name}")(tf.IndexedSlices(ONES, SLICES[0]))
        np.testing.assert_array_equal(v, TABLE)
    write = tf.function(lambda i: v.scatter_nd_add(i, ONES))
    with pytest.raises(errors.InvalidArgumentError, match=r"scatter_nd_add: indices\[1\] = \[-1\]"):
        write(tf.constant(PLACES[0]))
    np.testing.assert_array_equal(v, TABLE)
    write(tf.constant(PLACES[1]))
    assert float(v[2, 1]) == 6


def test_what_is_known_to_be_right_leaves_nothing_to_look_at() -> None:
    function = tf.function(lambda x: tf.gather(x, tf.constant([0, 2])) + tf.gather(x, 1) * (7 // 2))
    function(tf.constant(TABLE))
    (traced,) = function._compiled._traced.values()
    assert traced.looks == [] and not traced.calls_back
    never = tf.function(lambda n: tf.cond(n > 0, lambda: 7 // n, lambda: tf.gather([1], [1])[0]))
    assert int(never(tf.constant(2))) == 3
    with pytest.raises(errors.InvalidArgumentError, match=r"indices\[0\] = 1 is not in \[0, 1\)"):
        never(tf.constant(0))


def test_others_that_are_refused_at_once() -> None:
    for call, words in (
        (lambda: tf.math.segment_sum([1.0, 2.0], [1, 0]), "segment ids are not increasing"),
        (lambda: tf.dynamic_partition([1, 2], [0, 2], 2), r"partitions: indices\[1\] = 2"),
        (lambda: tf.math.bincount([1, -1]), "no negative number, got -1"),
        (lambda: tf.gather(TABLE, [[0]], axis=0, batch_dims=1), "batch_dims=1 is more"),
        (lambda: tf.reverse_sequence([[1, 2]], [3], seq_axis=1), r"seq_lengths: indices\[0\] = 3"),
    ):
        with pytest.raises(errors.InvalidArgumentError, match=words):
            call()
    with pytest.raises(errors.OutOfRangeError, match=r"box_indices: indices\[0\] = 2"):
        tf.image.crop_and_resize(tf.ones([2, 3, 3, 1]), [[0.0, 0, 1, 1]], [2], [2, 2])
    with pytest.raises(errors.InternalError) as raised:
        tf.truncatediv(7, tf.constant(0))
    assert isinstance(raised.value, ZeroDivisionError)
    assert (tf.zeros(0, tf.int32) // 0).shape == (0,)
    assert tf.gather([[1, 2, 3], [4, 5, 6]], [[0, 1], [2, 0]], batch_dims=1).numpy().tolist() == [
        [1, 2],
        [6, 4],
    ]
    assert tf.gather_nd(TABLE, tf.zeros([4, 0], tf.int32)).shape == (4, 3, 2)
    assert tf.ragged.constant([], ragged_rank=1, dtype=tf.float32).shape.as_list() == [0, None]
    assert tf.gather_nd([[1, 2, 3], [4, 5, 6]], [[0], [2]], batch_dims=1).numpy().tolist() == [1, 6]
