"""A tour of `tf.nn`: convolutions, pooling, normalization and losses on small arrays."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(5)
images = tf.constant(rng.normal(size=(2, 5, 6, 4)).astype("float32"))
sequence = tf.constant(rng.normal(size=(2, 7, 3)).astype("float32"))
logits = tf.constant(rng.normal(size=(3, 4)).astype("float32"))
labels = tf.constant([[1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 1.0, 0.0]])


def kernel(*shape):
    return tf.constant(rng.normal(size=shape).astype("float32"))


def show(title, *values):
    for value in values:
        value = np.asarray(value, "float64")
        weights = np.cos(np.arange(value.size)).reshape(value.shape)
        print(
            title,
            value.shape,
            np.round(value.ravel()[:4], 4).tolist(),
            round(float((value * weights).sum()), 3),
        )


print("-- convolutions")
show("convolution", tf.nn.convolution(images, kernel(3, 3, 4, 2), strides=2, padding="SAME"))
show("atrous", tf.nn.atrous_conv2d(images, kernel(2, 2, 4, 2), rate=2, padding="VALID"))
show("depthwise", tf.nn.depthwise_conv2d(images, kernel(3, 3, 4, 2), [1, 1, 1, 1], "SAME"))
show(
    "depthwise, holes",
    tf.nn.depthwise_conv2d(images, kernel(2, 2, 4, 1), [1, 1, 1, 1], "VALID", dilations=[2, 2]),
)
show(
    "separable",
    tf.nn.separable_conv2d(images, kernel(3, 3, 4, 1), kernel(1, 1, 4, 5), [1, 2, 2, 1], "SAME"),
)
show("transposed", tf.nn.conv2d_transpose(images, kernel(3, 3, 2, 4), [2, 10, 12, 2], 2, "SAME"))
show(
    "transposed, odd",
    tf.nn.conv2d_transpose(images, kernel(3, 3, 2, 4), [2, 9, 11, 2], [1, 2, 2, 1], "SAME"),
)
show(
    "transposed, valid",
    tf.nn.conv2d_transpose(images, kernel(2, 3, 2, 4), [2, 10, 13, 2], 2, "VALID"),
)
show(
    "transposed, larger",
    tf.nn.conv2d_transpose(images, kernel(2, 2, 2, 4), [2, 11, 13, 2], 2, "VALID"),
)
show(
    "transposed, step 1",
    tf.nn.conv2d_transpose(images, kernel(3, 3, 2, 4), [2, 5, 6, 2], 1, "SAME"),
)
show("transposed, line", tf.nn.conv1d_transpose(sequence, kernel(4, 2, 3), [2, 14, 2], 2, "SAME"))

print("-- pooling and normalization")
show("pool", tf.nn.pool(images, [2, 2], "MAX", strides=[2, 2], padding="SAME"))
show("pool", tf.nn.pool(images, [2, 3], "AVG"))
show(
    "argmax",
    *tf.nn.max_pool_with_argmax(images, 2, 2, "VALID"),
    *tf.nn.max_pool_with_argmax(images, 3, 2, "SAME"),
)
show("crelu", tf.nn.crelu(images))
show(
    "local",
    tf.nn.local_response_normalization(images, depth_radius=1, bias=1.0, alpha=0.5, beta=0.75),
)
show("moments", *tf.nn.weighted_moments(logits, [0], tf.abs(logits) + 0.1))
show("statistics", *tf.nn.normalize_moments(*tf.nn.sufficient_statistics(logits, [0])))

print("-- losses")
show("weighted", tf.nn.weighted_cross_entropy_with_logits(labels, logits, pos_weight=2.0))
show(
    "poisson",
    tf.nn.log_poisson_loss(labels * 3.0, logits),
    tf.nn.log_poisson_loss(labels * 3.0, logits, compute_full_loss=True),
)
show(
    "average",
    tf.nn.compute_average_loss([1.0, 2.0, 3.0], sample_weight=[1.0, 0.0, 2.0], global_batch_size=4),
)
steps = tf.constant(rng.normal(size=(6, 2, 5)).astype("float32"))
words = tf.constant([[1, 2, 2], [3, 4, 0]])
show("ctc", tf.nn.ctc_loss(words, steps, [3, 2], [6, 5]))
show(
    "ctc",
    tf.nn.ctc_loss(
        words - 1,
        tf.transpose(steps, [1, 0, 2]),
        [2, 1],
        [6, 6],
        logits_time_major=False,
        blank_index=-1,
    ),
)
show("repeated", *tf.nn.collapse_repeated([[1, 1, 2, 2], [3, 3, 3, 1]], [4, 3]))
