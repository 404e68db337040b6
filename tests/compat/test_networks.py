"""`tf.nn` against what TensorFlow 2.21 gives, recorded or by the definition, and what it cannot do, refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trivium.compat import NotCovered, active

with active():
    import tensorflow as tf

    nn, gather, fill = tf.nn, tf.gather, tf.fill
    reduce_mean, segment_max = tf.reduce_mean, tf.math.unsorted_segment_max

X = np.arange(24, dtype="float32").reshape(1, 2, 2, 6)
IMAGE = np.sin(np.arange(2 * 5 * 6 * 4, dtype="float32")).reshape(2, 5, 6, 4)
ROWS = IMAGE[0, :, :3, 0]
KERNEL = np.ones((2, 2, 4, 1), "float32")
GROUPS = X.reshape(1, 2, 2, 2, 3)
BIAS = np.arange(4, dtype="float32")

VALUES: dict[str, tuple[Any, Any]] = {
    "max_pool over channels": (lambda: nn.max_pool(X, (1, 1, 1, 3), (1, 1, 1, 3), "VALID"), GROUPS.max(-1)),
    "max_pool over channels, same": (lambda: nn.max_pool(X, (1, 1, 1, 3), (1, 1, 1, 3), "SAME"), GROUPS.max(-1)),
    "max_pool2d over channels": (lambda: nn.max_pool2d(X, [1, 1, 1, 3], [1, 1, 1, 3], "VALID"), GROUPS.max(-1)),
    "max_pool1d over channels": (lambda: nn.max_pool1d(X[:, 0], [1, 1, 2], [1, 1, 2], "VALID"), X[:, 0, :, 1::2]),
    # TensorFlow 2.21 gives an array of shape (1, 0, 0, 2) here, which is nothing's mean.
    "avg_pool over channels": (lambda: nn.avg_pool(X, (1, 1, 1, 3), (1, 1, 1, 3), "VALID"), GROUPS.mean(-1)),
    "max_pool, all four numbers": (lambda: nn.max_pool(X, [1, 2, 1, 1], [1, 1, 2, 1], "VALID"), X[:, 1:, :1]),
    "max_pool, one number": (lambda: nn.max_pool(X, 2, 2, "VALID"), X[:, 1:, 1:]),
    "avg_pool, two numbers": (lambda: nn.avg_pool(X, (2, 1), (1, 1), "VALID"), X.mean(1, keepdims=True)),
    "conv2d, strides": (lambda: nn.conv2d(IMAGE, KERNEL, [1, 5, 4, 1], "VALID")[0, 0, 0, 0], IMAGE[0, :2, :2].sum()),
    "conv2d, dilations": (lambda: nn.conv2d(IMAGE, KERNEL, 1, "VALID", dilations=[1, 3, 4, 1])[0, 0, 0, 0],
                          IMAGE[0, [0, 0, 3, 3], [0, 4, 0, 4]].sum()),
    "softmax of no axis": (lambda: nn.softmax(np.zeros((2, 4), "float32"), axis=None), np.full((2, 4), 0.25)),
    "log_softmax of no axis": (lambda: nn.log_softmax(np.zeros((2, 4), "float32")), np.full((2, 4), -1.3862944)),
    "batch_normalization, any axis": (
        lambda: nn.batch_normalization(IMAGE, IMAGE.mean((0, 2, 3), keepdims=True), 1.0, None, 2.0, 0.0),
        2 * (IMAGE - IMAGE.mean((0, 2, 3), keepdims=True))),
    "bias_add": (lambda: nn.bias_add(IMAGE, BIAS, "NHWC"), IMAGE + BIAS),
    "bias_add, channels first": (lambda: nn.bias_add(IMAGE, np.ones(5, "float32"), data_format="NCHW"), IMAGE + 1),
    "moments": (lambda: nn.moments(IMAGE, [0, 1, 2])[1], IMAGE.var((0, 1, 2))),
    "embedding_lookup": (lambda: nn.embedding_lookup(ROWS, [[4, 0]]), ROWS[[[4, 0]]]),
    "top_k of ties": (lambda: nn.top_k([1.0, 2.0, 2.0, 1.0], 3).indices, [1, 2, 0]),
    "l2_normalize of zeros": (lambda: nn.l2_normalize(np.zeros((2, 3), "float32"), 1), np.zeros((2, 3))),
    "reduce_mean of whole numbers": (lambda: reduce_mean([1, 2]), 1),
    "reduce_mean of negative ones": (lambda: reduce_mean([-1, -2]), -1),
    "fill with a whole number": (lambda: str(fill([2], 3).dtype), "int32"),
    "a segment without members": (lambda: segment_max([1.0, 2.0], [0, 0], 2), [2.0, np.finfo("float32").min]),
}  # fmt: skip


@pytest.mark.parametrize("case", VALUES)
def test_value(case: str) -> None:
    came, wanted = VALUES[case]
    if isinstance(wanted, str):
        assert came() == wanted
    else:
        assert np.shape(came()) == np.shape(wanted)
        np.testing.assert_allclose(came(), wanted, rtol=1e-5, atol=1e-5)


REFUSED: dict[str, Any] = {
    "channels that overlap": lambda: nn.max_pool(X, (1, 1, 1, 3), (1, 1, 1, 2), "VALID"),
    "channels that do not divide": lambda: nn.max_pool(X, (1, 1, 1, 4), (1, 1, 1, 4), "VALID"),
    "channels and space": lambda: nn.max_pool(X, (1, 2, 1, 3), (1, 1, 1, 3), "VALID"),
    "a stride over channels": lambda: nn.avg_pool(X, (1, 1, 1, 1), (1, 1, 1, 2), "VALID"),
    "a window over the batch": lambda: nn.max_pool(IMAGE, (2, 1, 1, 1), (2, 1, 1, 1), "VALID"),
    "a stride over the batch": lambda: nn.avg_pool(IMAGE, (1, 2, 2, 1), (2, 1, 1, 1), "VALID"),
    "another rank": lambda: nn.max_pool2d(IMAGE[0], 2, 2, "VALID"),
    "too many numbers": lambda: nn.max_pool2d(IMAGE, (1, 1, 2, 2, 1), 2, "VALID"),
    "channels first": lambda: nn.max_pool(IMAGE, 2, 2, "VALID", data_format="NCHW"),
    "explicit padding": lambda: nn.max_pool(IMAGE, 2, 2, [[0, 0], [1, 0], [0, 1], [0, 0]]),
    "conv: batch stride": lambda: nn.conv2d(IMAGE, KERNEL, [2, 1, 1, 1], "VALID"),
    "conv: channel stride": lambda: nn.conv2d(IMAGE, KERNEL, [1, 1, 1, 2], "VALID"),
    "conv: channel dilation": lambda: nn.conv2d(IMAGE, KERNEL, 1, "VALID", dilations=[1, 2, 1, 2]),
    "conv: another rank": lambda: nn.conv2d(IMAGE[0], KERNEL, 1, "VALID"),
    "a bias that broadcasts": lambda: nn.bias_add(IMAGE, np.ones(1, "float32")),
    "a bias of rank 4": lambda: nn.bias_add(IMAGE, IMAGE),
    "a rate of 1": lambda: nn.dropout(ROWS, 1.0),
    "dropout of whole numbers": lambda: nn.dropout(np.array([1, 2]), 0.5),
    "an index outside": lambda: nn.embedding_lookup(ROWS, [0, 7]),
    "a negative index": lambda: gather(ROWS, [0, -1]),
    "a label outside": lambda: nn.sparse_softmax_cross_entropy_with_logits(labels=[9], logits=ROWS[:1]),
    "max_norm": lambda: nn.embedding_lookup(ROWS, [0], max_norm=1.0),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_it_cannot_do_is_refused(case: str) -> None:
    with pytest.raises((NotCovered, ValueError), match=r"tf\.(nn\.|gather)"):
        REFUSED[case]()
